"""The inner loops of the layout, compiled by numba: characters to slots, break opportunities, lines and pages.

Integers alone, no threads: the same numbers on every machine. A page of 115 words takes 5 us. Compiling takes a second,
once on a machine, and loading what numba has cached 0.1 s a process; where no cache folder can be written each process
compiles. The module imports numba, so it is itself imported only when a text is laid out.

Positions are counted in `UNIT`ths of a pixel. A *slot* is a row of the atlas's tables: one character, or one drawn
stretch of a script with joined letters.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

# numba's cache looks at this file alone; a change of slots.py has to change it too: e1dc17974863b8dc
from t2vid_hf.rendering.slots import (
    CARRIAGE_RETURN,
    CONTINUED,
    EMPTY,
    LINE_FEED,
    NEWLINE,
    SPACE,
    SYMBOL_DIRECT,
    SYMBOL_LAST_PLAIN,
    SYMBOL_LAST_RUN,
    SYMBOL_LETTER,
    SYMBOL_SPACE,
    TAB,
)

_MOST_SYMBOLS = 64
_HASH_START = np.uint64(14695981039346656037)
_HASH_PRIME = np.uint64(1099511628211)


def compiled(function: Callable[..., Any]) -> Any:
    try:
        return njit(function, cache=True)
    except RuntimeError:
        # No folder for numba's cache can be written (a read-only container): compile in each process.
        return njit(function)


@compiled
def look_up(codes, slot_of, kind, slots, counts):  # type: ignore[no-untyped-def]
    """Write each character's slot; `counts[k]` becomes the number of characters of kind `k`."""
    counts[:] = 0
    for i in range(codes.shape[0]):
        slot = slot_of[codes[i]]
        slots[i] = slot
        counts[kind[slot]] += 1


@compiled
def find_breaks(slots, kind, symbol, keys, values, patterns, breaks, positions, missed, hashes):  # type: ignore[no-untyped-def]
    """Mark where lines may end, from remembered patterns; return how many stretches have an unknown pattern.

    A stretch ends where Unicode's rules forget what came before: after a line end, and between "letter, digit or one
    of .,;:!?", spaces, and a letter. Within a stretch runs of letters, of digits and of spaces count as one symbol,
    so that prose has some hundred patterns.

    Args:
        slots: (n,) int32. kind: (slots,) uint8. symbol: (slots,) int64.
        keys: (2**k,) uint64, values: (2**k,) int32: an open hash table from a pattern to where it begins in `patterns`.
        patterns: (m,) int32: a count, then that many symbol numbers before which a line may end.
        breaks: (n + 1,) uint8, zeros: 1 before the characters where a line may begin.
        positions: (n,) int32, scratch. missed: (n, 2) int32 and hashes: (n,) uint64: the unknown stretches; a hash of
            0 means that the stretch has to be asked for by its text.
    """
    n = slots.shape[0]
    mask = np.uint64(keys.shape[0] - 1)
    misses = 0
    start = 0
    while start < n:
        count = 0
        code = _HASH_START
        direct = False
        previous = np.int64(-1)
        before_space = np.int64(-1)
        last_kind = np.uint8(0)
        i = start
        while i < n:
            slot = slots[i]
            current = symbol[slot]
            if i > start:
                if last_kind == LINE_FEED or last_kind == NEWLINE:
                    break
                if last_kind == CARRIAGE_RETURN and kind[slot] != LINE_FEED:
                    break
                if current == SYMBOL_LETTER and previous == SYMBOL_SPACE and 0 < before_space <= SYMBOL_LAST_PLAIN:
                    break
            if current != previous or current > SYMBOL_LAST_RUN or current == SYMBOL_DIRECT:
                direct = direct or current == SYMBOL_DIRECT
                positions[count] = i
                count += 1
                code = (code ^ np.uint64(current)) * _HASH_PRIME
                code ^= code >> np.uint64(29)
            if current != SYMBOL_SPACE:
                before_space = current
            previous = current
            last_kind = kind[slot]
            i += 1
        breaks[start] = 1
        if code == 0:
            code = np.uint64(1)
        value = np.int32(-1)
        if direct or count > _MOST_SYMBOLS:
            code = np.uint64(0)
        else:
            cell = code & mask
            while keys[cell] != 0:
                if keys[cell] == code:
                    value = values[cell]
                    break
                cell = (cell + np.uint64(1)) & mask
        if value < 0:
            missed[misses, 0] = start
            missed[misses, 1] = i
            hashes[misses] = code
            misses += 1
        else:
            for k in range(value + 1, value + 1 + patterns[value]):
                breaks[positions[patterns[k]]] = 1
        start = i
    return misses


@compiled
def wrap(slots, kind, advance, kern_row, kern, breaks, limits, flow, x, lines):  # type: ignore[no-untyped-def]
    """Break into lines and pages, greedily; return the number of lines.

    Args:
        slots: (n,) int32. kind: (slots,) uint8. advance, kern_row: (slots,) int32. kern: (rows, rows) int32.
        breaks: (n + 1,) uint8: 1 where a line may begin.
        limits: (4,) int64: width of a line in `UNIT`s, lines and words of a page, width of a tab stop in `UNIT`s.
        flow: whether white space runs together.
        x: (n,) int32: written: where a character stands, in `UNIT`s from the margin.
        lines: (n + 1, 2) int32: written: where a line begins, and on which page it stands.
    """
    width, most_lines, most_words, tab = limits[0], limits[1], limits[2], limits[3]
    n = slots.shape[0]
    count = 1
    page = 0
    lines[0, 0] = 0
    lines[0, 1] = 0
    line_start = 0
    page_lines = 1
    words = 0
    in_word = False
    candidate = -1
    candidate_words = 0
    candidate_in_word = False
    at = np.int64(0)
    row = 0
    i = 0
    while i < n:
        slot = slots[i]
        sort = kind[slot]
        begin = -1
        new_page = False
        if breaks[i] and i > line_start:
            candidate = i
            candidate_words = words
            candidate_in_word = in_word
        if sort == SPACE:
            x[i] = at
            # White space that runs together is as wide as its first character, and takes no room before the text.
            if not flow or (i > line_start and in_word):
                at += advance[slot]
            in_word = False
            row = 0
        elif sort == TAB:
            x[i] = at
            # At least an eighth of a stop, so that two columns never run together.
            at = ((at + tab // 8) // tab + 1) * tab
            in_word = False
            row = 0
        elif sort == LINE_FEED or sort == NEWLINE or sort == CARRIAGE_RETURN:
            x[i] = at
            in_word = False
            row = 0
            if sort != CARRIAGE_RETURN or i + 1 == n or kind[slots[i + 1]] != LINE_FEED:
                begin = i + 1
        elif sort == EMPTY or sort == CONTINUED:
            x[i] = at
        elif not in_word and words == most_words:
            begin = i
            new_page = True
        else:
            step = at + kern[row, kern_row[slot]]
            if step + advance[slot] > width and i > line_start:
                begin = i
                if candidate > line_start:
                    begin = candidate
                    words = candidate_words
                    in_word = candidate_in_word
            else:
                if not in_word:
                    words += 1
                    in_word = True
                x[i] = step
                at = step + advance[slot]
                row = kern_row[slot]
        if begin < 0:
            i += 1
            continue
        i = begin
        if begin == n:
            break
        if begin == line_start:
            # The page's words are used up just where a line begins: the line moves on.
            page += 1
            page_lines = 1
            words = 0
            lines[count - 1, 1] = page
            continue
        page_lines += 1
        if new_page or page_lines > most_lines:
            page += 1
            page_lines = 1
            words = 1 if in_word else 0
        lines[count, 0] = begin
        lines[count, 1] = page
        count += 1
        line_start = begin
        candidate = -1
        at = 0
        row = 0
    return count
