"""TempCompass's files: `{video: {aspect: [record]}}`, of questions, of predictions, and of ratings.

A question has no name there; it is called `video/aspect/number`, which is its place, so that a file may be joined with
the questions only where both hold the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.metrics.asked import Asked, Predicted, Stored
from t2vid_hf.metrics.forms.form import Form, Reading, object_at
from t2vid_hf.metrics.option_text import answer_letter, options_in
from t2vid_hf.metrics.result_file import ResultFile, text_of

ASPECTS = ("action", "direction", "speed", "order", "attribute_change")
YES_NO = ("yes", "no")
TASKS = ("multi-choice", "yes_no", "caption_matching", "captioning")


def asked(name: str, video: str, aspect: str, record: Mapping[str, Any], task: str, place: str) -> Asked:
    """A question of TempCompass.

    Args:
        name (`str`): The question's name.
        video (`str`): Its video.
        aspect (`str`): Its aspect, which is its group.
        record (`Mapping[str, Any]`): The record, with the answer as "answer" or "gt-answer".
        task (`str`): Its task.
        place (`str`): What an error calls it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an answer that is none of the task's.
    """
    right = text_of(record, "gt-answer" if "gt-answer" in record else "answer", place) or ""
    prompt = str(record.get("question") or "")
    facts = {"right": right, "task": task}
    if task == "yes_no":
        if right not in YES_NO:
            raise InputError(f"{place}: its right answer '{right}' is neither 'yes' nor 'no'")
        return Asked(name, video, aspect, prompt, YES_NO, "AB"[right == "no"], labels=YES_NO, facts=facts)
    options = options_in(prompt)
    return Asked(name, video, aspect, prompt, options, answer_letter(right, options, place), facts=facts)


def task_of(record: Mapping[str, Any]) -> str:
    """The task of a record, by what it holds.

    Args:
        record (`Mapping[str, Any]`): A question, a prediction or a rating.
    """
    right = str(record.get("gt-answer", record.get("answer", "")))
    text = str(record.get("question") or "")
    if "chatgpt-answer" in record or "Generated Caption:" in text:
        return "captioning"
    if right in YES_NO:
        return "yes_no"
    return "multi-choice" if right[:2] in ("A.", "B.", "C.", "D.") else "caption_matching"


def records(file: ResultFile) -> Iterator[tuple[str, str, str, Mapping[str, Any], str]]:
    """The records of a file: name, video, aspect, record and place.

    Args:
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is of another shape.
    """
    for video, aspects in object_at(file.value, str(file.path)).items():
        for aspect, listed in object_at(aspects, f"{file.path}, video {video}").items():
            if aspect not in ASPECTS:
                raise unknown(f"aspect of video {video} in {file.path}:", aspect, ASPECTS)
            if not isinstance(listed, list):
                raise InputError(f"{file.path}, {video}/{aspect}: {type(listed).__name__}, not a list")
            for number, record in enumerate(listed):
                name = f"{video}/{aspect}/{number}"
                place = f"{file.path}, question {name}"
                yield name, video, aspect, object_at(record, place), place


def the_task(file: ResultFile, task: str | None) -> str:
    """The task of a file.

    Args:
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The file.
        task (`str` or `None`): What was asked for; `None` goes by the content.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the content is another task's.
    """
    # a refused caption's record has no judge in it, and looks like a multiple choice
    tasks = {task_of(record) for *_, record, _ in records(file)}
    held = "captioning" if "captioning" in tasks else sorted(tasks)[0] if tasks else task or TASKS[0]
    if len(tasks - {"multi-choice"} if held == "captioning" else tasks) > 1:
        raise InputError(f"{file.path}: questions of several tasks ({', '.join(sorted(tasks))}); give one at a time")
    if task not in (None, held):
        raise InputError(f"{file.path}: these are questions of the task {held}, not of {task}")
    return held


def read_questions(file: ResultFile, task: str | None) -> list[Asked]:
    """The questions of a file.

    Args:
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): `questions/TASK.json`.
        task (`str` or `None`): The task; `None` goes by the content.
    """
    held = the_task(file, task)
    return [asked(name, video, aspect, record, held, place) for name, video, aspect, record, place in records(file)]


def _read_predictions(file: ResultFile, reading: Reading) -> list[Predicted]:
    task = the_task(file, reading.task)
    if task == "captioning":
        raise InputError(
            f"{file.path}: captions are judged by a language model, never by a rule; give the ratings of one, "
            "a file of auto_eval_results"
        )
    predicted = []
    for name, video, aspect, record, place in records(file):
        reply = text_of(record, "prediction" if "prediction" in record else "response", place, null=True)
        predicted.append(Predicted(asked(name, video, aspect, record, task, place), reply))
    return predicted


def _read_ratings(file: ResultFile, reading: Reading) -> list[Predicted]:
    task = the_task(file, reading.task)
    predicted = []
    for name, video, aspect, record, place in records(file):
        reply = text_of(record, "video-llm-prediction", place, null=True)
        rating, matched = record.get("rating"), record.get("match_success", False)
        if isinstance(rating, bool) or rating not in (-1, 0, 1) or not isinstance(matched, bool):
            raise InputError(f"{place}: rating {rating!r} and match_success {matched!r}; a rating is 1, 0 or -1")
        about = asked(name, video, aspect, record, task, place)
        predicted.append(Predicted(about, reply, Stored(int(rating), matched, _judged_letter(record))))
    return predicted


def _judged_letter(record: Mapping[str, Any]) -> str | None:
    """What the judge of a caption chose, where it chose one."""
    said = record.get("chatgpt-answer")
    letters = [letter for letter in "ABCD" if isinstance(said, str) and f"{letter}." in said]
    return letters[0] if len(letters) == 1 else None


def _first(file: ResultFile) -> Mapping[str, Any]:
    """The first record of a file of this shape; empty where it is of another."""
    value = file.value
    for aspects in value.values() if isinstance(value, dict) else ():
        for listed in aspects.values() if isinstance(aspects, dict) else ():
            if isinstance(listed, list) and listed and isinstance(listed[0], dict):
                return listed[0]
    return {}


PREDICTIONS = Form(
    "{video: {aspect: [{question, answer, prediction or response}]}} (predictions/MODEL/TASK.json)",
    lambda file: bool({"prediction", "response"} & set(_first(file))) and "rating" not in _first(file),
    _read_predictions,
    ("tempcompass",),
)
RATINGS = Form(
    "{video: {aspect: [{gt-answer, video-llm-prediction, rating}]}} (auto_eval_results/MODEL/TASK.json)",
    lambda file: "rating" in _first(file),
    _read_ratings,
    ("tempcompass",),
)
