"""The JSON of the original code and of its two video sets <-> our rows, exactly, both ways.

- `conversations`: `{"conversations": [{"from", "value"}], "video": name, "id"?}`, one `<video>`, in the first turn: the
  original's synthetic sets and Idefics3 training (a list, `.json`), and ShareGemini (`.jsonl`).
- `multi_image`: `{"image": {"<image_00>": path, ...}, "conversations": [{"role", "content"}], "id"?}`: MiniCPM-V.
- `videoinstruct`: `{"q", "a", "video_id"}`, VideoInstruct100K; the video stands behind the question in samples of an
  even number and before it in the others, as in Video-ChatGPT's training.

A row made here refers to its media, `{"bytes": None, "path": as in the file}`; none is opened, so a video's frames are
not counted (`num_frames` is 0), and [`located`] makes the paths absolute for reading. Exact has a price: a sample that
a row cannot hold (a key that is not listed, a tag inside a sentence) is refused, never mended.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import Block, Message, Row, media_block, text
from t2vid_hf.sources import records
from t2vid_hf.sources.characters import bad_character

Sample = dict[str, Any]
_INTEGER_KEY = re.compile("int:(0|-?[1-9][0-9]*)")  # a sample's id may be a number; a row's is text
_RULES = (
    "each tag must stand on a line of its own, one for each medium, images numbered from <image_00> in order; a turn "
    "holds a role and a text; an id must not be '#' and the sample's number"
)


class Format(NamedTuple):
    """How a sample is written: names of keys and roles, and the tag that stands for a medium."""

    media: str
    role: str
    content: str
    roles: dict[str, str]
    tag: re.Pattern[str]
    kind: Literal["image", "video"]


_ROLES = {"system": "system", "human": "user", "gpt": "assistant"}
_CONVERSATIONS = Format("video", "from", "value", _ROLES, re.compile("<video>"), "video")
_SAME_ROLES = {role: role for role in _ROLES.values()}
FORMATS: dict[str, Format] = {
    "conversations": _CONVERSATIONS,
    "multi_image": Format("image", "role", "content", _SAME_ROLES, re.compile(r"<image_\d+>"), "image"),
    "videoinstruct": _CONVERSATIONS,  # once its q and a are turns
}
_PLAIN_KEYS = {"q", "a", "video_id"}
_Said = tuple[list[Message], list[str], str]  # messages, paths of the media in them, key


def to_row(sample: Sample, index: int, *, source: str, root: Path, format: str = "auto") -> Row:
    """A sample of one of `FORMATS` as a row.

    Args:
        sample (`dict`): The sample.
        index (`int`): Its number in the file, from 0; its id where it has none.
        source (`str`): The row's source, and the beginning of its id.
        root (`Path`): The folder that paths are relative to, and that none may leave.
        format (`str`): A key of `FORMATS`, or `"auto"`: the sample's keys decide.

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
    fits = "videoinstruct" if "video_id" in sample else "multi_image" if "image" in sample else "conversations"
    name = _chosen(format, fits)
    said = _parsed(sample, index, name)
    messages, paths, key = said
    if _built(said, index, name) != sample:
        raise InputError(f"a row cannot hold this sample of the format '{name}' exactly: {_RULES}")
    media = [{"bytes": None, "path": path} for path in paths if inside(path, root)]
    images = FORMATS[name].kind == "image"
    return {
        "id": f"{source}/{key}",
        "source": source,
        "media": "text" if not media else "image_sequence" if images else "video",
        "messages": messages,
        "images": media if images else [],
        "videos": [] if images else media,
        "num_frames": len(media) if images else 0,
    }


def to_sample(row: Row, index: int, *, root: Path, format: str = "auto") -> Sample:
    """A row as a sample: the inverse of [`to_row`]; no format holds the number of a video's frames.

    Arguments and errors as of [`to_row`]; `index` is the sample's number in the file to be, and `"auto"` means
    `conversations` for a video, else `multi_image`. The row must refer to its media by paths, not hold them.
    """
    name = _chosen(format, "conversations" if row["media"] == "video" else "multi_image")
    label = f"row '{row['id']}'"
    if not row["id"].startswith(f"{row['source']}/"):
        raise InputError(f"{label}: the id of a row of the source '{row['source']}' must begin with '{row['source']}/'")
    paths = []
    for item in [*row["images"], *row["videos"]]:
        if not isinstance(item, Mapping) or not item.get("path") or item.get("bytes") is not None:
            raise InputError(f"{label} holds its media; write them to files below {root}, and refer to these by path")
        inside(item["path"], root)
        paths.append(item["path"])
    said = row["messages"], paths, row["id"].removeprefix(f"{row['source']}/")
    try:
        sample = _built(said, index, name)
        exact = _parsed(sample, index, name) == said
    except InputError as error:
        raise InputError(f"{label}, as a sample of the format '{name}': {error}") from None
    if not exact:
        raise InputError(f"{label}: no sample of the format '{name}' can hold it exactly: {_RULES}")
    return sample


def read_rows(path: Path, *, source: str, root: Path, format: str = "auto") -> Iterator[Row]:
    """The rows of a `.json` or `.jsonl` file of samples; arguments and errors as of [`to_row`], with file and line."""
    for index, record in enumerate(records.read(path)):
        try:
            yield to_row(record.fields, index, source=source, root=root, format=format)
        except InputError as error:
            raise InputError(f"{record.place}: {error}") from None


def write_rows(rows: Iterable[Row], path: Path, *, root: Path, format: str = "auto") -> int:
    """Write rows as samples, a list to `.json`, lines to `.jsonl`, whole or not at all; returns how many."""
    if path.suffix not in (".json", ".jsonl"):
        raise InputError(f"{path}: samples are written to a .json or a .jsonl file")
    samples = [to_sample(row, index, root=root, format=format) for index, row in enumerate(rows)]
    lines, is_list = [json.dumps(sample, ensure_ascii=False) for sample in samples], path.suffix == ".json"
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text("[\n" + ",\n".join(lines) + "\n]\n" if is_list else "\n".join([*lines, ""]), "utf-8")
    partial.replace(path)
    return len(samples)


def located(row: Row, root: Path) -> Row:
    """The row with absolute paths in place of those relative to a root folder."""

    def whole(media: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**item, "path": str(inside(item["path"], root))} for item in media]

    return {**row, "images": whole(row["images"]), "videos": whole(row["videos"])}


def inside(path: str, root: Path) -> Path:
    """The file below a root folder that a path means, links followed; a path that leaves the folder is refused."""
    # ".." is refused on both separators: a file written on one system is read on another
    if path and bad_character(path, drawn=True) is None and ".." not in re.split(r"[/\\]", path):
        base, whole = Path(os.path.realpath(root)), Path(os.path.realpath(root / path))
        if whole != base and whole.is_relative_to(base):
            return whole
    raise InputError(f"the path '{path}' is not of a file below {root}; paths must be relative to it and not leave it")


def _chosen(format: str, fits: str) -> str:
    if format not in (*FORMATS, "auto"):
        raise unknown("format", format, [*FORMATS, "auto"])
    return fits if format == "auto" else format


def _parsed(sample: Sample, index: int, name: str) -> _Said:
    form = FORMATS[name]
    keys, further = ({"conversations", form.media}, {"id"}) if name != "videoinstruct" else (_PLAIN_KEYS, set())
    if not keys <= sample.keys() <= keys | further:
        allowed = f"{', '.join(sorted(keys))}{' (and id)' if further else ''}"
        raise InputError(f"a sample of the format '{name}' has the keys {allowed}; given: {', '.join(sorted(sample))}")
    if name == "videoinstruct":
        values = [f"{sample['q']}\n<video>" if index % 2 == 0 else f"<video>\n{sample['q']}", sample["a"]]
        turns = [{"from": role, "value": value} for role, value in zip(("human", "gpt"), values, strict=True)]
        sample = {"conversations": turns, "video": sample["video_id"]}
    key = sample.get("id", f"#{index}")
    if type(key) not in (str, int) or bad_character(str(key), drawn=True):  # not isinstance: True is an int
        raise InputError(f"the id is {key!r}; it must be text without control characters, or a whole number")
    turns, media = sample["conversations"], sample[form.media]
    if not isinstance(turns, list):
        raise InputError("'conversations' must be a list of turns")
    messages = [_message(turn, form) for turn in turns]
    counts = [sum(block["type"] == form.kind for block in message["content"]) for message in messages]
    if form.kind == "video" and (sum(counts) != 1 or counts[0] != 1):
        raise InputError(f"{sum(counts)} lines are the tag <video>; there must be one, in the first turn")
    if form.kind == "image" and not isinstance(media, dict):
        raise InputError("'image' must be an object that gives each tag a path")
    paths = [media] if form.kind == "video" else [media.get(tag) for tag in _tags(form, sum(counts))]
    if not all(isinstance(path, str) for path in paths):
        raise InputError("a medium's path is missing or is not text")
    return messages, paths, key if isinstance(key, str) else f"int:{key}"


def _built(said: _Said, index: int, name: str) -> Sample:
    """The inverse of `_parsed`. It may leave out what the format cannot hold: who calls it parses the result again."""
    form, (messages, paths, key) = FORMATS[name], said
    if form.kind == "video" and (len(paths) != 1 or not messages):
        raise InputError(f"{len(messages)} turns and {len(paths)} media; a sample has turns and one video")
    tags = _tags(form, len(paths))
    rest = iter(tags)
    turns = [_turn(message, form, rest) for message in messages]
    media = paths[0] if form.kind == "video" else dict(zip(tags, paths, strict=True))
    if name == "videoinstruct":
        question = re.sub(r"\A<video>\n|\n<video>\Z", "", turns[0]["value"])
        return {"q": question, "a": turns[-1]["value"], "video_id": media}
    sample = {form.media: media, "conversations": turns}
    number = _INTEGER_KEY.fullmatch(key)
    identity = {} if key == f"#{index}" else {"id": int(number[1]) if number else key}
    return {**identity, **sample}


def _tags(form: Format, count: int) -> list[str]:
    return ["<video>"] if form.kind == "video" else [f"<image_{number:02d}>" for number in range(count)]


def _message(turn: Any, form: Format) -> Message:
    role, content = (turn.get(form.role), turn.get(form.content)) if isinstance(turn, dict) else (None, None)
    if not isinstance(role, str) or role not in form.roles or not isinstance(content, str):
        raise InputError(f"a turn has '{form.role}', one of {', '.join(form.roles)}, and '{form.content}', a text")
    blocks: list[Block] = []
    for is_tag, group in groupby(content.split("\n"), lambda line: form.tag.fullmatch(line) is not None):
        lines = list(group)
        blocks += [media_block(form.kind)] * len(lines) if is_tag else [text("\n".join(lines))]
    return {"role": form.roles[role], "content": blocks}


def _turn(message: Message, form: Format, tags: Iterator[str]) -> dict[str, str]:
    names = {role: name for name, role in form.roles.items()}
    if message["role"] not in names:
        raise InputError(f"the role is '{message['role']}'; known: {', '.join(names)}")
    for value in (block["text"] or "" for block in message["content"]):
        tag = form.tag.search(value)
        problem = f"{tag[0]} inside of it; a tag has a line of its own" if tag else bad_character(value, drawn=False)
        if problem is not None:
            raise InputError(f"a text of the {message['role']}: {problem}")
    lines = [next(tags, "") if block["text"] is None else block["text"] for block in message["content"]]
    return {form.role: names[message["role"]], form.content: "\n".join(lines)}
