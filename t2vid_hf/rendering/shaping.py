"""Words to glyphs: HarfBuzz, asked for all new words of a text at once.

A word's glyphs do not depend on the words that it is asked with: each stands between two characters that no font has
and no rule of a font names.
"""

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, repeat

import numpy as np
import uharfbuzz as hb

from t2vid_hf.rendering.fonts import enclosing_font, glyph_for, has_glyph, is_ignorable, load_font, missing_glyph

_WALL = "\uffff"
# Lengths are whole numbers of this part of an em.
_PRECISION = 2**16
# Scripts that take no side: what is common to all, and marks that inherit.
_NEUTRAL = (None, "Zyyy", "Zinh", "Zzzz")


@dataclass(frozen=True)
class Run:
    """Consecutive characters of one font and one script: `text[start:end]`.

    Args:
        start (`int`): Where the run begins in the text.
        end (`int`): Where it ends.
        font (`int`): Index of the font in [`~t2vid_hf.rendering.fonts.font_files`].
        script (`str` or `None`): ISO 15924 tag of the script; `None` for signs that are common to all.
    """

    start: int
    end: int
    font: int
    script: str | None


@dataclass(frozen=True)
class Glyphs:
    """The glyphs of some words, word by word, each in the order in which they stand from left to right.

    Args:
        starts (`np.ndarray` of shape `(words + 1,)`, int64): Where each word's glyphs begin.
        fonts (`np.ndarray` of shape `(n,)`, int64): The font of each glyph.
        glyphs (`np.ndarray` of shape `(n,)`, int64): Its number in the font.
        x (`np.ndarray` of shape `(n,)`, float64): Where it stands, in ems to the right of the word's pen.
        y (`np.ndarray` of shape `(n,)`, float64): The same, in ems above the base line.
        advances (`np.ndarray` of shape `(words,)`, float64): Width of each word in ems.
    """

    starts: np.ndarray
    fonts: np.ndarray
    glyphs: np.ndarray
    x: np.ndarray
    y: np.ndarray
    advances: np.ndarray

    def only(self, chosen: np.ndarray) -> "Glyphs":
        """Some of the words: `chosen` is a bool for each."""
        counts = np.diff(self.starts)
        kept = np.repeat(chosen, counts)
        starts = np.concatenate([[0], np.cumsum(counts[chosen])])
        return Glyphs(starts, self.fonts[kept], self.glyphs[kept], self.x[kept], self.y[kept], self.advances[chosen])

    def shapes(self) -> list[list[tuple[int, int, float, float]]]:
        """Each word as its glyphs: (font, glyph, x, y)."""
        rows = list(zip(self.fonts.tolist(), self.glyphs.tolist(), self.x.tolist(), self.y.tolist(), strict=True))
        return [rows[start:end] for start, end in pairwise(self.starts.tolist())]


def shape_words(words: list[str], direction: str, face: str = "sans") -> Glyphs:
    """Shape words.

    Args:
        words (`list[str]`): At least one. Some installed font has each of their characters.
        direction (`str`): How they are read, `"ltr"` or `"rtl"`.
        face (`str`, *optional*, defaults to `"sans"`): The typeface, of [`~t2vid_hf.rendering.fonts.FACES`].
    """
    groups: dict[tuple[int, str | None], list[tuple[int, str]]] = defaultdict(list)
    owners: list[int] = []  # of each run, in visual order, its word
    for number, text in enumerate(words):
        alike = _one_run(frozenset(map(_traits, text, repeat(face))))
        if alike is not None:
            groups[alike].append((len(owners), text))
            owners.append(number)
            continue
        runs = font_runs(text, face)
        for run in reversed(runs) if direction == "rtl" else runs:
            groups[run.font, run.script].append((len(owners), text[run.start : run.end]))
            owners.append(number)
    table = np.concatenate([_shape(*key, direction, runs) for key, runs in groups.items()], axis=1)
    table = table[:, np.argsort(table[0], kind="stable")]
    run, fonts, glyphs = table[:3].astype(np.int64)
    x, y, advance = table[3:]
    word = np.array(owners)[run]
    starts = np.searchsorted(word, np.arange(len(words) + 1))
    ends = np.concatenate([[0.0], np.cumsum(advance)])
    pens = ends[:-1] - ends[starts[word]]
    return Glyphs(starts, fonts, glyphs, pens + x, y, ends[starts[1:]] - ends[starts[:-1]])


def _shape(font: int, script: str | None, direction: str, runs: list[tuple[int, str]]) -> np.ndarray:
    """Glyphs of runs alike, from left to right within each; rows: run, font, glyph, x, y, advance."""
    buffer = hb.Buffer()
    buffer.cluster_level = hb.BufferClusterLevel.CHARACTERS  # the wall keeps its own, whatever mark follows it
    # HarfBuzz leaves out some of these circles, depending on what else is shaped.
    buffer.flags = hb.BufferFlags.DO_NOT_INSERT_DOTTED_CIRCLE
    buffer.add_str(_WALL + _WALL.join([text for _, text in runs]) + _WALL)
    buffer.direction = direction
    buffer.language = "und"  # not the machine's
    if script is not None:
        buffer.script = script
    loaded = load_font(font)
    hb.shape(loaded, buffer)
    infos, places = buffer.glyph_infos, buffer.glyph_positions
    clusters = np.array([info.cluster for info in infos])
    walls = np.cumsum([0] + [len(text) + 1 for _, text in runs])
    wall = np.zeros(walls[-1] + 1, bool)
    wall[walls] = True
    kept = ~wall[clusters]
    numbers = np.array([number for number, _ in runs])
    run = numbers[np.cumsum(wall)[clusters[kept]] - 1]
    table = np.empty((6, len(run)))
    table[0], table[1] = run, font
    table[2] = np.array([info.codepoint for info in infos])[kept]
    for row, lengths in enumerate(
        (
            [place.x_offset for place in places],
            [place.y_offset for place in places],
            [place.x_advance for place in places],
        ),
        start=3,
    ):
        # Sums of these are exact, so that a word's glyphs stand where they would if it were shaped alone.
        table[row] = np.rint(np.array(lengths)[kept] * (_PRECISION / loaded.face.upem)) / _PRECISION
    return table


def font_runs(text: str, face: str = "sans") -> list[Run]:
    """Split a text into runs of one font and one script each.

    The choice looks at one character at a time, so that a word measured alone is as wide as the same word in its
    line. Only spaces, combining marks and what takes no ink stay with the font before them: an Arabic phrase is
    drawn as a whole, and marks stand on their base. A mark that encloses, as a keycap does, takes its base with it to
    a font that has both.

    Args:
        text (`str`): A text without line breaks.
        face (`str`, *optional*, defaults to `"sans"`): The typeface.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no installed font has a character.

    Example:

    ```python
    >>> from t2vid_hf.rendering.shaping import font_runs
    >>> font_runs("plain text")
    [Run(start=0, end=10, font=0, script='Latn')]

    ```
    """
    runs: list[Run] = []
    start, current, script, base = 0, None, None, 0
    for position, char in enumerate(text):
        font, own, stays = _traits(char, face)
        if not stays:
            base = position
        if current is not None and stays and (is_ignorable(char) or has_glyph(current, char)):
            font, own = current, None
        elif base < position and unicodedata.category(char) == "Me":
            both = enclosing_font(text[base], char)
            if both is not None:
                if start < base:
                    runs.append(Run(start, base, current or 0, script))
                start, current, script, font = base, both, None, both
        elif font is None:
            if not is_ignorable(char):
                raise missing_glyph(char)
            font = 0 if current is None else current
        if current is None:
            current, script = font, own
        elif font != current or (own is not None and script is not None and own != script):
            runs.append(Run(start, position, current, script))
            start, current, script = position, font, own
        else:
            script = script or own
    if text:
        runs.append(Run(start, len(text), 0 if current is None else current, script))
    return runs


@lru_cache(maxsize=4096)
def _one_run(traits: frozenset[tuple[int | None, str | None, bool]]) -> tuple[int, str | None] | None:
    """The font and the script of a text that is one run, as most words are; `None` where they have to be looked for."""
    fonts = {font for font, _, _ in traits}
    scripts = {script for _, script, _ in traits} - {None}
    if len(fonts) != 1 or None in fonts or len(scripts) > 1:
        return None
    return fonts.pop() or 0, next(iter(scripts), None)


@lru_cache(maxsize=65536)
def _traits(char: str, face: str) -> tuple[int | None, str | None, bool]:
    """The font of a character, its script, and whether it stays with the font before it if that has it."""
    found = glyph_for(char, face)
    buffer = hb.Buffer()
    buffer.add_str("\ufffd" if "\ud800" <= char <= "\udfff" else char)
    buffer.guess_segment_properties()
    stays = is_ignorable(char) or char == " " or unicodedata.category(char)[0] == "M"
    return found and found[0], None if buffer.script in _NEUTRAL else buffer.script, stays
