"""Contact sheets: what a row shows, at a glance."""

from collections.abc import Sequence

from PIL import Image

from t2vid_hf.video.stills import picture_pixels

GAP_PX = 4
BACKGROUND = (208, 210, 214)


def contact_sheet(images: Sequence[Image.Image], *, columns: int, cell_px: int) -> Image.Image:
    """Images in reading order on one sheet.

    Args:
        images (`Sequence[PIL.Image.Image]`): The images, at least one; each is fitted into a square cell.
        columns (`int`): The most cells in a row of the sheet.
        cell_px (`int`): Width and height of a cell in pixels.

    Returns:
        `PIL.Image.Image` of mode RGB.

    Example:

    ```python
    >>> from PIL import Image
    >>> from t2vid_hf.hub.sheets import contact_sheet
    >>> contact_sheet([Image.new("L", (448, 448))] * 5, columns=4, cell_px=100).size
    (420, 212)

    ```
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    step = cell_px + GAP_PX
    sheet = Image.new("RGB", (columns * step + GAP_PX, rows * step + GAP_PX), BACKGROUND)
    for index, given in enumerate(images):
        image = Image.fromarray(picture_pixels(given)).convert("RGB")
        scale = cell_px / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        cell = image.resize(size, Image.Resampling.LANCZOS)
        row, column = divmod(index, columns)
        left = GAP_PX + column * step + (cell_px - size[0]) // 2
        top = GAP_PX + row * step + (cell_px - size[1]) // 2
        sheet.paste(cell, (left, top))
    return sheet
