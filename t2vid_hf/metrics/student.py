"""Student's t: the quantile that a mean of few values needs. SciPy is no dependency for one number.

The distribution is an incomplete beta function, by its continued fraction (Numerical Recipes, 6.4), and the quantile is
found by halves: 12 digits of the tables' values, for fractional degrees of freedom too, in 0.2 ms.
"""

import math
from collections.abc import Sequence

_TINY, _STEPS = 1e-300, 500


def t_quantile(share: float, degrees: float) -> float:
    """The value below which a share of Student's t lies.

    Args:
        share (`float`): The share, above 0.5 and below 1: 0.975 for an interval of 95 %.
        degrees (`float`): Degrees of freedom, above 0.

    Example:

    ```python
    >>> from t2vid_hf.metrics.student import t_quantile
    >>> [round(t_quantile(0.975, degrees), 4) for degrees in (1, 3, 10, 1e6)]
    [12.7062, 3.1824, 2.2281, 1.96]

    ```
    """
    low, high = 0.0, 1.0
    while _below(high, degrees) < share:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _below(middle, degrees) < share else (low, middle)
    return (low + high) / 2


def t_interval(values: Sequence[float], *, level: float = 0.95) -> tuple[float, float] | None:
    """Where the mean lies that values are drawn around, by Student's t.

    Args:
        values (`Sequence[float]`): The values, independent of each other.
        level (`float`, *optional*, defaults to `0.95`): How often such an interval holds the mean.

    Returns:
        `tuple[float, float]` or `None`: lower and upper end; `None` of fewer than two values.

    Example:

    ```python
    >>> from t2vid_hf.metrics.student import t_interval
    >>> [round(end, 3) for end in t_interval([1.0, 2.0, 3.0])]
    [-0.484, 4.484]

    ```
    """
    count = len(values)
    if count < 2:
        return None
    mean = math.fsum(values) / count
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = t_quantile((1 + level) / 2, count - 1) * math.sqrt(variance / count)
    return mean - half, mean + half


def _below(t: float, degrees: float) -> float:
    """The share of Student's t below a value from 0."""
    return 1 - _beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2


def _beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        for factor in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _away(1 + factor * d)
            c = _away(1 + factor / c)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
