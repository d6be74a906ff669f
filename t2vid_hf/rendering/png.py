"""Grey pages as PNG files, written by hand: no filter, one block of zlib data.

With ISA-L's zlib (`pip install isal`) a 448 px page of 20 px type takes 0.17 ms and 26 kB, with the standard library's
level 1 1 ms; the pixels are the same. Pages of text do not gain from PNG's filters.

Known trap (isal 1.9.1, x86): after a call of ISA-L each later call of the *standard* zlib in the same process takes 1.9
times as long, Pillow's PNGs too: it leaves the upper halves of AVX registers in use. Drawing any page clears them.
Nothing but speed changes; measure the two in two processes.
"""

import struct
import zlib
from functools import cache
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY_8_BIT = (8, 0, 0, 0, 0)


@cache
def deflate_module() -> Any:
    """`isal.isal_zlib` where it is installed, else the standard library's `zlib`."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


def encode_png(frame: np.ndarray, *, deflate: Any = None) -> bytes:
    """A page as the bytes of an 8-bit grey PNG file.

    Args:
        frame (`np.ndarray` of shape `(height, width)`, uint8): Grey levels, 255 is white.
        deflate (`Any`, *optional*): A module with zlib's `compress` and `crc32`; `None` takes [`deflate_module`]'s.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the array is not two-dimensional uint8 with at least one pixel.

    Example:

    ```python
    >>> import io
    >>> import numpy as np
    >>> from PIL import Image
    >>> from t2vid_hf.rendering.png import encode_png
    >>> Image.open(io.BytesIO(encode_png(np.full((2, 3), 255, np.uint8)))).size
    (3, 2)

    ```
    """
    if frame.dtype != np.uint8 or frame.ndim != 2 or not frame.size:
        raise InputError(
            f"a page is a uint8 array of shape (height, width), not {frame.dtype} of shape {frame.shape}: "
            "give one page of RenderedPages.frames"
        )
    deflate = deflate or deflate_module()
    height, width = frame.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter, 0
    rows[:, 1:] = frame
    header = struct.pack(">IIBBBBB", width, height, *_GREY_8_BIT)
    chunks = ((b"IHDR", header), (b"IDAT", deflate.compress(rows, 1)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data, deflate) for name, data in chunks)


def _chunk(name: bytes, data: bytes, deflate: Any) -> bytes:
    return b"".join((struct.pack(">I", len(data)), name, data, struct.pack(">I", deflate.crc32(name + data))))
