"""SQuALITY v1.3 (nyu-mll/SQuALITY): stories of Project Gutenberg with questions and long answers written by people.

`{"metadata": {"passage_id"}, "document", "questions": [{"question_text", "question_number", "responses":
[{"response_text"}]}]}`. Questions and answers are CC BY 4.0; the stories are in the public domain in the US.
"""

from collections.abc import Iterator
from pathlib import Path

from t2vid_hf.errors import InputError
from t2vid_hf.schema import LongTextQA
from t2vid_hf.sources import records

NAME = "squality"


def matches(fields: dict[str, object]) -> bool:
    """Whether a record has this shape."""
    return {"document", "questions"} <= fields.keys()


def read(path: Path) -> Iterator[LongTextQA]:
    """Read a file of this shape; of the four responses to a question the first is taken."""
    for record in records.read(path):
        context = record.text("document")
        metadata = record.fields.get("metadata")
        passage = str(metadata.get("passage_id", record.key)) if isinstance(metadata, dict) else record.key
        for question in record.children("questions"):
            responses = list(question.children("responses"))
            if not responses:
                raise InputError(f"{question.place}: 'responses' is empty; a question needs at least one answer")
            number = question.fields.get("question_number", question.key)
            asked = question.text("question_text")
            yield LongTextQA(f"{passage}-{number}", NAME, context, asked, responses[0].text("response_text").strip())
