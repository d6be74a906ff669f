"""One image or video as a set gives it (a path, bytes, an open picture, a decoder) -> what our rows hold.

Nothing is decoded, and no file is opened here. A path is confined to a root folder where one is given.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from t2vid_hf.data.paths import resolve_inside
from t2vid_hf.errors import InputError

_ADDRESS = re.compile(r"(https?|ftp|s3|gs|hf|data):", re.IGNORECASE)
_TAKEN = 'a path, bytes, {"bytes", "path"}'


def is_missing(value: Any) -> bool:
    """Whether there is no medium: `None`, or what Arrow writes in its place.

    Args:
        value (`Any`): What a set gives.
    """
    if isinstance(value, Mapping):
        return all(item is None for item in value.values())
    return value is None or (isinstance(value, str) and not value)


def as_image(value: Any, *, root: Path | None, name: Any) -> Any:
    """An image as our rows hold it.

    Args:
        value (`Any`): A path, bytes, `{"bytes", "path"}`, a PIL image, or an array of uint8 of shape
            `(height, width)` or `(height, width, 3)`.
        root (`Path` or `None`): The folder that a path is relative to and must not leave; `None` for anywhere.
        name (`Any`): What errors call the row.

    Returns:
        `PIL.Image.Image` or `{"bytes", "path"}`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is something else, an address, or a path that leaves the root.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.media_values import as_image
    >>> as_image("page.png", root=None, name="a")
    {'bytes': None, 'path': 'page.png'}

    ```
    """
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim in (2, 3):
        return Image.fromarray(value)
    return _as_file(value, "an image", f"{_TAKEN} or a PIL image", root, name)


def as_video(value: Any, *, root: Path | None, name: Any) -> dict[str, Any]:
    """A video as our rows hold it.

    Args:
        value (`Any`): A path of a file or of a folder of frames, bytes, `{"bytes", "path"}`, or a decoder that
            `datasets` made of one of these.
        root (`Path` or `None`): The folder that a path is relative to and must not leave; `None` for anywhere.
        name (`Any`): What errors call the row.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is something else, an address, or a path that leaves the root.
    """
    if type(value).__name__ == "VideoDecoder":  # torchcodec's; `datasets` keeps beside it what it was made of
        encoded = vars(value).get("_hf_encoded")
        if encoded is None:
            raise InputError(
                f"row '{name}' holds an open decoder of a video, which does not say what it reads; give {_TAKEN}"
            )
        value = encoded
    if isinstance(value, list):
        raise InputError(
            f"row '{name}' has a video that is a list of {len(value)} frames; give them as images, or the path of a "
            f"folder that holds them"
        )
    return _as_file(value, "a video", _TAKEN, root, name)


def _as_file(value: Any, what: str, taken: str, root: Path | None, name: Any) -> dict[str, Any]:
    if isinstance(value, bytes | bytearray):
        return {"bytes": bytes(value), "path": None}
    if isinstance(value, Mapping):
        data, path = value.get("bytes"), value.get("path") or value.get("url")
    else:
        data, path = None, value
    if data is not None:
        return {"bytes": data, "path": path}
    if not isinstance(path, str | Path):
        keys = f" with the keys {', '.join(map(str, value))}" if isinstance(value, Mapping) else ""
        raise InputError(f"row '{name}' has {what} of type {type(value).__name__}{keys}; give {taken}")
    path = str(path).removeprefix("file://")
    if _ADDRESS.match(path):
        raise InputError(f"row '{name}' has {what} by address, {path:.80}, and only files are read; download it first")
    if root is not None:
        try:
            path = str(resolve_inside(path, root))
        except InputError as error:
            raise InputError(f"row '{name}': {error}; or set media_root to the folder that holds it") from None
    return {"bytes": None, "path": path}
