"""Fine-tune a vision-language model on a mixture of pages, video and text.

    accelerate launch recipes/sft.py --config recipes/debug/sft_cpu.yaml

Options on the command line win over the YAML file: --model_name_or_path my/checkpoint --learning_rate 1e-5
"""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import datasets
import yaml
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForImageTextToText, AutoProcessor

from t2vid_hf.data.mixture import Mixture, fit, load_mixture
from t2vid_hf.data.packing import PackingPlan
from t2vid_hf.data.token_cost import Prices, TokenCost
from t2vid_hf.errors import InputError, one_line_errors
from t2vid_hf.models import adapter_for
from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer
from t2vid_hf.training.arguments import RecipeArguments, parse

REPORTED = (
    "num_train_epochs",
    "learning_rate",
    "lr_scheduler_type",
    "weight_decay",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "num_frames",
    "seed",
)
VERSIONS = ("t2vid-hf", "transformers", "trl", "datasets", "accelerate", "torch", "Pillow")


def main() -> None:
    recipe, config = parse()
    parts = recipe.parts()  # a wrong mixture ends here, before a model is loaded
    datasets.disable_progress_bars()
    model, processor = load_model(recipe)
    adapter = adapter_for(model.config.model_type)  # an unknown family ends here, before anything is read
    adapter.configure(processor)
    mixture = load_mixture(
        parts,
        seed=recipe.mixture_seed,
        count_tokens=lambda text: len(processor.tokenizer(text)["input_ids"]),
    )
    prices = TokenCost(processor, adapter, num_frames=config.num_frames).prices(mixture.light)
    longest = config.max_length or int(prices.tokens.max())
    mixture, plan = fit(mixture, prices, max_tokens=longest, num_ranks=config.world_size, seed=recipe.mixture_seed)
    summary = summarize(mixture, prices, plan)
    if config.process_index == 0:
        show(mixture, summary)
        print(f"{recipe.model_name_or_path}: {model.num_parameters(only_trainable=True):,} trainable parameters")
    if recipe.dry_run:
        return
    trainer = T2VidSFTTrainer(model, args=config, train_dataset=mixture.dataset, processing_class=processor)
    trainer.train()
    trainer.save_model()  # weights and processor
    trainer.save_state()  # trainer_state.json, with the loss curve
    if trainer.is_world_process_zero():
        write_records(Path(config.output_dir), recipe, config, mixture, summary, model)


def load_model(recipe: RecipeArguments):
    """The model and its processor."""
    try:
        model = AutoModelForImageTextToText.from_pretrained(
            recipe.model_name_or_path,
            revision=recipe.model_revision,
            dtype=recipe.dtype,
            attn_implementation=recipe.attn_implementation,
        )
        processor = AutoProcessor.from_pretrained(recipe.model_name_or_path, revision=recipe.model_revision)
    except (OSError, ValueError) as error:
        raise InputError(f"model '{recipe.model_name_or_path}': {error}") from None
    return model, processor


def summarize(mixture: Mixture, prices: Prices, plan: PackingPlan) -> dict:
    """What the rows cost, before any of them is drawn or decoded."""
    tokens = int(prices.tokens.sum())
    return {
        "rows": len(mixture.picks),
        "tokens": tokens,
        "longest_row": int(prices.tokens.max()),
        "visual_share": round(float((prices.images * prices.tokens_per_image).sum() / tokens), 4),
        "thinned": len(plan.thinned),
        "bins": len(plan.ends),
        "bin_tokens": plan.max_tokens,
        "fill": round(plan.fill, 4),
    }


def show(mixture: Mixture, summary: dict) -> None:
    """Print what became of each part's rows, and what the mixture costs."""
    table = Table("part", "rows", "drawn", "left out, by reason", title="Mixture")
    for part in mixture.drawn:
        reasons = "; ".join(f"{count} {reason}" for reason, count in part.dropped.items()) or "0"
        table.add_row(part.part, str(part.rows), str(part.drawn), reasons)
    Console().print(table)
    print(
        f"{summary['rows']} rows, {summary['tokens']:,} tokens, {summary['visual_share']:.0%} of them visual; the "
        f"longest row {summary['longest_row']:,}; {summary['thinned']} videos thinned. Packed, they would fill "
        f"{summary['bins']} bins of {summary['bin_tokens']:,} tokens to {summary['fill']:.1%}"
    )


def write_records(
    folder: Path, recipe: RecipeArguments, config: T2VidSFTConfig, mixture: Mixture, summary: dict, model
) -> None:
    """Write beside the weights what they were made from."""
    records = {
        "base_model": recipe.model_name_or_path,
        "parameters": model.num_parameters(),
        "mixture": [asdict(part) for part in mixture.drawn],
        "cost": summary,
        "settings": {name: getattr(config, name) for name in REPORTED},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS}},
    }
    (folder / "run.json").write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    merged = {**asdict(recipe), **{key: value for key, value in config.to_dict().items() if "token" not in key}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    with one_line_errors():
        main()
