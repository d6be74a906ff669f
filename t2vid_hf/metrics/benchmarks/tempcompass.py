"""TempCompass, by its authors' `eval_*.py --disable_llm`, or by the ratings that a file holds: these are only counted.

Without their judge a reply that no rule matches is wrong: gemini's multiple choice is 59.5 so, and 63.9 by the stored
ratings. A rating of -1, where the judge gave none, is added up as it is. Figures have a decimal by Python's `round`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import LETTERS, Asked, Outcome, Predicted, by_letter
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark, listed_questions
from t2vid_hf.metrics.forms.tempcompass_files import ASPECTS, TASKS, asked, read_questions, task_of
from t2vid_hf.metrics.question_record import COMMON, Fields, found, question
from t2vid_hf.metrics.result_file import ResultFile, read_results
from t2vid_hf.metrics.tally import Scored, micro

META = "meta_info.json"
_FIELDS = Fields(group=("dim", "aspect"))


def official(predicted: Predicted) -> Outcome:
    """What the scripts make of a reply.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    about = predicted.asked
    if predicted.stored is not None:
        return recounted(predicted)
    if predicted.reply is None:
        return Outcome(False, None, None, answered=False)
    said = predicted.reply.replace("</s>", "").strip()
    if about.labels:
        start = said.lower()
        return by_letter(about, "A" if start.startswith("yes") else "B" if start.startswith("no") else None)
    if re.search(r"\n(Option|Sentence|Caption) ", about.prompt):
        return _matched(about, said)
    match = re.fullmatch("[ABCD]", said) or re.match(r"([ABCD])[.)]", said)
    if said == about.facts["right"]:
        return by_letter(about, about.answer)
    return by_letter(about, match[0][0] if match else None)


def recounted(predicted: Predicted) -> Outcome:
    """A stored rating, as it is.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): A prediction with a rating.
    """
    stored = predicted.stored
    if stored is None:
        raise ValueError("a prediction without a rating")
    right = stored.rating == 1
    letter = predicted.asked.answer if right else stored.letter
    return Outcome(
        right, letter, "stored", answered=predicted.reply is not None and stored.rating >= 0, mark=stored.rating
    )


def _matched(about: Asked, said: str) -> Outcome:
    """Caption matching: the whole option, its sentence, or its name ("Option 1", "1"). The last that fits is taken."""
    lines = about.prompt.split("\n")[1:]
    names = [line.split(": ")[0] for line in lines]
    sentences = [line.split(": ")[1] if ": " in line else None for line in lines]
    bare = [re.sub("Sentence |Option |Caption ", "", name) for name in names]
    tail = said.split(") ")[1] if ") " in said else None
    found = None
    for index, line in enumerate(lines):
        if line == said:
            found = (index, line)
    for index, sentence in enumerate(sentences):
        if sentence is not None and sentence in (said, tail):
            found = (index, sentence)
    for index, name in [*enumerate(names), *enumerate(bare)]:
        if name in (said, said.replace(".", "")):
            found = (index, name)
    if found is None:
        return by_letter(about, None)
    index, text = found
    right = about.facts["right"]
    name = right.split(": ")[0]
    is_right = text in (right, right.split(":")[0], *right.split(": ")[1:2], *name.split()[1:2])
    return Outcome(is_right, about.answer if is_right else LETTERS[index], "rule")


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """What the scripts print: the aspects, the finer ones where `meta_info.json` is there, "avg", and the match rate.

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    points: dict[str, list[int]] = {aspect: [] for aspect in ASPECTS}
    matched = 0
    for each in scored:
        stored = each.predicted.stored
        for group in each.groups:
            points.setdefault(group, []).append(each.outcome.points)
        matched += stored.matched if stored else each.outcome.by == "rule"
    every = sum(sum(points[aspect]) for aspect in ASPECTS)
    shown = {group: str(round(sum(given) * 100 / len(given), 1)) for group, given in points.items() if given}
    return {
        **shown,
        "avg": str(round(every * 100 / len(scored), 1)),
        "match_rate": str(round(matched / len(scored) * 100, 1)),
    }


def ask(record: dict[str, Any], place: str, *, known: str = "", group: str = "") -> Asked:
    """A question out of a record: the original's lines, or what lmms-eval took from TempCompass.

    Args:
        record (`dict[str, Any]`): The record.
        place (`str`): What an error calls it.
        known (`str`, *optional*, defaults to `""`): Its name where it has none.
        group (`str`, *optional*, defaults to `""`): Its aspect where it has none.
    """
    right = str(found(record, ("gt-answer", *COMMON.answer)))
    if re.fullmatch("[A-J]", right):
        about = question(record, place, fields=_FIELDS, known=known, group=group)
        text = about.options[LETTERS.index(about.answer)] if about.options else ""
        return replace(about, facts={"right": f"{about.answer}. {text}"})
    name = str(found(record, COMMON.id) or known)
    aspect = str(found(record, _FIELDS.group + COMMON.group) or group)
    given = {"question": found(record, COMMON.prompt), "answer": right}
    video = str(found(record, COMMON.video) or "")
    return asked(name, video, aspect, given, task_of(given), f"{place}, question {name}")


def questions(path: str, ask: Callable[..., Asked], task: str | None) -> list[Asked]:
    """The questions of `questions/TASK.json`, or of a list.

    Args:
        path (`str`): The file.
        ask (`Callable[..., Asked]`): A question out of a record.
        task (`str` or `None`): The task; `None` goes by the content.
    """
    file = read_results(path)
    if isinstance(file.value, dict) and "questions" not in file.value:
        return read_questions(file, task)
    return listed_questions(path, ask, task)


def told_task(predicted: Predicted) -> str:
    """The task that a prediction is of.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    return predicted.asked.facts.get("task", TASKS[0])  # lines of the original's are multiple choice


def with_finer_aspects(file: ResultFile, predicted: list[Predicted]) -> list[Predicted]:
    """Adds the finer aspects where the authors' `meta_info.json` is: beside the predictions, or three folders above.

    Args:
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The predictions, `predictions/MODEL/TASK.json`; lines of
            other forms do not name videos as that file does.
        predicted (`list[Predicted]`): What was read of it.
    """
    folders = file.path.resolve().parents
    path = next((folder / META for folder in (*folders[:1], *folders[2:3]) if (folder / META).is_file()), None)
    if path is None or file.is_lines:
        return predicted
    videos = read_results(path).value
    finer = []
    for each in predicted:
        video, aspect = each.asked.video.removesuffix(".mp4").removesuffix(".jpg"), each.asked.group
        try:
            name = "order" if aspect == "order" else videos[video]["eval_dim"][aspect]["type"]
        except (KeyError, TypeError):
            raise InputError(f"{path}: nothing about the {aspect} of video '{video}'") from None
        finer.append(replace(each, asked=replace(each.asked, groups=(name,))))
    return finer


TEMPCOMPASS = Benchmark(
    official,
    "avg",
    micro,
    printed,
    _FIELDS,
    ask=ask,
    questions=questions,
    complete=with_finer_aspects,
    kinds=ASPECTS,
    metrics=("avg_accuracy",),
    tasks=TASKS,
    told=told_task,
)
