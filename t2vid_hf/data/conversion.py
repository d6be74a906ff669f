"""The JSON of the original code and of its two video sets <-> our rows, exactly, both ways.

[`~t2vid_hf.data.sample_formats`] lists the formats. A row made here refers to its media,
`{"bytes": None, "path": as in the file}`; none is opened, so a video's frames are not counted (`num_frames` is 0), and
[`~t2vid_hf.data.paths.locate_media`] makes the paths absolute for reading. Exact has a price: a sample that a row
cannot hold (a key that is not listed, a tag inside a sentence) is refused, never mended.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from t2vid_hf.data.paths import resolve_inside
from t2vid_hf.data.sample_formats import FORMATS, Sample, SampleContent, build_sample, parse_sample
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import Row
from t2vid_hf.sources import records

_RULES = (
    "each tag must stand on a line of its own, one for each medium, images numbered from <image_00> in order; a turn "
    "holds a role and a text; an id must not be '#' and the sample's number"
)


def to_row(sample: Sample, index: int, *, source: str, root: Path, format: str = "auto") -> Row:
    """A sample of one of `FORMATS` as a row.

    Args:
        sample (`dict`): The sample.
        index (`int`): Its number in the file, from 0; the row's id where it has none.
        source (`str`): The row's source, and the beginning of its id.
        root (`Path`): The folder that paths are relative to, and that none may leave.
        format (`str`, *optional*, defaults to `"auto"`): A key of `FORMATS`; with `"auto"` the sample's keys decide.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the sample is not of the format, a row cannot hold it exactly, or a path
            leaves the root.

    Example:

    ```python
    >>> from pathlib import Path
    >>> from t2vid_hf.data.conversion import to_row, to_sample
    >>> turns = [{"from": "human", "value": "<video>\\nWho?"}, {"from": "gpt", "value": "The keeper."}]
    >>> sample = {"conversations": turns, "video": "LongAlpaca_00000"}
    >>> row = to_row(sample, 0, source="longalpaca", root=Path("data"))
    >>> row["id"], row["media"], [block["type"] for block in row["messages"][0]["content"]]
    ('longalpaca/#0', 'video', ['video', 'text'])
    >>> to_sample(row, 0, root=Path("data")) == sample
    True

    ```
    """
    detected = "videoinstruct" if "video_id" in sample else "multi_image" if "image" in sample else "conversations"
    name = _choose_format(format, detected)
    content = parse_sample(sample, index, name)
    if build_sample(content, index, name) != sample:
        raise InputError(f"a row cannot hold this sample of the format '{name}' exactly: {_RULES}")
    for path in content.paths:
        resolve_inside(path, root)
    media = [{"bytes": None, "path": path} for path in content.paths]
    are_images = FORMATS[name].kind == "image"
    return {
        "id": f"{source}/{content.key}",
        "source": source,
        "media": "text" if not media else "image_sequence" if are_images else "video",
        "messages": content.messages,
        "images": media if are_images else [],
        "videos": [] if are_images else media,
        "num_frames": len(media) if are_images else 0,
    }


def to_sample(row: Row, index: int, *, root: Path, format: str = "auto") -> Sample:
    """A row as a sample: the inverse of [`to_row`]; no format holds the number of a video's frames.

    Args:
        row ([`~t2vid_hf.schema.Row`]): A row that refers to its media by paths and does not hold them.
        index (`int`): The sample's number in the file to be, from 0.
        root (`Path`): The folder that paths are relative to, and that none may leave.
        format (`str`, *optional*, defaults to `"auto"`): A key of `FORMATS`; `"auto"` is `conversations` for a video,
            else `multi_image`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the row holds its media, the format cannot hold the row exactly, or a path
            leaves the root.
    """
    name = _choose_format(format, "conversations" if row["media"] == "video" else "multi_image")
    label = f"row '{row['id']}'"
    if not row["id"].startswith(f"{row['source']}/"):
        raise InputError(f"{label}: the id of a row of the source '{row['source']}' must begin with '{row['source']}/'")
    key = row["id"].removeprefix(f"{row['source']}/")
    content = SampleContent(row["messages"], _media_paths(row, label, root), key)
    try:
        sample = build_sample(content, index, name)
        is_exact = parse_sample(sample, index, name) == content
    except InputError as error:
        raise InputError(f"{label}, as a sample of the format '{name}': {error}") from None
    if not is_exact:
        raise InputError(f"{label}: no sample of the format '{name}' can hold it exactly: {_RULES}")
    return sample


def read_rows(path: Path, *, source: str, root: Path, format: str = "auto") -> Iterator[Row]:
    """The rows of a file of samples.

    Args:
        path (`Path`): A `.json` or `.jsonl` file.
        source (`str`): The rows' source, and the beginning of their ids.
        root (`Path`): The folder that paths are relative to, and that none may leave.
        format (`str`, *optional*, defaults to `"auto"`): A key of `FORMATS`; with `"auto"` a sample's keys decide.

    Raises:
        [`~t2vid_hf.errors.InputError`]: as [`to_row`], with file and line.
    """
    for index, record in enumerate(records.read(path)):
        try:
            yield to_row(record.fields, index, source=source, root=root, format=format)
        except InputError as error:
            raise InputError(f"{record.place}: {error}") from None


def write_rows(rows: Iterable[Row], path: Path, *, root: Path, format: str = "auto") -> int:
    """Write rows as a file of samples, whole or not at all.

    Args:
        rows (`Iterable[Row]`): Rows that refer to their media by paths.
        path (`Path`): The file: `.json` for a list, `.jsonl` for a sample a line.
        root (`Path`): The folder that paths are relative to, and that none may leave.
        format (`str`, *optional*, defaults to `"auto"`): A key of `FORMATS`; `"auto"` is `conversations` for a video,
            else `multi_image`.

    Returns:
        `int`: how many samples were written.

    Raises:
        [`~t2vid_hf.errors.InputError`]: as [`to_sample`], or another suffix.
    """
    if path.suffix not in (".json", ".jsonl"):
        raise InputError(f"{path}: samples are written to a .json or a .jsonl file")
    samples = [to_sample(row, index, root=root, format=format) for index, row in enumerate(rows)]
    lines, is_list = [json.dumps(sample, ensure_ascii=False) for sample in samples], path.suffix == ".json"
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text("[\n" + ",\n".join(lines) + "\n]\n" if is_list else "\n".join([*lines, ""]), "utf-8")
    partial.replace(path)
    return len(samples)


def _choose_format(given: str, detected: str) -> str:
    if given not in (*FORMATS, "auto"):
        raise unknown("format", given, [*FORMATS, "auto"])
    return detected if given == "auto" else given


def _media_paths(row: Row, label: str, root: Path) -> list[str]:
    """The paths of a row's media, none of which may leave the root; media that the row holds are refused."""
    paths = []
    for item in [*row["images"], *row["videos"]]:
        if not isinstance(item, Mapping) or not item.get("path") or item.get("bytes") is not None:
            raise InputError(f"{label} holds its media; write them to files below {root}, and refer to these by path")
        resolve_inside(item["path"], root)
        paths.append(item["path"])
    return paths
