"""SQuAD-shaped data (SQuAD, XQuAD, CMRC 2018, JaQuAD): an article's paragraphs are joined into one long text.

`{"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text"}]}]}]}]}`. A question
without an answer (SQuAD 2.0's `is_impossible`) is not a question about the text and is left out.
"""

from collections.abc import Iterator
from pathlib import Path

from t2vid_hf.schema import LongTextQA
from t2vid_hf.sources import records

NAME = "squad"


def matches(fields: dict[str, object]) -> bool:
    """Whether a record has this shape."""
    return "paragraphs" in fields


def read(path: Path) -> Iterator[LongTextQA]:
    """Read a file of this shape."""
    for article in records.read(path):
        paragraphs = list(article.children("paragraphs"))
        context = "\n\n".join(paragraph.text("context") for paragraph in paragraphs)
        for paragraph in paragraphs:
            for question in paragraph.children("qas"):
                answers = list(question.children("answers"))
                if not answers:
                    continue
                key = str(question.fields.get("id", question.key))
                yield LongTextQA(key, NAME, context, question.text("question"), answers[0].text("text"))
