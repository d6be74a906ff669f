"""Rows -> Parquet files as `Dataset.to_parquet` (`datasets` 5.2) writes them, without an Arrow file in between.

`Dataset.from_generator` writes all rows to an Arrow file and reads them back, which took a quarter of the time of a
build of drawn pages. Here rows go to the file in groups while the next are made, on a thread of its own: pyarrow holds
no lock of Python's while it writes. Lazy pages are written as plain columns, so that every reader opens the file.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from datasets import Features, Image, Video
from datasets.table import embed_table_storage

from t2vid_hf.data.page_columns import features_without_pages, split_pages

# What the Hub's viewer expects: to read one row, a reader takes its whole group.
GROUP_BYTES = 100_000_000
SHARD_BYTES = 500_000_000
"""How large a file gets, in Arrow's bytes, as `push_to_hub` counts them: a stream has as many shards as files."""
# Few: where a row is a megabyte, larger tables take twice as long, for their memory is asked from the system each time.
BATCH_ROWS = 8
# Pages of a file end where its content says, so that the Hub stores a changed set without what is the same in it.
_CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}


def write_split(
    folder: Path, split: str, rows: Iterable[Mapping[str, Any]], features: Features, *, shard_bytes: int = SHARD_BYTES
) -> int:
    """Write a split as files `split-00000-of-00002.parquet`, of a size.

    Args:
        folder (`Path`): Where the files go.
        split (`str`): The split's name.
        rows (`Iterable[Mapping[str, Any]]`): See [`write_rows`].
        features (`datasets.Features`): See [`write_rows`].
        shard_bytes (`int`, *optional*, defaults to `SHARD_BYTES`): The most bytes of a file, as Arrow holds them.

    Returns:
        `int`: how many rows there are.

    Raises:
        [`~t2vid_hf.errors.InputError`]: from the rows.
    """
    count, files = 0, []
    groups = _groups(rows, features, min(GROUP_BYTES, shard_bytes))
    for number, shard in groupby(groups, _ShardNumber(shard_bytes)):
        files.append(folder / f"{split}-{number:05d}.parquet")
        count += _write(files[-1], shard, features)
    if not files:
        files.append(folder / f"{split}-00000.parquet")
        _write(files[0], [], features)
    for file in files:  # how many there are is known behind the last
        file.rename(file.with_name(f"{file.stem}-of-{len(files):05d}.parquet"))
    return count


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], features: Features) -> int:
    """Write rows to one Parquet file.

    Args:
        path (`Path`): The file.
        rows (`Iterable[Mapping[str, Any]]`): The rows; media as `features` take them, those given by a path are read
            into the file.
        features (`datasets.Features`): The columns; readers find them in the file. Lazy pages become plain columns
            ([`~t2vid_hf.data.page_columns.without_pages`]).

    Returns:
        `int`: how many rows there are.

    Example:

    ```python
    >>> import tempfile
    >>> from pathlib import Path
    >>> from datasets import Features, Value
    >>> from t2vid_hf.data.parquet_rows import write_rows
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_rows(Path(folder) / "rows.parquet", [{"id": "a"}, {"id": "b"}], Features({"id": Value("string")}))
    2

    ```
    """
    return _write(path, _groups(rows, features, GROUP_BYTES), features)


class _ShardNumber:
    """Which file a table goes to, asked for each in turn."""

    def __init__(self, most: int) -> None:
        self._most, self._size, self._number = most, 0, 0

    def __call__(self, table: pa.Table) -> int:
        if self._size and self._size + table.nbytes > self._most:
            self._size, self._number = 0, self._number + 1
        self._size += table.nbytes
        return self._number


def _write(path: Path, tables: Iterable[pa.Table], features: Features) -> int:
    kept = features_without_pages(features)
    options = _column_options(kept, kept.arrow_schema)
    count = 0
    with (
        pa.parquet.ParquetWriter(
            path, kept.arrow_schema, use_content_defined_chunking=_CHUNKING, write_page_index=True, **options
        ) as writer,
        ThreadPoolExecutor(1) as beside,
    ):
        writing: Future[None] | None = None
        for table in tables:
            if writing is not None:
                writing.result()
            writing = beside.submit(writer.write_table, table if kept == features else split_pages(table))
            count += len(table)
        if writing is not None:
            writing.result()
        writer.add_key_value_metadata({"content_defined_chunking": json.dumps(_CHUNKING)})
    return count


def _groups(rows: Iterable[Mapping[str, Any]], features: Features, most: int) -> Iterator[pa.Table]:
    """Tables of so many bytes at most, except where few rows are more."""
    held: list[pa.Table] = []
    size = 0
    for table in tables_of(rows, features):
        size += table.nbytes
        if held and size > most:
            yield pa.concat_tables(held)
            held, size = [], table.nbytes
        held.append(table)
    if held:
        yield pa.concat_tables(held)


def tables_of(rows: Iterable[Mapping[str, Any]], features: Features, *, most: int = BATCH_ROWS) -> Iterator[pa.Table]:
    """Rows -> tables of 1, 2, 4 and so on rows: who wants the first waits for no other.

    Args:
        rows (`Iterable[Mapping[str, Any]]`): The rows; see [`write_rows`].
        features (`datasets.Features`): Their columns.
        most (`int`, *optional*, defaults to `BATCH_ROWS`): The most rows of a table.
    """
    schema = features.arrow_schema
    media = [name for name, feature in features.items() if _holds_media(feature)]
    given, size = iter(rows), 1
    while batch := [features.encode_example(row) for row in islice(given, size)]:
        table = pa.Table.from_pylist(batch, schema)
        # It looks at each value, so it is asked only where there is something to do.
        yield embed_table_storage(table) if any(_is_by_path(table[name]) for name in media) else table
        size = min(2 * size, most)


def _holds_media(feature: Any) -> bool:
    return isinstance(getattr(feature, "feature", None), (Image, Video))


def _is_by_path(column: pa.ChunkedArray) -> bool:
    files = pa.compute.list_flatten(column)
    return pa.compute.struct_field(files, "bytes").null_count > 0


def _column_options(features: Features, schema: pa.Schema) -> dict[str, Any]:
    """Media are compressed already: they are stored as they are, everything else with snappy and a dictionary."""
    leaves = {field.name: _leaves(field.name, field.type) for field in schema}
    media = [leaf for name, below in leaves.items() if _holds_media(features[name]) for leaf in below]
    others = [leaf for below in leaves.values() for leaf in below if leaf not in media]
    return {
        "compression": {**dict.fromkeys(others, "snappy"), **dict.fromkeys(media, "none")},
        "use_dictionary": others,
        "column_encoding": dict.fromkeys(media, "PLAIN"),
    }


def _leaves(path: str, of: pa.DataType) -> list[str]:
    """The columns of the file that a type becomes, as Parquet names them."""
    if pa.types.is_struct(of):
        return [leaf for field in of for leaf in _leaves(f"{path}.{field.name}", field.type)]
    if pa.types.is_list(of):
        return _leaves(f"{path}.list.element", of.value_type)
    return [path]
