"""What a source is: the shape of its records, and how a record becomes questions.

A source is three pure functions and no loop: reading files, checking texts and ids, counting and refusing are the same
for all sources and stand in `t2vid_hf.sources.questions`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from t2vid_hf.sources.read_report import Dropped
from t2vid_hf.sources.records import Record


@dataclass(frozen=True)
class ParsedQuestion:
    """One question about a long text, with all its answers; the texts are not checked yet.

    Args:
        context (`str`): The long text.
        question (`str`): The question.
        answers (`tuple[str, ...]`): All its answers, at least one.
    """

    context: str
    question: str
    answers: tuple[str, ...]


def keep_whole(record: Record) -> Iterable[Record]:
    """The `split` of a source whose record is one question."""
    return [record]


@dataclass(frozen=True)
class Source:
    """A source of long-text question answering.

    Args:
        name (`str`): Its key in `SOURCES`, and the `source` of its rows.
        shape (`str`): What a record must hold, for messages.
        matches (`Callable[[dict], bool]`): Whether a record's fields have this shape.
        parse (`Callable[[Record], ParsedQuestion | Dropped]`): A question's record -> [`ParsedQuestion`], or the reason
            why it is dropped; raises [`~t2vid_hf.sources.BadRow`].
        split (`Callable[[Record], Iterable[Record]]`, *optional*, defaults to `keep_whole`): A record -> one record a
            question, so that a bad question spoils no other.
        license (`str`, *optional*): The licence of the published set, as the Hub names it, where it binds whoever
            takes rows of it: one that forbids commercial use. `None` says nothing of the set's licence.
    """

    name: str
    shape: str
    matches: Callable[[dict[str, Any]], bool]
    parse: Callable[[Record], ParsedQuestion | Dropped]
    split: Callable[[Record], Iterable[Record]] = keep_whole
    license: str | None = None
