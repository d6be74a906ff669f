"""The atlas: what has been drawn once is kept, as tables that the compiled loops read.

Characters of simple scripts are drawn at four quarter-pixel positions and kerned as the font says; words of other
scripts are put together from glyphs and kept whole. One atlas serves all texts of one configuration; how full it is
never changes a pixel.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from t2vid_hf.rendering.bitmaps import bound, compose, settle
from t2vid_hf.rendering.breaks import BreakMemory
from t2vid_hf.rendering.characters import BLANK_EM, SOFT_HYPHEN, kind_of, symbol_of
from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.fonts import first_font, glyph_of
from t2vid_hf.rendering.kerning import Kerning
from t2vid_hf.rendering.missing import BOX, is_missing, visible_forms
from t2vid_hf.rendering.raster import Fit, Shape, ascent_descent_px, fill, squeezes, width_em
from t2vid_hf.rendering.remembering import Memory
from t2vid_hf.rendering.shaping import Glyphs, shape_words
from t2vid_hf.rendering.slot_tables import SlotTables
from t2vid_hf.rendering.slots import (
    BOX_SLOT,
    CONTINUED,
    EMPTY,
    INK,
    QUARTERS,
    SPACE,
    TAB,
    UNIT,
    UNKNOWN,
)
from t2vid_hf.rendering.tones import Tones

# An atlas larger than this is begun anew before the next text: memory stays flat over any number of texts.
MOST_BYTES = 16 * 2**20
MOST_SLOTS = 2**16
_CODES = 0x110000


class Atlas(SlotTables):
    """Slots: their kinds, widths and bitmaps. Used by the thread alone whose [`~t2vid_hf.rendering.turns.Turn`] it is.

    Args:
        config ([`~t2vid_hf.rendering.RenderConfig`]): How a page looks: its typeface and type size, its size, its ink,
            and whether white space runs together.
    """

    def __init__(self, config: RenderConfig) -> None:
        self._px = config.font_px
        self._face = config.face
        self._contrast = abs(config.paper - config.ink)
        self._flow = config.whitespace == "flow"
        self._room = (config.text_width_px, config.height_px)
        self._line = config.line_px
        self.breaks = BreakMemory(flow=self._flow)
        self.in_use = False  # see `renderer`
        self.clear()

    def clear(self) -> None:
        """Forget everything that was drawn here."""
        self.kerning = Kerning(self._px, self._face)
        self.slot_of = np.zeros(_CODES, np.int32)
        self.codes: list[int] = []  # those that have a slot
        self.empty()
        self._tones = Tones(self._contrast)
        self.glyph_slots: dict[int, int] = {}  # font * 2**16 + glyph
        # A word's slot by its text; or -1 - the place in `cut` of (length, slot) of each part of it; see `words`.
        self.words_of: dict[str, dict[str, int]] = {"ltr": {}, "rtl": {}}
        self.cut: list[list[tuple[int, int]]] = []
        self.in_cells: dict[tuple[str, str, int, int], int] = {}  # see `grid`
        # The slots before FIRST_SLOT, in order.
        self.add(np.zeros((4, 7), np.int32), np.zeros(4, np.int32), [UNKNOWN, EMPTY, CONTINUED, INK])
        self._memory = Memory(px=self._px, face=self._face, flow=self._flow, room=self._room, line=self._line)
        self._memory.recall(self)
        self.learn([ord(" ")])

    def make_room(self) -> None:
        """Begin anew if the atlas has grown past its bounds; else let other processes know what is new."""
        if self.used > MOST_BYTES or max(self.count, *map(len, self.words_of.values())) > MOST_SLOTS:
            self.clear()
        else:
            self._memory.keep(self)

    def toned(self) -> np.ndarray:
        """`bitmaps` as faint as the ink is on its paper; see [`~t2vid_hf.rendering.tones.Tones`]."""
        return self._tones.of(self.bitmaps, self.used)

    def learn(self, codes: Iterable[int]) -> None:
        """Give slots to characters; one that no font has takes the box's."""
        inked: list[tuple[int, int, float]] = []
        others: list[tuple[int, int, float]] = []
        for code in codes:
            if self.slot_of[code]:
                continue
            self.codes.append(code)
            char = chr(code)
            kind = kind_of(char, flow=self._flow)
            if is_missing(char):
                self._draw_box()
                self.slot_of[code] = BOX_SLOT
            elif kind not in (INK, SPACE, TAB):
                # What a soft hyphen would take where it is seen.
                others.append((code, kind, width_em(*glyph_of("-", self._face)) if char == SOFT_HYPHEN else 0.0))
            elif char in BLANK_EM and char != "\xa0":
                others.append((code, kind, BLANK_EM[char]))
            else:
                inked.append((code, kind, _phases(char)))
        if others:
            units = np.array([round(em * self._px * UNIT) for _, _, em in others])
            self._give(others, self.add(np.zeros((len(others), 7), np.int32), units, EMPTY))
        if inked:
            found = [glyph_of(chr(code), self._face) for code, _, _ in inked]
            self._give(
                inked,
                self._draw([[(*glyph, 0.0, 0.0)] for glyph in found], [int(phases) for *_, phases in inked]),
                [self.kerning.row(chr(code)) for code, *_ in inked],
            )

    def words(self, words: list[str], direction: str, *, most_px: float) -> list[int]:
        """The slots of words put together from their glyphs; 0 for one that is wider than `most_px`.

        Args:
            words (`list[str]`): The words. A character that no font has is a box in it.
            direction (`str`): How they are read, `"ltr"` or `"rtl"`.
            most_px (`float`): Pixels a word may take. One that is wider than a line, and allowed, is squeezed.
        """
        if not words:
            return []
        shaped = shape_words(visible_forms(words), direction, self._face)
        allowed = shaped.advances * self._px <= most_px
        slots = np.zeros(len(words), np.int64)
        if allowed.any():
            slots[allowed] = self._compose(shaped.only(allowed))
        return [int(slot) for slot in slots]

    def widths_px(self, words: list[str], direction: str) -> list[float]:
        """Widths of words in pixels, before any squeezing."""
        return list(shape_words(visible_forms(words), direction, self._face).advances * self._px)

    def ascent_px(self, line_px: int) -> int:
        """From the top of a line to its base line: the first font, centred in the height of the line."""
        ascent, descent = ascent_descent_px(first_font(self._face), self._px)
        return ascent + (line_px - ascent - descent) // 2

    @property
    def tab_stop(self) -> int:
        """Eight spaces, which in Arial are as wide as four letters, in `UNIT`s."""
        return max(8, 8 * int(self.advance[self.slot_of[ord(" ")]]))

    def _give(self, chars: list[tuple[int, int, float]], slots: np.ndarray, kern_rows: list[int] | None = None) -> None:
        """Give drawn slots to (code, kind, ...)s."""
        self.slot_of[[code for code, *_ in chars]] = slots
        self.kind[slots] = [kind for _, kind, _ in chars]
        self.symbol[slots] = [symbol_of(chr(code), flow=self._flow) for code, *_ in chars]
        if kern_rows:
            self.kern_row[slots] = kern_rows

    def _draw_box(self) -> None:
        if not self.glyphs[BOX_SLOT, 1]:
            slot = self._draw([[(*glyph_of(BOX, self._face), 0.0, 0.0)]], [QUARTERS])
            self.glyphs[BOX_SLOT], self.advance[BOX_SLOT] = self.glyphs[slot[0]], self.advance[slot[0]]

    def draw_fitted(self, shapes: list[Shape], phases: list[int], advances: np.ndarray, fits: list[Fit]) -> np.ndarray:
        """New slots for shapes that are stretched; `advances`, in ems, say how wide."""
        return self._draw(shapes, phases, advances, fits)

    def _draw(
        self,
        shapes: list[Shape],
        phases: list[int],
        advances: np.ndarray | None = None,
        fits: list[Fit] | None = None,
    ) -> np.ndarray:
        """New slots for drawn shapes; as wide as their glyphs unless `advances`, in ems, are given."""
        ink = fill(shapes, self._px, self._room, fits)
        left = ink.boxes[:, 4] // QUARTERS
        moved = np.array(phases) - 1
        columns = -(-(ink.boxes[:, 4] - QUARTERS * left + ink.boxes[:, 1] + moved) // QUARTERS)
        records = self.reserve(left, columns, ink.boxes[:, 5] + ink.boxes[:, 2], ink.boxes[:, 2], np.array(phases))
        settle(ink.levels, ink.boxes, records, self.bitmaps)
        if advances is None:
            advances = np.array([sum(width_em(font, glyph) for font, glyph, _, _ in shape) for shape in shapes])
        units = np.minimum(np.rint(advances * self._px * UNIT * ink.narrow), self._room[0] * UNIT)
        return self.add(records, units, INK)

    def _compose(self, shaped: Glyphs) -> np.ndarray:
        """New slots for shaped words."""
        keys = (shaped.fonts * 2**16 + shaped.glyphs).tolist()
        unseen = [key for key in dict.fromkeys(keys) if key not in self.glyph_slots]
        if unseen:
            drawn = self._draw([[(key >> 16, key & 0xFFFF, 0.0, 0.0)] for key in unseen], [QUARTERS] * len(unseen))
            self.glyph_slots.update(zip(unseen, drawn.tolist(), strict=True))
        slots = np.array([self.glyph_slots[key] for key in keys], np.int64)
        x = np.rint(shaped.x * self._px * UNIT).astype(np.int64)
        y = np.rint(shaped.y * self._px * squeezes(shaped.fonts, self._px)).astype(np.int64)
        boxes = np.empty((len(shaped.advances), 4), np.int64)
        bound(shaped.starts, slots, x, y, self.glyphs, boxes)
        left, right, bottom, top = boxes.T
        units = np.rint(shaped.advances * self._px * UNIT)
        large = (right - left > self._room[0]) | (top - bottom > self._room[1]) | (units > self._room[0] * UNIT)
        result = np.empty(len(boxes), np.int64)
        if large.any():
            odd = shaped.only(large)
            result[large] = self._draw(odd.shapes(), [1] * int(large.sum()), odd.advances)
        small = ~large
        if small.any():
            kept = np.repeat(small, np.diff(shaped.starts))
            some = shaped.only(small)
            wide, high = (right - left)[small], (top - bottom)[small]
            records = self.reserve(left[small], wide, top[small], high, np.ones(1, np.int64))
            compose(some.starts, slots[kept], x[kept], y[kept], self.glyphs, records, self.bitmaps)
            result[small] = self.add(records, units[small], INK)
        return result


def _phases(char: str) -> int:
    # Ideographs stand on whole pixels: their widths are whole, and there are thousands of them.
    return 1 if unicodedata.east_asian_width(char) in ("W", "F") else QUARTERS


# All styles of one configuration and a few others: English takes 3 to 4 MB each, and MOST_BYTES bounds every one.
@lru_cache(maxsize=16)
def atlas_for(config: RenderConfig) -> Atlas:
    """The atlas of a configuration, shared by all its renderers in this process."""
    return Atlas(config)
