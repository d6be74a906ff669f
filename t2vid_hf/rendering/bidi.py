"""Reading order of lines with right-to-left text: Unicode's algorithm (UAX 9), compiled.

All rules but those for explicit embeddings and isolates, whose marks count as nothing, and for paired brackets (N0).
Within a word HarfBuzz orders the letters; here words, numbers and single signs are placed. A paragraph ends where a
line is drawn to end: where white space runs together the whole text is one.
"""

import unicodedata
from functools import cache

import numpy as np

from t2vid_hf._compiled import compiled
from t2vid_hf.rendering.characters import kind_of
from t2vid_hf.rendering.slots import CARRIAGE_RETURN, CONTINUED, EMPTY, INK, LINE_FEED, NEWLINE, SPACE, TAB

_CLASSES = ("L", "R", "AL", "EN", "ES", "ET", "AN", "CS", "NSM", "BN", "B", "S", "WS", "ON")
L, R, AL, EN, ES, ET, AN, CS, NSM, BN, B, S, WS, ON = range(14)
_UNKNOWN = 255
_PAIRS = "()[]{}<>\xab\xbb\u2039\u203a\u2264\u2265"
MIRRORED = {**dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True)), **dict(zip(_PAIRS[1::2], _PAIRS[::2], strict=True))}


def class_of(char: str) -> int:
    """The number of a character's bidirectional class; explicit marks count as BN."""
    name = unicodedata.bidirectional(char)
    return _CLASSES.index(name) if name in _CLASSES else (BN if name else L)


def levels_of(text: str, *, flow: bool) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Embedding levels of the characters of a text, and of their paragraphs; `None` where all is left to right.

    Args:
        text (`str`): The text.
        flow (`bool`): Whether white space runs together: then line ends and tabs are white space to this algorithm too,
            as they are to the eye. A separator that is drawn (U+001C to U+001F) is a sign like others.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    table = _classes_drawn(flow)
    given = table[codes]
    if given.max() == _UNKNOWN:
        for code in set(codes[given == _UNKNOWN].tolist()):
            table[code] = _drawn_class(chr(code), flow=flow)
        given = table[codes]
    if not any((given == sort).any() for sort in (R, AL, AN)):
        return None, None
    # X9: what counts as nothing stands between no two others. Its level is that of what it follows.
    (kept,) = np.nonzero(given != BN)
    some = np.empty((2, len(kept)), np.uint8)
    resolve(given[kept], some[0], some[1])
    following = np.cumsum(given != BN) - (given != BN)
    bases = some[1][np.minimum(following, len(kept) - 1)]
    levels = np.where((following == 0) | (given[kept[following - 1]] == B), bases, some[0][following - 1])
    levels[kept] = some[0]
    return levels, bases


@cache
def _classes_drawn(flow: bool) -> np.ndarray:
    """The class of each code point that was met so far."""
    return np.full(0x110000, _UNKNOWN, np.uint8)


def _drawn_class(char: str, *, flow: bool) -> int:
    sort = class_of(char)
    if sort not in (B, S):
        return sort
    kind = kind_of(char, flow=flow)
    return WS if kind == SPACE else ON if kind == INK else sort


@compiled("void(uint8[], uint8[], uint8[])")
def resolve(classes, levels, bases):  # type: ignore[no-untyped-def]
    """Embedding levels of a text, paragraph by paragraph.

    Args:
        classes (`np.ndarray` of shape `(n,)`, uint8): The bidirectional class of each character, without BN; written
            over.
        levels (`np.ndarray` of shape `(n,)`, uint8): Written: the embedding level of each character.
        bases (`np.ndarray` of shape `(n,)`, uint8): Written: the embedding level of each character's paragraph.
    """
    n = classes.shape[0]
    start = 0
    while start < n:
        end = start
        base = np.uint8(0)
        found = False
        while end < n:
            sort = classes[end]
            if not found and (sort == L or sort == R or sort == AL):
                found = True
                base = np.uint8(sort != L)
            end += 1
            if sort == B:
                break
        side = np.uint8(R if base else L)
        # W1 to W3: marks are as what they follow; numbers after Arabic letters are Arabic.
        before = side
        strong = side
        for i in range(start, end):
            sort = classes[i]
            if sort == NSM:
                # On white space a mark is a neutral sign: it ends no line.
                sort = before if before < B else np.uint8(ON)
            if sort == L or sort == R or sort == AL:
                strong = sort
            if sort == EN and strong == AL:
                sort = np.uint8(AN)
            classes[i] = sort
            before = sort
        for i in range(start, end):
            if classes[i] == AL:
                classes[i] = R
        # W4: one separator between two numbers of a kind.
        for i in range(start + 1, end - 1):
            sort = classes[i]
            if (sort == ES or sort == CS) and classes[i - 1] == classes[i + 1]:
                if classes[i - 1] == EN or (sort == CS and classes[i - 1] == AN):
                    classes[i] = classes[i - 1]
        # W5 and W6: signs beside a number belong to it; other separators are neutral.
        i = start
        while i < end:
            if classes[i] != ET:
                i += 1
                continue
            stop = i
            while stop < end and classes[stop] == ET:
                stop += 1
            number = (i > start and classes[i - 1] == EN) or (stop < end and classes[stop] == EN)
            for k in range(i, stop):
                classes[k] = EN if number else ON
            i = stop
        # W7: numbers after Latin letters are as Latin letters.
        strong = side
        for i in range(start, end):
            sort = classes[i]
            if sort == ES or sort == CS:
                classes[i] = ON
            elif sort == L or sort == R:
                strong = sort
            elif sort == EN and strong == L:
                classes[i] = L
        # N1 and N2: what is neutral is as its neighbours where they agree, else as the paragraph. I1 and I2: levels.
        before = side
        i = start
        while i < end:
            sort = classes[i]
            if sort < B:
                before = np.uint8(L if sort == L else R)
                if sort == L:
                    levels[i] = 2 * base
                elif sort == R:
                    levels[i] = 1
                else:
                    levels[i] = 2
                i += 1
                continue
            stop = i
            while stop < end and classes[stop] >= B:
                stop += 1
            after = side
            if stop < end:
                after = np.uint8(L if classes[stop] == L else R)
            same = before if before == after else side
            # L1: tabs and line ends, and white space before them, are as the paragraph.
            plain = False
            for k in range(stop - 1, i - 1, -1):
                plain = classes[k] == B or classes[k] == S or (plain and classes[k] == WS)
                levels[k] = base if plain else (2 * base if same == L else 1)
            i = stop
        for i in range(start, end):
            bases[i] = base
        start = end


@compiled(
    "void(const int32[], const uint8[], const int32[], const uint8[], const uint8[], const int32[,], int64, int32[,], "
    "int32[])"
)
def reorder(slots, kind, advance, levels, bases, lines, width, scratch, x):  # type: ignore[no-untyped-def]
    """Place the characters of each line in visual order; lines of right-to-left paragraphs end at the right margin.

    Args:
        slots (`np.ndarray` of shape `(n,)`, int32): The slot of each character.
        kind (`np.ndarray` of shape `(slots,)`, uint8): The kind of each slot.
        advance (`np.ndarray` of shape `(slots,)`, int32): The width of each slot in `UNIT`s.
        levels (`np.ndarray` of shape `(n,)`, uint8): The embedding level of each character.
        bases (`np.ndarray` of shape `(n,)`, uint8): The embedding level of each character's paragraph.
        lines (`np.ndarray` of shape `(lines, 4)`, int32): Start and end of each line in the text, page, base line.
        width (`int`): Width of a line in `UNIT`s.
        scratch (`np.ndarray` of shape `(3, n)`, int32): Scratch: what is placed of a line, characters or drawn
            stretches, how wide each is, and their order.
        x (`np.ndarray` of shape `(n,)`, int32): Where each character stands, in `UNIT`s from the left margin; written
            over.
    """
    units, widths, order = scratch[0], scratch[1], scratch[2]
    for line in range(lines.shape[0]):
        start, end = lines[line, 0], lines[line, 1]
        count = 0
        visible = 0
        highest = 0
        for i in range(start, end):
            sort = kind[slots[i]]
            if sort == CONTINUED:
                continue
            units[count] = i
            count += 1
            # A direction mark has no ink, and keeps two numbers apart.
            blank = sort == EMPTY or sort == SPACE or sort == TAB or sort == LINE_FEED or sort == NEWLINE
            blank = blank or sort == CARRIAGE_RETURN
            if not blank:
                visible = count
                highest = max(highest, levels[i])
        if highest == 0:
            continue
        # Before the order changes: a unit is as wide as the way to the next.
        total = 0
        for k in range(visible):
            widths[k] = x[units[k + 1]] - x[units[k]] if k + 1 < visible else advance[slots[units[k]]]
            total += widths[k]
            order[k] = k
        for level in range(highest, 0, -1):
            k = 0
            while k < visible:
                if levels[units[order[k]]] < level:
                    k += 1
                    continue
                stop = k
                while stop < visible and levels[units[order[stop]]] >= level:
                    stop += 1
                for i in range((stop - k) // 2):
                    order[k + i], order[stop - 1 - i] = order[stop - 1 - i], order[k + i]
                k = stop
        at = width - total if bases[start] else 0
        for k in range(visible):
            x[units[order[k]]] = at
            at += widths[order[k]]
