"""Parquet files of our own rows, eager or lazy, as tables of one shape: what the builder makes no rows of, but reads.

A file is ours by its columns, not by its name or by who wrote it: so a set that was filtered, or pushed by stock
`datasets`, is one still. Tables go through as Arrow holds them: no row becomes a Python object.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from datasets import Features

from t2vid_hf.data.page_columns import PAGE_COLUMNS, features_with_pages, join_pages
from t2vid_hf.data.pages import Pages
from t2vid_hf.schema import COLUMNS
from t2vid_hf.sources.opening import kind_of, open_bytes

BATCH_ROWS = 100  # of eager pages 100 MB


def columns_of(path: str) -> Features | None:
    """The columns of a file of our rows, its pages drawn on reading; `None` where it is none.

    Args:
        path (`str`): A file or a URL.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such file.
    """
    if kind_of(path) != ".parquet":
        return None
    with open_bytes(path) as file:
        try:
            schema = pa.parquet.read_schema(file)
        except pa.ArrowInvalid:
            return None  # who reads it tells what is wrong
    given = set(schema.names)
    ours = set(COLUMNS) <= given or {"images", *PAGE_COLUMNS} <= given
    return features_with_pages(Features.from_arrow_schema(schema)) if ours else None


def columns_of_all(found: Iterable[Features]) -> Features:
    """The columns that hold rows of each of these: all there are, and pages where any has them.

    Args:
        found (`Iterable[datasets.Features]`): The columns of files, at least of one.
    """
    columns: dict[str, Any] = {}
    for given in found:
        columns = {**given, **columns, **{name: kind for name, kind in given.items() if isinstance(kind, Pages)}}
    return Features(columns)


def read_tables(path: str) -> Iterator[pa.Table]:
    """The rows of a file, its pages as Arrow holds [`~t2vid_hf.data.pages.Pages`].

    Args:
        path (`str`): A file or a URL that [`columns_of`] knows.
    """
    with open_bytes(path) as file:
        for batch in pa.parquet.ParquetFile(file).iter_batches(batch_size=BATCH_ROWS):
            table = pa.Table.from_batches([batch])
            yield join_pages(table) if set(PAGE_COLUMNS) <= set(table.column_names) else table
