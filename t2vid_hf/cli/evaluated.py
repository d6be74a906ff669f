"""What `t2vid evaluate` does besides asking: where questions come from, what is recorded, what is told in the end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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
from t2vid_hf.evaluation.fed_media import feed_videos
from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.media_folder import media_folder
from t2vid_hf.evaluation.question_files import Prepared, QuestionFile, read_questions
from t2vid_hf.evaluation.runs import ANSWERS_FILE, Answer, load_items, write_scores
from t2vid_hf.evaluation.thumbnails import FRAMES_FILE, write_sheets
from t2vid_hf.gallery.answers_page import write_page
from t2vid_hf.gallery.page_runs import answered_run
from t2vid_hf.metrics.degenerate import alarms, told
from t2vid_hf.metrics.results_table import results_table
from t2vid_hf.metrics.scoring import Score

RESULTS, FED, PAGE = "results.json", "fed.jsonl", "answers.html"


@dataclass(frozen=True)
class QuestionSet:
    """The questions of a data set, whose videos it holds itself.

    Args:
        items (`Sequence[Item]`): The questions.
    """

    items: Sequence[Item]

    def prepare(self, policy: VideoPolicy, *, progress: str | None = None) -> Prepared:
        """The questions as they are, and what is fed of those about one video.

        Args:
            policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken.
            progress (`str`, *optional*): The name of a progress bar; `None` shows none.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a video does not decode.
        """
        return Prepared(self.items, fed=feed_videos(self.items, policy, progress=progress))


def question_source(
    benchmark: str,
    dataset: str | None,
    *,
    questions: str | None,
    videos: str | None,
    task: str | None,
    subtitles: bool | None,
    revision: str | None,
) -> QuestionSet | QuestionFile:
    """What is asked: a data set of questions, or a benchmark's own file and its videos.

    Args:
        benchmark (`str`): The option --benchmark.
        dataset (`str` or `None`): The option --dataset.
        questions (`str` or `None`): The option --questions.
        videos (`str` or `None`): The option --videos.
        task (`str` or `None`): The option --task.
        subtitles (`bool` or `None`): The option --subtitles.
        revision (`str` or `None`): The option --revision.

    Raises:
        [`~t2vid_hf.errors.InputError`]: neither or both are given, or they cannot be read.
    """
    if questions is None:
        if dataset is None:
            raise InputError(
                f"--benchmark {benchmark}: give --questions, the file of its authors, and --videos; for clips --dataset"
            )
        if videos is not None or task is not None or subtitles is not None:
            raise InputError("--videos, --task and --subtitles go with --questions, not with --dataset")
        import datasets

        datasets.disable_progress_bars()  # ours says more
        return QuestionSet(load_items(benchmark, dataset, revision=revision))
    if dataset is not None or videos is None:
        raise InputError("--questions: give the folder of the videos with --videos, and no --dataset")
    folder = media_folder(videos, revision=revision)
    return read_questions(benchmark, questions, folder, task=task, subtitles=subtitles)


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


def recorded(asked: Prepared, model: Any, processor: Any, policy: VideoPolicy) -> dict[str, Any]:
    """What is recorded of a model's questions, before they are asked.

    Args:
        asked ([`~t2vid_hf.evaluation.question_files.Prepared`]): The questions.
        model ([`~transformers.PreTrainedModel`]): The model.
        processor ([`~transformers.ProcessorMixin`]): Its processor.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no question is left.
    """
    if not asked.items:
        raise InputError(f"{told_missing(asked.missing, 0)}; is --videos the right folder?")
    return {
        "settings": asked_with(model, processor, asked.items, policy, asked.fed),
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
) -> None:
    """Write and show the scores, and say what is wrong with them.

    Args:
        benchmark (`str`): The benchmark.
        output (`Path`): The file of scores.
        asked (`Mapping[str, Prepared]`): For each model's name what it was asked.
        answers (`Mapping[str, Sequence[Answer]]`): For each model's name what it answered.
        run (`Mapping[str, Any]`): What [`~t2vid_hf.evaluation.runs.write_scores`] takes besides.
        max_missing (`int`): Questions that may be missing.

    Raises:
        [`~t2vid_hf.errors.Unfinished`]: more are missing of a model.
    """
    for name, given in answers.items():
        run["about"][name]["alarms"] = alarms({answer.item.id: answer.reply for answer in given})
    if not all(each.scored for each in asked.values()):
        for name, given in answers.items():
            print(f"{write_captions(output.parent, name, given)}: for the judge of the benchmark's authors")
    else:
        for name, scores in write_scores(output, answers, **run).items():
            show(name, scores)
        results = _with_headlines(benchmark, output)
        table = output.with_suffix(".md")
        table.write_text(results_table(results), encoding="utf-8")
        print(f"{table}: the scores beside the paper's figures")
        _write_page(benchmark, output.with_name(PAGE), asked, answers, run)
    _write_fed(output.parent, asked)
    for name, given in answers.items():
        for alarm in run["about"][name]["alarms"]:
            print(f"{name}: {told(alarm)}")
        if asked[name].missing:
            print(f"{name}: {told_missing(asked[name].missing, len(given))}")
    most = max(len(each.missing) for each in asked.values())
    if most > max_missing:
        raise Unfinished(f"{most} questions could not be asked, and --max_missing is {max_missing}: see {output}")


def _with_headlines(benchmark: str, output: Path) -> dict[str, Any]:
    """The file of scores, into which goes what `t2vid score` makes of the answers."""
    results: dict[str, Any] = json.loads(output.read_text("utf-8"))
    if benchmark not in ASKINGS:
        return results
    for model in results["models"]:
        model["headlines"] = headlines(benchmark, output.with_name(ANSWERS_FILE), model["name"])
        for mode, found in model["headlines"].items():
            name, value = found["headline"]["name"], found["headline"]["value"]
            print(f"{model['name']}, mode {mode}: {name} {value:.2%}, n {found['n']}, no answer {found['no_answer']}")
    output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
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
        (folder / FED).write_text("".join(lines), encoding="utf-8")
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
