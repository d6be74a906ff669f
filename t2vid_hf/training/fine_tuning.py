"""A training run from its arguments: load, mix, hold to limits, plan, train, record. `t2vid train` is this.

Rows are priced, limits applied and sequences planned once, here; the trainer is given the results.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
from rich.console import Console

from t2vid_hf.batches.row_limits import apply_limits
from t2vid_hf.batches.token_cost import Prices, TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.evaluation_rows import evaluation_mixture
from t2vid_hf.mixtures.first_media import open_one_of_each
from t2vid_hf.mixtures.mixing import Mixture, load_mixture
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.models.loading import load_processor
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.checkpoints import asked_for, read_record
from t2vid_hf.training.epoch_plan import plan_epoch
from t2vid_hf.training.loaded_model import check_loads, choose_lora, load_model
from t2vid_hf.training.model_parts import show_parts, what_trains
from t2vid_hf.training.output_folder import clear, open_output
from t2vid_hf.training.rehearsal import rehearse
from t2vid_hf.training.rows_taken import check_resumable
from t2vid_hf.training.run_facts import rows_mixed
from t2vid_hf.training.run_record import digest_of, show_mixture, summarize, write_recipe
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.trainer import T2VidSFTTrainer
from t2vid_hf.training.trial import dry_run
from t2vid_hf.training.video_setup import set_up


def fine_tune(
    recipe: RecipeArguments,
    config: T2VidSFTConfig,
    *,
    mixture: Mixture | None = None,
    prices: Prices | None = None,
    callbacks: Callable[[T2VidSFTTrainer], list[Any]] | None = None,
) -> None:
    """Train what a recipe says, or with `dry_run` tell what it would take.

    Args:
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): What trains: model, mixture, adapter.
        config ([`T2VidSFTConfig`]): The trainer's configuration.
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`], *optional*): Its rows, mixed already; `None` mixes what the
            recipe says.
        prices ([`~t2vid_hf.batches.token_cost.Prices`], *optional*): What they cost, held to limits already; `None`
            prices them and holds them to the limits.
        callbacks (`Callable[[T2VidSFTTrainer], list]`, *optional*): What makes callbacks for the trainer, such as one
            that asks it questions; `None` adds none.

    Raises:
        [`~t2vid_hf.errors.InputError`]: what was given cannot be trained, `output_dir` holds another run, or the
            checkpoint of `resume_from_checkpoint` is of another.
    """
    if config.shuffle_dataset:
        raise InputError("shuffle_dataset: a recipe's rows are shuffled by mixture_seed; leave it out")
    # a wrong mixture ends here, before a model is loaded
    parts = recipe.parts() if mixture is None else [part for part, _ in mixture.parts]
    lacking = rehearse(config)
    if lacking and not recipe.dry_run:
        raise InputError(lacking[0])
    show = print if config.process_index == 0 else str
    resumes = asked_for(config.resume_from_checkpoint) is not None
    checkpoint = open_output(recipe, config, show=show) if resumes or not recipe.dry_run else None
    record = None if checkpoint is None else read_record(checkpoint)
    if checkpoint is not None and record is not None:
        check_resumable(config, record, checkpoint, recipe=recipe, show=show)
    check_evaluates(recipe, config, parts)
    attention = check_loads(recipe, config)
    datasets.disable_progress_bars()
    processor, adapter = load_processor(recipe.model_name_or_path, revision=recipe.model_revision)
    set_up(processor, adapter, config)  # what the family cannot do ends here, before rows are read

    def count_tokens(text: str) -> int:
        return len(processor.tokenizer(text)["input_ids"])

    if mixture is None:
        mixture = load_mixture(parts, seed=recipe.mixture_seed, count_tokens=count_tokens, eval_share=recipe.eval_share)
    set_up(processor, adapter, config, mixture.undecoded)
    cost = TokenCost(processor, adapter, policy=config.video_policy(), on_bad_row=config.on_bad_row)
    evaluation, eval_prices = evaluation_mixture(mixture, count_tokens=count_tokens), None
    if evaluation is not None:
        evaluation, eval_prices = hold_to_limits(evaluation, cost, config)
    if prices is None:
        mixture, prices = hold_to_limits(mixture, cost, config)
    # Without packing it is what packing would be, for the summary.
    plan = plan_epoch(config, prices, planned_ranks=None if record is None else record["planned_ranks"])
    summary = summarize(mixture, prices, plan, config)
    if config.process_index == 0:
        show_mixture(mixture, summary, evaluation=evaluation)
    open_one_of_each(mixture, on_bad_row=config.on_bad_row)
    model = load_model(recipe, attention)  # behind all that rows can be refused for: weights take minutes
    adapter.configure_model(model.config)
    peft_config = choose_lora(model, adapter, recipe, config)
    packing_plan = plan if config.packing else None
    if recipe.dry_run:
        dry_run(
            model, processor, adapter, recipe, config,
            peft_config=peft_config, prices=prices, packing_plan=packing_plan,
        )  # fmt: skip
        return
    trainer = T2VidSFTTrainer(
        model,
        args=config,
        train_dataset=mixture.undecoded,
        processing_class=processor,
        prices=prices,
        packing_plan=packing_plan,
        peft_config=peft_config,
        eval_dataset=None if evaluation is None else evaluation.dataset,
        eval_prices=eval_prices,
    )
    trainer.facts.revision = recipe.model_revision
    trainer.facts.of_recipe = {"mixture": rows_mixed(mixture), "cost": summary}
    if config.process_index == 0:
        show_parts(what_trains(trainer.model, adapter.parts), Console().print)
    for callback in callbacks(trainer) if callbacks is not None else []:
        trainer.add_callback(callback)
    trainer.rows_taken.recipe, trainer.rows_taken.recipe_rows = recipe, digest_of(mixture)
    config.distributed_state.wait_for_everyone()  # every rank has looked at the folder
    if trainer.is_world_process_zero():
        if recipe.overwrite_output_dir:
            clear(Path(config.output_dir))
        write_recipe(Path(config.output_dir), recipe, config)
    trainer.train(False if checkpoint is None else str(checkpoint))
    if evaluation is not None:
        trainer.facts.of_recipe["evaluation"] = {"rows": rows_mixed(evaluation), "losses": last_losses(trainer)}
    trainer.save_state()  # trainer_state.json, with the loss curve
    if trainer.is_world_process_zero():
        write_recipe(Path(config.output_dir), recipe, config)
    # Weights, or the adapter alone, the processor and run.json; with push_to_hub, published with their card.
    trainer.save_model()


def check_evaluates(recipe: RecipeArguments, config: T2VidSFTConfig, parts: Sequence[MixturePart]) -> None:
    """Refuse to evaluate on nothing.

    Args:
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): May hold rows out.
        config ([`T2VidSFTConfig`]): May evaluate.
        parts (`Sequence[MixturePart]`): May have splits to evaluate on.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it evaluates, and there are no rows for it.
    """
    asked = config.eval_strategy != "no" or config.eval_on_start or config.load_best_model_at_end
    if asked and not recipe.eval_share and all(part.eval_split is None for part in parts):
        raise InputError("the run evaluates (eval_strategy), and no rows are for it; give eval_share, or a part of the "
                         "mixture an eval_split")  # fmt: skip


def last_losses(trainer: T2VidSFTTrainer) -> dict[str, float]:
    """What the trained model scores on the rows that it did not see: what was logged last, or else a new evaluation.

    Args:
        trainer ([`T2VidSFTTrainer`]): Has trained.

    Returns:
        `dict[str, float]`: `eval_loss` and `eval_loss/<source>`.
    """
    logged = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
    # The best model may be an earlier one.
    current = logged and logged[-1]["step"] == trainer.state.global_step and not trainer.args.load_best_model_at_end
    found = logged[-1] if current else trainer.evaluate()
    return {name: value for name, value in found.items() if name.startswith("eval_loss")}


def hold_to_limits(mixture: Mixture, cost: TokenCost, config: T2VidSFTConfig) -> tuple[Mixture, Prices]:
    """Hold a mixture to `max_length` and `max_images`, and price its rows.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows.
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): What prices them.
        config ([`T2VidSFTConfig`]): The trainer's configuration. Without `max_length` the longest row is the limit.

    Returns:
        `tuple[Mixture, Prices]`: the rows that are left, and what each of them costs.
    """
    prices = cost.prices(mixture)
    longest = config.max_length or int(prices.tokens.max())
    # Until none is above: of few frames Qwen3-VL shows each larger, so that a thinned row may still be too long.
    while (kept := apply_limits(mixture, prices, max_tokens=longest, max_images=config.max_images)) is not mixture:
        mixture, prices = kept, _price_anew(cost, mixture, prices, kept)
    return mixture, prices


def _price_anew(cost: TokenCost, mixture: Mixture, prices: Prices, kept: Mixture) -> Prices:
    """Prices of what limits have left of a mixture: only the rows that take fewer frames are priced again."""
    before = {pick: row for row, pick in enumerate(mixture.picks)}
    changed = replace(kept, picks=tuple(pick for pick in kept.picks if pick not in before))
    rows = {**before, **{pick: len(before) + row for row, pick in enumerate(changed.picks)}}
    return prices.joined(cost.prices(changed)).taken([rows[pick] for pick in kept.picks])
