"""Which N instructions of many cover them best: greedy k-center, the next always the one farthest from all taken.

Its farthest instruction is at most twice as far as in the best choice there is (Gonzalez 1985). A step is one
product with all vectors: 1,000 of 50,000 take 3 s. What is rare is taken early, and what is rare may be noise.
"""

from collections.abc import Sequence

import numpy as np

from t2vid_hf.diversity.measures import MEASURES
from t2vid_hf.diversity.prepared import PreparedSets
from t2vid_hf.seeding import rng_for

RANDOM = 10
"""Draws at random that a choice is measured beside."""


def pick_diverse(vectors: np.ndarray, count: int, *, rows: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """Pick rows whose vectors cover those of all.

    Args:
        vectors (`np.ndarray`): `(n, dimensions)`, each of length 1.
        count (`int`): How many rows to pick, at most as many as there are.
        rows (`np.ndarray`, *optional*): The row of each vector, from 0; `None` where each is a row of its own.
        seed (`int`, *optional*, defaults to `0`): The seed of the first one; the others follow from it.

    Returns:
        `np.ndarray`: the rows, in the order in which they were taken.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.diversity.picking import pick_diverse
    >>> sorted(pick_diverse(np.eye(3)[[0, 0, 0, 1, 2]], 3).tolist())[1:]
    [3, 4]

    ```
    """
    rows = np.arange(len(vectors)) if rows is None else rows
    taken = [int(rows[rng_for(seed, "k-center").integers(len(vectors))])]
    nearest = np.full(len(vectors), -np.inf)
    while True:
        own = np.flatnonzero(rows == taken[-1])
        nearest = np.maximum(nearest, (vectors @ vectors[own].T).max(axis=1))
        nearest[own] = np.inf  # not to be taken again
        if len(taken) == count:
            return np.array(taken)
        taken.append(int(rows[nearest.argmin()]))


def pick_rows(
    ids: Sequence[str], prepared: PreparedSets, count: int, *, seed: int = 0
) -> tuple[list[str], dict[str, dict[str, float]]]:
    """Pick rows of a set, each with all of its instructions, and measure them beside as many at random.

    Args:
        ids (`Sequence[str]`): For each instruction the id of its row.
        prepared ([`~t2vid_hf.diversity.prepared.PreparedSets`]): The set, alone.
        count (`int`): How many rows to pick, from 2 to all.
        seed (`int`, *optional*, defaults to `0`): The seed.

    Returns:
        `tuple[list[str], dict]`: the rows' ids, in the order in which they were taken; for "picked" and "random" each
        measure, for the latter the mean of `RANDOM` draws.

    """
    names = list(dict.fromkeys(ids))
    numbers = {name: number for number, name in enumerate(names)}
    rows = np.array([numbers[name] for name in ids])
    taken = pick_diverse(prepared.vectors, count, rows=rows, seed=seed)
    rng = rng_for(seed, "pick/random")
    centres = prepared.find_centres({name: np.array([], int) for name in prepared.places}, rng)
    drawn = [taken, *(rng.choice(len(names), count, replace=False) for _ in range(RANDOM))]
    picked, *others = (prepared.measure(np.flatnonzero(np.isin(rows, each)), centres) for each in drawn)
    random = np.mean(others, axis=0)
    told = {"picked": picked, "random": random}
    return [names[row] for row in taken], {
        kind: dict(zip(MEASURES, map(float, values), strict=True)) for kind, values in told.items()
    }
