"""lmms-eval's `*_samples_*.jsonl`: a line a question, with `filtered_resps`, and with the question in `doc` or without.

Its own writer takes `doc` out; what a metric function was given stays, and so does the prompt, as `input`. Between them
they hold the right answer, the kind of question and the options of every benchmark here.
"""

import re
from collections.abc import Mapping
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Asked, Predicted
from t2vid_hf.metrics.forms.form import Form, Reading, first_record, object_at
from t2vid_hf.metrics.result_file import ResultFile


def reply_of(record: Mapping[str, Any], place: str) -> str:
    """What was said: `filtered_resps`, a text or a list of one, or `resps` where it is missing.

    Args:
        record (`Mapping[str, Any]`): A line.
        place (`str`): What an error calls it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it holds no text, or several.
    """
    said = record.get("filtered_resps", record.get("resps"))
    while isinstance(said, list) and len(said) == 1:
        said = said[0]
    if not isinstance(said, str):
        raise InputError(f"{place}: filtered_resps holds no single text, and a prediction is one")
    return said


def _read(file: ResultFile, reading: Reading) -> list[Predicted]:
    group = _task_name(file, reading.benchmark)
    return [
        Predicted(_asked(record, index, file, reading, group), reply_of(record, _place(record, index, file)))
        for index, record in enumerate(file.value)
    ]


def _place(record: Mapping[str, Any], index: int, file: ResultFile) -> str:
    return f"{file.place(index)}, doc_id {record.get('doc_id')}"


def _asked(record: Mapping[str, Any], index: int, file: ResultFile, reading: Reading, group: str) -> Asked:
    place = _place(record, index, file)
    number = record.get("doc_id", index)
    doc = record.get("doc")
    if doc is None and reading.questions is not None and not _measured(record):
        if type(number) is not int or not 0 <= number < len(reading.questions):
            raise InputError(f"{place}: the question file has {len(reading.questions)} questions, from 0 on")
        return reading.questions[number]
    known = dict(object_at(doc, f"{place}, doc")) if doc is not None else _measured(record)
    known.setdefault("question", record.get("input"))
    if not isinstance(known["question"], str):
        del known["question"]
    if doc is None and "target" in record:
        known.setdefault("answer", record["target"])
    return reading.question(known, place, known=str(number), group=group)


def _measured(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a metric function was given of a question. MLVU's calls the question's text its id, which is none."""
    given: dict[str, Any] = {}
    for value in record.values():
        if isinstance(value, dict):
            given |= value
    if " " in str(given.get("question_id", "")):
        given["question"] = given.pop("question_id")
    return given


def _task_name(file: ResultFile, benchmark: str) -> str:
    """The sub-task that lmms-eval writes into the file's name, in which MVBench's kinds of question are."""
    match = re.search(r"_samples_(.+)\.jsonl$", file.path.name)
    return match[1].removeprefix(benchmark).strip("_") if match else ""


SAMPLES = Form(
    "lines of {doc_id, filtered_resps, target, doc or what its metric took} (lmms-eval's *_samples_*.jsonl)",
    lambda file: bool({"filtered_resps", "resps"} & set(first_record(file))),
    _read,
)
