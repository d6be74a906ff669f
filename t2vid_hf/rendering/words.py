"""Stretches of joined scripts: which characters of a text are drawn together, as one slot of the atlas.

A stretch lies between two places where a line may break, holds no white space and has one reading direction, so that
lines and directions never cut it. One wider than a line is cut between what readers take for characters.
"""

import numpy as np

from t2vid_hf.rendering.atlas import Atlas
from t2vid_hf.rendering.breaks import clusters
from t2vid_hf.rendering.slots import CARRIAGE_RETURN, COMPLEX, CONTINUED_SLOT, LINE_FEED, NEWLINE, SPACE, TAB

# A longer word is cut, so that no text makes a bitmap without bound.
_MOST_CHARS = 64
_BLANKS = (SPACE, TAB, LINE_FEED, CARRIAGE_RETURN, NEWLINE)


def draw_words(
    text: str, atlas: Atlas, slots: np.ndarray, breaks: np.ndarray, *, levels: np.ndarray | None, width_px: int
) -> None:
    """Replace the slots of complex characters by those of drawn words, and mark cuts in words wider than a line.

    Args:
        text (`str`): A text of `n` characters.
        atlas ([`~t2vid_hf.rendering.atlas.Atlas`]): What has been drawn; it takes the words.
        slots (`np.ndarray` of shape `(n,)`): The slot of each character; written over: a word's slot at its first
            character, then `CONTINUED_SLOT`.
        breaks (`np.ndarray` of shape `(n + 1,)`): 1 where a line may begin; added to.
        levels (`np.ndarray` of shape `(n,)` or `None`): Embedding levels; odd is right to left. `None` where all text
            is left to right.
        width_px (`int`): Width of a line in pixels.
    """
    n = len(text)
    kinds = atlas.kind[slots]
    complex_at = np.flatnonzero(kinds == COMPLEX)
    edges = breaks[:n] != 0
    edges[0] = True
    blank = np.isin(kinds, _BLANKS)
    edges[1:] |= blank[:-1]
    if levels is not None:
        edges[1:] |= levels[1:] != levels[:-1]
    begins = np.append(np.flatnonzero(edges), n)
    pieces = np.unique(np.searchsorted(begins, complex_at, side="right") - 1)
    inked = np.flatnonzero(~blank)
    # The last character of each piece that is not white space.
    ends = inked[np.searchsorted(inked, begins[pieces + 1], side="left") - 1] + 1
    for start, end in zip(begins[pieces].tolist(), ends.tolist(), strict=True):
        direction = "rtl" if levels is not None and levels[start] & 1 else "ltr"
        key = (text[start:end], direction)
        parts = atlas.parts.get(key)
        if parts is None:
            parts = atlas.parts[key] = _parts(*key, atlas, width_px)
        at = start
        for length, slot in parts:
            slots[at] = slot
            slots[at + 1 : at + length] = CONTINUED_SLOT
            if at > start:
                breaks[at] = 1
            at += length


def _parts(word: str, direction: str, atlas: Atlas, width_px: int) -> list[tuple[int, int]]:
    """(length, slot) of the parts of a word: one, or as many as the width of a line asks for."""
    if len(word) <= _MOST_CHARS and atlas.measure(word, direction) <= width_px:
        return [(len(word), atlas.word(word, direction))]
    pieces: list[str] = []
    used = 0.0
    for cluster in clusters(word):
        for start in range(0, len(cluster), _MOST_CHARS):
            part = cluster[start : start + _MOST_CHARS]
            width = atlas.measure(part, direction)
            if pieces and used + width <= width_px and len(pieces[-1]) + len(part) <= _MOST_CHARS:
                pieces[-1] += part
                used += width
            else:
                pieces.append(part)
                used = width
    return [(len(piece), atlas.word(piece, direction)) for piece in pieces]
