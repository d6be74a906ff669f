"""Rows into bins, compiled by numba: a random draw, completed by the two rows that fill what is left best.

A bin takes rows in the order given until room for about three is left, and then the pair of the next thousand rows
that leaves least. On the paper's lengths best-fit decreasing fills 95.4 % of bins of 32,768 tokens, since it puts
the long rows together and the 24-frame videos, all of one length, into the rest; a draw with a good end fills 99.9 %,
and every bin is a mixture. Smaller bins, of two to five rows, cannot be filled by anyone; there a draw comes to within
0.6 % of what a linear programme proves the most (12,288: 78.4 of 78.6 %; 16,384: 88.2 of 88.3; 20,480: 93.8 of 94.2,
where best-fit decreasing has 90.5). Time is rows x `POOL`: 0.2 s for 200,000 rows in bins of 32,768, and 4 s to
compile, once per machine.

The module imports numba, so it is itself imported only when a plan is made.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

# Rows to complete a bin from. 4,096 take four times as long and fill no better.
POOL = 1024
# The last rows are packed by best-fit decreasing: a pool that runs dry has no good pairs.
TAIL = 256
# How much room to leave for the pair, in mean rows, and how many draws to try it on.
PAIR_ROOM, TRIES = 3.0, 4
# A bin this full is not tried again: 0.2 %.
GOOD = 500


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called, and keep the result in numba's cache, where it finds a folder.

    These loops allocate and sort, which those of `t2vid_hf._compiled` cannot.
    """
    try:
        return njit(cache=True)(function)
    except RuntimeError:
        # No folder for numba's cache can be written (a read-only container): compile in each process.
        return njit(function)


@compiled
def pack(order, size, other, limit, other_limit):  # type: ignore[no-untyped-def]  # numba: int64 arrays and integers
    """Assign rows to bins.

    Args:
        order (`np.ndarray` of shape `(packed,)`): The rows to pack, in the order to draw them in.
        size (`np.ndarray` of shape `(rows,)`, int64): What each row brings to fill a bin with; none above `limit`.
        other (`np.ndarray` of shape `(rows,)`, int64): What each row has of that which must also stay below a limit.
        limit (`int`): The most that a bin may hold of `size`.
        other_limit (`int`): The most that a bin may hold of `other`.

    Returns:
        `np.ndarray` of shape `(rows,)`: the bin of each row, counted from 0; -1 for a row that is not in `order`.
    """
    bin_of = np.full(len(size), -1, np.int64)
    free = np.zeros(len(size), np.bool_)
    for row in order:
        free[row] = True
    pool = np.empty(2 * POOL, np.int64)
    taken = np.empty(len(order), np.int64)
    filled = waiting = taken_until = oldest = bins = 0
    mean = 0.0
    while True:
        if waiting < POOL and taken_until < len(order):
            filled, taken_until = _refill(pool, filled, order, taken_until, free, size)
            waiting = filled
            mean = size[pool[:filled]].mean()
        if waiting <= TAIL and taken_until == len(order):
            break
        while not free[order[oldest]]:
            oldest += 1
        waits, drawn = pool[:filled], order[oldest:taken_until]
        count, first, second = _draw(drawn, waits, free, size, other, limit, other_limit, mean, taken)
        count = _complete(waits, free, size, other, limit, other_limit, taken, count, first, second)
        bin_of[taken[:count]] = bins
        waiting -= count
        bins += 1
    rest = order[free[order]]
    best_fit(rest[np.argsort(-size[rest], kind="mergesort")], size, other, limit, other_limit, bin_of, bins)
    return bin_of


@compiled
def _refill(pool, filled, order, taken_until, free, size):  # type: ignore[no-untyped-def]
    """Drop from a pool the rows that are packed, take the next ones of the order, and sort it by size.

    Returns how many rows the pool holds, in its first places, and how many of the order it has had.
    """
    kept = 0
    for index in range(filled):
        if free[pool[index]]:
            pool[kept] = pool[index]
            kept += 1
    filled = kept
    while filled < len(pool) and taken_until < len(order):
        pool[filled] = order[taken_until]
        filled += 1
        taken_until += 1
    pool[:filled] = pool[:filled][np.argsort(size[pool[:filled]], kind="mergesort")]
    return filled, taken_until


@compiled
def _draw(order, pool, free, size, other, limit, other_limit, mean, taken):  # type: ignore[no-untyped-def]
    """Draw the rows of a bin in the order given, and find the pair that fills what they leave best.

    The rows drawn are written into `taken`, from its first place on. Returns how many they are, and the pair, which is
    still free; -1 in place of a row that there is not.
    """
    room, other_room, count = limit, other_limit, 0
    least, best_count, first, second = limit + 1, 0, -1, -1
    next_row, tries = 0, 0
    while tries < TRIES and least * GOOD > limit:
        while next_row < len(order):
            row = order[next_row]
            if free[row] and size[row] <= room and other[row] <= other_room:
                break
            next_row += 1
        if next_row == len(order):
            break
        row = order[next_row]
        free[row] = False
        taken[count] = row
        count += 1
        room -= size[row]
        other_room -= other[row]
        if room < least:
            least, best_count, first, second = room, count, -1, -1
        if room < PAIR_ROOM * mean:
            tries += 1
            left, one, two = best_pair(pool, free, size, other, room, other_room)
            if left < least:
                least, best_count, first, second = left, count, one, two
    for index in range(best_count, count):
        free[taken[index]] = True
    return best_count, first, second


@compiled
def _complete(pool, free, size, other, limit, other_limit, taken, count, first, second):  # type: ignore[no-untyped-def]
    """Put a pair into the bin whose first `count` rows stand in `taken`, and whatever else fits in pairs.

    No bin is left with room for a row of the pool that waits. Returns how many rows the bin has then.
    """
    room, other_room = limit, other_limit
    for index in range(count):
        room -= size[taken[index]]
        other_room -= other[taken[index]]
    while first >= 0:
        for row in (first, second):
            if row >= 0:
                free[row] = False
                taken[count] = row
                count += 1
                room -= size[row]
                other_room -= other[row]
        _, first, second = best_pair(pool, free, size, other, room, other_room)
    return count


@compiled
def best_pair(pool, free, size, other, room, other_room):  # type: ignore[no-untyped-def]
    """The row, or the two rows, of a pool that leave least room in a bin.

    Args:
        pool (`np.ndarray` of shape `(pool,)`): Rows, sorted by size.
        free (`np.ndarray` of shape `(rows,)`, bool): Whether a row still waits.
        size (`np.ndarray` of shape `(rows,)`): What each row fills of a bin.
        other (`np.ndarray` of shape `(rows,)`): What each row has of that which must also stay below a limit.
        room (`int`): What is left of `size` in the bin.
        other_room (`int`): What is left of `other` in the bin.

    Returns:
        `tuple[int, int, int]`: the room that they leave, and the rows; -1 in place of a row that there is not.
    """
    least, first, second = room + 1, -1, -1
    low, high = 0, len(pool) - 1
    while low <= high:
        small, large = pool[low], pool[high]
        if not free[small]:
            low += 1
        elif not free[large] or size[large] > room:
            high -= 1
        else:
            if other[large] <= other_room and room - size[large] < least:
                least, first, second = room - size[large], large, -1
            if low < high and size[small] + size[large] <= room:
                left = room - size[small] - size[large]
                if other[small] + other[large] <= other_room and left < least:
                    least, first, second = left, large, small
                low += 1
            else:
                high -= 1
        if least == 0:
            break
    return least, first, second


@compiled
def best_fit(rows, size, other, limit, other_limit, bin_of, bins):  # type: ignore[no-untyped-def]
    """Put each row into the fullest bin that has room for it. For a few hundred rows: time is rows x bins.

    Args:
        rows (`np.ndarray` of shape `(left,)`): The rows to pack, in the order to pack them in.
        size (`np.ndarray` of shape `(rows,)`): What each row fills of a bin.
        other (`np.ndarray` of shape `(rows,)`): What each row has of that which must also stay below a limit.
        limit (`int`): The most that a bin may hold of `size`.
        other_limit (`int`): The most that a bin may hold of `other`.
        bin_of (`np.ndarray` of shape `(rows,)`): Where the bins of the rows are written.
        bins (`int`): The number of the first new bin.
    """
    room = np.full(len(rows), limit, np.int64)
    other_room = np.full(len(rows), other_limit, np.int64)
    opened = 0
    for row in rows:
        best = opened
        for bin_ in range(opened):
            fits = size[row] <= room[bin_] and other[row] <= other_room[bin_]
            if fits and (best == opened or room[bin_] < room[best]):
                best = bin_
        opened = max(opened, best + 1)
        room[best] -= size[row]
        other_room[best] -= other[row]
        bin_of[row] = bins + best
