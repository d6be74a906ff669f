"""Natural Questions among 10 to 200 documents (Long-Data-Collections): `{"prompt", "completion"}`.

The prompt is `...search results...\\n\\nDocument [1]...\\n\\nQuestion: q`, the completion `Answer: X\\nLong Answer: ...
\\nGold Document ID: N`. As in the paper, the long answer is left out, the question is asked with `INSTRUCTION`, and the
answer is X and the document's number. Unlike the paper's converter, which lowers all letters but the first, names in
the question keep their capitals, and a document may hold the word "Question: ".
"""

import re
from typing import Any

from t2vid_hf.sources.records import Record
from t2vid_hf.sources.source import ParsedQuestion, Source

INSTRUCTION = "Answer the question in short and give the corresponding document ID."
_QUESTION = "\nQuestion:"
_ANSWER_CUE = re.compile(r"\s*\n\s*(?:Long )?Answer:\s*\Z")
_COMPLETION = re.compile(
    r"\s*Answer:(?P<short>.*?)\n\s*Long Answer:.*\n\s*Gold Document ID:\s*(?P<document>\d+)\s*", re.DOTALL
)


def split_prompt(prompt: str) -> tuple[str, str] | None:
    """Cut a prompt at its last "Question:" into documents and question.

    Example:

    ```python
    >>> from t2vid_hf.sources.natural_questions import split_prompt
    >>> split_prompt("Document [1] Snow melts.\\n\\nQuestion: what did Ada say of snow")
    ('Document [1] Snow melts.', 'What did Ada say of snow?')

    ```
    """
    context, found, question = _ANSWER_CUE.sub("", prompt).rpartition(_QUESTION)
    question = question.strip()
    if not found or not question:
        return None
    question = question[0].upper() + question[1:]
    return context.strip(), question if question.endswith(("?", "\uff1f")) else f"{question}?"


def short_answer(completion: str) -> str | None:
    """The short answer and the document's number, or `None` where the completion has another shape.

    Example:

    ```python
    >>> from t2vid_hf.sources.natural_questions import short_answer
    >>> short_answer("Answer: in spring\\nLong Answer: Snow melts in spring.\\nGold Document ID: 24")
    'in spring\\nDocument ID: 24'

    ```
    """
    match = _COMPLETION.fullmatch(completion)
    if match is None or not match["short"].strip():
        return None
    return f"{match['short'].strip()}\nDocument ID: {match['document']}"


def parse_question(record: Record, prompt: str, completion: str) -> ParsedQuestion:
    """The question of a record with this prompt and completion.

    Raises:
        [`~t2vid_hf.sources.BadRow`]: prompt or completion has another shape.
    """
    parts, answer = split_prompt(prompt), short_answer(completion)
    if parts is None:
        raise record.bad("unknown_shape", "the prompt has no line 'Question: ...' at its end")
    if answer is None:
        raise record.bad(
            "unknown_shape", "the answer is not 'Answer: ...', 'Long Answer: ...' and 'Gold Document ID: number'"
        )
    return ParsedQuestion(parts[0], f"{parts[1]}\n{INSTRUCTION}", (answer,))


def _matches(fields: dict[str, Any]) -> bool:
    return {"prompt", "completion"} <= fields.keys() and "Gold Document ID:" in str(fields["completion"])


def _parse(record: Record) -> ParsedQuestion:
    return parse_question(record, record.text("prompt"), record.text("completion"))


SOURCE = Source("natural_questions", "rows with 'prompt' and 'completion' (a gold document)", _matches, _parse)
