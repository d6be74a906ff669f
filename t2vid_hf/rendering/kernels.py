"""The inner loops of the layout, compiled: characters to slots, break opportunities, lines and pages.

Integers alone, no threads: the same numbers on every machine. A page of 115 words takes 5 us. Positions are counted in
`UNIT`ths of a pixel. A *slot* is a row of the atlas's tables: one character, or a drawn stretch of joined letters.
"""

import numpy as np

from t2vid_hf._compiled import compiled
from t2vid_hf.rendering.slots import (
    CARRIAGE_RETURN,
    CONTINUED,
    EMPTY,
    FULL_ROW,
    LINE_FEED,
    NEWLINE,
    SPACE,
    SYMBOL_DIRECT,
    SYMBOL_LAST_PLAIN,
    SYMBOL_LAST_RUN,
    SYMBOL_LETTER,
    SYMBOL_SPACE,
    TAB,
    UNKNOWN_KERN,
)

_MOST_SYMBOLS = 64
_HASH_START = np.uint64(14695981039346656037)
_HASH_PRIME = np.uint64(1099511628211)


@compiled("void(const uint32[], const int32[], const uint8[], int32[], int64[])")
def look_up(codes, slot_of, kind, slots, counts):  # type: ignore[no-untyped-def]
    """Write each character's slot, and count the kinds.

    Args:
        codes (`np.ndarray` of shape `(n,)`, uint32): The code point of each character.
        slot_of (`np.ndarray` of shape `(0x110000,)`, int32): The slot of each code point.
        kind (`np.ndarray` of shape `(slots,)`, uint8): The kind of each slot.
        slots (`np.ndarray` of shape `(n,)`, int32): Written: the slot of each character.
        counts (`np.ndarray` of shape `(KINDS,)`, int64): Written: how many characters are of each kind.
    """
    counts[:] = 0
    for i in range(codes.shape[0]):
        slot = slot_of[codes[i]]
        slots[i] = slot
        counts[kind[slot]] += 1


@compiled(
    "int64(const int32[], const uint8[], const int64[], const uint64[], const int32[], const int32[], uint8[], "
    "int32[], int32[,], uint64[])"
)
def find_breaks(slots, kind, symbol, keys, values, patterns, breaks, positions, missed, hashes):  # type: ignore[no-untyped-def]
    """Mark where lines may end, from remembered patterns; return how many stretches have an unknown pattern.

    A stretch ends where Unicode's rules forget what came before: after a line end, and between "letter, digit or one
    of .,;:!?", spaces, and a letter. Within a stretch runs of letters, of digits and of spaces count as one symbol,
    so that prose has some hundred patterns.

    Args:
        slots (`np.ndarray` of shape `(n,)`, int32): The slot of each character.
        kind (`np.ndarray` of shape `(slots,)`, uint8): The kind of each slot.
        symbol (`np.ndarray` of shape `(slots,)`, int64): What each slot is to the line breaker.
        keys (`np.ndarray` of shape `(2**k,)`, uint64): An open hash table: the hash of a pattern; 0 is a free cell.
        values (`np.ndarray` of shape `(2**k,)`, int32): The same table: where the pattern begins in `patterns`.
        patterns (`np.ndarray` of shape `(m,)`, int32): A count, then that many symbol numbers before which a line may
            end; and so on.
        breaks (`np.ndarray` of shape `(n + 1,)`, uint8): Zeros; written: 1 before the characters where a line may
            begin.
        positions (`np.ndarray` of shape `(n,)`, int32): Scratch: where the symbols of a stretch begin.
        missed (`np.ndarray` of shape `(n, 2)`, int32): Written: start and end of the stretches of unknown patterns.
        hashes (`np.ndarray` of shape `(n,)`, uint64): Written: the hashes of their patterns; 0 means that the stretch
            has to be asked for by its text.
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


@compiled(
    "int64(const int32[], const uint8[], const int32[], const int32[], int32[,], const uint8[], const uint8[], "
    "const int64[], bool, int32[], int32[,], int32[,])"
)
def wrap(slots, kind, advance, kern_row, kern, breaks, levels, limits, flow, x, lines, unknown):  # type: ignore[no-untyped-def]
    """Break into lines and pages, greedily; return the number of lines.

    Args:
        slots (`np.ndarray` of shape `(n,)`, int32): The slot of each character.
        kind (`np.ndarray` of shape `(slots,)`, uint8): The kind of each slot.
        advance (`np.ndarray` of shape `(slots,)`, int32): The width of each slot in `UNIT`s.
        kern_row (`np.ndarray` of shape `(slots,)`, int32): The row and column of each slot in `kern`.
        kern (`np.ndarray` of shape `(rows, rows)`, int32): What a slot is moved by behind another, in `UNIT`s; or
            `UNKNOWN_KERN`, and then 0 takes its place.
        breaks (`np.ndarray` of shape `(n + 1,)`, uint8): 1 where a line may begin, `FULL_ROW` where one does if the
            line before it is full, even of white space.
        levels (`np.ndarray` of shape `(n,)` or `(0,)`, uint8): Embedding levels; nothing is kerned where they change.
        limits (`np.ndarray` of shape `(4,)`, int64): Width of a line, lines and words of a page, width of a tab stop.
        flow (`bool`): Whether white space runs together.
        x (`np.ndarray` of shape `(n,)`, int32): Written: where each character stands, in `UNIT`s from the left margin.
        lines (`np.ndarray` of shape `(n + 1, 2)`, int32): Written: where each line begins, and its page.
        unknown (`np.ndarray` of shape `(n + 1, 2)`, int32): Written: first how many places of `kern` were unknown, then
            their rows and columns. If there are any, fill them in and wrap again.
    """
    width, most_lines, most_words, tab = limits[0], limits[1], limits[2], limits[3]
    n = slots.shape[0]
    unknown[0, 0] = lines[0, 0] = lines[0, 1] = 0
    page = line_start = row = i = words = candidate_words = 0
    count = page_lines = 1
    in_word = candidate_in_word = False
    candidate = -1
    at = np.int64(0)
    while i < n:
        slot = slots[i]
        sort = kind[slot]
        begin = -1
        new_page = False
        if breaks[i] and i > line_start:
            # A line may end with a soft hyphen, the one sign without ink that has a width, if the hyphen fits.
            last = slots[i - 1]
            if kind[last] != EMPTY or advance[last] == 0 or at + advance[last] <= width:
                candidate, candidate_words, candidate_in_word = i, words, in_word
        if breaks[i] == FULL_ROW and i > line_start and at + advance[slot] > width:
            begin = i
        elif sort == SPACE:
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
            if i > 0 and levels.shape[0] > 0 and levels[i] != levels[i - 1]:
                row = 0
            move = kern[row, kern_row[slot]]
            if move == UNKNOWN_KERN:
                kern[row, kern_row[slot]] = move = 0
                unknown[0, 0] += 1
                unknown[unknown[0, 0], 0] = row
                unknown[unknown[0, 0], 1] = kern_row[slot]
            step = at + move
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
