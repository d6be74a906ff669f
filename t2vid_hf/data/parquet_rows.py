"""Rows -> one Parquet file as `Dataset.to_parquet` (`datasets` 5.2) writes it, without an Arrow file in between.

`Dataset.from_generator` writes all rows to an Arrow file and reads them back, which took a quarter of the time of a
build of drawn pages. Here rows go to the file in groups while the next are made, on a thread of its own: pyarrow holds
no lock of Python's while it writes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from datasets import Features, Image, Video
from datasets.table import embed_table_storage

# What the Hub's viewer expects: to read one row, a reader takes its whole group.
GROUP_BYTES = 100_000_000
# Few: where a row is a megabyte, larger tables take twice as long, for their memory is asked from the system each time.
BATCH_ROWS = 8
# Pages of a file end where its content says, so that the Hub stores a changed set without what is the same in it.
_CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], features: Features) -> int:
    """Write rows to a Parquet file.

    Args:
        path (`Path`): The file.
        rows (`Iterable[Mapping[str, Any]]`): The rows; media as `features` take them, those given by a path are read
            into the file.
        features (`datasets.Features`): The columns; readers find them in the file.

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
    schema = features.arrow_schema
    options = _column_options(features, schema)
    count = 0
    with (
        pa.parquet.ParquetWriter(
            path, schema, use_content_defined_chunking=_CHUNKING, write_page_index=True, **options
        ) as writer,
        ThreadPoolExecutor(1) as beside,
    ):
        writing: Future[None] | None = None
        for group in _groups(rows, features):
            if writing is not None:
                writing.result()
            writing = beside.submit(writer.write_table, group)
            count += len(group)
        if writing is not None:
            writing.result()
        writer.add_key_value_metadata({"content_defined_chunking": json.dumps(_CHUNKING)})
    return count


def _groups(rows: Iterable[Mapping[str, Any]], features: Features) -> Iterator[pa.Table]:
    """Tables of `GROUP_BYTES` at most, except where few rows are more."""
    held: list[pa.Table] = []
    for table in _tables(rows, features):
        if held and sum(part.nbytes for part in held) + table.nbytes > GROUP_BYTES:
            yield pa.concat_tables(held)
            held = []
        held.append(table)
    if held:
        yield pa.concat_tables(held)


def _tables(rows: Iterable[Mapping[str, Any]], features: Features) -> Iterator[pa.Table]:
    schema = features.arrow_schema
    media = [name for name, feature in features.items() if _holds_media(feature)]
    given = iter(rows)
    while batch := [features.encode_example(row) for row in islice(given, BATCH_ROWS)]:
        table = pa.Table.from_pylist(batch, schema)
        # It looks at each value, so it is asked only where there is something to do.
        yield embed_table_storage(table) if any(_is_by_path(table[name]) for name in media) else table


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
