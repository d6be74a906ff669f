"""SQuAD-shaped data (SQuAD, XQuAD, CMRC 2018, JaQuAD): an article's paragraphs are joined into one long text.

`{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text"}]}]}]}]}`. A question
without an answer (SQuAD 2.0's `is_impossible`) is not a question about the text and is dropped.
"""

from collections.abc import Iterable
from typing import Any

from t2vid_hf.sources.read_report import Dropped
from t2vid_hf.sources.records import Record
from t2vid_hf.sources.source import ParsedQuestion, Source


def _matches(fields: dict[str, Any]) -> bool:
    return "paragraphs" in fields


def _split(article: Record) -> Iterable[Record]:
    paragraphs = list(article.children("paragraphs"))
    context = "\n\n".join(paragraph.text("context") for paragraph in paragraphs)
    return [
        Record({**question.fields, "context": context}, question.place, question.key)
        for paragraph in paragraphs
        for question in paragraph.children("qas")
    ]


def _parse(record: Record) -> ParsedQuestion | Dropped:
    answers = list(record.children("answers"))
    if not answers:
        return "unanswerable"
    texts = tuple(answer.text("text") for answer in answers)
    return ParsedQuestion(record.text("context"), record.text("question"), texts)


SOURCE = Source("squad", "articles with 'paragraphs', each with 'context' and 'qas'", _matches, _parse, _split)
