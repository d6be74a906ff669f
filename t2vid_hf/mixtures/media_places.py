"""Where the media of a row stand in its turns: blocks, tags in a text, or nowhere; and which medium stands where.

A text that has media beside it is read for `<image>` and `<video>`, as ms-swift, LLaMA-Factory and LLaVA write them;
what stands around a tag stays as it is. In a set without any column of media a tag is text like any other. Media of a
kind that has no place at all stand before the first user turn's text, as in TRL.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.media_values import is_missing
from t2vid_hf.mixtures.turn_shapes import Turn
from t2vid_hf.schema import Block, Message, media_block, text

Kind = Literal["image", "video"]
KINDS: tuple[Kind, ...] = ("image", "video")
_TAG = re.compile("(<image>|<video>)")
_TYPES: dict[str, Kind] = {"image": "image", "image_url": "image", "video": "video", "video_url": "video"}
_PAYLOADS = {
    "image": ("image", "image_url", "url", "path"),
    "video": ("video", "video_url", "url", "path"),
}


@dataclass
class PlacedMedia:
    """The turns of a row with a block for each medium, and the media in the order of their blocks.

    Args:
        messages (`list[Message]`): The turns.
        images (`list`): Images as the set gives them.
        videos (`list`): Videos as the set gives them.
    """

    messages: list[Message]
    images: list[Any]
    videos: list[Any]


@dataclass
class _Found:
    """The places found in a row: for each kind the media that stand in blocks; `None` is a place to be filled."""

    image: list[Any] = field(default_factory=list)
    video: list[Any] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Any]:
        return self.image if kind == "image" else self.video


def place_media(turns: Sequence[Turn], columns: Mapping[Kind, list[Any] | None], name: Any) -> PlacedMedia:
    """Give each medium of a row its block.

    Args:
        turns (`Sequence[Turn]`): The turns.
        columns (`Mapping[str, list | None]`): For "image" and "video" the media of the row's columns, in order; `None`
            where it has no such column. Without either column blocks are left unfilled: the row was read without its
            media.
        name (`Any`): What errors call the row.

    Raises:
        [`~t2vid_hf.errors.InputError`]: more places than media or fewer, a block of an unknown type, a turn without
            content, or media and no user turn to show them in.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.media_places import place_media
    >>> from t2vid_hf.mixtures.turn_shapes import Turn
    >>> placed = place_media([Turn("user", "<image>Why?", {})], {"image": ["a.png"], "video": None}, "a")
    >>> [block["type"] for block in placed.messages[0]["content"]], placed.images
    (['image', 'text'], ['a.png'])

    ```
    """
    has_columns = any(column is not None for column in columns.values())
    found = _Found()
    contents = [list(_blocks(turn, found, has_columns, name)) for turn in turns]
    media: dict[Kind, list[Any]] = {}
    missing: list[Block] = []
    for kind in KINDS:
        places, column = found.of(kind), columns[kind] or []
        unfilled = sum(place is None for place in places)
        if column and not places:
            media[kind] = column
            missing += [media_block(kind)] * len(column)
        elif unfilled == len(column):
            rest = iter(column)
            media[kind] = [next(rest) if place is None else place for place in places]
        elif has_columns:
            raise InputError(
                f"row '{name}' has {unfilled} places for a medium of kind {kind} (<{kind}> tags and blocks) and "
                f"{len(column)} to fill them; give as many, and a text that only mentions a tag as a block of type text"
            )
        else:
            media[kind] = [place for place in places if place is not None]
    if missing:
        position = next((index for index, turn in enumerate(turns) if turn.role == "user"), None)
        if position is None:
            raise InputError(f"row '{name}' has media and no user turn to show them in")
        contents[position] = [*missing, *contents[position]]
    return PlacedMedia(
        [{"role": turn.role, "content": blocks} for turn, blocks in zip(turns, contents, strict=True)],
        media["image"],
        media["video"],
    )


def _blocks(turn: Turn, found: _Found, has_columns: bool, name: Any) -> Iterator[Block]:
    if turn.content is None and "tool_calls" in turn.fields:
        return
    if isinstance(turn.content, str):
        if has_columns and _TAG.search(turn.content):
            yield from _parts(turn.content, found)
        else:
            yield text(turn.content)
        return
    if not isinstance(turn.content, list):
        raise InputError(
            f"row '{name}': the content of a turn of the {turn.role} is {turn.content!r:.80}; give a text, or blocks "
            f"like {{'type': 'text', 'text': ...}}"
        )
    for block in turn.content:
        if type(block) is dict and block.keys() == {"type", "text"}:  # as ours are, and most; there may be 65 of them
            kind, said = block["type"], block["text"]
            if kind == "text" and type(said) is str:
                yield text(said)
                continue
            if said is None and kind in KINDS:
                found.of(kind).append(None)
                yield media_block(kind)
                continue
        yield _block(block, found, name) if isinstance(block, Mapping) else _refuse(block, name)


def _parts(content: str, found: _Found) -> Iterator[Block]:
    """The blocks of a text with tags in it."""
    for part in _TAG.split(content):
        if _TAG.fullmatch(part):
            kind: Kind = "image" if part == "<image>" else "video"
            found.of(kind).append(None)
            yield media_block(kind)
        elif part:
            yield text(part)


def _block(block: Mapping[str, Any], found: _Found, name: Any) -> Block:
    kind = block.get("type")
    if kind not in ("text", *_TYPES):
        raise InputError(f"row '{name}': a block of type '{kind}'; known: image, text, video")
    # Arrow fills the keys of other blocks with None, which chat templates take for a medium that is there.
    given = {key: value for key, value in block.items() if key != "type" and not is_missing(value)}
    if kind == "text":
        said = given.pop("text", "" if block.get("text") == "" else None)
        if not isinstance(said, str):
            raise InputError(f"row '{name}': a block of type text without 'text'; give one, or leave the block out")
        _refuse_rest(given, "text", name)
        return text(said)
    of = _TYPES[kind]
    places = found.of(of)
    payloads = [given.pop(key) for key in _PAYLOADS[of] if key in given]
    number = given.pop("index", None)  # which of the column's media it is
    if len(payloads) > 1:
        raise InputError(f"row '{name}': a block of type '{kind}' with {len(payloads)} media; give one")
    if number is not None and number != sum(place is None for place in places):
        raise InputError(f"row '{name}': a block of type '{kind}' has index {number}; blocks must follow their media")
    _refuse_rest(given, kind, name)
    payload = payloads[0] if payloads else None
    if isinstance(payload, Mapping) and not is_missing(payload.get("url")):  # as OpenAI writes it
        payload = payload["url"]
    places.append(payload)
    return media_block(of)


def _refuse_rest(given: Mapping[str, Any], kind: Any, name: Any) -> None:
    if given:
        raise InputError(
            f"row '{name}': a block of type '{kind}' has {', '.join(map(repr, given))}, which is not taken; frames are "
            f"set by num_frames, and sizes by the processor: remove it"
        )


def _refuse(block: Any, name: Any) -> Block:
    raise InputError(f"row '{name}': a block is {block!r:.80}; give {{'type': 'text', 'text': ...}}")
