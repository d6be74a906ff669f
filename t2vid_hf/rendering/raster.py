"""Glyphs to small bitmaps at quarter-pixel positions.

FreeType through Pillow places glyphs on whole pixels and pulls their stems there: at 10 px tesseract misreads 3.3 % of
the characters. We draw a glyph 4 to 8 times larger, squeeze it so that the small letters are a whole number of pixels
high (what light hinting does), and take the mean of each pixel's area at four horizontal positions: 0.4 %, as good as
FreeType's own light hinting, which Pillow does not offer. Price: 0.1 ms for a character seen for the first time.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from t2vid_hf.rendering.fonts import font_for, font_runs, load_font
from t2vid_hf.rendering.slots import STRIP_PX, UNIT

_PHASES = 4
# Room around a word, in units of 1.5 ems; what is further out is cut off. A word has at most 64 characters (`words`),
# so that even one letter under 63 marks stays within 48 ems.
_MOST_ROOM = 32
_EM_PX = 2048
# Grey levels of a bitmap: 16 instead of 256 make a PNG a sixth smaller and cost tesseract nothing.
_LEVEL = 17


@dataclass(frozen=True)
class Bitmap:
    """A drawn glyph or word.

    Args:
        pixels (`np.ndarray` of shape `(phases, rows, columns)`, uint8): 255 is no ink; phase `k` is moved right by
            `k / phases` of a pixel.
        left (`int`): Pixels from the pen to the first column.
        top (`int`): Pixels from the base line up to the first row.
        advance (`int`): Width in `UNIT`ths of a pixel.
    """

    pixels: np.ndarray
    left: int
    top: int
    advance: int

    def strips(self) -> np.ndarray:
        """The pixels as the compiled loop reads them: strips of 16 columns, one after the other."""
        phases, rows, columns = self.pixels.shape
        count = -(-columns // STRIP_PX)
        padded = np.full((phases, rows, count * STRIP_PX), 255, np.uint8)
        padded[:, :, :columns] = self.pixels
        return padded.reshape(phases, rows, count, STRIP_PX).transpose(0, 2, 1, 3).reshape(-1)


def blank(advance: int) -> Bitmap:
    """Width without ink."""
    return Bitmap(np.empty((1, 0, 0), np.uint8), 0, 0, advance)


def draw_text(text: str, size_px: int, room: tuple[int, int], *, phases: int = 1, direction: str = "ltr") -> Bitmap:
    """Draw a word or a character with the fonts that have it.

    Args:
        text (`str`): The word or character; some installed font has each of its characters.
        size_px (`int`): Type size in pixels per em.
        room (`tuple[int, int]`): The most columns and rows; what is larger is squeezed into them.
        phases (`int`, *optional*, defaults to `1`): Horizontal positions that it is drawn at: 4 for quarter pixels.
        direction (`str`, *optional*, defaults to `"ltr"`): How the word is read: `"ltr"` or `"rtl"`.
    """
    zoom = zoom_of(size_px)
    runs = font_runs(text)
    parts = [(text[run.start : run.end], run.font) for run in (runs[::-1] if direction == "rtl" else runs)]
    length = sum(_length(part, font, size_px * zoom, direction) for part, font in parts)
    advance = round(length * UNIT / zoom)
    sheet, origin, base, ink = _draw_zoomed(parts, size_px * zoom, direction)
    if ink is None:
        return blank(min(advance, room[0] * UNIT))
    # The ink's box in whole pixels of the page, around the pen; then the same box on the sheet.
    height = _squeeze(runs[0].font, size_px)
    left, right = math.floor((ink[0] - origin) / zoom), math.ceil((ink[2] - origin) / zoom) + (phases > 1)
    top, bottom = math.ceil((base - ink[1]) * height / zoom), math.floor((base - ink[3]) * height / zoom)
    box = (
        max(0, origin + left * zoom),
        max(0, base - top * zoom / height),
        min(sheet.width, origin + right * zoom),
        min(sheet.height, base - bottom * zoom / height),
    )
    narrow = min(1.0, room[0] / max(right - left, advance / UNIT))
    columns, rows = max(1, math.floor((right - left) * narrow)), min(top - bottom, room[1])
    small = sheet.resize((columns * _PHASES, rows), Image.Resampling.BOX, box=box)
    top = round(top * rows / (top - bottom))
    return Bitmap(_phases(np.asarray(small), phases), math.floor(left * narrow), top, math.floor(advance * narrow))


def measure(text: str, size_px: int, *, direction: str = "ltr") -> float:
    """Width of a word in pixels, before any squeezing."""
    zoom = zoom_of(size_px)
    return sum(
        _length(text[run.start : run.end], run.font, size_px * zoom, direction) / zoom for run in font_runs(text)
    )


@lru_cache(maxsize=4096)
def _length(part: str, font: int, size_px: int, direction: str) -> float:
    return load_font(font, size_px).getlength(part, direction=direction)


def _draw_zoomed(
    parts: list[tuple[str, int]], size_px: int, direction: str
) -> tuple[Image.Image, int, int, tuple[int, int, int, int] | None]:
    """Draw white on black, with room around: (sheet, the pen's x, the base line's y, the ink's box)."""
    length = sum(_length(part, font, size_px, direction) for part, font in parts)
    room = 1
    while True:
        origin = base = 3 * room * size_px // 2
        sheet = Image.new("L", (math.ceil(length) + 2 * origin, 2 * base), 0)
        pencil = ImageDraw.Draw(sheet)
        pen = 0.0
        for part, font in parts:
            pencil.text(
                (origin + round(pen), base), part, 255, load_font(font, size_px), anchor="ls", direction=direction
            )
            pen += _length(part, font, size_px, direction)
        ink = sheet.getbbox()
        # Marks can stand on marks without end; half an em is left for the box's rounding.
        edge = size_px // 2
        inside = ink is None or (min(ink[:2]) > edge and ink[2] < sheet.width - edge and ink[3] < sheet.height - edge)
        if inside or room >= _MOST_ROOM:
            return sheet, origin, base, ink
        room *= 2


def zoom_of(size_px: int) -> int:
    """How many times larger a glyph is drawn before it is scaled down. Large type needs it least."""
    return 8 if size_px < 16 else 4 if size_px < 96 else 1


def _phases(quarters: np.ndarray, phases: int) -> np.ndarray:
    """(rows, 4 * columns) ink -> (phases, rows, columns) paper: the mean of four quarter pixels from each position."""
    rows, width = quarters.shape
    moved = np.zeros((phases, rows, width), np.uint16)
    for phase in range(phases):
        moved[phase, :, phase:] = quarters[:, : width - phase]
    ink = moved.reshape(phases, rows, width // _PHASES, _PHASES).sum(axis=3, dtype=np.uint16)  # 4 * 255 is black
    levels = (ink + 2 * _LEVEL) // (4 * _LEVEL)
    return (255 - levels * _LEVEL).astype(np.uint8)


@lru_cache(maxsize=1024)
def _squeeze(font: int, size_px: int) -> float:
    """The factor that makes the letter x a whole number of pixels high; 1 for a font without it.

    Between 0.9 and 1.1: at 5 px and below a whole pixel is too much to give or take.
    """
    if font_for("x") != font and font > 1:
        return 1.0
    height = -load_font(font, _EM_PX).getbbox("x", anchor="ls")[1] * size_px / _EM_PX
    return min(1.1, max(0.9, max(1, round(height)) / height))
