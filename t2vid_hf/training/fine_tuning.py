"""A training run from its arguments: load, mix, hold to limits, plan, train, record. `t2vid train` is this.

Rows are priced, limits applied and sequences planned once, here; the trainer is given the results.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
from peft import LoraConfig, get_peft_model
from rich.console import Console

from t2vid_hf._optional import require
from t2vid_hf.batches.packing import PackingPlan
from t2vid_hf.batches.row_limits import apply_limits
from t2vid_hf.batches.token_cost import Prices, TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import Mixture, load_mixture
from t2vid_hf.models import Adapter
from t2vid_hf.models.attention import resolve_attention
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.models.trained_with import record
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.collator import record_parts, set_up
from t2vid_hf.training.epoch_plan import plan_epoch
from t2vid_hf.training.memory import largest_step
from t2vid_hf.training.model_parts import show_parts, what_trains
from t2vid_hf.training.run_record import show_mixture, summarize, write_record
from t2vid_hf.training.sft_config import T2VidSFTConfig
from t2vid_hf.training.trainer import T2VidSFTTrainer
from t2vid_hf.training.tuning import freeze, freeze_unused, lora_config, quantization_config


def fine_tune(
    recipe: RecipeArguments,
    config: T2VidSFTConfig,
    *,
    callbacks: Callable[[T2VidSFTTrainer], list[Any]] | None = None,
) -> None:
    """Train what a recipe says, or with `dry_run` tell what it would take.

    Args:
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): What trains: model, mixture, adapter.
        config ([`T2VidSFTConfig`]): The trainer's configuration.
        callbacks (`Callable[[T2VidSFTTrainer], list]`, *optional*): What makes callbacks for the trainer, such as one
            that asks it questions; `None` adds none.

    Raises:
        [`~t2vid_hf.errors.InputError`]: what was given cannot be trained.
    """
    parts = recipe.parts()  # a wrong mixture ends here, before a model is loaded
    datasets.disable_progress_bars()
    model, processor, adapter = load_model(recipe, config)
    record(processor, parts=False)  # of an earlier run, whose checkpoint this is
    set_up(processor, adapter, config)
    adapter.configure_model(model.config)
    mixture = load_mixture(
        parts,
        seed=recipe.mixture_seed,
        count_tokens=lambda text: len(processor.tokenizer(text)["input_ids"]),
    )
    record_parts(processor, adapter, config, mixture)
    mixture, prices = hold_to_limits(mixture, TokenCost(processor, adapter, policy=config.video_policy()), config)
    plan = plan_epoch(config, prices)  # without packing it is what packing would be, for the summary
    summary = summarize(mixture, prices, plan, config)
    if config.process_index == 0:
        show_mixture(mixture, summary)
    peft_config = choose_lora(model, adapter, recipe, config)
    packing_plan = plan if config.packing else None
    if recipe.dry_run:
        dry_run(model, processor, adapter, config, peft_config=peft_config, prices=prices, packing_plan=packing_plan)
        return
    trainer = T2VidSFTTrainer(
        model,
        args=config,
        train_dataset=mixture.dataset,
        processing_class=processor,
        prices=prices,
        packing_plan=packing_plan,
        peft_config=peft_config,
    )
    sizes = what_trains(trainer.model, adapter.parts)
    if config.process_index == 0:
        show_parts(sizes, Console().print)
    for callback in callbacks(trainer) if callbacks is not None else []:
        trainer.add_callback(callback)
    trainer.train()
    trainer.save_model()  # weights, or the adapter alone, and the processor
    trainer.save_state()  # trainer_state.json, with the loss curve
    if trainer.is_world_process_zero():
        write_record(Path(config.output_dir), recipe, config, mixture=mixture, summary=summary, sizes=sizes)


def load_model(recipe: RecipeArguments, config: T2VidSFTConfig) -> tuple[Any, Any, Adapter]:
    """Load the model that a recipe names, and its processor.

    Args:
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): The model's name, and how it is loaded. In a dry run
            its weights stay on `meta`.
        config ([`T2VidSFTConfig`]): The trainer's configuration.

    Returns:
        `tuple[PreTrainedModel, ProcessorMixin, Adapter]`: the model, its processor, and the adapter of its family.

    Raises:
        [`~t2vid_hf.errors.InputError`]: 4 bits without `bf16` or bitsandbytes, or a checkpoint that cannot be loaded.
    """
    attention = resolve_attention(recipe.attn_implementation, show=print if config.process_index == 0 else str)
    if recipe.load_in_4bit:
        if not config.bf16:  # TRL keeps what trains over 4 bits in bfloat16, and without autocast the two do not mix
            raise InputError("load_in_4bit: needs bf16 as well; set bf16: true")
        require("bitsandbytes", extra="gpu")
    return load_checkpoint(
        recipe.model_name_or_path,
        revision=recipe.model_revision,
        # 4 bits are counted as they are loaded
        weights=recipe.load_in_4bit or not recipe.dry_run,
        quantization=quantization_config if recipe.load_in_4bit else None,
        dtype=recipe.dtype,
        attn_implementation=attention,
    )


def hold_to_limits(mixture: Mixture, cost: TokenCost, config: T2VidSFTConfig) -> tuple[Mixture, Prices]:
    """Hold a mixture to `max_length` and `max_images`, and price its rows.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows.
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): What prices them.
        config ([`T2VidSFTConfig`]): The trainer's configuration. Without `max_length` the longest row is the limit.

    Returns:
        `tuple[Mixture, Prices]`: the rows that are left, and what each of them costs.
    """
    prices = price_mixture(mixture, cost)
    longest = config.max_length or int(prices.tokens.max())
    kept = apply_limits(mixture, prices, max_tokens=longest, max_images=config.max_images)
    return kept, prices if kept is mixture else price_mixture(kept, cost)


def price_mixture(mixture: Mixture, cost: TokenCost) -> Prices:
    """Price the rows of a mixture; their media are looked at only where prices depend on them.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows.
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): What prices them.
    """
    light = mixture.light
    if any(cost.measuring.needed(row) for row in light):
        light = mixture.measured(cost.measuring.facts)
    return cost.prices(light)


def choose_lora(model: Any, adapter: Adapter, recipe: RecipeArguments, config: T2VidSFTConfig) -> LoraConfig | None:
    """What PEFT adds to the model; `None` where the recipe is without LoRA.

    Args:
        model ([`~transformers.PreTrainedModel`]): The base model.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): `lora`, and what goes with it.
        config ([`T2VidSFTConfig`]): The trainer's configuration: the parts that train in full.
    """
    if not recipe.lora:
        return None
    return lora_config(
        model,
        adapter.parts,
        r=recipe.lora_r,
        alpha=recipe.lora_alpha,
        dropout=recipe.lora_dropout,
        tune_vision=config.tune_vision,
        tune_connector=config.tune_connector,
    )


def dry_run(
    model: Any,
    processor: Any,
    adapter: Adapter,
    config: T2VidSFTConfig,
    *,
    peft_config: LoraConfig | None,
    prices: Prices,
    packing_plan: PackingPlan | None,
) -> None:
    """Print what would train, and what its largest batch would take of each device.

    Args:
        model ([`~transformers.PreTrainedModel`]): The base model; its weights may be on `meta`.
        processor ([`~transformers.ProcessorMixin`]): The model's processor, configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        config ([`T2VidSFTConfig`]): The trainer's configuration.
        peft_config ([`~peft.LoraConfig`] or `None`): What PEFT would add to the model.
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost.
        packing_plan ([`~t2vid_hf.batches.packing.PackingPlan`] or `None`): Which rows would share a sequence; `None`
            without `packing`.
    """
    if peft_config is None:
        tuned = {"vision": config.tune_vision, "connector": config.tune_connector, "language": config.tune_llm}
        freeze(model, adapter.parts, **tuned)
    else:
        model = get_peft_model(model, peft_config)
        freeze_unused(model, adapter.parts)
    step = largest_step(model, adapter, processor, config, prices=prices, packing_plan=packing_plan)
    if config.process_index == 0:
        show_parts(what_trains(model, adapter.parts), Console().print)
        print(
            f"each of {config.world_size} devices, at {step.tokens:,} tokens and {step.images} images: {step.memory} "
            f"(an estimate)"
        )
