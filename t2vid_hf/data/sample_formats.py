"""How the original code and its two video sets write a sample: names of keys and roles, tags, and where the id stands.

- `conversations`: `{"conversations": [{"from", "value"}], "video": name, "id"?}`, one `<video>`, in the first turn: the
  original's synthetic sets and Idefics3 training (a list, `.json`), and ShareGemini (`.jsonl`).
- `multi_image`: `{"image": {"<image_00>": path, ...}, "conversations": [{"role", "content"}], "id"?}`: MiniCPM-V.
- `videoinstruct`: `{"q", "a", "video_id"}`, VideoInstruct100K; the video stands behind the question in samples of an
  even number and before it in the others, as in Video-ChatGPT's training.

A sample is parsed into a [`SampleContent`] and built from one. Neither way alone is exact: each passes over what the
other side cannot hold, and [`~t2vid_hf.data.conversion`] compares what comes back with what was given.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Literal, NamedTuple

from t2vid_hf.errors import InputError
from t2vid_hf.schema import Block, Message, media_block, text
from t2vid_hf.sources.refused_characters import bad_character

Sample = dict[str, Any]
_INTEGER_KEY = re.compile("int:(0|-?[1-9][0-9]*)")  # a sample's id may be a number; a row's is text
_PLAIN = "videoinstruct"  # the format without turns
_PLAIN_KEYS = {"q", "a", "video_id"}


class Format(NamedTuple):
    """How a sample is written.

    Args:
        media (`str`): The key of its media.
        role (`str`): The key of a turn's role.
        content (`str`): The key of a turn's text.
        roles (`dict[str, str]`): Its name of a role -> the row's.
        tag (`re.Pattern`): The line that stands for a medium.
        kind (`str`): What a medium is: `"image"` or `"video"`.
    """

    media: str
    role: str
    content: str
    roles: dict[str, str]
    tag: re.Pattern[str]
    kind: Literal["image", "video"]


class SampleContent(NamedTuple):
    """What a sample says, in the row's terms.

    Args:
        messages (`list[Message]`): The turns.
        paths (`list[str]`): Paths of the media in them, in order.
        key (`str`): The id of the row, without its source.
    """

    messages: list[Message]
    paths: list[str]
    key: str


_ROLES = {"system": "system", "human": "user", "gpt": "assistant"}
_CONVERSATIONS = Format("video", "from", "value", _ROLES, re.compile("<video>"), "video")
_SAME_ROLES = {role: role for role in _ROLES.values()}
FORMATS: dict[str, Format] = {
    "conversations": _CONVERSATIONS,
    "multi_image": Format("image", "role", "content", _SAME_ROLES, re.compile(r"<image_\d+>"), "image"),
    _PLAIN: _CONVERSATIONS,  # once its q and a are turns
}


def parse_sample(sample: Sample, index: int, format: str) -> SampleContent:
    """Read a sample of a format.

    Args:
        sample (`dict`): The sample.
        index (`int`): Its number in the file, from 0.
        format (`str`): A key of `FORMATS`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the sample is not of the format.
    """
    form = FORMATS[format]
    _check_keys(sample, format)
    if format == _PLAIN:
        sample = _as_conversation(sample, index)
    key = _parse_id(sample.get("id", f"#{index}"))
    turns, media = sample["conversations"], sample[form.media]
    if not isinstance(turns, list):
        raise InputError("'conversations' must be a list of turns")
    messages = [_parse_turn(turn, form) for turn in turns]
    return SampleContent(messages, _parse_media(media, messages, form), key)


def build_sample(content: SampleContent, index: int, format: str) -> Sample:
    """Write a sample of a format. It may leave out what the format cannot hold: parse it again to find out.

    Args:
        content ([`SampleContent`]): What the sample says.
        index (`int`): Its number in the file to be, from 0.
        format (`str`): A key of `FORMATS`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the format has no such number of media, or a text holds a tag.
    """
    form, (messages, paths, key) = FORMATS[format], content
    if form.kind == "video" and (len(paths) != 1 or not messages):
        raise InputError(f"{len(messages)} turns and {len(paths)} media; a sample has turns and one video")
    tags = _tags(form, len(paths))
    unused = iter(tags)
    turns = [_build_turn(message, form, unused) for message in messages]
    if format == _PLAIN:
        question = re.sub(r"\A<video>\n|\n<video>\Z", "", turns[0]["value"])
        return {"q": question, "a": turns[-1]["value"], "video_id": paths[0]}
    media = paths[0] if form.kind == "video" else dict(zip(tags, paths, strict=True))
    return {**_build_id(key, index), form.media: media, "conversations": turns}


def _check_keys(sample: Sample, format: str) -> None:
    required, optional = {"conversations", FORMATS[format].media}, {"id"}
    if format == _PLAIN:
        required, optional = _PLAIN_KEYS, set()
    if not required <= sample.keys() <= required | optional:
        allowed = f"{', '.join(sorted(required))}{' (and id)' if optional else ''}"
        raise InputError(
            f"a sample of the format '{format}' has the keys {allowed}; given: {', '.join(sorted(sample))}"
        )


def _as_conversation(sample: Sample, index: int) -> Sample:
    """A sample of VideoInstruct100K with its question and its answer as turns."""
    question = f"{sample['q']}\n<video>" if index % 2 == 0 else f"<video>\n{sample['q']}"
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": sample["a"]}]
    return {"conversations": turns, "video": sample["video_id"]}


def _parse_id(given: Any) -> str:
    if type(given) not in (str, int) or bad_character(str(given), controls=False):  # not isinstance: True is an int
        raise InputError(f"the id is {given!r}; it must be text without control characters, or a whole number")
    return given if isinstance(given, str) else f"int:{given}"


def _build_id(key: str, index: int) -> dict[str, str | int]:
    """The inverse of `_parse_id`; a row that is named by the sample's number had no id."""
    if key == f"#{index}":
        return {}
    number = _INTEGER_KEY.fullmatch(key)
    return {"id": int(number[1]) if number else key}


def _parse_media(media: Any, messages: list[Message], form: Format) -> list[str]:
    """The paths of the media, in the order of the tags that stand for them."""
    counts = [sum(block["type"] == form.kind for block in message["content"]) for message in messages]
    count = sum(counts)
    if form.kind == "video" and (count != 1 or counts[0] != 1):
        raise InputError(f"{count} lines are the tag <video>; there must be one, in the first turn")
    if form.kind == "image" and not isinstance(media, dict):
        raise InputError("'image' must be an object that gives each tag a path")
    paths = [media] if form.kind == "video" else [media.get(tag) for tag in _tags(form, count)]
    if not all(isinstance(path, str) for path in paths):
        raise InputError("a medium's path is missing or is not text")
    return paths


def _tags(form: Format, count: int) -> list[str]:
    return ["<video>"] if form.kind == "video" else [f"<image_{number:02d}>" for number in range(count)]


def _parse_turn(turn: Any, form: Format) -> Message:
    role, content = (turn.get(form.role), turn.get(form.content)) if isinstance(turn, dict) else (None, None)
    if not isinstance(role, str) or role not in form.roles or not isinstance(content, str):
        raise InputError(f"a turn has '{form.role}', one of {', '.join(form.roles)}, and '{form.content}', a text")
    blocks: list[Block] = []
    for is_tag, group in groupby(content.split("\n"), lambda line: form.tag.fullmatch(line) is not None):
        lines = list(group)
        blocks += [media_block(form.kind)] * len(lines) if is_tag else [text("\n".join(lines))]
    return {"role": form.roles[role], "content": blocks}


def _build_turn(message: Message, form: Format, unused: Iterator[str]) -> dict[str, str]:
    """The inverse of `_parse_turn`; takes a tag for each medium from those that no earlier turn has used."""
    names = {role: name for name, role in form.roles.items()}
    if message["role"] not in names:
        raise InputError(f"the role is '{message['role']}'; known: {', '.join(names)}")
    for value in (block["text"] or "" for block in message["content"]):
        tag = form.tag.search(value)
        problem = f"{tag[0]} inside of it; a tag has a line of its own" if tag else bad_character(value)
        if problem is not None:
            raise InputError(f"a text of the {message['role']}: {problem}")
    lines = [next(unused, "") if block["text"] is None else block["text"] for block in message["content"]]
    return {form.role: names[message["role"]], form.content: "\n".join(lines)}
