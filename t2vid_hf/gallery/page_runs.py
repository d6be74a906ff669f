"""A model's answers as a page shows them, wherever they come from: a run, a file of predictions, a file of items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t2vid_hf.evaluation.runs import Answer
from t2vid_hf.evaluation.thumbnails import FRAMES_FILE, Sheet, read_sheets
from t2vid_hf.metrics.asked import LETTERS
from t2vid_hf.metrics.comparison import Side
from t2vid_hf.metrics.score_file import ScoredFile
from t2vid_hf.metrics.tally import Scored

RIGHT, WRONG, NO_ANSWER, DROPPED = "right", "wrong", "no answer", "dropped"


@dataclass(frozen=True)
class Shown:
    """A question and what a model said to it.

    Args:
        video (`str`): What it is about, and what an interval takes as one.
        groups (`tuple[str, ...]`): What it counts in, its kind first.
        question (`str`): Its text; empty where the file does not say.
        options (`tuple[tuple[str, str], ...]`): Its options, what a report calls each and its text; empty where the
            file does not say.
        answer (`str`): What is right.
        reply (`str` or `None`): What was said; `None` where the file does not say.
        choice (`str` or `None`): What it was taken for.
        outcome (`str`): "right", "wrong", "no answer" or "dropped".
    """

    video: str
    groups: tuple[str, ...]
    question: str
    options: tuple[tuple[str, str], ...]
    answer: str
    reply: str | None
    choice: str | None
    outcome: str


@dataclass(frozen=True)
class PageRun:
    """A column of a page.

    Args:
        name (`str`): What it is called.
        answers (`Mapping[str, Shown]`): Its answers by the questions' names, in their order.
        told (`Mapping[str, str]`, *optional*): What else is said of it: rules, frames, file.
        sheets (`Mapping[str, Sheet]`, *optional*): The frames that were fed, by the questions' names.
    """

    name: str
    answers: Mapping[str, Shown]
    told: Mapping[str, str] = field(default_factory=dict)
    sheets: Mapping[str, Sheet] = field(default_factory=dict)


def answered_run(name: str, answers: Sequence[Answer], told: Mapping[str, str], sheets: Mapping[str, Sheet]) -> PageRun:
    """A column of answers that were just given.

    Args:
        name (`str`): The model's name.
        answers (`Sequence[Answer]`): Its answers.
        told (`Mapping[str, str]`): What else is said of it.
        sheets (`Mapping[str, Sheet]`): The frames that were fed.
    """
    shown = {}
    for each in answers:
        item = each.item
        shown[item.id] = Shown(
            item.cluster,
            (item.group,),
            str(item.line.get("asked_as", item.question)),
            tuple(zip(LETTERS, item.options, strict=False)),
            item.answer,
            each.reply,
            each.choice if item.options else None,
            _outcome(each.correct, each.choice is not None, dropped=False),
        )
    return PageRun(name, shown, told, sheets)


def scored_run(name: str, scored: ScoredFile, path: str, model: str | None) -> PageRun:
    """A column of a file of predictions.

    Args:
        name (`str`): What it is called.
        scored ([`~t2vid_hf.metrics.score_file.ScoredFile`]): The scored file.
        path (`str`): The file; the frames that were fed stand beside one that `t2vid evaluate` wrote.
        model (`str` or `None`): Whose answers.
    """
    told = {"file": Path(path).name, "rules": scored.mode}
    shown = {each.predicted.asked.id: _of_scored(each) for each in scored.scored}
    sheets = read_sheets(Path(path).with_name(FRAMES_FILE), model) if scored.form == "answers" else {}
    return PageRun(name, shown, told, sheets)


def side_run(name: str, side: Side) -> PageRun:
    """A column of one of two results that are compared.

    Args:
        name (`str`): What it is called.
        side ([`~t2vid_hf.metrics.comparison.Side`]): The result.
    """
    if side.scored is not None:
        return scored_run(name, side.scored, side.path, side.model)
    return PageRun(name, {key: _of_item(line) for key, line in side.lines.items()}, {"file": Path(side.path).name})


def _of_scored(each: Scored) -> Shown:
    asked, outcome = each.predicted.asked, each.outcome
    return Shown(
        asked.cluster,
        each.groups,
        asked.prompt,
        tuple((str(asked.shown(letter)), option) for letter, option in zip(LETTERS, asked.options, strict=False)),
        str(asked.shown(asked.answer)),
        each.predicted.reply or "",  # null is a model that refused
        asked.shown(outcome.choice),
        _outcome(outcome.correct, outcome.answered, dropped=outcome.dropped),
    )


def _of_item(line: Mapping[str, Any]) -> Shown:
    said = {
        key: "" if line.get(key) is None else str(line[key]) for key in ("id", "video", "group", "answer", "choice")
    }
    return Shown(
        said["video"] or said["id"],
        tuple(filter(None, [said["group"]])),
        "",
        (),
        said["answer"],
        None,
        said["choice"] or None,
        _outcome(line["correct"], bool(said["choice"]), dropped=bool(line.get("dropped"))),
    )


def _outcome(correct: bool, answered: bool, *, dropped: bool) -> str:
    if dropped:
        return DROPPED
    if correct:
        return RIGHT
    return WRONG if answered else NO_ANSWER
