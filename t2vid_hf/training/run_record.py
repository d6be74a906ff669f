"""What a run says of its mixture before it begins, and every setting of it, as a recipe that can be run again."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from t2vid_hf.batches.packing import PackingPlan
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.mixtures.mixing import Mixture
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.sft_config import T2VidSFTConfig


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
        "batch": rows_of_step(config),
        "steps": steps_in_all(len(prices), plan if config.packing else None, config),
    }


def rows_of_step(config: T2VidSFTConfig) -> int:
    """Rows of an optimizer step, or sequences where they are packed, on all ranks."""
    return config.world_size * config.per_device_train_batch_size * config.gradient_accumulation_steps


def steps_in_all(rows: int, plan: PackingPlan | None, config: T2VidSFTConfig) -> int:
    """Optimizer steps of a run.

    Args:
        rows (`int`): How many rows it trains on.
        plan ([`~t2vid_hf.batches.packing.PackingPlan`] or `None`): How they are packed; `None` where they are not.
        config ([`T2VidSFTConfig`]): The trainer's configuration.
    """
    steps = -(-rows // rows_of_step(config)) if plan is None else plan.num_steps
    return config.max_steps if config.max_steps > 0 else math.ceil(steps * config.num_train_epochs)


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
