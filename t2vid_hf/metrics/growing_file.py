"""A file that grows by a line of JSON at a time, so that a process that is killed loses no line but the last."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Write a line; in one write, so that it is there, or its beginning is.

    Args:
        path (`Path`): The file.
        record (`Mapping[str, Any]`): The line.
    """
    with path.open("ab") as file:
        file.write((json.dumps(record, ensure_ascii=False) + "\n").encode())


def whole_lines(path: Path) -> list[bytes]:
    """The lines that are there; a last one that was cut short is taken off the file.

    Args:
        path (`Path`): The file; one that is not there has no lines.

    Example:

    ```python
    >>> import pathlib, tempfile
    >>> from t2vid_hf.metrics.growing_file import append_line, whole_lines
    >>> path = pathlib.Path(tempfile.mkdtemp(), "answers.jsonl")
    >>> append_line(path, {"id": 1})
    >>> _ = path.write_bytes(path.read_bytes() + b'{"id"')
    >>> whole_lines(path), path.read_bytes()
    ([b'{"id": 1}'], b'{"id": 1}\\n')

    ```
    """
    given = path.read_bytes() if path.is_file() else b""
    whole = given[: given.rfind(b"\n") + 1]
    if len(whole) < len(given):
        os.truncate(path, len(whole))
    return whole.splitlines()
