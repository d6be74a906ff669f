"""How large an image is shown to MiniCPM-V 2.5, and into how many slices it is cut: arithmetic on sizes.

A slice has about as many pixels as a square of `side` px, in the image's own proportions and in whole patches. Sizes
are `(width, height)`, grids `(columns, rows)`. Equal to the published code (`image_processing_minicpmv.py` of
openbmb/MiniCPM-Llama3-V-2_5) on every size in tests/golden/minicpm_llama3_v25_slices.json.
"""

import math

Size = tuple[int, int]


def whole_size(width: float, height: float, *, side: int, patch: int, enlarge: bool) -> Size:
    """The size of an image as one: as many pixels as a square of `side` px, in whole patches.

    Args:
        width (`float`): Width of the image.
        height (`float`): Height of the image.
        side (`int`): Side of the square, in pixels.
        patch (`int`): Side of a patch, in pixels.
        enlarge (`bool`): Whether a smaller image is enlarged; if not it only gets whole patches.

    Example:

    ```python
    >>> from t2vid_hf.models.minicpm_llama3_v25.slicing import whole_size
    >>> whole_size(640, 360, side=448, patch=14, enlarge=True)
    (602, 336)

    ```
    """
    if enlarge or width * height > side * side:
        ratio = width / height
        height = int(side / math.sqrt(ratio))
        width = int(height * ratio)
    return _round_to_multiple(width, patch), _round_to_multiple(height, patch)


def slice_grid(width: int, height: int, *, side: int, max_slices: int) -> Size | None:
    """Columns and rows that an image is cut into beside being shown whole; none for a small image.

    The one whose proportions are nearest to the image's, among all grids with about as many cells as the image has
    squares of `side` px.

    Args:
        width (`int`): Width of the image, in pixels.
        height (`int`): Height of the image, in pixels.
        side (`int`): Side of the square that has as many pixels as a slice.
        max_slices (`int`): The most slices.

    Example:

    ```python
    >>> from t2vid_hf.models.minicpm_llama3_v25.slicing import slice_grid
    >>> slice_grid(1920, 1080, side=448, max_slices=9), slice_grid(448, 448, side=448, max_slices=9)
    ((4, 2), None)

    ```
    """
    wanted = min(math.ceil(width * height / (side * side)), max_slices)
    if wanted <= 1:
        return None
    counts = [count for count in (wanted - 1, wanted, wanted + 1) if 1 < count <= max_slices]
    grids = [(columns, count // columns) for count in counts for columns in range(1, count + 1) if count % columns == 0]
    proportion = math.log(width / height)
    return min(grids, key=lambda grid: abs(proportion - math.log(grid[0] / grid[1])))


def sliced_size(width: int, height: int, grid: Size, *, side: int, patch: int) -> Size:
    """The size to which an image is brought to be cut into a grid of equal slices of whole patches.

    Args:
        width (`int`): Width of the image, in pixels.
        height (`int`): Height of the image, in pixels.
        grid (`tuple[int, int]`): Columns and rows.
        side (`int`): Side of the square that has as many pixels as a slice.
        patch (`int`): Side of a patch, in pixels.
    """
    columns, rows = grid
    cell = _round_to_multiple(width, columns) / columns, _round_to_multiple(height, rows) / rows
    cell_width, cell_height = whole_size(*cell, side=side, patch=patch, enlarge=True)
    return cell_width * columns, cell_height * rows


def _round_to_multiple(length: float, unit: int) -> int:
    return max(round(length / unit) * unit, unit)
