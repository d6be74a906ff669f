"""A file of results as JSON values, each with the place that an error names: strict, as a score hides what it skips.

`json` keeps the last of two equal keys; here they are an error, for a prediction file with an id twice has two answers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError


@dataclass(frozen=True)
class ResultFile:
    """A file that was read.

    Args:
        path (`Path`): Where it is.
        value (`Any`): Its JSON value; of a file with a value a line the list of them.
        is_lines (`bool`): Whether each line is a value of its own.
    """

    path: Path
    value: Any
    is_lines: bool

    def place(self, index: int) -> str:
        """Where a value stands, for an error.

        Args:
            index (`int`): Its number in the list, from 0 on.
        """
        return f"{self.path}, line {index + 1}" if self.is_lines else f"{self.path}, entry {index + 1}"


def read_text(path: str | Path) -> str:
    """The text of a file.

    Args:
        path (`str` or `Path`): The file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not there, is empty, or is not UTF-8.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8 (byte {error.start}); write the file in UTF-8") from None
    if not text.strip():
        raise InputError(f"{path}: the file is empty")
    return text


def read_results(path: str | Path) -> ResultFile:
    """Read JSON, or JSON lines.

    Args:
        path (`str` or `Path`): The file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it cannot be read, is neither, or has a key twice.

    Example:

    ```python
    >>> import pathlib, tempfile
    >>> from t2vid_hf.metrics.result_file import read_results
    >>> path = pathlib.Path(tempfile.mkdtemp(), "answers.jsonl")
    >>> _ = path.write_text('{"id": 1}\\n{"id": 2}\\n')
    >>> read_results(path).value
    [{'id': 1}, {'id': 2}]

    ```
    """
    path = Path(path)
    text = read_text(path)
    try:
        value = json.loads(text, object_pairs_hook=partial(_unique, str(path)))
    except json.JSONDecodeError as error:
        if not _is_object(text.lstrip().partition("\n")[0]):
            raise InputError(f"{path}, line {error.lineno}: no JSON ({error.msg}); is the file cut off?") from None
        return ResultFile(path, _read_lines(path, text), True)
    is_line = path.suffix == ".jsonl" and isinstance(value, dict) and bool(value)
    return ResultFile(path, [value] if is_line else value, is_line)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except json.JSONDecodeError:
        return False


def _read_lines(path: Path, text: str) -> list[Any]:
    lines = text.split("\n")
    while not lines[-1].strip():
        lines.pop()
    values = []
    for number, line in enumerate(lines, 1):
        place = f"{path}, line {number}"
        try:
            value = json.loads(line, object_pairs_hook=partial(_unique, place))
        except json.JSONDecodeError as error:
            cut = ": the file is cut off there; answer this question again" if number == len(lines) else ""
            raise InputError(f"{place}: no JSON ({error.msg}){cut}") from None
        if not isinstance(value, dict):
            raise InputError(f"{place}: {type(value).__name__}, not an object")
        values.append(value)
    return values


def _unique(place: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"{place}: '{twice}' stands there twice")
    return found


def text_of(record: Mapping[str, Any], key: str, place: str, *, null: bool = False) -> str | None:
    """A reply in a record.

    Args:
        record (`Mapping[str, Any]`): The record.
        key (`str`): Where in it.
        place (`str`): What an error calls the record.
        null (`bool`, *optional*, defaults to `False`): Whether a model may have refused, which is written as null.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not there, or is no text.
    """
    if key not in record:
        raise InputError(f"{place}: no '{key}'")
    value = record[key]
    if value is None and null:
        return None
    if not isinstance(value, str):
        raise InputError(f"{place}: '{key}' is {type(value).__name__}, and a prediction is a text")
    return value
