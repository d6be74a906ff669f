"""A row -> a sample of another trainer's JSON: ms-swift, LLaMA-Factory, InternVL. Pure; media are paths here.

- `ms-swift` (docs, "Custom dataset"): `messages` with `role` and `content`, a tag `<image>` or `<video>` in the text
  for each medium, `images` and `videos` as lists of paths.
- `llama-factory` (data/README.md, sharegpt format with tags): the same keys; user and assistant must alternate, and
  what each column is stands in `dataset_info.json`.
- `internvl` (docs, "Chat data format"): `conversations` with `from` and `value`, each `<image>` on a line of its own,
  `image` as a path or a list with `width` and `height`, or `width_list` and `height_list`; or one `video`. Where the
  files are stands in a meta file.

Each of them counts tags, so that a text that holds one by chance would shift the media behind it: it is refused.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import Message, Row

FORMATS_ELSEWHERE = ("ms-swift", "llama-factory", "internvl")
"""Formats that [`build_exchange_sample`] writes."""
_TAG = re.compile("<image>|<video>|<audio>")
_INTERNVL_ROLES = {"system": "system", "user": "human", "assistant": "gpt"}


class StoredImage(NamedTuple):
    """An image as a sample refers to it.

    Args:
        path (`str`): Its path, as it is to stand in the sample.
        width (`int`): In pixels.
        height (`int`): In pixels.
    """

    path: str
    width: int
    height: int


def build_exchange_sample(row: Row, format: str, *, images: Sequence[StoredImage], videos: Sequence[str]) -> dict:
    """A row as a sample.

    Args:
        row ([`~t2vid_hf.schema.Row`]): The row.
        format (`str`): One of `FORMATS_ELSEWHERE`.
        images (`Sequence[StoredImage]`): Its images, in order.
        videos (`Sequence[str]`): Paths of its videos, in order.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the format cannot hold the row: turns that do not alternate, tools, a tag in a
            text, or media that do not go together.

    Example:

    ```python
    >>> from t2vid_hf.data.exchange_formats import StoredImage, build_exchange_sample
    >>> from t2vid_hf.schema import conversation, media_block
    >>> row = {"id": "a", "messages": conversation([media_block("image")], "Why?", "So.")}
    >>> sample = build_exchange_sample(row, "ms-swift", images=[StoredImage("a.png", 448, 448)], videos=[])
    >>> sample["messages"][0], sample["images"]
    ({'role': 'user', 'content': '<image>Why?'}, ['a.png'])

    ```
    """
    if format not in FORMATS_ELSEWHERE:
        raise unknown("format", format, FORMATS_ELSEWHERE)
    _check(row, format, len(images), len(videos))
    if format == "internvl":
        return _internvl(row, images, videos)
    turns = [{"role": turn["role"], "content": _text(turn, "")} for turn in row["messages"]]
    return {"messages": turns, "images": [image.path for image in images], "videos": list(videos)}


def _internvl(row: Row, images: Sequence[StoredImage], videos: Sequence[str]) -> dict[str, Any]:
    if len(videos) > 1 or (videos and images):
        raise InputError(
            f"row '{row['id']}' has {len(images)} images and {len(videos)} videos, and a sample of the format internvl "
            f"has images or one video; leave the row out"
        )
    turns = [{"from": _INTERNVL_ROLES[turn["role"]], "value": _text(turn, "\n")} for turn in row["messages"]]
    media: dict[str, Any] = {}
    if videos:
        media = {"video": videos[0]}
    elif len(images) == 1:
        media = {"image": images[0].path, "width": images[0].width, "height": images[0].height}
    elif images:
        media = {
            "image": [image.path for image in images],
            "width_list": [image.width for image in images],
            "height_list": [image.height for image in images],
        }
    return {"id": row["id"], **media, "conversations": turns}


def _check(row: Row, format: str, images: int, videos: int) -> None:
    label = f"row '{row['id']}', as a sample of the format {format}"
    roles = [turn["role"] for turn in row["messages"]]
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if row.get("tools") or row.get("learn_from") or any(turn.get("template_fields") for turn in row["messages"]):
        raise InputError(f"{label}: tools and prompts that are not learned cannot be written; leave the row out")
    if not spoken or spoken != ["user", "assistant"] * (len(spoken) // 2):
        raise InputError(f"{label}: turns of user and assistant must alternate, and are {', '.join(roles)}")
    blocks = [block for turn in row["messages"] for block in turn["content"]]
    for block in blocks:
        tag = _TAG.search(block["text"] or "")
        if tag:
            raise InputError(f"{label}: {tag[0]} stands in a text, where it would be taken for a medium; leave it out")
    kinds = [block["type"] for block in blocks]
    if (kinds.count("image"), kinds.count("video")) != (images, videos):
        raise InputError(f"{label}: {images} images and {videos} videos, and other blocks for them")


def _text(turn: Message, behind_tag: str) -> str:
    return "".join(
        block["text"] or "" if block["type"] == "text" else f"<{block['type']}>{behind_tag}"
        for block in turn["content"]
    )
