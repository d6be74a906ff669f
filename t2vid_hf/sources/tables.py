"""Rows of CSV, of Parquet and of Hub data sets, one at a time.

A row is `(place, fields)`; one that cannot be read comes as its error in place of the fields, since the rows after it
still can.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.sources.opening import SUFFIXES, kind_of, open_bytes
from t2vid_hf.sources.read_report import BadRow

Rows = Iterator[tuple[str, Any]]
_HUB = re.compile(r"hf:/{1,2}datasets/(?P<name>[^@/]+(?:/[^@/]+)?)/?(?:@(?P<revision>.+))?")
_MAX_CELL = 2**31 - 1  # characters; the csv module's own limit of 131,072 is less than one long text
_BATCH = 64  # rows of Parquet decoded at a time


def read_delimited(path: str | Path, lines: Iterator[tuple[int, str | BadRow]], delimiter: str) -> Rows:
    """The rows of a CSV file; its first row names the columns.

    Args:
        path (`str` or `Path`): The file, for messages.
        lines (`Iterator[tuple[int, str | BadRow]]`): Its lines with their numbers; one that does not decode comes as
            the error.
        delimiter (`str`): What stands between two cells, `","` or a tab.
    """
    undecodable: list[BadRow] = []
    numbers = [0]

    def feed() -> Iterator[str]:
        for number, line in lines:
            numbers[0] = number
            if isinstance(line, BadRow):
                # A row may span lines: the reader gets the line all the same, and the row that it ends is refused
                undecodable.append(line)
                line = str(line.content)
            yield line

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    try:
        names = _next_row(reader)
    except (csv.Error, StopIteration) as error:
        raise InputError(f"{path}:1: the first row must name the columns ({error})") from None
    if undecodable:
        raise undecodable[0]
    if len({*names}) < len(names):
        raise InputError(f"{path}:1: two columns of one name ({', '.join(names)}); names must differ")
    while True:
        place = f"{path}:{numbers[0] + 1}"
        try:
            cells = _next_row(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield place, BadRow(place, "not_a_record", f"not a CSV row ({error})")
            continue
        finally:
            broken, undecodable[:] = undecodable[:1], []
        if broken:
            yield place, broken[0]
        elif cells and len(cells) != len(names):
            problem = f"{len(cells)} cells where the header has {len(names)} ({', '.join(names)})"
            yield place, BadRow(place, "not_a_record", problem, {str(n): cell for n, cell in enumerate(cells)})
        elif cells:
            yield place, dict(zip(names, cells, strict=True))


def _next_row(reader: Any) -> list[str]:
    # The limit is a global of the csv module: it is raised for one row and put back
    limit = csv.field_size_limit(_MAX_CELL)
    try:
        row: list[str] = next(reader)
        return row
    finally:
        csv.field_size_limit(limit)


def read_parquet(path: str | Path) -> Rows:
    """The rows of a Parquet file, or of one at a URL."""
    import pyarrow
    from pyarrow import parquet as pq

    try:
        with open_bytes(path) as file:
            number = 0
            for batch in pq.ParquetFile(file).iter_batches(batch_size=_BATCH):
                for fields in batch.to_pylist():
                    yield f"{path}[{number}]", fields
                    number += 1
    except (pyarrow.ArrowInvalid, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a Parquet file that can be read ({error})") from None


def hub_name(path: str | Path) -> tuple[str, str | None] | None:
    """Name and revision of a Hub data set written as a path; `None` for any other path, as that of a file in one.

    Example:

    ```python
    >>> from t2vid_hf.sources.tables import hub_name
    >>> hub_name("hf://datasets/someone/long-texts@v2")
    ('someone/long-texts', 'v2')

    ```
    """
    match = _HUB.fullmatch(Path(path).as_posix())  # a Path has lost one of the two slashes
    return (match["name"], match["revision"]) if match and kind_of(path) not in SUFFIXES else None


def stream_data_set(name: str, *, config: str | None, split: str, revision: str | None = None) -> Rows:
    """The rows of a data set of the Hub, or of a folder of data files; streamed, so nothing is written to a cache.

    Args:
        name (`str`): Name on the Hub, or path of a folder.
        config (`str` or `None`): Configuration of the data set; `None` takes its default one.
        split (`str`): Split of the data set.
        revision (`str`, *optional*): Branch, tag or commit on the Hub; `None` takes the main branch.
    """
    from datasets import load_dataset

    try:
        rows = load_dataset(name, config, split=split, revision=revision, streaming=True)
        for number, fields in enumerate(rows):
            yield f"{name}[{split}][{number}]", fields
    except (FileNotFoundError, ConnectionError) as error:  # DatasetNotFoundError is a FileNotFoundError
        raise InputError(f"{name}: no data set that can be read ({error})") from None
    except ValueError as error:  # an unknown split or config; the message lists the known ones
        raise InputError(f"{name}: {error}") from None
