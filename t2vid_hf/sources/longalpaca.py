"""LongAlpaca-12k (Yukang/LongAlpaca-12k): `{"instruction", "output", "input", "file"}`, the text inside the prompt.

9,000 rows hold a paper, two papers or a part of a book in one of four prompt shapes (a public parser of the same set
agrees on them); the text is cut out and the question kept. 3,000 rows are short instructions and are dropped. CC
BY-NC 4.0.
"""

import re
from typing import Any

from t2vid_hf.sources.read_report import Dropped
from t2vid_hf.sources.records import Record
from t2vid_hf.sources.source import ParsedQuestion, Source

SHORT_WORDS = 1000  # a long row has thousands of words, an Alpaca instruction at most a few hundred

# Where the text begins. LongLoRA's own demo writes the second shape with "material" for "paper".
_OPENINGS = (
    re.compile(
        r"\s*Below is a (?:paper|material)\. Memorize the (?:paper|material) and answer my question after the "
        r"(?:paper|material)\.\s*(?:The paper begins\.\s*)?"
    ),
    re.compile(
        # The sentences around each of two papers stay: questions speak of "the first paper"
        r"\s*There are two papers\. Memorize them and answer my question after the papers?\.\s*"
        r"(?=The first paper begins\.)"
    ),
    re.compile(
        r"\s*Below is some paragraphs in the book(?:, (?P<title>.+?))?\. "
        r"Memorize the content and answer my question after the book\.\s*"
    ),
)
_END = re.compile(r"Now the (?P<what>second paper|paper|material) ends\.")


def is_long(prompt: str) -> bool:
    """Whether a prompt begins as one with a long text does, or is too long for anything else."""
    return any(opening.match(prompt) for opening in _OPENINGS) or len(prompt.split()) >= SHORT_WORDS


def split_prompt(prompt: str) -> tuple[str, str] | None:
    """Cut a prompt of one of the four shapes into text and question.

    A book's title is put before its text: it stands nowhere else.

    Returns:
        `tuple[str, str]` or `None`: `None` where it has none of the shapes.

    Example:

    ```python
    >>> from t2vid_hf.sources.longalpaca import split_prompt
    >>> head = "Below is a paper. Memorize the paper and answer my question after the paper."
    >>> split_prompt(head + "\\n The paper begins. \\n Snow melts. \\n Now the paper ends. \\nQuestion: What melts?")
    ('Snow melts.', 'What melts?')

    ```
    """
    opened = next((match for opening in _OPENINGS if (match := opening.match(prompt))), None)
    # The last end: a text may quote the sentence, a question does not
    ended = max(_END.finditer(prompt), key=lambda match: match.start(), default=None)
    if opened is None or ended is None or ended.start() < opened.end():
        return None
    two_papers = ended["what"] == "second paper"
    text = prompt[opened.end() : ended.end() if two_papers else ended.start()].strip()
    title = opened.groupdict().get("title")
    question = prompt[ended.end() :].strip().removeprefix("Question:").strip()
    return f"{title}\n\n{text}" if title and text else text, question


def _matches(fields: dict[str, Any]) -> bool:
    return {"instruction", "output"} <= fields.keys()


def _parse(record: Record) -> ParsedQuestion | Dropped:
    prompt, further = record.text("instruction"), record.fields.get("input") or ""
    parts = split_prompt(prompt)
    if parts is None and not is_long(f"{prompt} {further}"):
        return "short_row"
    if parts is None or further:
        problem = "'input' is not empty" if parts else f"the prompt begins '{prompt[:40]}'"
        raise record.bad("unknown_shape", f"{problem}, which none of LongAlpaca's four shapes of a long row does")
    return ParsedQuestion(*parts, (record.text("output").strip().removeprefix("Answer:").strip(),))


SOURCE = Source("longalpaca", "rows with 'instruction' and 'output'", _matches, _parse, license="cc-by-nc-4.0")
