"""What a character is to the layout: ink or white space, one glyph by itself or part of a joined stretch.

A script is *simple* if each of its characters is one glyph that neither moves nor changes beside others: Latin, Greek,
Cyrillic, Armenian, Georgian, Ethiopic, Chinese, Japanese, Korean, symbols. Their glyphs are drawn once. Everything
else (Arabic, Hebrew, the Indic scripts, Thai, Khmer, and any letter with combining marks) goes to HarfBuzz in whole
words.
"""

import unicodedata
from bisect import bisect_right
from functools import lru_cache

from t2vid_hf.rendering.fonts import is_ignorable
from t2vid_hf.rendering.slots import (
    CARRIAGE_RETURN,
    COMPLEX,
    EMPTY,
    INK,
    LINE_FEED,
    NEWLINE,
    SPACE,
    SYMBOL_DIGIT,
    SYMBOL_DIRECT,
    SYMBOL_LETTER,
    SYMBOL_OTHER,
    SYMBOL_SPACE,
    TAB,
)

_LINE_ENDS = {"\n": LINE_FEED, "\r": CARRIAGE_RETURN, **dict.fromkeys("\v\f\x85\u2028\u2029", NEWLINE)}
# Blanks whose width is no font's business, in parts of an em (the width of "0" and of "." are not known here: 0.56 and
# 0.28 are Arial's).
BLANK_EM = {
    **dict(zip("\u2000\u2001\u2002\u2003", (0.5, 1, 0.5, 1), strict=True)),
    **dict(zip("\u2004\u2005\u2006\u2007", (1 / 3, 0.25, 1 / 6, 0.556), strict=True)),
    **dict(zip("\u2008\u2009\u200a\u202f", (0.278, 0.2, 0.1, 0.2), strict=True)),
    "\u205f": 4 / 18,
    "\u3000": 1,
    "\xa0": 0.278,
    "\u1680": 0.5,
}
# Makes one sign of several, of emoji too.
JOINER = "\u200d"
# Shows a hyphen where a line ends with it, and nothing elsewhere.
SOFT_HYPHEN = "\xad"
_UNBREAKABLE = frozenset("\xa0\u2007\u202f")
# First and last code point of the blocks of simple scripts.
_SIMPLE = (
    (0x0020, 0x02FF), (0x0370, 0x058F), (0x10A0, 0x10FF), (0x1200, 0x139F), (0x13A0, 0x16FF), (0x1C80, 0x1CBF),
    (0x1D00, 0x200A), (0x2010, 0x2029), (0x202F, 0x205F), (0x2070, 0xA4CF), (0xA640, 0xA69F), (0xA700, 0xA7FF),
    (0xAC00, 0xD7A3), (0xF900, 0xFB17), (0xFE10, 0xFE6F), (0xFF01, 0xFFFD), (0x10000, 0x1018F), (0x10280, 0x107FF),
    (0x1D000, 0x1D7FF), (0x1F000, 0x1F1E5), (0x1F200, 0x1F3FA), (0x1F400, 0x1FAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
_SIMPLE_STARTS = tuple(start for start, _ in _SIMPLE)
# Letters of the line breaking class AL, whatever ICU's version: these alone stand for one another in a pattern.
_ALPHABETS = ((0x41, 0x24F), (0x370, 0x556), (0x10A0, 0x10FF), (0x1E00, 0x1FFF))
_PLAIN_PUNCTUATION = ".,;:!?"


def is_undrawable(char: str) -> bool:
    """Whether a character has no form: a control character that is not white space, or half of a surrogate pair."""
    return unicodedata.category(char) in ("Cc", "Cs") and not _is_blank(char)


@lru_cache(maxsize=2**16)
def kind_of(char: str, *, flow: bool) -> int:
    """The kind of a character; with `flow` line ends and tabs are spaces.

    Example:

    ```python
    >>> from t2vid_hf.rendering import slots
    >>> from t2vid_hf.rendering.characters import kind_of
    >>> [kind_of(char, flow=False) for char in "a \\t"] == [slots.INK, slots.SPACE, slots.TAB]
    True
    >>> kind_of("\\u0e01", flow=False) == slots.COMPLEX
    True

    ```
    """
    if _is_blank(char):
        if char in _UNBREAKABLE:
            return INK
        if flow or char not in _LINE_ENDS and char != "\t":
            return SPACE
        return _LINE_ENDS.get(char, TAB)
    if char == JOINER:
        return COMPLEX
    if is_ignorable(char):
        return EMPTY
    if is_undrawable(char):
        return INK
    if unicodedata.category(char)[0] == "M":
        return COMPLEX
    code = ord(char)
    block = bisect_right(_SIMPLE_STARTS, code) - 1
    simple = block >= 0 and code <= _SIMPLE[block][1] and not _is_right_to_left(char)
    return INK if simple else COMPLEX


def symbol_of(char: str, *, flow: bool) -> int:
    """What a character is to the memory of break patterns; see `kernels.find_breaks`."""
    kind = kind_of(char, flow=flow)
    if char == " " or (flow and kind == SPACE):
        return SYMBOL_SPACE
    if kind == COMPLEX or is_undrawable(char):
        return SYMBOL_DIRECT
    if char in _PLAIN_PUNCTUATION:
        return SYMBOL_SPACE + 1 + _PLAIN_PUNCTUATION.index(char)
    if char.isascii() and char.isdigit():
        return SYMBOL_DIGIT
    code = ord(char)
    if unicodedata.category(char) in ("Ll", "Lu") and any(first <= code <= last for first, last in _ALPHABETS):
        return SYMBOL_LETTER
    return code + SYMBOL_OTHER


def _is_blank(char: str) -> bool:
    return char in BLANK_EM or char in _LINE_ENDS or char in " \t"


def _is_right_to_left(char: str) -> bool:
    return unicodedata.bidirectional(char) in ("R", "AL", "AN")
