"""BookSum (Long-Data-Collections): `{"prompt", "completion"}`, the prompt `{text}\\n\\nQ: ...\\nA:`.

The paper's converter cuts at the first "Q:", which a chapter may hold itself; here the last one on a line of its own
decides.
"""

import re
from typing import Any

from t2vid_hf.sources.records import Record
from t2vid_hf.sources.source import ParsedQuestion, Source

_QUESTION = re.compile(r"\n[ \t]*\n[ \t]*Q:")
_ANSWER_CUE = re.compile(r"\n\s*A:\s*\Z")


def split_prompt(prompt: str) -> tuple[str, str] | None:
    """Cut a prompt at its last "Q:" into text and question, or `None` where it has another shape.

    Example:

    ```python
    >>> from t2vid_hf.sources.booksum import split_prompt
    >>> split_prompt("He asked:\\n\\nQ: Who?\\nA: I.\\n\\nQ: Can you write a summary?\\nA:")
    ('He asked:\\n\\nQ: Who?\\nA: I.', 'Can you write a summary?')

    ```
    """
    cue = _ANSWER_CUE.search(prompt)
    last = max(_QUESTION.finditer(prompt), key=lambda match: match.start(), default=None)
    if cue is None or last is None or cue.start() < last.end():
        return None
    return prompt[: last.start()].strip(), prompt[last.end() : cue.start()].strip()


def _matches(fields: dict[str, Any]) -> bool:
    return {"prompt", "completion"} <= fields.keys()


def _parse(record: Record) -> ParsedQuestion:
    parts = split_prompt(record.text("prompt"))
    if parts is None:
        raise record.bad("unknown_shape", "the prompt does not end with a line 'Q: ...' and a line 'A:'")
    return ParsedQuestion(*parts, (record.text("completion").strip(),))


SOURCE = Source("booksum", "rows with 'prompt' and 'completion'", _matches, _parse)
