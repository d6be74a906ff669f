"""Kerning of the first font, by HarfBuzz: asked once for each pair of characters that a text holds side by side.

HarfBuzz kerns whole words; a table lets the compiled loop kern any two characters. The other fonts of the chain draw
simple scripts without kerning.
"""

import numpy as np

from t2vid_hf.rendering.fonts import first_font, glyph_for
from t2vid_hf.rendering.raster import width_em
from t2vid_hf.rendering.shaping import shape_words
from t2vid_hf.rendering.slots import UNIT, UNKNOWN_KERN


class Kerning:
    """What a character is moved by behind another, in `UNIT`ths of a pixel: `table[row of first, row of second]`.

    Args:
        size_px (`int`): Type size in pixels per em.
        face (`str`): The typeface, of [`~t2vid_hf.rendering.fonts.FACES`].
    """

    def __init__(self, size_px: int, face: str) -> None:
        self._px, self._face = size_px, face
        self.rows: dict[str, int] = {}
        self.chars = [""]
        self.table = np.zeros((64, 64), np.int32)  # row and column 0 are no kerning
        self.table[1:, 1:] = UNKNOWN_KERN

    def row(self, char: str) -> int:
        """The row and column of a character; 0 for one that the first font does not draw."""
        found = glyph_for(char, self._face)
        if found is None or found[0] != first_font(self._face):
            return 0
        row = self.rows.setdefault(char, len(self.chars))
        if row == len(self.chars):
            self.chars.append(char)
            if row == len(self.table):
                larger = np.full((2 * row, 2 * row), UNKNOWN_KERN, np.int32)
                larger[0], larger[:, 0] = 0, 0
                larger[:row, :row] = self.table
                self.table = larger
        return row

    def learn(self, pairs: np.ndarray) -> None:
        """Ask for pairs that are not in the table.

        Args:
            pairs (`np.ndarray` of shape `(n, 2)`, int32): Their rows and columns; at least one pair.
        """
        chars = [(self.chars[first], self.chars[second]) for first, second in pairs.tolist()]
        together = shape_words([first + second for first, second in chars], "ltr", self._face).advances
        apart = [self._width(first) + self._width(second) for first, second in chars]
        self.table[pairs[:, 0], pairs[:, 1]] = np.rint((together - apart) * self._px * UNIT)

    def _width(self, char: str) -> float:
        found = glyph_for(char, self._face)
        return width_em(*found) if found else 0.0
