"""Raw long-text question answering -> `Iterator[LongTextQA]`. One file a source; `SOURCES` names them.

A new data set is one file here and one line in `SOURCES`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import LongTextQA
from t2vid_hf.sources import long_qa, records, squad, squality

Source = Callable[[Path], Iterator[LongTextQA]]

SOURCES: dict[str, Source] = {
    "long_qa": long_qa.read,
    "squad": squad.read,
    "squality": squality.read,
}
# What each source's records look like, asked in this order when no source is named.
_SHAPES: dict[str, Callable[[dict[str, object]], bool]] = {
    "squality": squality.matches,
    "squad": squad.matches,
    "long_qa": long_qa.matches,
}
SAMPLE = Path(__file__).parent / "sample.jsonl"
"""Fourteen documents written for this project (CC0), in the shape of `long_qa`."""


def read(path: str | Path, *, source: str = "auto") -> Iterator[LongTextQA]:
    """Read long-text question answering from a file.

    Args:
        path (`str` or `Path`): A JSON or JSON lines file in UTF-8.
        source (`str`): A key of `SOURCES`, or `"auto"`: the first record's keys decide.

    Yields:
        [`~t2vid_hf.schema.LongTextQA`], in the file's order.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown source; a file that is missing, empty or not JSON; a record
            without its text, question or answer (with file and line); two records of one id.

    Example:

    ```python
    >>> from t2vid_hf import sources
    >>> rows = list(sources.read(sources.SAMPLE))
    >>> len({row.context for row in rows})
    14

    ```
    """
    path = Path(path)
    if source != "auto" and source not in SOURCES:
        raise unknown("source", source, [*SOURCES, "auto"])
    name = detect(path) if source == "auto" else source
    seen: set[str] = set()
    for row in SOURCES[name](path):
        if row.id in seen:
            raise InputError(f"{path}: the id '{row.id}' stands twice; ids must be unique in a source")
        seen.add(row.id)
        yield row
    if not seen:
        raise InputError(f"{path}: no question in the file; give at least one record of the source '{name}'")


def detect(path: Path) -> str:
    """The source whose shape the first record has."""
    first = next(iter(records.read(path))).fields
    for name, matches in _SHAPES.items():
        if matches(first):
            return name
    raise InputError(
        f"{path}: the first record has the keys {', '.join(sorted(first)) or '(none)'}, the shape of no known source; "
        f"{long_qa.SHAPE}; or name one of {', '.join(sorted(SOURCES))}"
    )
