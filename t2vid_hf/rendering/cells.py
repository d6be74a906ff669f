"""How many cells of a grid each character takes, as terminals count.

Ideographs, kana, Hangul, full-width forms and emoji take two; marks and signs without ink none; everything else one. A
sequence that readers take for one character (an emoji with its parts, a flag) is one. A tab goes on to the next
multiple of eight cells.
"""

import unicodedata
from functools import lru_cache
from itertools import accumulate, pairwise

from t2vid_hf.rendering.breaks import clusters
from t2vid_hf.rendering.characters import BLANK_EM
from t2vid_hf.rendering.fonts import is_ignorable

TAB_CELLS = 8
_EMOJI_FORM = "\ufe0f"
# Vowels and final consonants of Hangul in parts: they join the consonant before them.
_JOINING_JAMO = ("\u1160", "\u11ff")


def parts_of(line: str) -> list[tuple[str, int]]:
    """A line as what readers take for characters, each with its cells.

    Args:
        line (`str`): A line without its end.

    Example:

    ```python
    >>> from t2vid_hf.rendering.cells import parts_of
    >>> parts_of("a\\t\\u4e2d")
    [('a', 1), ('\\t', 7), ('中', 2)]

    ```
    """
    if line.isascii() or not any(map(_joins, line)):
        parts = list(line)
    else:
        bounds = list(accumulate(map(len, clusters(line)), initial=0))
        # Surrogates as they were given, and a blank apart from marks on it: words end there.
        given = [line[start:end] for start, end in pairwise(bounds)]
        parts = [
            piece
            for part in given
            for piece in ((part[0], part[1:]) if part[0] in BLANK_EM or part[0] == " " else (part,))
            if piece
        ]
    cells, at = [], 0
    for part in parts:
        taken = TAB_CELLS - at % TAB_CELLS if part == "\t" else cells_of(part)
        cells.append(taken)
        at += taken
    return list(zip(parts, cells, strict=True))


@lru_cache(maxsize=65536)
def cells_of(part: str) -> int:
    """The cells of what readers take for one character, but a tab."""
    if part.isascii():
        return 1
    if all(map(is_ignorable, part)):
        return 0
    flag = sum("\U0001f1e6" <= char <= "\U0001f1ff" for char in part) == 2
    if flag or _EMOJI_FORM in part or any(unicodedata.east_asian_width(char) in ("W", "F") for char in part):
        return 2
    return max(1, sum(not _joins(char) for char in part))


def _joins(char: str) -> bool:
    """Whether a character takes no cell of its own, or may change the cells of what it follows."""
    return (
        unicodedata.category(char)[0] == "M"
        or is_ignorable(char)
        or _JOINING_JAMO[0] <= char <= _JOINING_JAMO[1]
        or "\U0001f1e6" <= char <= "\U0001f1ff"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
    )
