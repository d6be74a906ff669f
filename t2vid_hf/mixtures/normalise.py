"""A row of any set that TRL, ms-swift, LLaMA-Factory or LLaVA train on -> a row of ours. Nothing is decoded.

Arrow can only concatenate columns of one type, and public chat sets have many: content as a text, as a text with tags
or as blocks, `image` or `images`, `prompt` and `completion`, `messages` or `conversations`. A mixture, and the trainer
where it is given another set, normalise each row as it is read, so that parts of any shape meet. A row that is ours
already comes out as it is.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.media_places import Kind, place_media
from t2vid_hf.mixtures.media_values import as_image, as_video, is_missing
from t2vid_hf.mixtures.turn_shapes import REFUSED, read_tools, read_turns
from t2vid_hf.schema import COLUMNS, MEDIA, Row
from t2vid_hf.video.counting import count_frames

MEDIA_COLUMNS: dict[Kind, tuple[str, str]] = {"image": ("image", "images"), "video": ("video", "videos")}
"""For each kind the columns that hold media: one, or a list; either is taken for the other."""
READ_COLUMNS = frozenset(
    (*COLUMNS, *REFUSED, "image", "video", "prompt", "completion", "conversations", "system", "tools", "learn_from",
     "take_frames", "take_fps", "take_video")
)  # fmt: skip
"""Every column that is read, or refused where it holds something."""


def normalise(row: Mapping[str, Any], *, source: str, index: int, root: Path | None = None) -> Row:
    """Make a row of ours of one that is like ours, or like those of other trainers.

    Args:
        row (`Mapping[str, Any]`): The row: `messages`, `prompt` and `completion`, or `conversations`; `image`,
            `images`, `video` or `videos` where it has media; `tools` where the assistant may call some. It is not
            changed.
        source (`str`): The row's `source` where it has none; also the first half of its id where it has none.
        index (`int`): The row's number, from 0: the second half of that id.
        root (`Path`, *optional*): The folder that paths of media are relative to and must not leave; `None` for
            anywhere.

    Returns:
        [`~t2vid_hf.schema.Row`]: media without a place of their own stand before the first user turn's text; frames of
        a video that nobody counted are counted from its packets; 0 where it does not open.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no conversation, media and their places do not agree, a path leaves
            the root, or something in the row cannot be taken.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.normalise import normalise
    >>> turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    >>> row = normalise({"messages": turns}, source="chat", index=3)
    >>> row["id"], row["media"], row["messages"][0]["content"]
    ('chat/3', 'text', [{'type': 'text', 'text': 'Why?'}])

    ```
    """
    given = row.get("id")
    name = f"{source}/{index}" if given is None or given == "" else str(given)
    turns, learn_from = read_turns(row, name)
    columns = {kind: _column(row, pair, name) for kind, pair in MEDIA_COLUMNS.items()}
    placed = place_media(turns, columns, name)
    for message, turn in zip(placed.messages, turns, strict=True):
        if turn.fields:
            message["template_fields"] = json.dumps(turn.fields, ensure_ascii=False)
    images = [as_image(image, root=root, name=name) for image in placed.images]
    videos = [as_video(video, root=root, name=name) for video in placed.videos]
    media = row.get("media") or ("video" if videos else "image_sequence" if images else "text")
    if media not in MEDIA:
        raise InputError(f"row '{name}': its column 'media' is {media!r:.80}; known: {', '.join(MEDIA)}; remove it")
    taken: Row = {
        "id": name,
        "source": row["source"] if row.get("source") and isinstance(row["source"], str) else source,
        "media": media,
        "messages": placed.messages,
        "images": images,
        "videos": videos,
        "num_frames": _frames(row, images, videos, name),
    }
    tools = read_tools(row, name)
    if tools is not None:
        taken["tools"] = tools
    learn_from = learn_from if row.get("learn_from") is None else row["learn_from"]
    if learn_from is not None:
        taken["learn_from"] = learn_from
    return taken


def _column(row: Mapping[str, Any], pair: tuple[str, str], name: Any) -> list[Any] | None:
    """The media of a pair of columns; `None` where the row has neither."""
    if not set(pair) & set(row):
        return None
    filled = {column: _listed(row[column]) for column in pair if column in row}
    filled = {column: values for column, values in filled.items() if values}
    if len(filled) > 1:
        raise InputError(f"row '{name}' has both '{pair[0]}' and '{pair[1]}'; put all of its media into one of them")
    (values,) = filled.values() if filled else ([],)
    if any(is_missing(value) for value in values):
        raise InputError(f"row '{name}': one of the {len(values)} media in '{next(iter(filled))}' is missing")
    return values


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    return [] if is_missing(value) else [value]


def _frames(row: Mapping[str, Any], images: list[Any], videos: list[dict[str, Any]], name: Any) -> int:
    """The row's number of frames: its own, or counted."""
    given = row.get("num_frames")
    if given is not None and type(given) is not int:
        raise InputError(f"row '{name}': its column 'num_frames' is {given!r:.80}; give a whole number, or remove it")
    if given is not None and (given or not videos):
        return given
    return sum(_count(video, name) for video in videos) if videos else len(images)


def _count(video: Mapping[str, Any], name: Any) -> int:
    content = video["path"] if video["bytes"] is None else video["bytes"]
    try:
        return count_frames(content, name=f"row '{name}', video {video['path'] or 'given as bytes'}")
    except (InputError, OSError):
        return 0  # who prices or decodes it tells of it, and knows whether such a row is left out
