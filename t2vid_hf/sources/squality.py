"""SQuALITY v1.3 (nyu-mll/SQuALITY): stories of Project Gutenberg with questions and long answers written by people.

`{"metadata": {"passage_id"}, "document", "questions": [{"question_text", "question_number", "responses":
[{"response_text"}]}]}`: four answers to a question. Questions and answers are CC BY 4.0; the stories are in the public
domain in the US.
"""

from collections.abc import Iterable
from typing import Any

from t2vid_hf.sources.records import Record
from t2vid_hf.sources.source import ParsedQuestion, Source


def _matches(fields: dict[str, Any]) -> bool:
    return {"document", "questions"} <= fields.keys()


def _split(record: Record) -> Iterable[Record]:
    context, metadata = record.text("document"), record.fields.get("metadata")
    passage = metadata.get("passage_id", record.key) if isinstance(metadata, dict) else record.key
    return [
        Record(
            {**question.fields, "document": context},
            question.place,
            f"{passage}-{question.fields.get('question_number', number)}",
        )
        for number, question in enumerate(record.children("questions"))
    ]


def _parse(record: Record) -> ParsedQuestion:
    responses = list(record.children("responses"))
    if not responses:
        raise record.bad("empty_text", "'responses' is empty; a question needs at least one answer")
    # A line break behind an answer would be learnt as a part of it
    answers = tuple(response.text("response_text").strip() for response in responses)
    return ParsedQuestion(record.text("document"), record.text("question_text"), answers)


SOURCE = Source("squality", "stories with 'document' and 'questions'", _matches, _parse, _split)
