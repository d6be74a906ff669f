"""What `t2vid evaluate` does besides asking: what is recorded, what is written, what is told in the end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError, Unfinished
from t2vid_hf.evaluation.asked_with import asked_with
from t2vid_hf.evaluation.benchmark_scores import headlines, told_missing
from t2vid_hf.evaluation.benchmarks import ASKINGS
from t2vid_hf.evaluation.caption_predictions import write_captions
from t2vid_hf.evaluation.judged_answers import with_verdicts_of
from t2vid_hf.evaluation.question_files import Prepared
from t2vid_hf.evaluation.ranks import Ranks
from t2vid_hf.evaluation.resuming import ANSWERS_FILE, write_whole
from t2vid_hf.evaluation.runs import Answer, write_answers, write_scores
from t2vid_hf.evaluation.thumbnails import FRAMES_FILE, write_sheets
from t2vid_hf.gallery.answers_page import write_page
from t2vid_hf.gallery.page_runs import answered_run
from t2vid_hf.metrics.degenerate import alarms, told
from t2vid_hf.metrics.judged import Judge
from t2vid_hf.metrics.results_table import results_table
from t2vid_hf.metrics.scoring import Score

RESULTS, FED, PAGE = "results.json", "fed.jsonl", "answers.html"


def scores_file(output: Path, *, is_folder: bool) -> Path:
    """Where the scores go; what cannot be written to ends here, before hours of answers.

    Args:
        output (`Path`): The option --output: a file, or the folder of a run with --questions.
        is_folder (`bool`): Whether a name without `.json` is a folder.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is a folder where a file is meant.
    """
    if is_folder and output.suffix != ".json":
        output = output / RESULTS
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.is_dir():
        raise InputError(f"--output {output} is a folder; give the file of scores, such as {output / 'scores.json'}")
    return output


def recorded(asked: Prepared, model: Any, processor: Any, policy: VideoPolicy, ranks: Ranks) -> dict[str, Any]:
    """What is recorded of a model's questions, before they are asked.

    Args:
        asked ([`~t2vid_hf.evaluation.question_files.Prepared`]): The questions.
        model ([`~transformers.PreTrainedModel`]): The model.
        processor ([`~transformers.ProcessorMixin`]): Its processor.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken.
        ranks ([`~t2vid_hf.evaluation.ranks.Ranks`]): The processes that answer.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no question is left.
    """
    check_left(asked)
    settings = ranks.alone(  # of its owner: the first question's video is decoded
        lambda: asked_with(model, processor, asked.items, policy, fed=asked.fed, media=asked.media),
        rank=ranks.owner(asked.items[0].id),
    )
    return recorded_of(asked, settings)


def check_left(asked: Prepared) -> None:
    """Refuse to go on without a question.

    Args:
        asked ([`~t2vid_hf.evaluation.question_files.Prepared`]): The questions.

    Raises:
        [`~t2vid_hf.errors.InputError`]: none is left.
    """
    if not asked.items:
        raise InputError(f"{told_missing(asked.missing, 0)}; is --videos the right folder?")


def recorded_of(asked: Prepared, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What is recorded of questions (`asked`), and of what a model is asked with (`settings`)."""
    return {
        "settings": settings,
        "missing": [asdict(each) for each in asked.missing],
        **({"without_subtitles": asked.without_subtitles} if asked.without_subtitles else {}),
    }


def conclude(
    benchmark: str,
    output: Path,
    asked: Mapping[str, Prepared],
    answers: Mapping[str, Sequence[Answer]],
    run: Mapping[str, Any],
    *,
    max_missing: int,
    judge: Judge | None = None,
) -> None:
    """Write and show the scores, and say what is wrong with them.

    Args:
        benchmark (`str`): The benchmark.
        output (`Path`): The file of scores.
        asked (`Mapping[str, Prepared]`): For each model's name what it was asked.
        answers (`Mapping[str, Sequence[Answer]]`): For each model's name what it answered.
        run (`Mapping[str, Any]`): What [`~t2vid_hf.evaluation.runs.write_scores`] takes besides.
        max_missing (`int`): Questions that may be missing.
        judge ([`~t2vid_hf.metrics.judged.Judge`], *optional*): Who reads what no rule does.

    Raises:
        [`~t2vid_hf.errors.Unfinished`]: more are missing of a model.
    """
    for name, given in answers.items():
        run["about"][name]["alarms"] = alarms({answer.item.id: answer.reply for answer in given})
    scored = all(each.scored for each in asked.values())
    if not scored:
        write_answers(output.with_name(ANSWERS_FILE), answers)
        for name, given in answers.items():
            print(f"{write_captions(output.parent, name, given)}: for the judge of the benchmark's authors")
    else:
        answers = with_verdicts_of(judge, answers, run["about"])
        for name, scores in write_scores(output, answers, **run).items():
            show(name, scores)
        results = _with_headlines(benchmark, output, judge)
        table = output.with_suffix(".md")
        write_whole(table, results_table(results))
        print(f"{table}: the scores as a table, beside the paper's figures where it has any")
        _write_page(benchmark, output.with_name(PAGE), asked, answers, run)
    _write_fed(output.parent, asked)
    for name, given in answers.items():
        for alarm in run["about"][name]["alarms"]:
            print(f"{name}: {told(alarm)}")
        if asked[name].missing:
            print(f"{name}: {told_missing(asked[name].missing, len(given))}")
    most = max(len(each.missing) for each in asked.values())
    if most > max_missing:
        where = f"see {output}" if scored else "they are named above"
        raise Unfinished(f"{most} questions could not be asked, and --max_missing is {max_missing}: {where}")


def _with_headlines(benchmark: str, output: Path, judge: Judge | None) -> dict[str, Any]:
    """The file of scores, into which goes what `t2vid score` makes of the answers."""
    results: dict[str, Any] = json.loads(output.read_text("utf-8"))
    if benchmark not in ASKINGS:
        return results
    for model in results["models"]:
        model["headlines"] = headlines(benchmark, output.with_name(ANSWERS_FILE), model["name"], judge=judge)
        for mode, found in model["headlines"].items():
            name, value = found["headline"]["name"], found["headline"]["value"]
            print(f"{model['name']}, mode {mode}: {name} {value:.2%}, n {found['n']}, no answer {found['no_answer']}")
    write_whole(output, json.dumps(results, indent=1) + "\n")
    return results


def _write_page(
    benchmark: str,
    path: Path,
    asked: Mapping[str, Prepared],
    answers: Mapping[str, Sequence[Answer]],
    run: Mapping[str, Any],
) -> None:
    runs = [
        answered_run(
            name,
            given,
            {"checkpoint": Path(run["checkpoints"][name]).name, "given": run["settings"]["video"][name]["told"]},
            {question: fed.sheet for question, fed in asked[name].fed.items()},
        )
        for name, given in answers.items()
    ]
    write_page(path, runs, title=f"Answers on {benchmark}")
    print(f"{path}: the answers with their frames, to look through")


def _write_fed(folder: Path, asked: Mapping[str, Prepared]) -> None:
    lines = [
        json.dumps({"model": name, "id": question, **fed.record()}) + "\n"
        for name, prepared in asked.items()
        for question, fed in prepared.fed.items()
    ]
    for name in (FED, FRAMES_FILE):  # of an earlier run, which may have been fed something else
        (folder / name).unlink(missing_ok=True)
    if lines:
        write_whole(folder / FED, "".join(lines))
        sheets = {
            name: {question: fed.sheet for question, fed in prepared.fed.items()} for name, prepared in asked.items()
        }
        write_sheets(folder / FRAMES_FILE, sheets)


def show(name: str, scores: list[Score]) -> None:
    """Print the scores of one model.

    Args:
        name (`str`): What the model is called.
        scores (`list[Score]`): One for each kind of question, and "all".
    """
    table = Table("kind", "n", "clips", "accuracy", "95 % interval", "no answer", title=name)
    for score in scores:
        interval = f"{score.low:.1%} to {score.high:.1%}"
        table.add_row(
            score.group, str(score.n), str(score.clusters), f"{score.accuracy:.1%}", interval, f"{score.no_answer:.1%}"
        )
    Console().print(table)
