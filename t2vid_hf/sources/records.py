"""Records of a JSON or JSON lines file, each with the place it came from.

Lines are read one at a time, so a file of any size takes the memory of its longest line; a JSON document (a list, or
an object with the list under "data") is read whole.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError


@dataclass(frozen=True)
class Record:
    """One record.

    Args:
        fields (`dict`): Its keys and values.
        place (`str`): `"file:line"` or `"file[index]"`, for messages.
        key (`str`): What tells it apart where it has no id: its number, from 0.
    """

    fields: dict[str, Any]
    place: str
    key: str

    def text(self, name: str) -> str:
        """A field that must be a string with something in it.

        Raises:
            [`~t2vid_hf.errors.InputError`]: it is missing, empty or not a string.
        """
        value = self.fields.get(name)
        if isinstance(value, str) and value.strip():
            return value
        problem = "is missing" if name not in self.fields else f"is {_shown(value)}"
        raise InputError(
            f"{self.place}: the field '{name}' {problem}; it must be text "
            f"(fields of this record: {', '.join(sorted(self.fields)) or 'none'})"
        )

    def children(self, name: str) -> Iterator["Record"]:
        """A field that must be a list of objects, as records of their own."""
        value = self.fields.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise InputError(f"{self.place}: the field '{name}' is {_shown(value)}; it must be a list of objects")
        for index, item in enumerate(value):
            yield Record(item, f"{self.place} {name}[{index}]", f"{self.key}-{index}")


def read(path: Path) -> Iterator[Record]:
    """Read the records of a `.json` or `.jsonl` file.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no such file, an empty one, bytes that are not UTF-8 (with their offset), or
            a line that is not a JSON object (with its number).
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a .json or .jsonl file")
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a .json or .jsonl file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    yield from _document(path) if path.suffix == ".json" else _lines(path)


def _lines(path: Path) -> Iterator[Record]:
    offset = number = 0
    with path.open("rb") as file:
        for line_number, raw in enumerate(file, 1):
            line = _decode(raw, path, offset)
            offset += len(raw)
            if not line.strip():
                continue
            place = f"{path}:{line_number}"
            try:
                fields = json.loads(line)
            except json.JSONDecodeError as error:
                hint = "; a file that is one JSON document must be named .json" if line_number == 1 else ""
                raise InputError(f"{place}: not a JSON object on one line ({error.msg}){hint}") from None
            yield _record(fields, place, number)
            number += 1


def _document(path: Path) -> Iterator[Record]:
    text = _decode(path.read_bytes(), path, 0)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        hint = "; a file of one object a line must be named .jsonl" if error.msg == "Extra data" else ""
        raise InputError(f"{path}:{error.lineno}: not JSON ({error.msg}){hint}") from None
    items = document.get("data", document) if isinstance(document, dict) else document
    for number, fields in enumerate(items if isinstance(items, list) else [items]):
        yield _record(fields, f"{path}[{number}]", number)


def _decode(raw: bytes, path: Path, offset: int) -> str:
    try:
        return raw.decode("utf-8-sig" if offset == 0 else "utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {offset + error.start} is 0x{raw[error.start]:02x}, not UTF-8; convert the file, "
            f"for example: iconv -f latin1 -t utf-8"
        ) from None


def _record(fields: Any, place: str, number: int) -> Record:
    if not isinstance(fields, dict):
        raise InputError(f"{place}: {_shown(fields)} where an object is expected")
    return Record(fields, place, str(number))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "..."
