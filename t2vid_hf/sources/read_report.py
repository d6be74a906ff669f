"""What became of the rows of a file: how many were read, and why each other one was not.

Two kinds of row are not handed on. A *dropped* row is sound and of no use here (a question without a long text); it is
counted. A *bad* row is broken; it stops the reading, or is counted and written to a rejects file. Either way its
reason is one of `REASONS`, so that no row goes missing without a word.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TextIO

from t2vid_hf.errors import InputError

Dropped = Literal["short_row", "unanswerable"]
Reason = Literal[
    Dropped,
    "bad_encoding",
    "not_json",
    "not_a_record",
    "missing_field",
    "wrong_type",
    "empty_text",
    "bad_character",
    "unknown_shape",
    "duplicate_id",
]
REASONS: dict[Reason, str] = {
    "short_row": "dropped: an instruction without a long text (LongAlpaca, LongQLoRA)",
    "unanswerable": "dropped: a question that its text does not answer (SQuAD 2.0)",
    "bad_encoding": "bytes that are not of the file's encoding",
    "not_json": "a line that is not JSON",
    "not_a_record": "JSON that is not an object, or a table row with too few or too many cells",
    "missing_field": "a field is not there",
    "wrong_type": "a field is not of the type it must have",
    "empty_text": "a text with nothing in it",
    "bad_character": "a character that cannot be stored: NUL, a lone surrogate",
    "unknown_shape": "a prompt in none of the shapes that its source is known to have",
    "duplicate_id": "an id that an earlier row has",
}


class BadRow(InputError):
    """One row that cannot be taken.

    Args:
        place (`str`): Where the row stands, `"file:line"` or `"file[index]"`; the message begins with it.
        reason (`str`): Why it cannot be taken, a key of `REASONS`.
        problem (`str`): What is wrong, what is allowed, what to do.
        content (`dict` or `str`, *optional*): The row, as far as it was read; it goes to the rejects file.
    """

    def __init__(self, place: str, reason: Reason, problem: str, content: dict[str, Any] | str | None = None) -> None:
        super().__init__(f"{place}: {problem}")
        self.place, self.reason, self.problem, self.content = place, reason, problem, content

    def __reduce__(self) -> tuple[type["BadRow"], tuple[Any, ...]]:
        # An error of a worker process is pickled, and by default made anew from its message alone
        return BadRow, (self.place, self.reason, self.problem, self.content)


Refuse = Callable[[BadRow], None]
"""What is done with a bad row: it raises, or it takes note and returns."""


def refuse_all(error: BadRow) -> None:
    """The default: the first bad row stops the reading."""
    raise error


@dataclass
class ReadReport:
    """Counts of a reading; give one to [`~t2vid_hf.sources.read`] and look at it afterwards.

    Args:
        read (`int`, *optional*, defaults to `0`): Questions handed on.
        dropped (`Counter[str]`, *optional*): Rows that were not, by reason (a key of `REASONS`).
        first_bad (`str`, *optional*): The message of the first bad row that was skipped; `None` where none was.

    Example:

    ```python
    >>> from t2vid_hf.sources import ReadReport
    >>> report = ReadReport(read=9999)
    >>> report.dropped["bad_encoding"] += 1
    >>> print(report)
    9999 questions read; dropped: 1 bad_encoding

    ```
    """

    read: int = 0
    dropped: Counter[Reason] = field(default_factory=Counter)
    first_bad: str | None = None

    def __str__(self) -> str:
        drops = ", ".join(f"{count} {reason}" for reason, count in self.dropped.most_common())
        return f"{self.read} questions read; dropped: {drops or 'none'}"

    def skipper(self, rejects: TextIO | None = None) -> Refuse:
        """A `Refuse` that counts bad rows here, and writes each to a file as a line of JSON.

        Args:
            rejects (`TextIO`, *optional*): The file, open for writing; with `None` bad rows are counted alone.
        """

        def skip(error: BadRow) -> None:
            self.dropped[error.reason] += 1
            self.first_bad = self.first_bad or str(error)
            if rejects is not None:
                # ASCII, since the row may hold a lone surrogate; `str` for what a table has and JSON has not: dates
                line = {"place": error.place, "reason": error.reason, "error": str(error), "row": error.content}
                rejects.write(json.dumps(line, default=str) + "\n")
                rejects.flush()

        return skip
