"""An image of a row -> an open picture, by the one rule for pictures; where it does not open, with the row's name."""

from collections.abc import Mapping
from typing import Any

from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.video.stills import PictureError, open_picture, upright


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
        return upright(open_picture(image["path"] if image["bytes"] is None else image["bytes"]))
    except PictureError as error:
        what = image["path"] or "given as bytes"
        raise InputError(f"row '{name}', image {what}: {error}; give an image file that opens") from None
