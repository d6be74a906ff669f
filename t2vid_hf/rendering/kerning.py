"""Arimo's kerning pairs, read once per process (50 ms) from the font's GPOS table.

raqm kerns too, but only in whole words; a table lets the compiled loop kern any two characters. The other fonts of
the chain draw simple scripts without kerning.
"""

from functools import cache, lru_cache

import numpy as np
from fontTools.ttLib import TTFont

from t2vid_hf.rendering.fonts import font_files
from t2vid_hf.rendering.slots import UNIT


@cache
def _pairs() -> tuple[dict[tuple[str, str], int], int]:
    """(first, second) -> design units, and the units of an em."""
    with TTFont(font_files()[0], lazy=True) as font:
        em = font["head"].unitsPerEm
        names: dict[str, list[str]] = {}
        for code, name in font.getBestCmap().items():
            names.setdefault(name, []).append(chr(code))
        gpos = font["GPOS"].table
        wanted = {
            index
            for record in gpos.FeatureList.FeatureRecord
            if record.FeatureTag == "kern"
            for index in record.Feature.LookupListIndex
        }
        pairs: dict[tuple[str, str], int] = {}
        for index in sorted(wanted):
            for table in gpos.LookupList.Lookup[index].SubTable:
                table = table.ExtSubTable if table.LookupType == 9 else table
                # Arimo's are lists of pairs (format 1); a table by classes would be passed over.
                if table.LookupType != 2 or table.Format != 1:
                    continue
                for first, pair_set in zip(table.Coverage.glyphs, table.PairSet, strict=True):
                    for pair in pair_set.PairValueRecord:
                        value = vars(pair.Value1).get("XAdvance", 0) if pair.Value1 else 0
                        for left in names.get(first, ()):
                            for right in names.get(pair.SecondGlyph, ()):
                                pairs.setdefault((left, right), value)
        return pairs, em


@cache
def _rows() -> dict[str, int]:
    pairs, _ = _pairs()
    return {char: row for row, char in enumerate(sorted({char for pair in pairs for char in pair}), 1)}


def row_of(char: str) -> int:
    """A character's row and column in [`table`]; 0 for one that is never kerned."""
    return _rows().get(char, 0)


@lru_cache(maxsize=8)
def table(size_px: int) -> np.ndarray:
    """Kerning at a size, in `UNIT`ths of a pixel: `table[row_of(first), row_of(second)]`, int32."""
    pairs, em = _pairs()
    rows = _rows()
    kern = np.zeros((len(rows) + 1, len(rows) + 1), np.int32)
    for (first, second), units in pairs.items():
        kern[rows[first], rows[second]] = round(units * size_px * UNIT / em)
    return kern
