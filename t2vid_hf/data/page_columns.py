"""Lazy pages as plain columns, which every reader opens, and back: `with_pages(dataset)`, `without_pages(dataset)`.

A type of our own in a file's metadata makes stock `datasets` refuse the file, and with it the Hub's viewer, DuckDB's
and Croissant's readers. So a lazy set is kept as text: `page_text`, `render_config` (JSON), `renderer_version` and
`num_pages` beside `images`, which holds the pages of rows that were given some, and is empty in the others. The price:
who reads it without the builder calls [`with_pages`], which writes the joined columns to the cache of `datasets` once
(32 kB a row of 44 pages); a Parquet file has the size that it had.
"""

from typing import Any

from t2vid_hf.errors import InputError

PAGE_COLUMNS = {
    "page_text": "text",
    "render_config": "config",
    "renderer_version": "renderer",
    "num_pages": "num_pages",
}
"""The columns of a file, and the fields of [`~t2vid_hf.data.pages.Pages`] that they become."""
_BATCH = 100  # rows of a stream that are joined at a time


def with_pages(dataset: Any) -> Any:
    """Pages in place of the text that a lazy set is kept as: its `images` are drawn when a row is read.

    Args:
        dataset (`datasets.Dataset`, `DatasetDict`, `IterableDataset` or `IterableDatasetDict`): What `load_dataset`
            gives. One that holds no pages as text comes as it is. A stream's format is set behind it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is no data set, or a stream whose columns are not known.

    Example:

    ```python
    >>> import tempfile, t2vid_hf
    >>> from datasets import load_dataset
    >>> from t2vid_hf.data.page_columns import with_pages, without_pages
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pages = load_dataset("t2vid", split="train", cache_dir=folder).select([0])
    ...     size = without_pages(pages).to_parquet(f"{folder}/rows.parquet")
    ...     stock = load_dataset("parquet", data_files=f"{folder}/rows.parquet", split="train", cache_dir=folder)
    ...     page = with_pages(stock)[0]["images"][0]
    >>> stock[0]["images"], stock[0]["num_pages"], page.size
    ([], 14, (448, 448))

    ```
    """
    return _change(dataset, join_pages, features_with_pages)


def without_pages(dataset: Any) -> Any:
    """Plain columns in place of pages, so that what is saved or pushed opens everywhere; nothing is drawn.

    Args:
        dataset (`datasets.Dataset`, `DatasetDict`, `IterableDataset` or `IterableDatasetDict`): Rows whose `images` are
            [`~t2vid_hf.data.pages.Pages`]. One without such a column comes as it is. A stream's format is set behind
            it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is no data set, or a stream whose columns are not known; or it has a column
            of one of the names in `PAGE_COLUMNS`.
    """
    return _change(dataset, split_pages, features_without_pages)


def _change(dataset: Any, tables: Any, columns: Any) -> Any:
    from datasets import Dataset, IterableDataset

    if isinstance(dataset, dict):
        return type(dataset)({split: _change(rows, tables, columns) for split, rows in dataset.items()})
    if not isinstance(dataset, Dataset | IterableDataset):
        raise InputError(
            f"pages of a {type(dataset).__name__}: give a Dataset, an IterableDataset or a dictionary of them, as "
            f"load_dataset returns"
        )
    if dataset.features is None:
        raise InputError("a stream whose columns are not known, as behind map: ask for its pages before that")
    changed = columns(dataset.features)
    if changed == dataset.features:
        return dataset
    made: dict[str, Any] = {"batched": True, "batch_size": _BATCH}
    if isinstance(dataset, IterableDataset):
        # cast behind it: what comes after a `map` that is told its features takes values as decoded (datasets 5.2)
        return dataset.with_format("arrow").map(tables, **made).cast(changed).with_format(None)
    if len(dataset) == 0:  # `map` gives the columns of no row as they were
        return Dataset.from_dict({name: [] for name in changed}, features=changed)
    rows = dataset.with_format("arrow").map(tables, **made, features=changed, desc="Pages as text or back")
    form = dataset.format
    shown = form["columns"] if set(form["columns"]) < set(dataset.column_names) else changed
    kept = [name for name in shown if name in changed]
    return rows.with_format(form["type"], kept, form["output_all_columns"], **form["format_kwargs"])


def features_with_pages(given: Any) -> Any:
    """The columns of a set once its pages are drawn on reading.

    Args:
        given (`datasets.Features`): Columns; those that hold no pages as text come as they are.
    """
    from datasets import Features

    from t2vid_hf.data.pages import Pages

    if not {"images", *PAGE_COLUMNS} <= set(given) or isinstance(given["images"], Pages):
        return given
    kept = {name: kind for name, kind in given.items() if name not in PAGE_COLUMNS}
    return Features({**kept, "images": Pages()})


def features_without_pages(given: Any) -> Any:
    """The columns of a set in the form in which it is kept.

    Args:
        given (`datasets.Features`): Columns; those without [`~t2vid_hf.data.pages.Pages`] come as they are.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is a column of one of the names in `PAGE_COLUMNS`.
    """
    from datasets import Features, Image, List

    from t2vid_hf.data.pages import Pages

    if not isinstance(given.get("images"), Pages):
        return given
    taken = sorted(set(PAGE_COLUMNS) & set(given))
    if taken:
        raise InputError(f"the columns {', '.join(taken)} are written with the pages' text; give yours other names")
    columns: dict[str, Any] = {}
    for name, kind in given.items():
        columns.update({name: List(Image()), **_text_columns()} if name == "images" else {name: kind})
    return Features(columns)


def join_pages(table: Any) -> Any:
    """The same rows with `images` as Arrow holds [`~t2vid_hf.data.pages.Pages`].

    Args:
        table (`pyarrow.Table`): Rows that hold their pages as text.
    """
    import pyarrow as pa
    import pyarrow.compute

    from t2vid_hf.data.pages import Pages

    images, text = _whole(table["images"]), _whole(table["page_text"])
    fields = {field: _whole(table[name]) for name, field in PAGE_COLUMNS.items()}
    fields["drawn"] = pa.nulls(len(table), Pages.pa_type.field("drawn").type)
    if text.null_count:
        own = Pages().cast_storage(pa.compute.if_else(text.is_valid(), None, images))
        fields["drawn"] = pa.compute.struct_field(own, "drawn")
    kinds = list(Pages.pa_type)
    joined = pa.StructArray.from_arrays(
        [fields[kind.name].cast(kind.type) for kind in kinds],
        fields=kinds,
        mask=pa.compute.and_(text.is_null(), images.is_null()),
    )
    kept = table.drop_columns(list(PAGE_COLUMNS))
    return kept.set_column(kept.column_names.index("images"), "images", joined)


def split_pages(table: Any) -> Any:
    """The same rows with the pages' text in columns of its own.

    Args:
        table (`pyarrow.Table`): Rows with `images` as Arrow holds [`~t2vid_hf.data.pages.Pages`].
    """
    import pyarrow as pa
    import pyarrow.compute

    pages = table["images"]
    drawn = _whole(pa.compute.struct_field(pages, "drawn"))
    ends = pa.compute.cumulative_sum(pa.compute.list_value_length(drawn).fill_null(0))
    content = drawn.flatten()
    files = pa.StructArray.from_arrays([content, pa.nulls(len(content), pa.string())], ["bytes", "path"])
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    images = pa.ListArray.from_arrays(offsets, files, mask=_whole(pages.is_null()))
    place = table.column_names.index("images")
    table = table.set_column(place, "images", images)
    for number, (name, field) in enumerate(PAGE_COLUMNS.items(), 1):
        table = table.add_column(place + number, name, pa.compute.struct_field(pages, field))
    return table


def _whole(column: Any) -> Any:
    """A column as one array, copied only where it is several."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _text_columns() -> dict[str, Any]:
    from datasets import Value

    from t2vid_hf.data.pages import Pages

    return {name: Value(str(Pages.pa_type.field(field).type)) for name, field in PAGE_COLUMNS.items()}
