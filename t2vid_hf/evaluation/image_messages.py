"""Rows as a chat over HTTP has them: a picture or frame is an `image_url` block where the model's own chat has it.

Frames are sent as they were decoded, as PNG, so that the server's processor sees the pixels that a checkpoint here
sees. The price is the size of a request: 24 frames of 640 x 360 are 6.2 MB, and 1.5 MB as JPEG of quality 90.
"""

import base64
import io
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from t2vid_hf.batches.media import RowMedia, media_inputs
from t2vid_hf.batches.media_key import media_key
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.schema import Message, Row

ChatMessages = list[dict[str, Any]]


def image_messages(
    rows: Sequence[Row], policy: VideoPolicy, *, jpeg_quality: int | None = None
) -> Iterator[tuple[int, ChatMessages]]:
    """The rows' messages, those about the same media one behind the other: media are decoded and packed once.

    Args:
        rows (`Sequence[Row]`): Videos and questions.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken, as frames.
        jpeg_quality (`int`, *optional*): From 1 to 100; `None` sends PNG.

    Yields:
        `tuple[int, list[dict]]`: the number of a row, and its messages.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a medium does not decode, or a video is to be fed as one.
    """
    groups: dict[Hashable, list[int]] = {}
    for number, row in enumerate(rows):
        key = media_key(row, policy)
        groups.setdefault(("alone", number) if key is None else key, []).append(number)
    for numbers in groups.values():
        first = media_inputs(rows[numbers[0]], policy)
        urls = [image_url(pixels, jpeg_quality=jpeg_quality) for pixels in first.images]
        texts = RowMedia(first.messages, [], [], first.order, first.as_frames)  # the pixels go
        for number in numbers:
            row = rows[number]
            yield number, _chat(texts.with_messages(row["messages"]).messages, urls, key=row["id"])


def image_url(pixels: np.ndarray, *, jpeg_quality: int | None = None) -> str:
    """A picture as a data URL.

    Args:
        pixels (`np.ndarray` of shape `(height, width)` or `(height, width, 3)`, uint8): The picture.
        jpeg_quality (`int`, *optional*): From 1 to 100; `None` makes a PNG, with the same pixels.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.evaluation.image_messages import image_url
    >>> image_url(np.zeros((2, 2, 3), np.uint8))[:30]
    'data:image/png;base64,iVBORw0K'

    ```
    """
    packed = io.BytesIO()
    if jpeg_quality is None:
        Image.fromarray(pixels).save(packed, "PNG", compress_level=1)
    else:
        Image.fromarray(pixels).save(packed, "JPEG", quality=jpeg_quality)
    kind = "png" if jpeg_quality is None else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(packed.getvalue()).decode()}"


def _chat(messages: Sequence[Message], urls: Sequence[str], *, key: str) -> ChatMessages:
    waiting, chat = iter(urls), []
    for message in messages:
        content: list[dict[str, Any]] = []
        for block in message["content"]:
            if block["type"] == "text":
                content.append({"type": "text", "text": block["text"]})
            elif block["type"] == "image":
                content.append({"type": "image_url", "image_url": {"url": next(waiting)}})
            else:
                raise InputError(f"row '{key}': a block of type '{block['type']}', and an endpoint takes images alone")
        only_text = len(content) == 1 and content[0]["type"] == "text"
        chat.append({"role": message["role"], "content": content[0]["text"] if only_text else content})
    return chat
