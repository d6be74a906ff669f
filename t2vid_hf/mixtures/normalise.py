"""Rows of other sets -> rows of ours: string content, single images, missing columns. Pure; nothing is decoded.

Arrow can only concatenate columns of one type, and public chat sets have many: `content` as a string or as blocks,
`image` or `images`, `prompt` and `completion` or `messages`. A mixture normalises each row as it is read, so that parts
of any shape meet.
"""

from collections.abc import Mapping
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.schema import Block, Media, Message, Row, media_block, text


def normalise(row: Mapping[str, Any], *, source: str, index: int) -> Row:
    """Make a row of ours of one that is like ours, or like TRL's.

    Args:
        row (`Mapping[str, Any]`): The row: `messages`, or `prompt` and `completion`; `images`, `image` or `videos`
            where it has media. It is not changed.
        source (`str`): The row's `source` where it has none; also the first half of its id where it has none.
        index (`int`): The row's number, from 0: the second half of that id.

    Returns:
        [`~t2vid_hf.schema.Row`]: media without a block of their own stand before the first user turn's text.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no conversation, or a clip comes without its number of frames.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.normalise import normalise
    >>> turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    >>> row = normalise({"messages": turns}, source="chat", index=3)
    >>> row["id"], row["media"], row["messages"][0]["content"]
    ('chat/3', 'text', [{'type': 'text', 'text': 'Why?'}])

    ```
    """
    images = list(row.get("images") or ([] if row.get("image") is None else [row["image"]]))
    videos = list(row.get("videos") or [])
    name = row.get("id") or f"{source}/{index}"
    messages = _messages(row, name)
    blocks = [block["type"] for message in messages for block in message["content"]]
    if (images or videos) and not {"image", "video"} & set(blocks):
        missing = [media_block("image")] * len(images) + [media_block("video")] * len(videos)
        messages = _insert_media(messages, missing, name)
    media: Media = row.get("media") or ("video" if videos else "image_sequence" if images else "text")
    num_frames = row.get("num_frames")
    if num_frames is None:
        if videos:
            raise InputError(f"row '{name}' has a video and no 'num_frames', without which it cannot be priced")
        num_frames = len(images)
    return {
        "id": str(name),
        "source": row.get("source") or source,
        "media": media,
        "messages": messages,
        "images": images,
        "videos": videos,
        "num_frames": num_frames,
    }


def _messages(row: Mapping[str, Any], name: Any) -> list[Message]:
    if row.get("messages"):
        turns = row["messages"]
    elif row.get("prompt") and row.get("completion"):
        turns = [*_turns(row["prompt"], "user"), *_turns(row["completion"], "assistant")]
    else:
        raise InputError(f"row '{name}' has neither 'messages' nor 'prompt' and 'completion'")
    return [{"role": turn["role"], "content": _blocks(turn["content"], name)} for turn in turns]


def _turns(given: Any, role: str) -> list[Any]:
    return [{"role": role, "content": given}] if isinstance(given, str) else list(given)


def _blocks(content: Any, name: Any) -> list[Block]:
    if isinstance(content, str):
        return [text(content)]
    blocks: list[Block] = []
    for block in content:
        if block["type"] not in ("text", "image", "video"):
            raise InputError(f"row '{name}': a block of type '{block['type']}'; known: image, text, video")
        # Arrow fills the keys of other blocks with None, which chat templates take for a medium that is there.
        blocks.append(text(block["text"]) if block["type"] == "text" else media_block(block["type"]))
    return blocks


def _insert_media(messages: list[Message], media: list[Block], name: Any) -> list[Message]:
    for position, message in enumerate(messages):
        if message["role"] == "user":
            filled: Message = {"role": "user", "content": [*media, *message["content"]]}
            return [*messages[:position], filled, *messages[position + 1 :]]
    raise InputError(f"row '{name}' has media and no user turn to show them in")
