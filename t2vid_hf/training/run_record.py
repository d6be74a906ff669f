"""What a run says of its mixture before it begins, and writes beside the weights when it is done."""

import hashlib
import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from t2vid_hf.batches.packing import PackingPlan
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.mixtures.mixing import Mixture
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.model_parts import PartSize
from t2vid_hf.training.sft_config import T2VidSFTConfig

_SETTINGS = (
    "num_train_epochs",
    "learning_rate",
    "lr_scheduler_type",
    "weight_decay",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "frame_size",
    "image_max_pixels",
    "video_max_pixels",
    "max_length",
    "packing",
    "labels",
    "seed",
)
_LORA_SETTINGS = ("lora_r", "lora_alpha", "load_in_4bit")
_VERSIONS = ("t2vid-hf", "transformers", "trl", "peft", "datasets", "accelerate", "torch", "Pillow")


def summarize(mixture: Mixture, prices: Prices, plan: PackingPlan, config: T2VidSFTConfig) -> dict[str, Any]:
    """What the rows of a mixture cost, before any of them is drawn or decoded.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows.
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What each costs.
        plan ([`~t2vid_hf.batches.packing.PackingPlan`]): How they are packed, or would be.
        config ([`T2VidSFTConfig`]): The trainer's configuration.

    Returns:
        `dict`: numbers of rows, tokens, bins and steps, as `run.json` holds them under "cost".
    """
    tokens = int(prices.tokens.sum())
    batch = config.world_size * config.per_device_train_batch_size * config.gradient_accumulation_steps
    steps = plan.num_steps if config.packing else -(-len(prices) // batch)
    return {
        "rows": len(prices),
        "tokens": tokens,
        "longest_row": int(prices.tokens.max()),
        "visual_share": round(float(prices.media_tokens.sum() / tokens), 4),
        "thinned": sum(pick.take_frames != mixture.parts[pick.part][0].take_frames for pick in mixture.picks),
        "packed": config.packing,
        "bins": len(plan.ends),
        "bin_tokens": plan.max_tokens,
        "fill": round(plan.fill, 4),
        "batch": batch,
        "steps": config.max_steps if config.max_steps > 0 else math.ceil(steps * config.num_train_epochs),
    }


def show_mixture(mixture: Mixture, summary: Mapping[str, Any], *, evaluation: Mixture | None = None) -> None:
    """Print what became of each part's rows, and what the mixture costs.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows.
        summary (`Mapping[str, Any]`): What [`summarize`] gives.
        evaluation ([`~t2vid_hf.mixtures.mixing.Mixture`], *optional*): The rows that are evaluated on; `None` shows no
            table of them.
    """
    for title, counts in (("Mixture", mixture.counts), ("Evaluation", evaluation.counts if evaluation else ())):
        table = Table("part", "rows", "taken", "left out, by reason", title=title)
        for count in counts:
            reasons = "; ".join(f"{number} {reason}" for reason, number in count.dropped.items()) or "0"
            table.add_row(count.part, str(count.rows), str(count.sampled), reasons)
        if counts:
            Console().print(table)
    would, unit = ("", "bins") if summary["packed"] else ("would ", "rows")
    print(
        f"{summary['rows']} rows, {summary['tokens']:,} tokens, {summary['visual_share']:.0%} of them visual; the "
        f"longest row {summary['longest_row']:,}; {summary['thinned']} videos thinned. Packed, they {would}fill "
        f"{summary['bins']} bins of {summary['bin_tokens']:,} tokens to {summary['fill']:.1%}. "
        f"{summary['steps']} steps of {summary['batch']} {unit}"
    )


def write_record(
    folder: Path,
    recipe: RecipeArguments,
    config: T2VidSFTConfig,
    *,
    mixture: Mixture,
    summary: Mapping[str, Any],
    sizes: Sequence[PartSize],
    videos: Sequence[Mapping[str, Any]],
    evaluation: Mixture | None = None,
    losses: Mapping[str, float] | None = None,
) -> None:
    """Write beside the weights what they were made from: `run.json`, and `recipe.yaml` with every setting.

    Args:
        folder (`Path`): The checkpoint's folder.
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): The recipe as it ran.
        config ([`T2VidSFTConfig`]): The trainer's configuration as it ran. Tokens of the Hub are not written.
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows that were trained on.
        summary (`Mapping[str, Any]`): What [`summarize`] gives.
        sizes (`Sequence[PartSize]`): What [`~t2vid_hf.training.model_parts.what_trains`] gives.
        videos (`Sequence[Mapping[str, Any]]`): How videos were taken, as the processor records it.
        evaluation ([`~t2vid_hf.mixtures.mixing.Mixture`], *optional*): The rows that were evaluated on; `None` where
            none were.
        losses (`Mapping[str, float]`, *optional*): Their losses at the end; `None` where there are none.
    """
    given = {name: getattr(config, name) for name in _SETTINGS}
    adapted = {name: getattr(recipe, name) for name in _LORA_SETTINGS} if recipe.lora else {}
    record = {
        "base_model": recipe.model_name_or_path,
        "parameters": sum(size.total for size in sizes),
        "trained": {size.part: size.trainable for size in sizes},
        "mixture": [asdict(count) for count in mixture.counts],
        "evaluation": None
        if evaluation is None
        else {"rows": [asdict(count) for count in evaluation.counts], "losses": losses},
        "cost": summary,
        "settings": {**{name: value for name, value in given.items() if value is not None}, **adapted},
        "video": [str(VideoPolicy(**way)) for way in videos],
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _VERSIONS}},
    }
    (folder / "run.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    write_recipe(folder, recipe, config)


def write_recipe(folder: Path, recipe: RecipeArguments, config: T2VidSFTConfig) -> None:
    """Write every setting of a run, when it begins and when it is done: `recipe.yaml`.

    Args:
        folder (`Path`): The run's; made where it is not there.
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): As it runs.
        config ([`T2VidSFTConfig`]): As it runs. Tokens of the Hub are not written.
    """
    merged = {**asdict(recipe), **{key: value for key, value in config.to_dict().items() if "token" not in key}}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")


def digest_of(mixture: Mixture) -> str:
    """Equal where two mixtures have the same rows in the same order, and take as many frames of each.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows.
    """
    rows = json.dumps([[pick.id, pick.part, pick.take_frames] for pick in mixture.picks])
    return hashlib.blake2b(rows.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
