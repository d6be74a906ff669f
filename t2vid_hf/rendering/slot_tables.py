"""The tables of an atlas, which the compiled loops read: a row for each slot, and the pixels of all of them."""

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.rendering.slots import STRIP_PX, SYMBOL_DIRECT

# Places in `bitmaps` are kept in 32 bits.
_MOST_PIXELS = 2**31 - 1
_TABLES = ("kind", "symbol", "advance", "kern_row", "glyphs")


class SlotTables:
    """Rows of slots, and their bitmaps. They grow, and `count` and `used` say how much of them is filled."""

    kind: np.ndarray
    symbol: np.ndarray
    advance: np.ndarray
    kern_row: np.ndarray
    glyphs: np.ndarray
    bitmaps: np.ndarray
    count: int
    used: int

    def empty(self) -> None:
        """Begin without slots."""
        self.kind = np.empty(0, np.uint8)
        self.symbol = np.empty(0, np.int64)
        self.advance = np.empty(0, np.int32)
        self.kern_row = np.empty(0, np.int32)
        self.glyphs = np.empty((0, 7), np.int32)  # the records of `bitmaps`; see bitmaps.py
        self.bitmaps = np.empty(2**16, np.uint8)
        self.count = self.used = 0

    def reserve(
        self, left: np.ndarray, columns: np.ndarray, top: np.ndarray, rows: np.ndarray, phases: np.ndarray
    ) -> np.ndarray:
        """Records of new bitmaps, and room for their pixels.

        Args:
            left (`np.ndarray` of shape `(n,)`): Pixels from the pen to the first column.
            columns (`np.ndarray` of shape `(n,)`): How many there are.
            top (`np.ndarray` of shape `(n,)`): Pixels from the base line up to the first row.
            rows (`np.ndarray` of shape `(n,)`): How many there are.
            phases (`np.ndarray` of shape `(n,)` or `(1,)`): How many positions within a pixel.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the bitmaps would take 2 GiB.
        """
        strips = -(-columns // STRIP_PX)
        sizes = rows * strips * STRIP_PX * phases
        ends = self.used + np.cumsum(sizes)
        if ends[-1] > _MOST_PIXELS:
            raise InputError(
                "the text has too many different characters or words for type of this size: drawn once each they take "
                "2 GiB; draw it in parts, or in smaller type"
            )
        if ends[-1] > self.bitmaps.size:
            self.bitmaps = np.resize(self.bitmaps, max(2 * self.bitmaps.size, int(ends[-1])))
        self.used = int(ends[-1])
        records = np.empty((len(rows), 7), np.int32)
        for column, values in enumerate((ends - sizes, rows, strips, columns, left, top, phases)):
            records[:, column] = values
        return records

    def add(self, records: np.ndarray, advances: np.ndarray, kind: int | list[int]) -> np.ndarray:
        """New slots, one after the other.

        Args:
            records (`np.ndarray` of shape `(n, 7)`): Their bitmaps; zeros where nothing is drawn.
            advances (`np.ndarray` of shape `(n,)`): Their widths in `UNIT`s.
            kind (`int` or `list[int]`): What they are to the layout.
        """
        first, self.count = self.count, self.count + len(records)
        if self.count > len(self.kind):
            for name, table in ((name, getattr(self, name)) for name in _TABLES):
                setattr(self, name, np.resize(table, (max(512, 2 * self.count), *table.shape[1:])))
        new = slice(first, self.count)
        self.kind[new], self.symbol[new], self.kern_row[new] = kind, SYMBOL_DIRECT, 0
        self.glyphs[new], self.advance[new] = records, advances
        return np.arange(first, self.count)
