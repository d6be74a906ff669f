"""Fine-tune a vision-language model on a mixture of pages, video and text.

    accelerate launch recipes/sft.py --config recipes/debug/sft_cpu.yaml

Options on the command line win over the YAML file: --model_name_or_path my/checkpoint --learning_rate 1e-5. With
--dry_run the rows are mixed and priced and the model is built without its weights: what a run would take, in seconds.
"""

import json
import math
import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import datasets
import yaml
from peft import LoraConfig, get_peft_model
from rich.console import Console
from rich.table import Table

from t2vid_hf._optional import require
from t2vid_hf.data.mixture import Mixture, fit, load_mixture
from t2vid_hf.data.packing import PackingPlan, plan
from t2vid_hf.data.token_cost import Prices, TokenCost
from t2vid_hf.errors import InputError, one_line_errors, unknown
from t2vid_hf.evaluation.benchmarks import BENCHMARKS
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.metrics.answers import extract_choice
from t2vid_hf.models import Adapter
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer
from t2vid_hf.training.arguments import RecipeArguments, parse
from t2vid_hf.training.attention import resolve_attention
from t2vid_hf.training.generation_callback import GenerationCallback
from t2vid_hf.training.memory import estimated_memory, largest_batch, patches_of_image
from t2vid_hf.training.model_parts import show_parts, what_trains
from t2vid_hf.training.tuning import freeze, freeze_unused, lora_config, quantization_config, train_in_float32

REPORTED = (
    "num_train_epochs",
    "learning_rate",
    "lr_scheduler_type",
    "weight_decay",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "num_frames",
    "max_length",
    "packing",
    "labels",
    "seed",
)
VERSIONS = ("t2vid-hf", "transformers", "trl", "peft", "datasets", "accelerate", "torch", "Pillow")


def main() -> None:
    recipe, config = parse()
    parts = recipe.parts()  # a wrong mixture ends here, before a model is loaded
    datasets.disable_progress_bars()
    model, processor, adapter = load_model(recipe, config)
    adapter.configure(processor)
    adapter.configure_model(model.config)
    adaptation = lora(model, adapter, recipe, config)
    mixture = load_mixture(
        parts,
        seed=recipe.mixture_seed,
        count_tokens=lambda text: len(processor.tokenizer(text)["input_ids"]),
    )
    mixture, prices = fitted(mixture, TokenCost(processor, adapter, num_frames=config.num_frames), recipe, config)
    planned = plan_of_bins(prices, config)
    summary = summarize(prices, planned, mixture, config)
    if config.process_index == 0:
        show(mixture, summary)
    if recipe.dry_run:
        dry_run(model, processor, adapter, adaptation, prices, planned, config)
        return
    trainer = T2VidSFTTrainer(
        model,
        args=config,
        train_dataset=mixture.dataset,
        processing_class=processor,
        prices=prices,
        peft_config=adaptation,
    )
    sizes = what_trains(trainer.model, adapter.parts)
    if config.process_index == 0:
        show_parts(sizes, Console().print)
    if recipe.ask_dataset:
        trainer.add_callback(asking(trainer, recipe, config))
    trainer.train()
    trainer.save_model()  # weights, or the adapter alone, and the processor
    trainer.save_state()  # trainer_state.json, with the loss curve
    if trainer.is_world_process_zero():
        counts = {"parameters": sum(size.total for size in sizes), "trained": {s.part: s.trainable for s in sizes}}
        write_records(Path(config.output_dir), recipe, config, mixture, summary, counts)


def load_model(recipe: RecipeArguments, config: T2VidSFTConfig):
    """The model, its processor and its adapter."""
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


def lora(model, adapter: Adapter, recipe: RecipeArguments, config: T2VidSFTConfig) -> LoraConfig | None:
    """What PEFT adds to the model, if it does."""
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


def fitted(
    mixture: Mixture, cost: TokenCost, recipe: RecipeArguments, config: T2VidSFTConfig
) -> tuple[Mixture, Prices]:
    """The mixture within `max_length`, and what each of its rows costs."""
    prices = cost.prices(mixture.light)
    longest = config.max_length or int(prices.tokens.max())
    kept, done = fit(mixture, prices, max_tokens=longest, num_ranks=config.world_size, seed=recipe.mixture_seed)
    # Only where rows were dropped or thinned has a price changed.
    return kept, cost.prices(kept.light) if done.dropped or done.thinned else prices


def plan_of_bins(prices: Prices, config: T2VidSFTConfig) -> PackingPlan:
    """The packing plan of the first epoch, as the trainer makes it; without `packing`, what it would be."""
    return plan(
        prices,
        max_tokens=config.max_length or int(prices.tokens.max()),
        max_images=config.max_images,
        num_ranks=config.world_size,
        bins_per_step=config.per_device_train_batch_size * config.gradient_accumulation_steps,
        seed=config.seed if config.data_seed is None else config.data_seed,
    )


def summarize(prices: Prices, planned: PackingPlan, mixture: Mixture, config: T2VidSFTConfig) -> dict:
    """What the rows cost, before any of them is drawn or decoded."""
    tokens = int(prices.tokens.sum())
    batch = config.world_size * config.per_device_train_batch_size * config.gradient_accumulation_steps
    steps = planned.num_steps if config.packing else -(-len(prices) // batch)
    return {
        "rows": len(prices),
        "tokens": tokens,
        "longest_row": int(prices.tokens.max()),
        "visual_share": round(float((prices.images * prices.tokens_per_image).sum() / tokens), 4),
        "thinned": sum(pick.take_frames != mixture.parts[pick.part][0].frames for pick in mixture.picks),
        "packed": config.packing,
        "bins": len(planned.ends),
        "bin_tokens": planned.max_tokens,
        "fill": round(planned.fill, 4),
        "batch": batch,
        "steps": config.max_steps if config.max_steps > 0 else math.ceil(steps * config.num_train_epochs),
    }


def show(mixture: Mixture, summary: dict) -> None:
    """Print what became of each part's rows, and what the mixture costs."""
    table = Table("part", "rows", "drawn", "left out, by reason", title="Mixture")
    for part in mixture.drawn:
        reasons = "; ".join(f"{count} {reason}" for reason, count in part.dropped.items()) or "0"
        table.add_row(part.part, str(part.rows), str(part.drawn), reasons)
    Console().print(table)
    would, unit = ("", "bins") if summary["packed"] else ("would ", "rows")
    print(
        f"{summary['rows']} rows, {summary['tokens']:,} tokens, {summary['visual_share']:.0%} of them visual; the "
        f"longest row {summary['longest_row']:,}; {summary['thinned']} videos thinned. Packed, they {would}fill "
        f"{summary['bins']} bins of {summary['bin_tokens']:,} tokens to {summary['fill']:.1%}. "
        f"{summary['steps']} steps of {summary['batch']} {unit}"
    )


def dry_run(
    model, processor, adapter: Adapter, adaptation: LoraConfig | None, prices: Prices, planned: PackingPlan, config
) -> None:
    """Print what would train, and what its largest batch would take of each device."""
    if adaptation is None:
        tuned = {"vision": config.tune_vision, "connector": config.tune_connector, "language": config.tune_llm}
        freeze(model, adapter.parts, **tuned)
    else:
        model = get_peft_model(model, adaptation)
        freeze_unused(model, adapter.parts)
    tokens, images = largest_batch(
        prices,
        planned if config.packing else None,
        batch_size=config.per_device_train_batch_size,
        padded=not config.padding_free,
    )
    deepspeed = config.deepspeed_plugin
    sharded = deepspeed is not None or os.environ.get("ACCELERATE_USE_FSDP") == "true"
    if config.bf16 and deepspeed is None:
        train_in_float32(model)
    memory = estimated_memory(
        model,
        adapter.parts,
        tokens=tokens,
        patches=images * patches_of_image(model, adapter.parts, page_px=adapter.page_px(processor)),
        gradient_checkpointing=config.gradient_checkpointing,
        activation_bytes=2 if config.bf16 else 4,
        optimizer_bytes=12 if deepspeed else None,
        num_shards=config.world_size if sharded else 1,
        shard_weights=deepspeed is None or deepspeed.zero_stage == 3,
    )
    if config.process_index == 0:
        show_parts(what_trains(model, adapter.parts), Console().print)
        print(f"each of {config.world_size} devices, at {tokens:,} tokens and {images} images: {memory} (an estimate)")


def asking(trainer: T2VidSFTTrainer, recipe: RecipeArguments, config: T2VidSFTConfig) -> GenerationCallback:
    """What asks the model questions of a benchmark while it trains, and logs how many it answers."""
    if recipe.ask_benchmark not in BENCHMARKS:
        raise unknown("benchmark", recipe.ask_benchmark, BENCHMARKS)
    items = BENCHMARKS[recipe.ask_benchmark](recipe.ask_dataset)
    items = items[:: max(1, len(items) // max(1, recipe.ask_questions))][: recipe.ask_questions]

    def evaluate(model, processor) -> dict[str, float]:
        replies = answer(model, processor, [item.row for item in items], num_frames=config.num_frames)
        right = [extract_choice(said, item.options) == item.answer for said, item in zip(replies, items, strict=True)]
        return {f"{recipe.ask_benchmark}_accuracy": sum(right) / len(right)}

    return GenerationCallback(trainer, evaluate, every_steps=recipe.ask_every, at_start=True)


def write_records(
    folder: Path, recipe: RecipeArguments, config: T2VidSFTConfig, mixture: Mixture, summary: dict, counts: dict
) -> None:
    """Write beside the weights what they were made from."""
    adapted = {name: getattr(recipe, name) for name in ("lora_r", "lora_alpha", "load_in_4bit")} if recipe.lora else {}
    records = {
        "base_model": recipe.model_name_or_path,
        **counts,
        "mixture": [asdict(part) for part in mixture.drawn],
        "cost": summary,
        "settings": {**{name: getattr(config, name) for name in REPORTED}, **adapted},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS}},
    }
    (folder / "run.json").write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    merged = {**asdict(recipe), **{key: value for key, value in config.to_dict().items() if "token" not in key}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    with one_line_errors():
        main()
