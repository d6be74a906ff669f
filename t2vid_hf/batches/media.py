"""A row -> chat messages with one block an image, and the pixels of its images.

Training and evaluation both go through here, so that a model is asked exactly as it was taught.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.schema import MEDIA, Block, Message, Row, media_block
from t2vid_hf.video.pictures import Frames
from t2vid_hf.video.reading import read_frames
from t2vid_hf.video.stills import PictureError, open_picture, picture_pixels


class MediaError(InputError):
    """A picture or a video of a row that cannot be had; the message names the row.

    Args:
        message (`str`): What is wrong.
        medium (`str`, *optional*, defaults to `"picture"`): What it is: "picture" or "video".
    """

    # A default, because a worker's errors are made anew from their message alone.
    def __init__(self, message: str, medium: str = "picture") -> None:
        super().__init__(message)
        self.medium = medium


def image_inputs(row: Row, *, num_frames: int, threads: int = 0) -> tuple[list[Message], list[np.ndarray]]:
    """The messages and images of a row for a model that takes images: a video becomes its frames.

    Args:
        row ([`~t2vid_hf.schema.Row`]): A row with its media, which is not changed. Its pages are all kept: losing a
            page loses text.
        num_frames (`int`): Frames to take of each video, unless the row has its own number (`take_frames`, which a
            mixture's part may set).
        threads (`int`, *optional*, defaults to `0`): Threads that decode a video; 0 takes the processors there are.
            Give 1 in workers that run side by side.

    Returns:
        `tuple[list[Message], list[np.ndarray]]`: as many "image" blocks as images, in order; an image is uint8, of
        shape `(height, width)` where it is grey and `(height, width, 3)` where not.

    Raises:
        [`~t2vid_hf.errors.InputError`]: blocks and media of the row do not agree; a [`MediaError`] where a picture
            or a video does not decode.

    Example:

    ```python
    >>> from PIL import Image
    >>> from t2vid_hf.batches.media import image_inputs
    >>> from t2vid_hf.schema import conversation, media_block
    >>> row = {"id": "a", "source": "s", "media": "image_sequence", "images": [Image.new("L", (448, 448))],
    ...        "videos": [], "num_frames": 1, "messages": conversation([media_block("image")], "Why?", "So.")}
    >>> messages, images = image_inputs(row, num_frames=24)
    >>> [image.shape for image in images]
    [(448, 448)]

    ```
    """
    pages, videos = list(row["images"] or []), list(row["videos"] or [])
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
                images.append(_pixels(pages.pop(0), f"row '{row['id']}', image {len(row['images']) - len(pages)}"))
                content.append(block)
            elif block["type"] == "video" and videos:
                video = videos.pop(0)
                wanted = row.get("take_frames") or num_frames
                frames = list(_frames(video, wanted, threads, f"row '{row['id']}', video {video['path']}").data)
                images += frames
                content += [media_block("image")] * len(frames)
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


def _pixels(image: Any, name: str) -> np.ndarray:
    """The pixels of a PIL image, or of the `{"bytes", "path"}` that undecoded columns hand out."""
    try:
        if not isinstance(image, Image.Image):
            file = image["path"] if image["bytes"] is None else image["bytes"]
            if file is None:
                raise PictureError("has neither bytes nor a path")
            name += f" ({image['path']})" if image["path"] else ""
            image = open_picture(file)
        return picture_pixels(image)
    except PictureError as error:
        raise MediaError(f"{name}: {error}; mend the file, or leave the row out", "picture") from None


def _frames(video: Any, wanted: int, threads: int, name: str) -> Frames:
    """Frames of the `{"bytes", "path"}` that a column of videos hands out."""
    file = video["path"] if video["bytes"] is None else video["bytes"]
    if file is None:
        raise MediaError(f"{name}: has neither bytes nor a path; leave the row out", "video")
    try:
        return read_frames(file, wanted, threads=threads, name=name)
    except InputError as error:
        raise MediaError(str(error), "video") from None
    except (OSError, ValueError) as error:
        raise MediaError(f"{name}: {error}; mend the file, or leave the row out", "video") from None


def with_image_blocks(messages: Sequence[Message], frames: int) -> tuple[list[Message], int, int]:
    """Messages as a model of images gets them: each video block as `frames` image blocks.

    Args:
        messages (`Sequence[Message]`): The messages of a row; they are not changed.
        frames (`int`): How many frames a video has.

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
