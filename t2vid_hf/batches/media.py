"""A row -> chat messages with one block an image, and the pixels of its images.

Training and evaluation both go through here, so that a model is asked exactly as it was taught.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.schema import MEDIA, Block, Message, Row, media_block
from t2vid_hf.video.pictures import Frames


@dataclass(frozen=True)
class RowMedia:
    """A row for a model: its messages, and the pixels of its media.

    Args:
        messages (`list[Message]`): As many "image" blocks as images, and as many "video" blocks as videos.
        images (`list[np.ndarray]`): Pages and, of a video that is not native, frames, in order; uint8, of shape
            `(height, width)` where an image is grey and `(height, width, 3)` where not.
        videos (`list[Frames]`): The frames of native videos, in order.
        order (`list[str]`): "image" or "video" for each of them, in the order of the blocks.
    """

    messages: list[Message]
    images: list[np.ndarray]
    videos: list[Frames]
    order: list[str]


def media_inputs(row: Row, policy: VideoPolicy, *, threads: int = 0) -> RowMedia:
    """The messages and media of a row as a model takes them: a video becomes its frames, or stays one.

    Args:
        row ([`~t2vid_hf.schema.Row`]): A row with its media, which is not changed. Its pages are all kept: losing a
            page loses text.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken, unless the row says otherwise
            (`take_video`, `take_fps`, `take_frames`, which a mixture's part may set).
        threads (`int`, *optional*, defaults to `0`): Threads that decode a video; 0 takes the processors there are.
            Give 1 in workers that run side by side.

    Raises:
        [`~t2vid_hf.errors.InputError`]: blocks and media of the row do not agree, or a video does not decode.
    """
    pages, clips = list(row["images"] or []), list(row["videos"] or [])
    policy = policy.of_row(row)
    if row["media"] not in MEDIA:
        raise InputError(f"row '{row['id']}': media is '{row['media']}'; known: {', '.join(MEDIA)}")
    made = RowMedia([], [], [], [])
    for message in row["messages"]:
        content = []
        for block in message["content"]:
            if block["type"] == "text":
                content.append(block)
            elif block["type"] == "image" and pages:
                made.images.append(_pixels(pages.pop(0)))
                content.append(block)
                made.order.append("image")
            elif block["type"] == "video" and clips:
                clip = clips.pop(0)
                frames = policy.read(clip["bytes"] or clip["path"], threads=threads, name=video_name(row, clip))
                native = policy.video == "native"
                made.videos.extend([frames] if native else [])
                made.images.extend([] if native else frames.data)
                content += [block] if native else [media_block("image")] * len(frames.data)
                made.order.extend(["video"] if native else ["image"] * len(frames.data))
            else:
                raise InputError(
                    f"row '{row['id']}': a block of type '{block['type']}' without its medium; a row needs as many "
                    f"image blocks as images and video blocks as videos"
                )
        made.messages.append({"role": message["role"], "content": content})
    if pages or clips:
        raise InputError(
            f"row '{row['id']}': {len(pages)} images and {len(clips)} videos have no block in its messages"
        )
    return made


def image_inputs(row: Row, *, num_frames: int, threads: int = 0) -> tuple[list[Message], list[np.ndarray]]:
    """The messages and images of a row for a model that takes images: a video becomes its frames.

    Args:
        row ([`~t2vid_hf.schema.Row`]): A row with its media; see [`media_inputs`].
        num_frames (`int`): Frames to take of each video, unless the row has its own number (`take_frames`).
        threads (`int`, *optional*, defaults to `0`): Threads that decode a video; 0 takes the processors there are.

    Returns:
        `tuple[list[Message], list[np.ndarray]]`: as many "image" blocks as images, in order; and the images.

    Raises:
        [`~t2vid_hf.errors.InputError`]: blocks and media of the row do not agree, or a video does not decode.

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
    made = media_inputs({**row, "take_video": "as_frames"}, VideoPolicy(num_frames=num_frames), threads=threads)
    return made.messages, made.images


def video_name(row: Mapping[str, Any], video: Mapping[str, Any]) -> str:
    """What messages call a video of a row."""
    return f"row '{row['id']}', video {video['path']}"


def _pixels(image: Any) -> np.ndarray:
    """The pixels of a PIL image, or of the `{"bytes", "path"}` that undecoded columns hand out."""
    if not isinstance(image, Image.Image):
        image = Image.open(io.BytesIO(image["bytes"]) if image["bytes"] is not None else image["path"])
    return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))


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
        expanded.append({"role": message["role"], "content": content})
    return expanded, images, videos
