"""Options of `t2vid build` that are more than a word: files by split, a map of columns, formats and what they allow."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from t2vid_hf.data.exchange_formats import FORMATS_ELSEWHERE
from t2vid_hf.errors import InputError, unknown


def check_format(format: str, render: str, push: str | None) -> None:
    """Refuse an unknown format, and what only a data set of the Hub can be."""
    if format not in ("parquet", *FORMATS_ELSEWHERE):
        raise unknown("format", format, ("parquet", *FORMATS_ELSEWHERE))
    if format != "parquet" and render == "lazy":
        raise InputError(f"--format {format} is for readers that draw no pages; leave --render lazy out")
    if format != "parquet" and push is not None:
        raise InputError(f"--push publishes data sets of the Hub; build --format {format} without it, and upload it")


def files_of_splits(given: Iterable[str]) -> dict[str, list[str]]:
    """The files of each split.

    Args:
        given (`Iterable[str]`): The option --data_files: `FILE`, which is for the split "train", or `SPLIT=FILE`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: what stands before `=` cannot name a split.

    Example:

    ```python
    >>> from t2vid_hf.cli.build_options import files_of_splits
    >>> files_of_splits(["train=a.jsonl", "b.jsonl", "test=https://example.org/c.jsonl?download=true"])
    {'train': ['a.jsonl', 'b.jsonl'], 'test': ['https://example.org/c.jsonl?download=true']}
    >>> files_of_splits(["https://example.org/c.jsonl?download=true"])
    {'train': ['https://example.org/c.jsonl?download=true']}

    ```
    """
    files: dict[str, list[str]] = {}
    for item in given:
        split, separator, path = item.partition("=")
        if not separator or "://" in split or Path(item).exists():
            split, path = "train", item
        if not re.fullmatch(r"\w+(\.\w+)*", split):
            raise InputError(f"--data_files {item}: '{split}' cannot name a split: give letters, digits and _")
        files.setdefault(split, []).append(path)
    return files


def column_map(given: str | None) -> dict[str, str] | None:
    """The option --columns as a mapping.

    Args:
        given (`str` or `None`): A JSON object: our name -> the name of the column that holds it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not JSON, or not an object of texts.

    Example:

    ```python
    >>> from t2vid_hf.cli.build_options import column_map
    >>> column_map('{"context": "story"}')
    {'context': 'story'}

    ```
    """
    if given is None:
        return None
    try:
        columns = json.loads(given)
    except json.JSONDecodeError as error:
        raise InputError(f"--columns '{given}' is not JSON: {error}") from None
    if not isinstance(columns, dict) or not all(isinstance(value, str) for value in columns.values()):
        raise InputError(f'--columns \'{given}\': give an object of texts, like {{"context": "story"}}')
    return columns
