"""NExT-QA's results: `{video_qid: {prediction, answer}}`, numbers of options; all else is in `val.csv`."""

import csv
import io
from pathlib import Path

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import LETTERS, Asked, Predicted
from t2vid_hf.metrics.forms.form import Form, Reading, object_at
from t2vid_hf.metrics.result_file import ResultFile, read_text

COLUMNS = ("video", "question", "answer", "qid", "type", "a0", "a1", "a2", "a3", "a4")
TYPES = ("CW", "CH", "TN", "TC", "DC", "DL", "DO")
CATEGORIES = {"C": "Acc_C", "T": "Acc_T", "D": "Acc_D"}


def read_csv(path: Path) -> list[Asked]:
    """The questions of `val.csv` or `test.csv`.

    Questions about what came before (TP) count as TN, as in the paper's table.

    Args:
        path (`Path`): The file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it lacks a column, or a row is none of its.
    """
    rows = csv.DictReader(io.StringIO(read_text(path), newline=""))
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; NExT-QA's val.csv has {', '.join(COLUMNS)}")
    questions = []
    for row in rows:
        place = f"{path}, line {rows.line_num}"
        if None in row or None in row.values():
            raise InputError(f"{place}: not the {len(rows.fieldnames or ())} values that the first line names")
        kind = "TN" if row["type"] == "TP" else row["type"]
        if kind not in TYPES or row["answer"] not in ("0", "1", "2", "3", "4"):
            raise InputError(f"{place}: type '{row['type']}', answer '{row['answer']}'; an answer is 0 to 4")
        questions.append(
            Asked(
                id=f"{row['video']}_{row['qid']}",
                video=row["video"],
                group=kind,
                prompt=row["question"],
                options=tuple(row[f"a{number}"] for number in range(5)),
                answer=LETTERS[int(row["answer"])],
                groups=(CATEGORIES[kind[0]],),
            )
        )
    return questions


def _read(file: ResultFile, reading: Reading) -> list[Predicted]:
    if reading.questions is None:
        raise InputError(f"{file.path}: it holds no questions; give NExT-QA's file of them, --questions val.csv")
    known = reading.by_id
    predicted = []
    for name, entry in file.value.items():
        place = f"{file.path}, question {name}"
        said = object_at(entry, place)
        if name not in known:
            raise InputError(f"{place}: the question file has no such question")
        answer, number = said.get("answer"), said.get("prediction")
        if type(number) is not int or not 0 <= number <= 4:
            raise InputError(f"{place}: prediction {number!r}; it is the number of an option, 0 to 4")
        if type(answer) is not int or not 0 <= answer <= 4 or LETTERS[answer] != known[name].answer:
            raise InputError(f"{place}: its answer {answer!r} contradicts the question file's {known[name].answer}")
        predicted.append(Predicted(known[name], LETTERS[number]))
    return predicted


def _fits(file: ResultFile) -> bool:
    first = next(iter(file.value.values()), None) if isinstance(file.value, dict) else None
    return isinstance(first, dict) and {"prediction", "answer"} <= set(first)


RESULTS = Form("{video_qid: {prediction, answer}}, with --questions val.csv", _fits, _read, ("nextqa",))
