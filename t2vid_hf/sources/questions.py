"""The one loop over all sources: read records, parse, check texts and ids, count, and refuse what is bad."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from t2vid_hf.schema import LongTextQA
from t2vid_hf.sources.read_report import BadRow, ReadReport, Refuse
from t2vid_hf.sources.records import Record
from t2vid_hf.sources.refused_characters import bad_character
from t2vid_hf.sources.source import ParsedQuestion, Source


@dataclass(frozen=True)
class _SourcedRow:
    """A row, and the record that it is made of."""

    row: LongTextQA
    record: Record


def rows(
    records: Iterable[Record], source: Source, *, every_answer: bool, report: ReadReport, refuse: Refuse
) -> Iterator[LongTextQA]:
    """The rows of a source's records.

    Args:
        records (`Iterable[Record]`): Records of the source's shape.
        source ([`~t2vid_hf.sources.source.Source`]): How records become questions.
        every_answer (`bool`): Whether each answer to a question makes a row, not the first alone.
        report ([`~t2vid_hf.sources.ReadReport`]): The counts of the reading; counted up.
        refuse (`Callable[[BadRow], None]`): What is done with each bad row.
    """
    places: dict[str, str] = {}
    for sourced in _parse_records(records, source, every_answer, report, refuse):
        row, record = sourced.row, sourced.record
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


def _parse_records(
    records: Iterable[Record], source: Source, every_answer: bool, report: ReadReport, refuse: Refuse
) -> Iterator[_SourcedRow]:
    for record in records:
        try:
            parts = list(source.split(record))
        except BadRow as error:
            refuse(error)
            continue
        for part in parts:
            try:
                parsed = source.parse(part)
                made = [] if isinstance(parsed, str) else _make_rows(part, parsed, source.name, every_answer)
            except BadRow as error:
                refuse(error)
                continue
            if isinstance(parsed, str):
                report.dropped[parsed] += 1
            yield from made


def _make_rows(record: Record, parsed: ParsedQuestion, source: str, every_answer: bool) -> list[_SourcedRow]:
    answers = parsed.answers if every_answer else parsed.answers[:1]
    _check(record, "id", record.id)
    # Control characters of a text are drawn as boxes, and counted: one of them refuses no article.
    _check(record, "text", parsed.context)
    _check(record, "question", parsed.question)
    for answer in answers:
        _check(record, "answer", answer)
    # The first answer's id is the same whether the others are taken or not
    ids = [record.id, *(f"{record.id}-answer{number}" for number in range(1, len(answers)))]
    return [
        _SourcedRow(LongTextQA(id, source, parsed.context, parsed.question, answer), record)
        for id, answer in zip(ids, answers, strict=True)
    ]


def _check(record: Record, what: str, value: str) -> None:
    if not value.strip():
        raise record.bad("empty_text", f"the {what} is empty; every question needs a text, a question and an answer")
    problem = bad_character(value)
    if problem is not None:
        raise record.bad("bad_character", f"the {what}: {problem}")
