"""Bins over ranks and steps: as many for every rank, and those that run together cost alike.

Where the bins do not come out even, those of the most rows are halved until they do; no row is dropped for it, or
taken twice. Only where each bin is a single row already do some ranks get an empty one.
"""

from heapq import heapify, heappush, heapreplace

import numpy as np


def rows_of_bins(order: np.ndarray, bin_of: np.ndarray) -> list[np.ndarray]:
    """The rows of each bin.

    Args:
        order (`np.ndarray` of shape `(packed,)`): The rows that were packed, at least one, in any order.
        bin_of (`np.ndarray` of shape `(rows,)`): The number of each row's bin.

    Returns:
        `list[np.ndarray]`: for each bin its rows, in the order given.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.batches.balance import rows_of_bins
    >>> [rows.tolist() for rows in rows_of_bins(np.array([2, 0, 1]), np.array([0, 1, 0]))]
    [[2, 0], [1]]

    ```
    """
    by_bin = order[np.argsort(bin_of[order], kind="stable")]
    return np.split(by_bin, np.flatnonzero(np.diff(bin_of[by_bin])) + 1)


def balance(
    bins: list[np.ndarray], costs: np.ndarray, *, num_ranks: int, bins_per_step: int, random: np.random.Generator
) -> list[np.ndarray]:
    """Bins in the order (step, rank, bin of the step); more of them than were given, where they were not even.

    Args:
        bins (`list[np.ndarray]`): The rows of each bin.
        costs (`np.ndarray` of shape `(rows,)`): What each row costs in time, in any unit.
        num_ranks (`int`): Processes that train together.
        bins_per_step (`int`): Bins that a rank takes at a step.
        random (`np.random.Generator`): What draws the order of the steps.

    Returns:
        `list[np.ndarray]`: the rows of each bin; their number is a multiple of `num_ranks * bins_per_step`.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.batches.balance import balance
    >>> bins = [np.array([0, 1]), np.array([2, 3]), np.array([4])]
    >>> both = balance(bins, np.ones(5), num_ranks=2, bins_per_step=1, random=np.random.default_rng(0))
    >>> sorted(rows.tolist() for rows in both)
    [[0], [1], [2, 3], [4]]

    ```
    """
    bins = _make_even(bins, num_ranks * bins_per_step, costs)
    ranked = np.argsort([-costs[rows].sum() for rows in bins], kind="stable").reshape(-1, num_ranks)
    # Back and forth, or rank 0 would get the costliest bin of every round.
    ranked[1::2] = ranked[1::2, ::-1]
    rounds = random.permutation(ranked)  # (rounds, ranks)
    order = rounds.reshape(-1, bins_per_step, num_ranks).transpose(0, 2, 1).reshape(-1)
    return [bins[index] for index in order]


def _make_even(bins: list[np.ndarray], multiple: int, costs: np.ndarray) -> list[np.ndarray]:
    """Make as many bins as ranks can share evenly: halve those of the most rows, by cost; then add empty ones."""
    bins = list(bins)
    short = -len(bins) % multiple
    heap = [(-len(rows), index) for index, rows in enumerate(bins)]
    heapify(heap)
    while short and heap[0][0] < -1:
        index = heap[0][1]
        rows = bins[index][np.argsort(-costs[bins[index]], kind="stable")]
        lighter, heavier = _halve(rows, costs)
        bins[index] = heavier
        heapreplace(heap, (-len(heavier), index))
        heappush(heap, (-len(lighter), len(bins)))
        bins.append(lighter)
        short -= 1
    return bins + [np.empty(0, np.int64)] * short


def _halve(rows: np.ndarray, costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deal rows, costliest first, to whichever of two halves has cost less; neither stays empty."""
    halves: tuple[list[int], list[int]] = ([], [])
    sums = [0.0, 0.0]
    for row in rows.tolist():
        side = int(sums[1] < sums[0] or (not halves[1] and bool(halves[0])))
        halves[side].append(row)
        sums[side] += costs[row]
    lighter, heavier = sorted(halves, key=lambda half: (costs[half].sum(), half))
    return np.array(lighter), np.array(heavier)
