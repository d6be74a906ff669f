"""Pictures as pixels, by one rule for rows, pages and folders of frames: upright, opaque, of 8 bits.

A picture is turned as its EXIF data say, like `transformers.image_utils.load_image` and the type `Image` of `datasets`
do; what is transparent becomes white, as in the image processor of every family. One deviation is meant: those clip
grey of 16 bits at 255, which leaves a scan nearly white; here it is scaled, 0 to 65,535 becoming 0 to 255.
"""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from t2vid_hf.errors import InputError

# What Pillow raises for files that are cut short, damaged or not what their name says; it has no error of its own.
_DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, NotImplementedError,
    struct.error, Image.DecompressionBombError,
)  # fmt: skip
_LEVELS_16 = 65_535


class PictureError(InputError):
    """A picture that does not open, or whose pixels have no 8-bit meaning; the message says why, not which it is."""


def open_picture(file: bytes | str | Path) -> Image.Image:
    """Open a picture without decoding it.

    Args:
        file (`bytes`, `str` or `Path`): Its content or its path.

    Raises:
        [`PictureError`]: it is no picture, or not there.
    """
    try:
        # Read and not left to Pillow, which garbles TIFF that it maps into memory and turns (13.0).
        return Image.open(io.BytesIO(file if isinstance(file, bytes) else Path(file).read_bytes()))
    except UnidentifiedImageError:
        raise PictureError("is not a picture") from None
    except _DAMAGE as error:
        raise PictureError(f"does not open ({error})") from None


def upright(image: Image.Image) -> Image.Image:
    """Decode a picture and turn it as its EXIF data say.

    Args:
        image (`PIL.Image.Image`): The picture; where it is turned, the result is another one.

    Raises:
        [`PictureError`]: it does not decode.
    """
    try:
        image.load()
        # asked for first: `exif_transpose` copies a picture that it does not turn
        return ImageOps.exif_transpose(image) if image.getexif().get(ExifTags.Base.Orientation, 1) != 1 else image
    except _DAMAGE as error:
        raise PictureError(f"does not open ({error})") from None


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width of a picture once it is upright; it is not decoded.

    Args:
        image (`PIL.Image.Image`): The picture.

    Raises:
        [`PictureError`]: what its header says of it is damaged.
    """
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
    except _DAMAGE as error:
        raise PictureError(f"does not open ({error})") from None
    return (image.width, image.height) if turned else (image.height, image.width)


def picture_pixels(image: Image.Image) -> np.ndarray:
    """The pixels of a picture, upright and on white.

    Args:
        image (`PIL.Image.Image`): A picture of any mode but "F", whose range nobody knows.

    Returns:
        `np.ndarray` of shape `(height, width)` where it is grey, else `(height, width, 3)`, uint8.

    Raises:
        [`PictureError`]: it does not decode, or its values are not of 8 or 16 bits.

    Example:

    ```python
    >>> from PIL import Image
    >>> from t2vid_hf.video.stills import picture_pixels
    >>> picture_pixels(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).tolist()
    [[[255, 255, 255]]]
    >>> picture_pixels(Image.new("I;16", (1, 1), 0x8080)).tolist()
    [[128]]

    ```
    """
    image = upright(image)
    if image.mode.startswith("I"):
        return _grey_16(image)
    if image.mode == "F":
        raise PictureError("has floating-point pixels, whose range is not known; give one of 8 or 16 bits")
    try:
        if "A" in image.getbands() or image.info.get("transparency") is not None:
            white = Image.new("RGBA", image.size, (255, 255, 255, 255))
            image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
        return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    except _DAMAGE as error:
        raise PictureError(f"does not become RGB ({error})") from None


def _grey_16(image: Image.Image) -> np.ndarray:
    """Grey of 16 bits, scaled; Pillow has it as 32 bits, too."""
    values = np.asarray(image).astype(np.int64)
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low < 0 or high > _LEVELS_16:
        raise PictureError(f"has values from {low} to {high}; grey of at most 16 bits is 0 to {_LEVELS_16}")
    pixels = ((values * 255 + _LEVELS_16 // 2) // _LEVELS_16).astype(np.uint8)
    transparent = image.info.get("transparency")
    return pixels if transparent is None else np.where(values == transparent, np.uint8(255), pixels)
