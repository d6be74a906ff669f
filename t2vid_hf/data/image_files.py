"""An image file -> an open picture, as `datasets` opens it: upright by its EXIF tag, and read whole."""

import io
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from t2vid_hf.errors import InputError


def open_image(image: Any, *, name: Any) -> Image.Image:
    """Open an image.

    Args:
        image (`PIL.Image.Image` or `{"bytes", "path"}`): A picture that is open comes as it is.
        name (`Any`): What errors call its row.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such file, or it is no image or damaged.
    """
    if not isinstance(image, Mapping):
        return image
    try:
        picture: Image.Image = Image.open(image["path"] if image["bytes"] is None else io.BytesIO(image["bytes"]))
        picture.load()
        if picture.getexif().get(ExifTags.Base.Orientation) is not None:
            picture = ImageOps.exif_transpose(picture)
        return picture
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        what = image["path"] or "given as bytes"
        why = "it is no image, or cut short" if isinstance(error, UnidentifiedImageError) else error
        raise InputError(f"row '{name}', image {what}: {why}; give an image file that opens") from None
