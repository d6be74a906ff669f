"""A row -> chat messages with one block an image, and the pixels of its images.

Training and evaluation both go through here, so that a model is asked exactly as it was taught.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from t2vid_hf.data.image_files import open_image
from t2vid_hf.errors import InputError
from t2vid_hf.schema import MEDIA, Block, Message, Row, media_block
from t2vid_hf.video.reading import read_frames


def image_inputs(row: Row, *, num_frames: int, threads: int = 0) -> tuple[list[Message], list[np.ndarray]]:
    """The messages and images of a row for a model that takes images: a video becomes its frames.

    Args:
        row ([`~t2vid_hf.schema.Row`]): Is not changed. Its pages are all kept: losing a page loses text.
        num_frames (`int`): Frames to take of each video, unless the row has its own number (`take_frames`, which a
            mixture's part may set).
        threads (`int`): To decode with; 0 takes the processors there are. Give 1 in workers that run side by side.

    Returns:
        `tuple[list[Message], list[np.ndarray]]`: as many "image" blocks as images, in order; an image is uint8, of
        shape `(height, width)` where it is grey and `(height, width, 3)` where not.

    Raises:
        [`~t2vid_hf.errors.InputError`]: blocks and media of the row do not agree, or a video does not decode.
    """
    pages, videos = list(row["images"] or []), list(row["videos"] or [])
    wanted = row.get("take_frames") or num_frames
    if row["media"] not in MEDIA:
        raise InputError(f"row '{row['id']}': media is '{row['media']}'; known: {', '.join(MEDIA)}")
    messages: list[Message] = []
    images: list[np.ndarray] = []
    for message in row["messages"]:
        content = []
        for block in message["content"]:
            if block["type"] == "text":
                content.append(block)
            elif block["type"] == "image" and pages:
                images.append(_pixels(pages.pop(0), row["id"]))
                content.append(block)
            elif block["type"] == "video" and videos:
                video = videos.pop(0)
                frames = read_frames(
                    video["bytes"] or video["path"],
                    wanted,
                    threads=threads,
                    name=f"row '{row['id']}', video {video['path']}",
                )
                images += list(frames.data)
                content += [media_block("image")] * len(frames.data)
            else:
                raise InputError(
                    f"row '{row['id']}': a block of type '{block['type']}' without its medium; a row needs as many "
                    f"image blocks as images and video blocks as videos"
                )
        messages.append({**message, "content": content})
    if pages or videos:
        raise InputError(
            f"row '{row['id']}': {len(pages)} images and {len(videos)} videos have no block in its messages"
        )
    return messages, images


def _pixels(image: Any, key: str) -> np.ndarray:
    """The pixels of a PIL image, or of the `{"bytes", "path"}` that undecoded columns hand out."""
    image = open_image(image, name=key)
    return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))


def with_image_blocks(messages: Sequence[Message], frames: int) -> tuple[list[Message], int, int]:
    """Messages as a model of images gets them: each video block as `frames` image blocks.

    Returns:
        `tuple[list[Message], int, int]`: the messages, and how many image and video blocks there were.

    Example:

    ```python
    >>> from t2vid_hf.batches.media import with_image_blocks
    >>> from t2vid_hf.schema import conversation, media_block
    >>> messages, images, videos = with_image_blocks(conversation([media_block("video")], "Why?", "So."), 2)
    >>> [block["type"] for block in messages[0]["content"]], images, videos
    (['image', 'image', 'text'], 0, 1)

    ```
    """
    expanded: list[Message] = []
    images = videos = 0
    for message in messages:
        content: list[Block] = []
        for block in message["content"]:
            images += block["type"] == "image"
            if block["type"] == "video":
                videos += 1
                content += [media_block("image")] * frames
            else:
                content.append(block)
        expanded.append({**message, "content": content})
    return expanded, images, videos
