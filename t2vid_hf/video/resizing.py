"""Frames of a clip to the size that is asked for, each when it is decoded, so that one of full size is alive at a time.

Two ways: Pillow's bicubic filter, which is that of MiniCPM's processor to the bit and at most 2 levels from
torchvision's (what Qwen-VL, InternVL and others use); or a function of the caller's, a processor's own arithmetic for
one, which is exact by construction.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from t2vid_hf.errors import InputError

Resize = Callable[[np.ndarray], np.ndarray]

# Frames of more pixels (2K and above) are decoded with one thread where they are resized: each thread holds several.
LARGE_PIXELS = 2**22


def resizing(size: tuple[int, int] | None, resize: Resize | None) -> Resize | None:
    """What brings a frame to its size; `None` leaves it as it is.

    Args:
        size (`tuple[int, int]` or `None`): Height and width wanted, in pixels.
        resize (`Callable[[np.ndarray], np.ndarray]` or `None`): A function in its place.

    Raises:
        [`~t2vid_hf.errors.InputError`]: both are given, or a side is not above 0.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.video.resizing import resizing
    >>> resizing((2, 4), None)(np.full((10, 10, 3), 7, np.uint8)).shape
    (2, 4, 3)

    ```
    """
    if size is None:
        return resize
    if resize is not None:
        raise InputError(f"size={size} and resize: give one of them; a function of your own knows the size it makes")
    height, width = size
    if height < 1 or width < 1:
        raise InputError(f"size={size}: give a height and a width of at least 1 pixel")

    def to_size(frame: np.ndarray) -> np.ndarray:
        if frame.shape[:2] == (height, width):
            return frame
        picture = Image.fromarray(np.ascontiguousarray(frame))
        return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))

    return to_size
