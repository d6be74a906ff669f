"""The original's `{question_id, prompt, pred, GT, category}` a line; with `orig_pred` once it is parsed."""

from dataclasses import replace
from typing import Any

from t2vid_hf.metrics.asked import Predicted
from t2vid_hf.metrics.forms.form import Form, Reading, first_record
from t2vid_hf.metrics.result_file import ResultFile, text_of


def _read(file: ResultFile, reading: Reading) -> list[Predicted]:
    predicted = []
    for index, record in enumerate(file.value):
        place = file.place(index)
        asked = reading.question(record, place)
        known = reading.by_id.get(asked.id)
        if known is not None and not asked.video:  # the original's predictions leave the video out
            asked = replace(asked, video=known.video)
        here = f"{place}, question {asked.id}"
        predicted.append(Predicted(asked, text_of(record, "pred", here)))
    return predicted


def _read_parsed(file: ResultFile, reading: Reading) -> list[Predicted]:
    predicted = []
    for index, record in enumerate(file.value):
        said: dict[str, Any] = {**record, "pred": record.get("orig_pred")}
        place = file.place(index)
        asked = reading.question(said, place)
        here = f"{place}, question {asked.id}"
        reply = text_of(record, "orig_pred", here)
        predicted.append(Predicted(asked, reply, parsed=text_of(record, "pred", here)))
    return predicted


LINES = Form(
    "lines of {question_id, prompt, pred, GT, category} (the original's)",
    lambda file: {"pred", "GT"} <= set(first_record(file)) and "orig_pred" not in first_record(file),
    _read,
)
PARSED_LINES = Form(
    "lines of {question_id, prompt, orig_pred, pred, GT, category} (the original's, parsed)",
    lambda file: {"orig_pred", "GT"} <= set(first_record(file)),
    _read_parsed,
)
