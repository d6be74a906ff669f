"""Ink and paper in other grey levels than black on white, without a second look at each pixel.

A table of 256 levels applied to a page takes 0.3 to 0.6 ms, twenty times as long as drawing it. So the atlas's bitmaps
are made fainter once, a page is drawn of them, and its levels are moved, or turned round for light ink on dark paper:
5 to 10 us a page, and nothing where ink is black and paper white.
"""

import numpy as np

from t2vid_hf.errors import InputError

# Of small text, in WCAG 2.2 (success criterion 1.4.3): what black on grey 117 has, and white on grey 118.
LEAST_CONTRAST = 4.5


class Tones:
    """The bitmaps of an atlas, made as faint as its ink is on its paper; a copy that follows them as they grow.

    Args:
        contrast (`int`): Grey levels between ink and paper, from 1 to 255.
    """

    def __init__(self, contrast: int) -> None:
        self._contrast = contrast
        self._levels = (255 - ((255 - np.arange(256)) * contrast + 127) // 255).astype(np.uint8)
        self._copy = np.empty(0, np.uint8)
        self._done = 0

    def of(self, bitmaps: np.ndarray, used: int) -> np.ndarray:
        """The fainter bitmaps: 255 without ink, `255 - contrast` where all is ink.

        Args:
            bitmaps (`np.ndarray` of shape `(m,)`, uint8): The atlas's; what was given before has not changed.
            used (`int`): How many of them are drawn.
        """
        if self._contrast == 255:
            return bitmaps
        if len(self._copy) < len(bitmaps):
            larger = np.empty(len(bitmaps), np.uint8)
            larger[: self._done] = self._copy[: self._done]
            self._copy = larger
        self._copy[self._done : used] = self._levels[bitmaps[self._done : used]]
        self._done = used
        return self._copy


def lay_on_paper(pages: np.ndarray, ink: int, paper: int) -> None:
    """Move the levels of pages that were drawn of [`Tones`] to those of ink and paper.

    Args:
        pages (`np.ndarray`, uint8): 255 where the paper is, `255 - abs(paper - ink)` where all is ink; written over.
        ink (`int`): Grey level of the type.
        paper (`int`): Grey level of the page.
    """
    if ink > paper:
        # 255 becomes paper, and what is darker becomes lighter; modulo 256.
        np.subtract(np.uint8((paper + 255) % 256), pages, out=pages)
    elif paper < 255:
        np.subtract(pages, np.uint8(255 - paper), out=pages)


def check_contrast(ink: int, paper: int) -> None:
    """Refuse grey levels that are none, or that nobody can read on each other.

    Args:
        ink (`int`): Grey level of the type.
        paper (`int`): Grey level of the page.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a level is not from 0 to 255, or the contrast is less than `LEAST_CONTRAST`.
    """
    for name, level in (("ink", ink), ("paper", paper)):
        if not 0 <= level <= 255:
            raise InputError(f"{name}={level}: it is a grey level, from 0 (black) to 255 (white)")
    if contrast(ink, paper) < LEAST_CONTRAST:
        raise InputError(
            f"ink={ink} on paper={paper} has a contrast of {contrast(ink, paper):.1f} : 1, and text needs "
            f"{LEAST_CONTRAST} : 1: move them apart"
        )


def contrast(ink: int, paper: int) -> float:
    """The contrast of two grey levels as WCAG 2.2 defines it, from 1 to 21.

    Args:
        ink (`int`): A grey level from 0 to 255.
        paper (`int`): Another.

    Example:

    ```python
    >>> from t2vid_hf.rendering.tones import contrast
    >>> contrast(0, 255)
    21.0

    ```
    """
    shares = sorted((ink / 255, paper / 255))
    lights = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return float((lights[1] + 0.05) / (lights[0] + 0.05))
