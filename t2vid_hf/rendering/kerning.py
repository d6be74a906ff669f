"""Kerning of the first font, by HarfBuzz: asked once for each pair of characters that a text holds side by side.

HarfBuzz kerns whole words; a table lets the compiled loop kern any two characters. The other fonts of the chain draw
simple scripts without kerning.
"""

import numpy as np

from t2vid_hf.rendering.fonts import first_font, glyph_for
from t2vid_hf.rendering.kernels import compiled
from t2vid_hf.rendering.raster import width_em
from t2vid_hf.rendering.shaping import shape_words

# numba's cache looks at this file alone; a change of slots.py has to change it too: e1dc17974863b8dc
from t2vid_hf.rendering.slots import CARRIAGE_RETURN, CONTINUED, EMPTY, LINE_FEED, NEWLINE, SPACE, TAB, UNIT

_UNKNOWN = -(2**31)


class Kerning:
    """What a character is moved by behind another, in `UNIT`ths of a pixel: `table[row of first, row of second]`.

    Args:
        size_px (`int`): Type size in pixels per em.
        face (`str`): The typeface, of [`~t2vid_hf.rendering.fonts.FACES`].
    """

    def __init__(self, size_px: int, face: str) -> None:
        self._px, self._face = size_px, face
        self._rows: dict[str, int] = {}
        self._chars = [""]
        self.table = np.zeros((64, 64), np.int32)  # row and column 0 are no kerning
        self.table[1:, 1:] = _UNKNOWN

    def row(self, char: str) -> int:
        """The row and column of a character; 0 for one that the first font does not draw."""
        found = glyph_for(char, self._face)
        if found is None or found[0] != first_font(self._face):
            return 0
        row = self._rows.setdefault(char, len(self._chars))
        if row == len(self._chars):
            self._chars.append(char)
            if row == len(self.table):
                larger = np.full((2 * row, 2 * row), _UNKNOWN, np.int32)
                larger[0], larger[:, 0] = 0, 0
                larger[:row, :row] = self.table
                self.table = larger
        return row

    def learn(self, slots: np.ndarray, kind: np.ndarray, kern_row: np.ndarray) -> None:
        """Ask for the pairs of a text that are not in the table.

        Args:
            slots (`np.ndarray` of shape `(n,)`, int32): The slot of each character.
            kind (`np.ndarray` of shape `(slots,)`, uint8): The kind of each slot.
            kern_row (`np.ndarray` of shape `(slots,)`, int32): The row of each slot.
        """
        found = np.empty((len(slots), 2), np.int32)
        count = find_unknown(slots, kind, kern_row, self.table, found)
        if count:
            pairs = [(self._chars[first], self._chars[second]) for first, second in found[:count].tolist()]
            together = shape_words([first + second for first, second in pairs], "ltr", self._face).advances
            apart = [self._width(first) + self._width(second) for first, second in pairs]
            self.table[found[:count, 0], found[:count, 1]] = np.rint((together - apart) * self._px * UNIT)

    def _width(self, char: str) -> float:
        found = glyph_for(char, self._face)
        return width_em(*found) if found else 0.0


@compiled
def find_unknown(slots, kind, kern_row, table, found):  # type: ignore[no-untyped-def]
    """Collect the pairs of a text that are not in the table, each once; return how many.

    Args:
        slots (`np.ndarray` of shape `(n,)`, int32): The slot of each character.
        kind (`np.ndarray` of shape `(slots,)`, uint8): The kind of each slot.
        kern_row (`np.ndarray` of shape `(slots,)`, int32): The row of each slot.
        table (`np.ndarray` of shape `(rows, rows)`, int32): What is known; a pair that was found becomes 0.
        found (`np.ndarray` of shape `(n, 2)`, int32): Written: the rows of the first and the second.
    """
    count = 0
    row = 0
    for i in range(slots.shape[0]):
        sort = kind[slots[i]]
        if sort == EMPTY or sort == CONTINUED:
            continue
        if sort == SPACE or sort == TAB or sort == LINE_FEED or sort == NEWLINE or sort == CARRIAGE_RETURN:
            row = 0
            continue
        following = kern_row[slots[i]]
        if table[row, following] == _UNKNOWN:
            table[row, following] = 0
            found[count, 0] = row
            found[count, 1] = following
            count += 1
        row = following
    return count
