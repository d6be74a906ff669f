"""The plain shape: `{"context", "question", "answer"}`, or `{"context", "questions": [{"question", "answers"}]}`.

Any file of records or rows, or Hub data set, has this shape once a column map says how its columns are called. The
answer may also be a list of texts, or the Hub's form of SQuAD, `{"text": [...]}`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.sources.read_report import Dropped
from t2vid_hf.sources.records import Record
from t2vid_hf.sources.source import ParsedQuestion, Source

COLUMNS = ("id", "context", "question", "answer", "questions")


def _matches(fields: dict[str, Any]) -> bool:
    return "context" in fields or {"question", "answer"} <= fields.keys()


def rename_columns(record: Record, columns: Mapping[str, str]) -> Record:
    """A record whose columns have our names.

    Args:
        record ([`~t2vid_hf.sources.records.Record`]): A record whose columns have names of their own.
        columns (`Mapping[str, str]`): Our name -> the record's name.

    Raises:
        [`~t2vid_hf.sources.BadRow`]: it has no such column; the message names those that it has.
    """
    for ours, theirs in columns.items():
        if theirs not in record.fields:
            present = ", ".join(sorted(record.fields)) or "none"
            raise record.bad("missing_field", f"no column '{theirs}', which 'columns' gives for '{ours}' ({present})")
    rest = {name: value for name, value in record.fields.items() if name not in columns.values()}
    fields = {**rest, **{ours: record.fields[theirs] for ours, theirs in columns.items()}}
    return Record(fields, record.place, record.key)


def check_columns(columns: Mapping[str, str]) -> None:
    """Refuse a column map with a name that is not ours.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown key, or one column under two names.
    """
    for name in columns:
        if name not in COLUMNS:
            raise unknown("name in the column map", name, COLUMNS)
    if len({*columns.values()}) < len(columns):
        raise InputError(f"the column map gives one column under two names: {dict(columns)}")


def _split(record: Record) -> Iterable[Record]:
    if "questions" not in record.fields:
        return [record]
    context, document = record.text("context"), record.id
    return [
        Record({"context": context, **child.fields}, child.place, f"{document}-{number}")
        for number, child in enumerate(record.children("questions"))
    ]


def _parse(record: Record) -> ParsedQuestion | Dropped:
    context, question = record.text("context"), record.text("question")
    name = "answer" if "answer" in record.fields else "answers" if "answers" in record.fields else "answer"
    answers = record.fields.get(name)
    if isinstance(answers, dict) and isinstance(answers.get("text"), list):
        answers = answers["text"]
        if not answers:
            return "unanswerable"
    if not isinstance(answers, list):
        return ParsedQuestion(context, question, (record.text(name),))
    if not answers:
        raise record.bad("empty_text", f"the field '{name}' is an empty list; give at least one answer")
    numbered = {f"{name}[{number}]": answer for number, answer in enumerate(answers)}
    checked = Record(numbered, record.place, record.key)
    return ParsedQuestion(context, question, tuple(checked.text(key) for key in numbered))


SOURCE = Source(
    "long_qa",
    "records with 'context', 'question' and 'answer', or with 'context' and 'questions', a list of objects with "
    "'question' and 'answer' or 'answers'",
    _matches,
    _parse,
    _split,
)
