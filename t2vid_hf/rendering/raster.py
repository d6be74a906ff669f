"""Outlines to ink: HarfBuzz fills a glyph's outline, four columns to a pixel, and exactly, without hints.

Rasterisers that place glyphs on whole pixels and pull their stems there make small type hard to read: at 10 px
tesseract misreads 3.3 % of the characters. We squeeze a glyph so that the small letters are a whole number of pixels
high (what light hinting does), and `kernels.settle` takes the mean of each pixel's area at four horizontal positions:
0.4 %. A glyph takes 8 to 16 us.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import uharfbuzz as hb

from t2vid_hf.rendering.fonts import FACES, font_files, load_font
from t2vid_hf.rendering.slots import QUARTERS

_TEXT_FONTS = frozenset({"NotoSans[wght].ttf", *FACES.values()})


@dataclass(frozen=True)
class Ink:
    """Filled outlines, one after the other.

    Args:
        boxes (`np.ndarray` of shape `(n, 6)`, int64): For each its offset in `levels`; columns, rows and the length of
            a row; the first column, right of the pen, and the lowest row, above the base line. Columns are a quarter of
            a pixel wide.
        levels (`np.ndarray` of shape `(m,)`, uint8): 255 is ink all over; rows from below.
        narrow (`np.ndarray` of shape `(n,)`, float64): What each was squeezed by to fit its room; mostly 1.
    """

    boxes: np.ndarray
    levels: np.ndarray
    narrow: np.ndarray


# Glyphs that are drawn as one: (font, glyph, ems right of the pen, ems above the base line) of each.
Shape = list[tuple[int, int, float, float]]


class Fit(NamedTuple):
    """How a shape is stretched and moved.

    Args:
        across (`float`, *optional*, defaults to `1.0`): What its widths are multiplied by.
        down (`float`, *optional*, defaults to `1.0`): What its heights are multiplied by.
        right_px (`float`, *optional*, defaults to `0.0`): How far it is then moved to the right.
        up_px (`float`, *optional*, defaults to `0.0`): How far it is then moved up.
    """

    across: float = 1.0
    down: float = 1.0
    right_px: float = 0.0
    up_px: float = 0.0


def fill(shapes: list[Shape], size_px: int, room: tuple[int, int], fits: list[Fit] | None = None) -> Ink:
    """Fill outlines.

    Args:
        shapes (`list`): What is drawn: each one or more glyphs as (font, glyph, x, y), x and y in ems.
        size_px (`int`): Type size in pixels per em.
        room (`tuple[int, int]`): The most columns and rows in pixels; what is larger is squeezed into them.
        fits (`list[Fit]`, *optional*): How each is stretched.
    """
    pencil = hb.RasterDraw()
    boxes, levels, narrow, used = [], [], [], 0
    for shape, fit in zip(shapes, fits or [Fit()] * len(shapes), strict=True):
        across = down = 1.0
        while True:
            _trace(pencil, shape, size_px, Fit(fit.across * across, fit.down * down, *fit[2:]))
            image = pencil.render()
            box = image.extents
            # A pixel more each way: the first column may lie within a pixel, and be moved by three quarters of one.
            columns, rows = box.width / QUARTERS + 2, box.height
            if columns <= room[0] and rows <= room[1]:
                break
            across *= min(1.0, 0.99 * room[0] / columns)
            down *= min(1.0, 0.99 * room[1] / rows)
        boxes.append((used, box.width, box.height, box.stride, box.x_origin, box.y_origin))
        levels.append(image.buffer)
        narrow.append(across)
        used += box.stride * box.height
    return Ink(
        np.array(boxes, np.int64).reshape(-1, 6), np.frombuffer(b"".join(levels), np.uint8), np.array(narrow, float)
    )


def _trace(pencil: hb.RasterDraw, shape: Shape, size_px: int, fit: Fit) -> None:
    for font, glyph, x, y in shape:
        face = load_font(font)
        scale, height = size_px / face.face.upem, squeeze(font, size_px) * fit.down
        pencil.transform = (
            QUARTERS * scale * fit.across, 0.0, 0.0, scale * height,
            QUARTERS * (size_px * fit.across * x + fit.right_px), size_px * height * y + fit.up_px,
        )  # fmt: skip
        pencil.draw_glyph(face, glyph)


@lru_cache(maxsize=1024)
def squeeze(font: int, size_px: int) -> float:
    """The factor that makes the letter x a whole number of pixels high; 1 for a font that is not for Latin text.

    Between 0.9 and 1.1: at 5 px and below a whole pixel is too much to give or take.
    """
    face = load_font(font)
    glyph = face.get_nominal_glyph(ord("x"))
    if not glyph or font_files()[font].name not in _TEXT_FONTS:
        return 1.0
    height = face.get_glyph_extents(glyph).y_bearing * size_px / face.face.upem
    return float(min(1.1, max(0.9, max(1, round(height)) / height)))


def squeezes(fonts: np.ndarray, size_px: int) -> np.ndarray:
    """[`squeeze`] of each of some fonts."""
    factors = np.ones(fonts.max(initial=0) + 1)
    for font in set(fonts.tolist()):
        factors[font] = squeeze(font, size_px)
    return factors[fonts]


def ascent_descent_px(font: int, size_px: int) -> tuple[int, int]:
    """Whole pixels of a font above and below the base line."""
    face = load_font(font)
    extents = face.get_font_extents("ltr")
    scale = size_px / face.face.upem
    return -int(-extents.ascender * scale // 1), -int(extents.descender * scale // 1)


def width_em(font: int, glyph: int) -> float:
    """A glyph's advance width in ems."""
    face = load_font(font)
    return float(face.get_glyph_h_advance(glyph)) / face.face.upem
