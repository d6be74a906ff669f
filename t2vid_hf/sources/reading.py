"""The one loop over all sources: read records, parse, check texts and ids, count, and refuse what is bad."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from t2vid_hf.schema import LongTextQA
from t2vid_hf.sources.base import Asked, Source
from t2vid_hf.sources.characters import bad_character
from t2vid_hf.sources.records import Record
from t2vid_hf.sources.report import BadRow, ReadReport, Refuse


@dataclass(frozen=True)
class _Question:
    """A row, and the record that it is made of."""

    row: LongTextQA
    record: Record


def rows(
    records: Iterable[Record], source: Source, *, every_answer: bool, report: ReadReport, refuse: Refuse
) -> Iterator[LongTextQA]:
    """The rows of a source's records.

    Args:
        records (`Iterable[Record]`): Of the source's shape.
        source ([`~t2vid_hf.sources.base.Source`]): How they become questions.
        every_answer (`bool`): A row for each answer to a question, not for the first alone.
        report ([`~t2vid_hf.sources.ReadReport`]): Is counted up.
        refuse (`Callable`): Called with each bad row.
    """
    places: dict[str, str] = {}
    for question in _questions(records, source, every_answer, report, refuse):
        row, record = question.row, question.record
        if row.id in places:
            refuse(
                record.bad(
                    "duplicate_id", f"the id '{row.id}' stands twice, first at {places[row.id]}; ids must differ"
                )
            )
            continue
        places[row.id] = record.place
        report.read += 1
        yield row


def _questions(
    records: Iterable[Record], source: Source, every_answer: bool, report: ReadReport, refuse: Refuse
) -> Iterator[_Question]:
    for record in records:
        try:
            parts = list(source.split(record))
        except BadRow as error:
            refuse(error)
            continue
        for part in parts:
            try:
                asked = source.parse(part)
                made = [] if isinstance(asked, str) else _made(part, asked, source.name, every_answer)
            except BadRow as error:
                refuse(error)
                continue
            if isinstance(asked, str):
                report.dropped[asked] += 1
            yield from made


def _made(record: Record, asked: Asked, source: str, every_answer: bool) -> list[_Question]:
    answers = asked.answers if every_answer else asked.answers[:1]
    _check(record, "id", record.id, drawn=False)
    _check(record, "text", asked.context, drawn=True)
    _check(record, "question", asked.question, drawn=False)
    for answer in answers:
        _check(record, "answer", answer, drawn=False)
    # The first answer's id is the same whether the others are taken or not
    ids = [record.id, *(f"{record.id}-answer{number}" for number in range(1, len(answers)))]
    return [
        _Question(LongTextQA(id, source, asked.context, asked.question, answer), record)
        for id, answer in zip(ids, answers, strict=True)
    ]


def _check(record: Record, what: str, value: str, *, drawn: bool) -> None:
    if not value.strip():
        raise record.bad("empty_text", f"the {what} is empty; every question needs a text, a question and an answer")
    problem = bad_character(value, drawn=drawn)
    if problem is not None:
        raise record.bad("bad_character", f"the {what}: {problem}")
