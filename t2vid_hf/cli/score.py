"""`t2vid score`: a file of predictions, in any known form, by the rules of one of three modes."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.metrics.score_file import MODES, score_file
from t2vid_hf.metrics.score_summary import item_lines, summary


def score(
    benchmark: Annotated[str, typer.Argument(help=f"One of {', '.join(BENCHMARKS)}.")],
    predictions: Annotated[str, typer.Argument(help="The file; its form is told by its content.")],
    mode: Annotated[str, typer.Option(help=f"Whose rules: {', '.join(MODES)}.")],
    task: Annotated[str | None, typer.Option(help="The task of a benchmark that has several.")] = None,
    questions: Annotated[str | None, typer.Option(help="The benchmark's questions, held against the file.")] = None,
    model: Annotated[str | None, typer.Option(help="Whose answers, where the file has several models'.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The score on stdout, as one line of JSON.")] = False,
    items: Annotated[Path | None, typer.Option(help="A line for each question goes into this file.")] = None,
) -> None:
    """Score predictions: official numbers, the original's, or ours."""
    scored = score_file(benchmark, predictions, mode=mode, task=task, questions=questions, model=model)
    result = summary(scored)
    if items is not None:
        lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in item_lines(scored))
        items.parent.mkdir(parents=True, exist_ok=True)
        items.write_text("".join(lines), encoding="utf-8")
    _show(result)
    if as_json:
        print_json(result)


def print_json(value: Any) -> None:
    """Print a value on stdout, as one line.

    Args:
        value (`Any`): The value.
    """
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def show_rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on stderr, where it is in nobody's way.

    Args:
        title (`str`): What stands above it.
        columns (`Sequence[str]`): The columns' names.
        rows (`Sequence[Sequence[str]]`): The rows.
    """
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*row)
    Console(stderr=True).print(table)


def _show(result: dict[str, Any]) -> None:
    name, value = result["headline"]["name"], result["headline"]["value"]
    rows = [
        (
            group,
            str(counts["n"]),
            f"{counts['accuracy']:.1%}",
            str(counts["no_answer"]),
            result["printed"].get(group, ""),
        )
        for group, counts in result["groups"].items()
    ]
    rows.append(("all", str(result["n"]), f"{result['accuracy']:.1%}", str(result["no_answer"]), ""))
    told = " ".join(filter(None, (result["benchmark"], result["task"])))
    title = (
        f"{told}, mode {result['mode']}: {name} {value:.2%} (95 % of all: {result['low']:.1%} to {result['high']:.1%})"
    )
    show_rows(title, ("group", "n", "accuracy", "no answer", "printed"), rows)
    if result["dropped"]:
        shown = ", ".join(result["dropped"][:10]) + (", ..." if len(result["dropped"]) > 10 else "")
        print(f"{len(result['dropped'])} dropped, not in any figure: {shown}", file=sys.stderr)
