"""Characters to lines to pages. Draws nothing, loses nothing, repeats nothing.

Every line is a half-open span of the source, and the spans follow one another without a gap: that nothing is lost
holds by construction, whatever the widths say. Lines break where Unicode allows it, and inside a word only where it
alone is longer than a line. Pages break by measured pixels; a limit on words is a further limit, never the only one.
A page of 115 words takes about 10 us.
"""

from dataclasses import dataclass

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.rendering.aligned import aligned_blocks
from t2vid_hf.rendering.atlas import Atlas
from t2vid_hf.rendering.bidi import MIRRORED, levels_of, reorder
from t2vid_hf.rendering.characters import is_undrawable
from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.fonts import FONTS_EXTRA, all_installed, describe, missing_glyph
from t2vid_hf.rendering.grid import set_in_cells
from t2vid_hf.rendering.hyphens import show_hyphens
from t2vid_hf.rendering.kernels import look_up, wrap
from t2vid_hf.rendering.missing import is_missing, missing_characters
from t2vid_hf.rendering.slots import BOX_SLOT, COMPLEX, EMPTY, KINDS, UNIT, UNKNOWN
from t2vid_hf.rendering.words import draw_words

_UNLIMITED = 2**31 - 1


@dataclass(frozen=True)
class Layout:
    """Where everything stands.

    Args:
        slots (`np.ndarray` of shape `(n,)`, int32): For each character of the text what the atlas draws for it.
        x (`np.ndarray` of shape `(n,)`, int32): Where each character stands, in 1/1024 px from the left margin of the
            page.
        lines (`np.ndarray` of shape `(lines, 4)`, int32): Start and end of each line in the text, page, base line in
            pixels from the top.
        missing (`int`): Characters that are a box because no font has them.
    """

    slots: np.ndarray
    x: np.ndarray
    lines: np.ndarray
    missing: int

    @property
    def pages(self) -> int:
        """The number of pages."""
        return int(self.lines[-1, 2]) + 1

    @property
    def char_spans(self) -> tuple[tuple[int, int], ...]:
        """For each page the span of the text that it shows."""
        starts = np.flatnonzero(np.diff(self.lines[:, 2], prepend=-1))
        bounds = [*self.lines[starts, 0].tolist(), int(self.lines[-1, 1])]
        return tuple(zip(bounds[:-1], bounds[1:], strict=True))


def lay_out(text: str, config: RenderConfig, atlas: Atlas) -> Layout:
    """Break a text into pages of lines, and place its characters.

    Args:
        text (`str`): Any Unicode text of at least one character.
        config ([`~t2vid_hf.rendering.RenderConfig`]): How a page looks: width of a line, lines and most words of a
            page.
        atlas ([`~t2vid_hf.rendering.atlas.Atlas`]): What has been drawn; it learns the characters of the text, and
            where its lines may end.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no installed font has a character (and `config.missing == "error"`), or more
            than the share `config.max_missing` of them.
    """
    slots, counts, missing = _slots(text, config, atlas)
    breaks = atlas.breaks.find(text, slots, atlas.kind, atlas.symbol)
    levels = bases = None
    # What is read from right to left is joined, without ink (a mark), or a box.
    if counts[COMPLEX] or counts[EMPTY] or missing:
        levels, bases = levels_of(text, flow=config.whitespace == "flow")
    if counts[COMPLEX]:
        draw_words(text, atlas, slots, breaks, levels=levels, width_px=config.text_width_px)
    if levels is not None:
        _mirror(text, atlas, slots, levels)
    blocks = aligned_blocks(text, _codes(text)) if config.whitespace == "keep" else []
    if blocks:
        set_in_cells(text, blocks, config, atlas, slots, breaks, levels)
    x = np.empty(len(text), np.int32)
    starts = np.empty((len(text) + 1, 2), np.int32)
    limits = np.array(
        (config.text_width_px * UNIT, config.lines_per_page, config.max_words or _UNLIMITED, atlas.tab_stop), np.int64
    )
    flow = config.whitespace == "flow"
    tables = atlas.kind, atlas.advance, atlas.kern_row
    unknown = np.empty_like(starts)
    sides = np.empty(0, np.uint8) if levels is None else levels
    while True:
        count = wrap(slots, *tables, atlas.kerning.table, breaks, sides, limits, flow, x, starts, unknown)
        if not unknown[0, 0]:
            break
        atlas.kerning.learn(unknown[1 : 1 + unknown[0, 0]])
    starts = starts[:count]
    lines = np.empty((len(starts), 4), np.int32)
    lines[:, 0] = starts[:, 0]
    lines[:-1, 1] = starts[1:, 0]
    lines[-1, 1] = len(text)
    lines[:, 2] = starts[:, 1]
    columns, lines[:, 3] = _places(starts[:, 1], config, atlas.ascent_px(config.line_px))
    if counts[EMPTY]:
        show_hyphens(slots, x, lines, atlas, int(limits[0]))
    if levels is not None:
        scratch = np.empty((3, len(text)), np.int32)
        reorder(slots, atlas.kind, atlas.advance, levels, bases, lines, int(limits[0]), scratch, x)
    if config.columns > 1:
        if bases is not None and bases[0] & 1:
            columns = config.columns - 1 - columns
        step = (config.text_width_px + config.gutter_px) * UNIT
        x += np.repeat(columns * step, lines[:, 1] - lines[:, 0]).astype(np.int32)
    return Layout(slots, x, lines, missing)


def _slots(text: str, config: RenderConfig, atlas: Atlas) -> tuple[np.ndarray, np.ndarray, int]:
    codes = _codes(text)
    slots = np.empty(len(codes), np.int32)
    counts = np.empty(KINDS, np.int64)
    look_up(codes, atlas.slot_of, atlas.kind, slots, counts)
    if counts[UNKNOWN]:
        unknown = sorted(set(codes[slots == 0].tolist()))
        if config.missing == "error":
            _refuse_missing(text, unknown)
        atlas.learn(unknown)
        look_up(codes, atlas.slot_of, atlas.kind, slots, counts)
    missing = int(np.count_nonzero(slots == BOX_SLOT))
    if missing > config.max_missing * len(text):
        _refuse_share(text, missing, config)
    return slots, counts, missing


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _refuse_missing(text: str, codes: list[int]) -> None:
    missing = [chr(code) for code in codes if is_missing(chr(code))]
    if missing:
        first = min(missing, key=text.index)
        raise InputError(f"character {text.index(first)} of the text: {missing_glyph(first)}")


def _mirror(text: str, atlas: Atlas, slots: np.ndarray, levels: np.ndarray) -> None:
    """Turn the brackets that are read from right to left."""
    given = slots.copy()
    for char in MIRRORED.keys() & set(text):
        mirrored = ord(MIRRORED[char])
        turned = np.flatnonzero((given == atlas.slot_of[ord(char)]) & (levels & 1 == 1))
        if len(turned):
            atlas.learn([mirrored])
            slots[turned] = atlas.slot_of[mirrored]


def _refuse_share(text: str, missing: int, config: RenderConfig) -> None:
    found = missing_characters(text)
    often = ", ".join(f"{describe(char)} ({count})" for char, count in found.most_common(3))
    drawable = any(not is_undrawable(char) for char in found)
    cure = f"{FONTS_EXTRA} has more of them; " if drawable and not all_installed() else ""
    raise InputError(
        f"{missing} of {len(text)} characters have no glyph in any installed font, {missing / len(text):.1%} where "
        f"max_missing allows {config.max_missing:.1%}: {often}{', ...' if len(found) > 3 else ''}; {cure}leave the "
        f"text out, or raise max_missing to draw boxes for all of them"
    )


def _places(pages: np.ndarray, config: RenderConfig, ascent_px: int) -> tuple[np.ndarray, np.ndarray]:
    """The column of each line, counted from the first, and its base line in pixels from the top of its page."""
    per_page = np.bincount(pages)
    begins = np.cumsum(per_page) - per_page
    columns, row = np.divmod(np.arange(len(pages)) - begins[pages], config.lines_per_column)
    top = np.full(len(per_page), config.margin_px + ascent_px)
    if config.vertical == "center":
        highest = np.minimum(per_page, config.lines_per_column)
        top += (config.height_px - 2 * config.margin_px - highest * config.line_px) // 2
    return columns, (top[pages] + row * config.line_px).astype(np.int32)
