"""MVBench's and MLVU's `{acc_dict, res_list}`: replies in order, and how many of each task were right.

MVBench's replies have no task. They were made a task after the other, so that the order and the totals of `acc_dict`
tell it; that the counts of right answers come out again is checked when they are scored, see `counted`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Asked, Predicted
from t2vid_hf.metrics.forms.form import Form, Reading, object_at
from t2vid_hf.metrics.option_text import answer_letter, options_in
from t2vid_hf.metrics.result_file import ResultFile, text_of


def counts_of(file: ResultFile) -> dict[str, tuple[int, int]]:
    """How many were right, and how many there are, of each task.

    Args:
        file ([`~t2vid_hf.metrics.result_file.ResultFile`]): The file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: these are no counts.
    """
    counts = {}
    for task, pair in object_at(file.value["acc_dict"], f"{file.path}, acc_dict").items():
        whole = isinstance(pair, list) and len(pair) == 2 and all(type(number) is int for number in pair)
        if not whole or not 0 <= pair[0] <= pair[1]:  # type: ignore[index]
            raise InputError(f"{file.path}, acc_dict, task {task}: {pair!r} is no [right, of how many]")
        counts[task] = (pair[0], pair[1])  # type: ignore[index]
    return counts


def _read(file: ResultFile, reading: Reading) -> list[Predicted]:
    listed = file.value["res_list"]
    if not isinstance(listed, list):
        raise InputError(f"{file.path}: res_list is {type(listed).__name__}, not a list")
    counts = counts_of(file)
    total = sum(of for _, of in counts.values())
    if total != len(listed):
        raise InputError(f"{file.path}: acc_dict counts {total} replies, and res_list holds {len(listed)}")
    in_order = [task for task, (_, of) in counts.items() for _ in range(of)]
    if reading.questions is not None and len(reading.questions) != total:
        raise InputError(
            f"{file.path}: {total} replies to the {len(reading.questions)} questions of the question file; "
            "they are told by their order, so that all must be there"
        )
    predicted = []
    for index, (task, entry) in enumerate(zip(in_order, listed, strict=True)):
        place = f"{file.path}, res_list, entry {index + 1}"
        record = object_at(entry, place)
        known = reading.questions[index] if reading.questions is not None else None
        asked = _asked(record, task, f"{index + 1}", place, known)
        predicted.append(Predicted(asked, text_of(record, "pred", place)))
    return predicted


def _asked(record: Mapping[str, Any], task: str, name: str, place: str, known: Asked | None) -> Asked:
    right = text_of(record, "gt", place) or ""
    kind = str(record.get("question_type", task))
    if known is None:
        prompt = str(record.get("question") or "")
        options = options_in(prompt)
        letter = answer_letter(right, options, place)
        return Asked(name, str(record.get("video") or ""), kind, prompt, options, letter, facts={"right": right})
    if answer_letter(right, known.options, place) != known.answer:
        raise InputError(f"{place}: its answer '{right}' contradicts the question file's {known.answer} of {known.id}")
    return replace(known, group=kind, facts={**known.facts, "right": right})


COUNTS = Form(
    "{acc_dict: {task: [right, of]}, res_list: [{pred, gt}]}",
    lambda file: isinstance(file.value, dict) and {"acc_dict", "res_list"} <= set(file.value),
    _read,
    ("mvbench", "mlvu"),
)
