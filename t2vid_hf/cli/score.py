"""`t2vid score`: a file of predictions, in any known form, by the rules of one of three modes."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Asked
from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.metrics.degenerate import alarms, told
from t2vid_hf.metrics.inspect_log import inspect_log
from t2vid_hf.metrics.judged import JUDGE_FILE, Judge
from t2vid_hf.metrics.judged_file import check_judged, with_judge
from t2vid_hf.metrics.paper_figures import FRAMES, RULES, paper_figures
from t2vid_hf.metrics.score_file import MODES, check_choices, score_file
from t2vid_hf.metrics.score_summary import item_lines, summary
from t2vid_hf.metrics.written_samples import sample_lines


def score(
    benchmark: Annotated[str, typer.Argument(help=f"One of {', '.join(BENCHMARKS)}.")],
    predictions: Annotated[str, typer.Argument(help="The file; its form is told by its content.")],
    mode: Annotated[str, typer.Option(help=f"Whose rules: {', '.join(MODES)}.")],
    task: Annotated[str | None, typer.Option(help="The task of a benchmark that has several.")] = None,
    questions: Annotated[str | None, typer.Option(help="The benchmark's questions, held against the file.")] = None,
    model: Annotated[str | None, typer.Option(help="Whose answers, where the file has several models'.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The score on stdout, as one line of JSON.")] = False,
    items: Annotated[Path | None, typer.Option(help="A line for each question goes into this file.")] = None,
    against: Annotated[str | None, typer.Option(help="A recipe: what of the benchmark its mixture holds.")] = None,
    page: Annotated[Path | None, typer.Option(help="The answers go into this HTML file, to look through.")] = None,
    lmms: Annotated[Path | None, typer.Option(help="The predictions go into this file in lmms-eval's form.")] = None,
    inspect: Annotated[Path | None, typer.Option(help="The score goes into this file as a log of inspect_ai.")] = None,
    judge: Annotated[str | None, typer.Option(help="Who reads what no rule does: a chat model, or MODEL@URL.")] = None,
    judge_file: Annotated[
        Path | None, typer.Option(help=f"What the judge says; {JUDGE_FILE} beside the predictions if not given.")
    ] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="The variable that holds the token of the judge's URL.")
    ] = None,
) -> None:
    """Score predictions: official numbers, the original's, or ours."""
    check_choices(benchmark, mode, task)
    if judge is not None:
        check_judged(mode, task)
    reader = _judge(judge, judge_file, api_key_env, Path(predictions))
    scored = with_judge(
        score_file(benchmark, predictions, mode=mode, task=task, questions=questions, model=model), reader
    )
    result = summary(scored)
    _write(items, item_lines(scored))
    _write(lmms, sample_lines(scored))
    _write(inspect, [inspect_log(scored, model or Path(predictions).stem)])
    if page is not None:
        # late, as below: NumPy and Pillow are no part of a score
        from t2vid_hf.gallery.answers_page import write_page
        from t2vid_hf.gallery.page_runs import scored_run

        run = scored_run(model or Path(predictions).stem, scored, predictions, model)
        write_page(page, [run], title=f"Answers on {benchmark}")
    _show(result)
    if scored.verdicts is not None:
        print(scored.verdicts.told(len(scored.scored)), file=sys.stderr)
    for alarm in alarms({each.predicted.asked.id: each.predicted.reply for each in scored.scored}):
        print(told(alarm), file=sys.stderr)
    if against is not None:
        result["against"] = leaks_in(against, [each.predicted.asked for each in scored.scored])
    if as_json:
        print_json(result)


def _judge(given: str | None, kept: Path | None, variable: str | None, predictions: Path) -> Judge | None:
    """The judge that is asked for; nothing else of its is imported where there is none."""
    if kept is not None and given is None:
        raise InputError("--judge_file is for what a judge says, and there is none; give --judge, or leave it out")
    if given is None:
        if variable is not None:
            raise InputError("--api_key_env is for the URL of a judge, and there is none; leave it out")
        return None
    from t2vid_hf.cli.endpoint_options import check_options, endpoints_in, judge_of, tokens_of
    from t2vid_hf.evaluation.requests_at_once import CONCURRENCY

    endpoints = endpoints_in({}, given)
    check_options({"api_key_env": variable}, {}, endpoints=len(endpoints), checkpoints=1)
    tokens = tokens_of([variable] if variable else None, endpoints)
    kept = predictions.with_name(JUDGE_FILE) if kept is None else kept
    return judge_of(given, kept, tokens=tokens, timeout=None, concurrency=CONCURRENCY)


def leaks_in(against: str, asked: Sequence[Asked]) -> dict[str, Any]:
    """What of a benchmark stands in the sets of a mixture, which is shown as well.

    Args:
        against (`str`): The recipe's file.
        asked (`Sequence[Asked]`): The questions.
    """
    from t2vid_hf.mixtures.leaks import find_leaks, read_parts

    found = find_leaks(asked, read_parts(against))
    listed = {"videos": found.videos, "questions": found.questions, "texts": found.texts}
    rows = [(kind, each.id, each.what[:60], each.row) for kind, leaks in listed.items() for each in leaks.values()]
    told = ", ".join(f"{len(leaks)} of {len(asked)} {kind}" for kind, leaks in listed.items())
    show_rows(f"in {found.rows} rows of {against}: {told}", ("", "question", "what", "where"), rows)
    return {
        "mixture": against,
        "rows": found.rows,
        **{kind: [asdict(each) for each in leaks.values()] for kind, leaks in listed.items()},
    }


def _write(path: Path | None, lines: Iterable[Any]) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def print_json(value: Any) -> None:
    """Print a value on stdout, as one line.

    Args:
        value (`Any`): The value.
    """
    print(json.dumps(value))


def show_rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on stderr, where it is in nobody's way.

    Args:
        title (`str`): What stands above it.
        columns (`Sequence[str]`): The columns' names.
        rows (`Sequence[Sequence[str]]`): The rows.
    """
    # a benchmark's names are texts, whatever brackets they have
    table = Table(*columns, title=Text(title))
    for row in rows:
        table.add_row(*map(Text, row))
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
    _show_paper(result)


def _show_paper(result: dict[str, Any]) -> None:
    """The paper's figures, and zero-shot, with what they may be held against."""
    figures = paper_figures(result["benchmark"], result["task"])
    if figures:
        rows = [(each.model, each.trained_on, each.part, f"{each.accuracy:.1f}") for each in figures]
        title = f"the paper's: right of all, {FRAMES} frames, mode {RULES} with a judge; compare nothing else with it"
        show_rows(title, ("model", "trained on", "part", "%"), rows)
