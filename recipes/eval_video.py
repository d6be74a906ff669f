"""Ask checkpoints the questions of a video benchmark, and write scores and every single answer.

    python recipes/eval_video.py --dataset out/demo/dataset --models trained=out/demo/checkpoint \\
        --models untrained=out/demo/untrained --output out/demo/scores.json
"""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import datasets
import torch
import typer
from rich.console import Console
from rich.table import Table

from t2vid_hf.errors import InputError, one_line_errors, unknown
from t2vid_hf.evaluation.benchmarks import BENCHMARKS, Item
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.metrics.answers import extract_choice
from t2vid_hf.metrics.scoring import Judged, Score, score_groups
from t2vid_hf.models.loading import load_checkpoint

VERSIONS = ("t2vid-hf", "transformers", "datasets", "torch")


def main(
    models: Annotated[list[str], typer.Option(help="NAME=CHECKPOINT; once for each model.")],
    dataset: Annotated[str, typer.Option(help="Folder of the benchmark's data set, or its name on the Hub.")],
    output: Annotated[Path, typer.Option(help="The scores; answers go beside them as answers.jsonl.")],
    benchmark: Annotated[str, typer.Option(help=f"One of {', '.join(BENCHMARKS)}.")] = "clips",
    num_frames: Annotated[int, typer.Option(help="Frames taken of each video.", min=1)] = 24,
    max_new_tokens: Annotated[int, typer.Option(help="Longest reply.", min=1)] = 32,
    batch_size: Annotated[int, typer.Option(min=1)] = 8,
) -> None:
    """Score checkpoints on a benchmark."""
    if benchmark not in BENCHMARKS:
        raise unknown("benchmark", benchmark, BENCHMARKS)
    named = [model.partition("=") for model in models]
    for name, equals, path in named:
        if not (name and equals and path):
            raise InputError(f"--models {name}: give NAME=CHECKPOINT")
    datasets.disable_progress_bars()
    items = BENCHMARKS[benchmark](dataset)
    results, answers = [], []
    for name, _, path in named:
        model, processor = load(path)
        replies = answer(
            model,
            processor,
            [item.row for item in items],
            num_frames=num_frames,
            max_new_tokens=max_new_tokens,
            batch_size=batch_size,
            progress=name,
        )
        judged = []
        for item, reply in zip(items, replies, strict=True):
            choice = extract_choice(reply, item.options)
            judged.append(Judged(item.group, item.cluster, choice == item.answer, choice is not None))
            answers.append(record(name, item, reply, choice))
        scores = score_groups(judged)
        show(name, scores)
        results.append({"name": name, "checkpoint": path, "scores": [asdict(score) for score in scores]})
    written = {
        "benchmark": benchmark,
        "dataset": dataset,
        "questions": len(items),
        "chance": sum(1 / len(item.options) for item in items) / len(items),
        "num_frames": num_frames,
        "max_new_tokens": max_new_tokens,
        "models": results,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS}},
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in answers)
    output.with_name("answers.jsonl").write_text(lines, encoding="utf-8")
    output.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def load(path: str):
    """A checkpoint, or a LoRA adapter on its base model, and its processor; on the first GPU where there is one."""
    model, processor, _ = load_checkpoint(path, lora=True)
    return model.to("cuda" if torch.cuda.is_available() else "cpu"), processor


def record(name: str, item: Item, reply: str, choice: str | None) -> dict:
    """What `answers.jsonl` holds of one answer."""
    return {
        "model": name,
        "id": item.id,
        "kind": item.group,
        "clip": item.cluster,
        "question": item.question,
        "expected": item.answer,
        "reply": reply,
        "choice": choice,
        "correct": choice == item.answer,
    }


def show(name: str, scores: list[Score]) -> None:
    """Print the scores of one model."""
    table = Table("kind", "n", "clips", "accuracy", "95 % interval", "no answer", title=name)
    for score in scores:
        interval = f"{score.low:.1%} to {score.high:.1%}"
        table.add_row(
            score.group, str(score.n), str(score.clusters), f"{score.accuracy:.1%}", interval, f"{score.no_answer:.1%}"
        )
    Console().print(table)


if __name__ == "__main__":
    with one_line_errors():
        typer.run(main)
