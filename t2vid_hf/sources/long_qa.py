"""The plain shape: `{"context", "question", "answer"}`, or `{"context", "questions": [{"question", "answers"}]}`."""

from collections.abc import Iterator
from pathlib import Path

from t2vid_hf.schema import LongTextQA
from t2vid_hf.sources import records

NAME = "long_qa"
SHAPE = (
    "give records with 'context', 'question' and 'answer', or with 'context' and 'questions', a list of objects with "
    "'question' and 'answer' or 'answers'"
)


def matches(fields: dict[str, object]) -> bool:
    """Whether a record has this shape."""
    return "context" in fields or {"question", "answer"} <= fields.keys()


def read(path: Path) -> Iterator[LongTextQA]:
    """Read a file of this shape; of several answers the first is taken."""
    for record in records.read(path):
        context = record.text("context")
        document = str(record.fields.get("id", record.key))
        questions = list(record.children("questions")) if "questions" in record.fields else [record]
        for number, question in enumerate(questions):
            key = document if question is record else str(question.fields.get("id", f"{document}-{number}"))
            yield LongTextQA(key, NAME, context, question.text("question"), _answer(question))


def _answer(question: records.Record) -> str:
    answers = question.fields.get("answers")
    if isinstance(answers, list) and answers and "answer" not in question.fields:
        return records.Record({"answers[0]": answers[0]}, question.place, question.key).text("answers[0]")
    return question.text("answer")
