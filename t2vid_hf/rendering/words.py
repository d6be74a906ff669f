"""Stretches of joined scripts: which characters of a text are drawn together, as one slot of the atlas.

A stretch lies between two places where a line may break, holds no white space and has one reading direction, so that
lines and directions never cut it. One wider than a line is cut between what readers take for characters.
"""

from math import inf

import numpy as np

from t2vid_hf.rendering.atlas import Atlas
from t2vid_hf.rendering.breaks import clusters
from t2vid_hf.rendering.characters import SOFT_HYPHEN
from t2vid_hf.rendering.slots import CARRIAGE_RETURN, COMPLEX, CONTINUED_SLOT, KINDS, LINE_FEED, NEWLINE, SPACE, TAB

# A longer word is cut, so that no text makes a bitmap without bound.
_MOST_CHARS = 64
_BLANK = np.zeros(KINDS, bool)
_BLANK[[SPACE, TAB, LINE_FEED, CARRIAGE_RETURN, NEWLINE]] = True


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
    blank = _BLANK[kinds]
    edges = breaks[:n] != 0
    edges[0] = True
    edges[1:] |= blank[:-1]
    if levels is not None:
        edges[1:] |= levels[1:] != levels[:-1]
    begins = np.append(np.flatnonzero(edges), n)
    pieces = np.flatnonzero(np.add.reduceat(kinds == COMPLEX, begins[:-1]))
    inked = np.flatnonzero(~blank)
    starts = begins[pieces]
    # Behind the last character of each piece that is not white space.
    ends = inked[np.searchsorted(inked, begins[pieces + 1], side="left") - 1] + 1
    # A soft hyphen stays by itself: the line may end with it.
    ends -= slots[ends - 1] == atlas.slot_of[ord(SOFT_HYPHEN)]
    values = np.empty(len(starts), np.int64)
    if levels is None:
        values[:] = _find(text, starts, ends, "ltr", atlas, width_px)
    else:
        leftward = (levels[starts] & 1).astype(bool)
        for side, chosen in (("ltr", ~leftward), ("rtl", leftward)):
            values[chosen] = _find(text, starts[chosen], ends[chosen], side, atlas, width_px)
    lengths = ends - starts
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    slots[np.repeat(starts, lengths) + within] = CONTINUED_SLOT
    slots[starts] = values
    for piece in np.flatnonzero(values < 0).tolist():
        at = int(starts[piece])
        for length, slot in atlas.cut[-1 - int(values[piece])]:
            slots[at] = slot
            breaks[at] = 1
            at += length


def _find(text: str, starts: np.ndarray, ends: np.ndarray, direction: str, atlas: Atlas, width_px: int) -> list[int]:
    """The slot of each stretch of a text, or `-1 - index` in `atlas.cut`."""
    known = atlas.words_of[direction]
    words = [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    found = [known.get(word) for word in words]
    if None not in found:
        return found  # type: ignore[return-value]
    _learn([word for word in dict.fromkeys(words) if word not in known], direction, atlas, width_px)
    return [known[word] for word in words]


def _learn(words: list[str], direction: str, atlas: Atlas, width_px: int) -> None:
    """Draw words, in as many parts each as the width of a line asks for."""
    known = atlas.words_of[direction]
    short = [word for word in words if len(word) <= _MOST_CHARS]
    slots = atlas.words(short, direction, most_px=width_px)
    known.update((word, slot) for word, slot in zip(short, slots, strict=True) if slot)
    for word in words:
        if word not in known:
            pieces = _cut(word, direction, atlas, width_px)
            slots = atlas.words(pieces, direction, most_px=inf)
            atlas.cut.append([(len(piece), slot) for piece, slot in zip(pieces, slots, strict=True)])
            known[word] = -len(atlas.cut)


def _cut(word: str, direction: str, atlas: Atlas, width_px: int) -> list[str]:
    """A word as pieces that fit a line, or are one cluster of at most 64 characters."""
    parts = [
        cluster[start : start + _MOST_CHARS]
        for cluster in clusters(word)
        for start in range(0, len(cluster), _MOST_CHARS)
    ]
    pieces: list[str] = []
    used = 0.0
    for part, width in zip(parts, atlas.widths_px(parts, direction), strict=True):
        if pieces and used + width <= width_px and len(pieces[-1]) + len(part) <= _MOST_CHARS:
            pieces[-1] += part
            used += width
        else:
            pieces.append(part)
            used = width
    return pieces
