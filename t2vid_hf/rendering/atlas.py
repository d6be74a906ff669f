"""The atlas: what has been drawn once is kept, as tables that the compiled loops read.

Characters of simple scripts are drawn at four quarter-pixel positions and kerned as the font says; words of other
scripts are drawn whole. One atlas serves all texts of one configuration; how full it is never changes a pixel.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from t2vid_hf.rendering import kerning
from t2vid_hf.rendering.breaks import BreakMemory
from t2vid_hf.rendering.characters import BLANK_EM, JOINER, is_undrawable, kind_of, symbol_of
from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.fonts import font_for, load_font
from t2vid_hf.rendering.raster import Bitmap, blank, draw_text, measure
from t2vid_hf.rendering.slots import (
    BOX_SLOT,
    COMPLEX,
    CONTINUED,
    EMPTY,
    INK,
    SPACE,
    STRIP_PX,
    SYMBOL_DIRECT,
    TAB,
    UNIT,
    UNKNOWN,
)

BOX = "\u25a1"
# An atlas larger than this is begun anew before the next text: memory stays flat over any number of texts.
MOST_BYTES = 16 * 2**20
MOST_SLOTS = 2**16
_CODES = 0x110000
_TABLES = ("kind", "symbol", "advance", "kern_row", "glyphs")


class Atlas:
    """Slots: their kinds, widths and bitmaps. Used by the thread alone whose [`~t2vid_hf.rendering.turns.Turn`] it is.

    Args:
        config ([`~t2vid_hf.rendering.RenderConfig`]): How a page looks: its type size, its size, and whether white
            space runs together.
    """

    def __init__(self, config: RenderConfig) -> None:
        self._px = config.font_px
        self._flow = config.whitespace == "flow"
        self._room = (config.text_width_px, config.height_px)
        self.kern = kerning.table(config.font_px)  # (rows, rows) int32; row 0 is no kerning
        self.breaks = BreakMemory(flow=self._flow)
        self.clear()

    def clear(self) -> None:
        """Forget everything that was drawn."""
        self.slot_of = np.zeros(_CODES, np.int32)
        self.kind = np.empty(0, np.uint8)
        self.symbol = np.empty(0, np.int64)
        self.advance = np.empty(0, np.int32)
        self.kern_row = np.empty(0, np.int32)
        self.glyphs = np.empty((0, 7), np.int32)
        self.bitmaps = np.empty(2**16, np.uint8)
        self._count = self._used = 0
        self._words: dict[tuple[str, str], int] = {}
        # (text, direction) -> (length, slot) of each part of it; see `words`.
        self.parts: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for kind in (UNKNOWN, EMPTY, CONTINUED, INK):  # the slots before FIRST_SLOT, in order
            self._add(blank(0), kind)
        self._box_drawn = False
        self.learn([ord(" ")])

    def make_room(self) -> None:
        """Begin anew if the atlas has grown past its bounds."""
        if self._used > MOST_BYTES or max(self._count, len(self.parts)) > MOST_SLOTS:
            self.clear()

    def learn(self, codes: Iterable[int]) -> None:
        """Give slots to characters; one that no font has takes the box's."""
        for code in codes:
            if self.slot_of[code]:
                continue
            char = chr(code)
            kind = kind_of(char, flow=self._flow)
            symbol = symbol_of(char, flow=self._flow)
            if is_missing(char):
                self._draw_box()
                self.slot_of[code] = BOX_SLOT
            elif kind in (INK, SPACE, TAB):
                self.slot_of[code] = self._add(self._draw_char(char), kind, symbol, kerning.row_of(char))
            else:
                self.slot_of[code] = self._add(blank(0), kind, symbol)

    def word(self, text: str, direction: str) -> int:
        """The slot of a word drawn whole. A character that no font has is a box in it."""
        slot = self._words.get((text, direction))
        if slot is None:
            bitmap = draw_text(_visible_form(text), self._px, self._room, direction=direction)
            slot = self._words[text, direction] = self._add(bitmap, INK)
        return slot

    def measure(self, text: str, direction: str) -> float:
        """Width of a word in pixels; a word that was drawn is not shaped again."""
        slot = self._words.get((text, direction))
        if slot is not None:
            return float(self.advance[slot]) / UNIT
        return measure(_visible_form(text), self._px, direction=direction)

    def ascent_px(self, line_px: int) -> int:
        """From the top of a line to its base line: the first font, centred in the height of the line."""
        ascent, descent = load_font(0, self._px).getmetrics()
        return ascent + (line_px - ascent - descent) // 2

    @property
    def tab_stop(self) -> int:
        """Eight spaces, which in Arial are as wide as four letters, in `UNIT`s."""
        return max(8, 8 * int(self.advance[self.slot_of[ord(" ")]]))

    def _draw_char(self, char: str) -> Bitmap:
        if char in BLANK_EM and char != "\xa0":
            return blank(round(BLANK_EM[char] * self._px * UNIT))
        shown = " " if char.isspace() else char
        # Ideographs stand on whole pixels: their widths are whole, and there are thousands of them.
        wide = unicodedata.east_asian_width(char) in ("W", "F")
        return draw_text(shown, self._px, self._room, phases=1 if wide else 4)

    def _draw_box(self) -> None:
        if not self._box_drawn:
            self._put(BOX_SLOT, draw_text(BOX, self._px, self._room, phases=4))
            self._box_drawn = True

    def _add(self, bitmap: Bitmap, kind: int, symbol: int = SYMBOL_DIRECT, kern_row: int = 0) -> int:
        slot = self._count
        if slot == len(self.kind):
            for name in _TABLES:
                setattr(self, name, _enlarge(getattr(self, name), max(512, 2 * slot)))
        self._count += 1
        self.kind[slot], self.symbol[slot], self.kern_row[slot] = kind, symbol, kern_row
        self._put(slot, bitmap)
        return slot

    def _put(self, slot: int, bitmap: Bitmap) -> None:
        phases, rows, columns = bitmap.pixels.shape
        strips = bitmap.strips()
        if self._used + strips.size > self.bitmaps.size:
            self.bitmaps = _enlarge(self.bitmaps, max(2 * self.bitmaps.size, self._used + strips.size))
        self.bitmaps[self._used : self._used + strips.size] = strips
        self.advance[slot] = bitmap.advance
        count = -(-columns // STRIP_PX)
        self.glyphs[slot] = (self._used, rows, count, columns, bitmap.left, bitmap.top, phases)
        self._used += strips.size


def _visible_form(text: str) -> str:
    """A word with boxes for what no font has, and plain spaces."""
    return "".join(BOX if is_missing(char) else " " if char.isspace() else char for char in text)


@lru_cache(maxsize=2**16)
def is_missing(char: str) -> bool:
    """Whether a character should be seen and cannot be drawn: no font has it, or it has no form at all."""
    kind = kind_of(char, flow=False)
    if kind not in (INK, COMPLEX) or char in BLANK_EM or char == JOINER:
        return False
    return is_undrawable(char) or font_for(char) is None


def missing_characters(text: str) -> Counter[str]:
    """The characters of a text that are drawn as boxes, and how often each stands there."""
    return Counter({char: text.count(char) for char in sorted(set(text)) if is_missing(char)})


@lru_cache(maxsize=4)
def atlas_for(config: RenderConfig) -> Atlas:
    """The atlas of a configuration, shared by all its renderers in this process."""
    return Atlas(config)


def _enlarge(array: np.ndarray, size: int) -> np.ndarray:
    larger = np.empty((size, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
