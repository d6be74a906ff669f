"""A name for what a row shows: rows of one name are about the same media, taken in the same way.

Files are told by their path, bytes by their hash (1 GB/s), pictures by their pixels; two paths of one file are two.
"""

import hashlib
from collections.abc import Hashable
from typing import Any

from PIL import Image

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.schema import Row


def media_key(row: Row, policy: VideoPolicy) -> Hashable:
    """What a row shows, and how it is taken.

    Args:
        row ([`~t2vid_hf.schema.Row`]): The row.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How its videos are taken, unless it says otherwise.

    Returns:
        `Hashable`: equal for rows whose media are equal and stand in the same order; `None` where there are none.

    Example:

    ```python
    >>> from t2vid_hf.batches.media_key import media_key
    >>> from t2vid_hf.batches.video_policy import VideoPolicy
    >>> row = {"images": [], "videos": [{"bytes": None, "path": "a.mp4"}], "media": "video", "messages": []}
    >>> media_key(row, VideoPolicy()) == media_key(dict(row), VideoPolicy())
    True
    >>> media_key(row, VideoPolicy()) == media_key({**row, "take_frames": 8}, VideoPolicy())
    False

    ```
    """
    images, videos = row["images"] or [], row["videos"] or []
    if not images and not videos:
        return None
    order = tuple(
        block["type"] for message in row["messages"] for block in message["content"] if block["type"] != "text"
    )
    return row["media"], policy.of_row(row), order, tuple(map(_name, images)), tuple(map(_name, videos))


def _name(medium: Any) -> Hashable:
    if isinstance(medium, Image.Image):
        try:
            return medium.mode, medium.size, _digest(medium.tobytes())
        except (OSError, SyntaxError, ValueError):
            return object()  # like no other; whoever reads it for the model tells what is wrong with it
    return medium["path"] if medium["bytes"] is None else _digest(medium["bytes"])


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()
