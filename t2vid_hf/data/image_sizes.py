"""How large the images of a row are, in whatever form they are: nothing is drawn, and of a file its header is read."""

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image


def image_sizes(images: Any) -> list[tuple[int, int]]:
    """Heights and widths of the images of a row.

    Args:
        images (`Any`): What a column of images holds of a row: PIL images, `{"bytes", "path"}`, sizes already, what
            [`~t2vid_hf.data.pages.Pages`] holds undecoded, or `None`.

    Example:

    ```python
    >>> from PIL import Image
    >>> from t2vid_hf.data.image_sizes import image_sizes
    >>> image_sizes([Image.new("L", (640, 360)), (448, 448)])
    [(360, 640), (448, 448)]

    ```
    """
    if isinstance(images, Mapping):  # Pages
        if images["drawn"] is not None:
            return [_size({"bytes": data, "path": None}) for data in images["drawn"]]
        from t2vid_hf.rendering import RenderConfig

        config = RenderConfig.from_json(images["config"])
        return [(config.height_px, config.width_px)] * images["num_pages"]
    return [_size(image) for image in images or []]


def undecoded(dataset: Any) -> Any:
    """A `Dataset` whose images come as files, and whose pages come as what they are drawn from.

    Args:
        dataset ([`~datasets.Dataset`]): The rows.
    """
    from t2vid_hf.data.pages import Pages
    from t2vid_hf.data.repository import keep_undecoded

    for name, kind in (dataset.features or {}).items():
        if isinstance(kind, Pages):
            dataset = dataset.cast_column(name, Pages(decode=False))
    return keep_undecoded(dataset)


def _size(image: Any) -> tuple[int, int]:
    if isinstance(image, (tuple, list)):
        return int(image[0]), int(image[1])
    if isinstance(image, Mapping):
        source = io.BytesIO(image["bytes"]) if image["bytes"] is not None else image["path"]
        with Image.open(source) as opened:
            return opened.height, opened.width
    return image.height, image.width
