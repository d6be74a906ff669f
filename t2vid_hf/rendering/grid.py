"""Aligned lines in cells of one width: each character takes the cells that terminals give it.

A cell is as wide as the monospaced typeface. What is wider than its cells is squeezed into them; what is narrower
stands in their middle, a word of joined letters where it begins. Lines and blocks (U+2500 to U+259F) are as high as a
line and half a pixel wider on each side than their cell, so that a drawing is closed.

A block that is wider than the page takes narrower cells, down to 0.8 of their width: tesseract then misreads 0.9 % of
English at 10 px and 0.1 % at 14 px (in whole cells 0.3 % and 0.2 %, in cells of 0.6 3.3 % and 0.9 %). A still wider one
has whole cells, and goes on in the next line where a line is full, as in a terminal.
"""

import re
from itertools import takewhile

import numpy as np

from t2vid_hf.rendering.atlas import Atlas
from t2vid_hf.rendering.bidi import MIRRORED
from t2vid_hf.rendering.cells import parts_of
from t2vid_hf.rendering.characters import kind_of
from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.fonts import first_font, glyph_for, glyph_of, load_font
from t2vid_hf.rendering.missing import visible_forms
from t2vid_hf.rendering.raster import Fit, Shape, squeeze, width_em
from t2vid_hf.rendering.shaping import shape_words
from t2vid_hf.rendering.slots import (
    COMPLEX,
    CONTINUED_SLOT,
    EMPTY_SLOT,
    FULL_ROW,
    INK,
    QUARTERS,
    SPACE,
    TAB,
    UNIT,
)

_FACE = "mono"
# The narrowest cell, as a part of the typeface's.
NARROWEST = 0.8
_MOST_CHARS = 64
_LINE = re.compile("[^\n\r\v\f\x85\u2028\u2029]+")

# What is drawn in cells: its text, how it is read, its cells, and the width of a cell in `UNIT`s.
Piece = tuple[str, str, int, int]


def set_in_cells(
    text: str,
    blocks: list[tuple[int, int]],
    config: RenderConfig,
    atlas: Atlas,
    slots: np.ndarray,
    breaks: np.ndarray,
    levels: np.ndarray | None,
) -> None:
    """Replace the slots of aligned lines by slots as wide as cells.

    Args:
        text (`str`): A text of `n` characters.
        blocks (`list[tuple[int, int]]`): The spans of its aligned lines.
        config ([`~t2vid_hf.rendering.RenderConfig`]): How a page looks.
        atlas ([`~t2vid_hf.rendering.atlas.Atlas`]): What has been drawn; it takes what stands in cells.
        slots (`np.ndarray` of shape `(n,)`, int32): The slot of each character; written over.
        breaks (`np.ndarray` of shape `(n + 1,)`, uint8): Where a line may begin; `FULL_ROW` is added.
        levels (`np.ndarray` of shape `(n,)` or `None`): Embedding levels; odd is right to left.
    """
    cell = int(width_em(*glyph_of("0", _FACE)) * config.font_px * UNIT)
    places: list[tuple[int, int, Piece]] = []
    plain: list[tuple[int, str, int]] = []
    for start, end in blocks:
        lines = [(line.start(), line[0]) for line in _LINE.finditer(text, start, end)]
        simple = [_is_simple(line, at, levels) for at, line in lines]
        parts = [[] if easy else parts_of(line) for (_, line), easy in zip(lines, simple, strict=True)]
        widest = max(
            len(line.rstrip()) if easy else _widest(found)
            for (_, line), easy, found in zip(lines, simple, parts, strict=True)
        )
        width = config.text_width_px * UNIT
        taken = min(cell, width // max(1, widest))
        full = taken < NARROWEST * cell
        taken = cell if full else taken
        for (at, line), easy, split in zip(lines, simple, parts, strict=True):
            if easy:
                plain.append((at, line, taken))
                firsts = list(range(at, at + len(line.rstrip())))
            else:
                found = _pieces(at, split, taken, width // taken, breaks, levels)
                places += found
                firsts = [first for first, *_ in found[: _visible(split)]]
            if full:
                breaks[firsts] = FULL_ROW
    known = atlas.in_cells
    letters = {(char, "ltr", 1, taken) for _, line, taken in plain for char in line}
    wanted = dict.fromkeys([*sorted(letters), *(piece for *_, piece in places)])
    _learn([piece for piece in wanted if piece not in known], config, atlas)
    for start, end, piece in places:
        slots[start:end] = CONTINUED_SLOT
        slots[start] = known[piece]
    tables = {taken: np.zeros(128, np.int32) for *_, taken in plain}
    for piece in letters:
        tables[piece[3]][ord(piece[0])] = known[piece]
    for at, line, taken in plain:
        slots[at : at + len(line)] = tables[taken][np.frombuffer(line.encode(), np.uint8)]


def _is_simple(line: str, at: int, levels: np.ndarray | None) -> bool:
    """Whether each character takes one cell, from left to right."""
    return line.isascii() and "\t" not in line and (levels is None or not (levels[at : at + len(line)] & 1).any())


def _visible(parts: list[tuple[str, int]]) -> int:
    """How many of the parts of a line there are before the white space that ends it."""
    return len(parts) - sum(1 for _ in takewhile(lambda part: part[0].isspace(), reversed(parts)))


def _widest(parts: list[tuple[str, int]]) -> int:
    return sum(cells for _, cells in parts[: _visible(parts)])


def _pieces(
    at: int, parts: list[tuple[str, int]], cell: int, columns: int, breaks: np.ndarray, levels: np.ndarray | None
) -> list[tuple[int, int, Piece]]:
    """A line as (start, end, what is drawn); letters that join are one, as far as a line may not end between them."""
    pieces: list[tuple[int, int, Piece]] = []
    joins = False
    for part, cells in parts:
        level = 0 if levels is None else int(levels[at])
        side = "rtl" if level & 1 else "ltr"
        kind = kind_of(part[0], flow=False)
        joined = kind == COMPLEX and part[0].isalpha()
        cells = min(cells, columns)
        if joined and joins and not breaks[at] and _levels_agree(levels, at):
            start, _, (word, _, taken, _) = pieces[-1]
            if len(word) + len(part) <= _MOST_CHARS and taken + cells <= columns:
                pieces[-1] = start, at + len(part), (word + part, side, taken + cells, cell)
                at += len(part)
                continue
        shown = MIRRORED.get(part, part) if level & 1 else part
        pieces.append((at, at + len(part), (shown, side if kind == COMPLEX else "ltr", cells, cell)))
        joins = joined
        at += len(part)
    return pieces


def _levels_agree(levels: np.ndarray | None, at: int) -> bool:
    return levels is None or levels[at] == levels[at - 1]


def _learn(pieces: list[Piece], config: RenderConfig, atlas: Atlas) -> None:
    """Draw what has not been drawn."""
    known = atlas.in_cells
    for piece in pieces:
        if not piece[2]:
            known[piece] = EMPTY_SLOT
    for side in ("ltr", "rtl"):
        some = [piece for piece in pieces if piece[2] and piece[1] == side]
        if not some:
            continue
        # White space has a width and no ink.
        shaped = shape_words(visible_forms([text[:_MOST_CHARS] for text, *_ in some]), side, _FACE)
        widths = np.array([cells * cell / (config.font_px * UNIT) for *_, cells, cell in some])
        fits = [
            _fit(piece, em, shape, config, atlas.ascent_px(config.line_px))
            for piece, em, shape in zip(some, shaped.advances.tolist(), shaped.shapes(), strict=True)
        ]
        phases = [QUARTERS if cells == 1 and len(text) == 1 else 1 for text, _, cells, _ in some]
        slots = atlas.draw_fitted(shaped.shapes(), phases, widths, fits)
        kinds = [kind_of(text[0], flow=False) for text, *_ in some]
        atlas.kind[slots] = [SPACE if kind in (SPACE, TAB) else INK for kind in kinds]
        known.update(zip(some, slots.tolist(), strict=True))


def _fit(piece: Piece, em: float, shape: Shape, config: RenderConfig, ascent_px: int) -> Fit:
    text, side, cells, cell = piece
    room = cells * cell / UNIT
    width = em * config.font_px
    if len(text) == 1 and "\u2500" <= text <= "\u259f" and glyph_for(text, _FACE) == shape[0][:2]:
        return _closed(room, width, config, ascent_px)
    across = min(1.0, room / width) if width else 1.0
    left = room - width * across
    right = 0.0 if side == "ltr" else left
    return Fit(across=across, right_px=left / 2 if _is_alone(text) else right)


def _is_alone(text: str) -> bool:
    return len(parts_of(text)) == 1


def _closed(room: float, width: float, config: RenderConfig, ascent_px: int) -> Fit:
    """A line or a block that meets those beside it, above and below."""
    font = first_font(_FACE)
    face = load_font(font)
    extents = face.get_font_extents("ltr")
    em = config.font_px / face.face.upem
    height = config.line_px / ((extents.ascender - extents.descender) * em)
    return Fit(
        across=(room + 1) / width,
        down=height / squeeze(font, config.font_px),
        right_px=-0.5,
        up_px=ascent_px - extents.ascender * em * height,
    )
