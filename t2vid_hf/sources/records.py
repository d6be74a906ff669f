"""Records of a JSON, JSON lines, CSV or Parquet file, here or by its URL, each with the place it came from.

Lines, CSV and Parquet are read piece by piece, so a file of any size takes the memory of its longest row; a JSON
document (a list, or an object with the list under "data") is read whole.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.sources import tables
from t2vid_hf.sources.opening import SUFFIXES, is_remote, kind_of, open_bytes
from t2vid_hf.sources.read_report import BadRow, Reason, Refuse, refuse_all


@dataclass(frozen=True)
class Record:
    """One record.

    Args:
        fields (`dict`): Its keys and values.
        place (`str`): Where it stands, `"file:line"` or `"file[index]"`, for messages.
        key (`str`): What tells it apart where it has no id: its number, from 0. Bad rows have a number too, so that
            mending one changes no other row's key.
    """

    fields: dict[str, Any]
    place: str
    key: str

    @property
    def id(self) -> str:
        """The field "id" where there is one, else the key."""
        value = self.fields.get("id")
        if value is None or value == "":
            return self.key
        if not isinstance(value, str | int):
            raise self.bad("wrong_type", f"the id is {abbreviate(value)}; it must be text or a whole number")
        return str(value)

    def text(self, name: str) -> str:
        """A field that must be a string with something in it.

        Raises:
            [`~t2vid_hf.sources.BadRow`]: it is missing, empty or not a string.
        """
        value = self.fields.get(name)
        if isinstance(value, str) and value.strip():
            return value
        reason: Reason = "empty_text" if isinstance(value, str) else "wrong_type"
        if value is None:
            reason = "missing_field"
        problem = "is missing" if name not in self.fields else f"is {abbreviate(value)}"
        raise self.bad(
            reason,
            f"the field '{name}' {problem}; it must be text "
            f"(fields of this record: {', '.join(sorted(self.fields)) or 'none'})",
        )

    def children(self, name: str) -> Iterator["Record"]:
        """A field that must be a list of objects, as records of their own."""
        value = self.fields.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            problem = "is missing" if name not in self.fields else f"is {abbreviate(value)}"
            raise self.bad(
                "wrong_type" if name in self.fields else "missing_field",
                f"the field '{name}' {problem}; it must be a list of objects",
            )
        for index, item in enumerate(value):
            yield Record(item, f"{self.place} {name}[{index}]", f"{self.key}-{index}")

    def bad(self, reason: Reason, problem: str) -> BadRow:
        """The error that this record cannot be taken."""
        return BadRow(self.place, reason, problem, self.fields)


def read(path: str | Path, *, encoding: str = "utf-8", refuse: Refuse = refuse_all) -> Iterator[Record]:
    """Read the records of a file; its suffix says what it is, and one of no known suffix is read as JSON lines.

    Args:
        path (`str` or `Path`): A `.json`, `.jsonl`, `.csv`, `.tsv` or `.parquet` file, or its URL; text may be
            compressed (`.gz`, `.bz2`, `.zst`).
        encoding (`str`, *optional*, defaults to `"utf-8"`): How a text file is encoded, as Python names it; a byte
            order mark is skipped.
        refuse (`Callable[[BadRow], None]`, *optional*, defaults to `refuse_all`): What is done with each bad row.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no such file, an empty one, or one that is not what its suffix says.
    """
    if not is_remote(path) and Path(path).is_dir():
        raise InputError(f"{path} is a folder; give a {', '.join(SUFFIXES)} file")
    with open_bytes(path) as file:
        if not file.read(1):
            raise InputError(f"{path}: the file is empty")
    kind = kind_of(path)
    if kind == ".parquet":
        rows: tables.Rows = tables.read_parquet(path)
    elif kind == ".json":
        rows = _document(path, encoding)
    elif kind in (".csv", ".tsv"):
        rows = tables.read_delimited(path, lines(path, encoding), "\t" if kind == ".tsv" else ",")
    else:
        rows = _json_lines(path, encoding)
    yield from to_records(rows, refuse)


def to_records(rows: tables.Rows, refuse: Refuse) -> Iterator[Record]:
    """Rows of a table as records; what is not an object is refused."""
    for number, (place, fields) in enumerate(rows):
        if isinstance(fields, BadRow):
            refuse(fields)
        elif isinstance(fields, dict):
            yield Record(fields, place, str(number))
        else:
            refuse(BadRow(place, "not_a_record", f"{abbreviate(fields)} where an object is expected", repr(fields)))


def lines(path: str | Path, encoding: str) -> Iterator[tuple[int, str | BadRow]]:
    """The lines of a text file with their numbers; a line that does not decode comes as the error."""
    try:
        whole_lines = "\n".encode(encoding) == b"\n"
    except LookupError:
        raise InputError(
            f"unknown encoding '{encoding}'; give a name that Python knows: utf-8, latin-1, cp1252"
        ) from None
    if not whole_lines:  # UTF-16 and its like cannot be cut at the byte 0x0A: such a file is read whole
        text = _decode(_whole(path), path, 0, encoding)
        yield from enumerate(io.StringIO(text, newline="\n"), 1)
        return
    offset = 0
    with open_bytes(path) as file:
        for number, raw in enumerate(file, 1):
            try:
                yield number, _decode(raw, f"{path}:{number}", offset, encoding)
            except BadRow as error:
                yield number, error
            offset += len(raw)


def _json_lines(path: str | Path, encoding: str) -> tables.Rows:
    first = True
    for number, line in lines(path, encoding):
        place = f"{path}:{number}"
        if isinstance(line, BadRow):
            yield place, line
        elif line.strip():
            try:
                fields = json.loads(line)
            except (ValueError, RecursionError) as error:
                # A document spread over lines: every line of it would be bad, so the file is, whatever is asked
                if first and (line.strip() == "{" or line.lstrip().startswith("[")):
                    raise InputError(
                        f"{place}: the file is one JSON document, not one JSON object a line; name it .json"
                    ) from None
                yield place, BadRow(place, "not_json", f"not a JSON object on one line ({_reason(error)})", line)
            else:
                if first and isinstance(fields, list):
                    raise InputError(f"{place}: a list where one JSON object a line is expected; name the file .json")
                yield place, fields
            first = False


def _document(path: str | Path, encoding: str) -> tables.Rows:
    text = _decode(_whole(path), path, 0, encoding)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        hint = "; a file of one object a line must be named .jsonl" if error.msg == "Extra data" else ""
        raise InputError(f"{path}:{error.lineno}: not JSON ({error.msg}){hint}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON that can be read ({_reason(error)})") from None
    items = document.get("data", document) if isinstance(document, dict) else document
    for number, fields in enumerate(items if isinstance(items, list) else [items]):
        yield f"{path}[{number}]", fields


def _whole(path: str | Path) -> bytes:
    with open_bytes(path) as file:
        return file.read()


def _decode(raw: bytes, place: str | Path, offset: int, encoding: str) -> str:
    try:
        return raw.decode(encoding).removeprefix("\ufeff") if offset == 0 else raw.decode(encoding)
    except UnicodeDecodeError as error:
        at = error.start
        raise BadRow(
            str(place),
            "bad_encoding",
            f"byte {offset + at} is 0x{raw[at]:02x}, not {encoding.upper()}; give the encoding that the file has "
            f"(encoding='latin-1', 'cp1252', 'utf-16'), or convert it: iconv -f latin1 -t utf-8",
            raw.decode("utf-8", "backslashreplace"),
        ) from None
    except LookupError:
        raise InputError(
            f"unknown encoding '{encoding}'; give a name that Python knows: utf-8, latin-1, cp1252"
        ) from None


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def abbreviate(value: Any) -> str:
    """A value for a message, cut to 40 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "..."
