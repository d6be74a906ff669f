"""Accuracy with what a reader needs to trust it: n, the no-answer rate, and a confidence interval clustered by video.

Questions about one video are not independent, so the interval is Wilson's at the effective number of questions
(n over the design effect of the clusters; Rao and Scott 1992 for the idea of an effective n). It stays inside
[0, 1] and does not collapse where all answers are right.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Judged:
    """One question, answered and judged.

    Args:
        group (`str`): What it is reported under (a kind of question).
        cluster (`str`): What it shares with others (a video).
        correct (`bool`): Whether the reply names the right option.
        answered (`bool`): Whether the reply names an option at all.
    """

    group: str
    cluster: str
    correct: bool
    answered: bool


@dataclass(frozen=True)
class Score:
    """Accuracy of a group, as fractions of 1.

    Args:
        group (`str`): Name of the group.
        n (`int`): Questions in it.
        clusters (`int`): Clusters (videos) that they are about.
        accuracy (`float`): Share of the questions whose reply names the right option.
        low (`float`): Lower bound of the 95 % interval.
        high (`float`): Upper bound of the 95 % interval.
        no_answer (`float`): Share of the questions whose reply names no option.
    """

    group: str
    n: int
    clusters: int
    accuracy: float
    low: float
    high: float
    no_answer: float


def score(judged: Sequence[Judged], group: str) -> Score:
    """Score questions as one group.

    Args:
        judged (`Sequence[Judged]`): The questions, at least one.
        group (`str`): The score's name.

    Example:

    ```python
    >>> from t2vid_hf.metrics.scoring import Judged, score
    >>> result = score([Judged("speed", f"clip-{i}", i % 2 == 0, True) for i in range(10)], "speed")
    >>> result.accuracy, round(result.low, 2), round(result.high, 2)
    (0.5, 0.23, 0.77)

    ```
    """
    n = len(judged)
    if n == 0:
        raise ValueError(f"group '{group}' has no question")
    accuracy = sum(item.correct for item in judged) / n
    residuals: dict[str, float] = defaultdict(float)
    for item in judged:
        residuals[item.cluster] += item.correct - accuracy
    low, high = _wilson(accuracy, _effective_n(accuracy, n, list(residuals.values())))
    unanswered = sum(not item.answered for item in judged) / n
    return Score(group, n, len(residuals), accuracy, low, high, unanswered)


def score_groups(judged: Iterable[Judged]) -> list[Score]:
    """A score for each group in alphabetical order, and "all" at the end."""
    judged = list(judged)
    groups = sorted({item.group for item in judged})
    return [*(score([item for item in judged if item.group == group], group) for group in groups), score(judged, "all")]


def _effective_n(accuracy: float, n: int, residuals: list[float]) -> float:
    """n over the design effect: the clustered variance against that of n independent questions."""
    clusters = len(residuals)
    independent = accuracy * (1 - accuracy) / n
    if independent == 0 or clusters < 2:
        return float(clusters)  # the data cannot say how alike a cluster's questions are: take them as one
    clustered = clusters / (clusters - 1) * sum(value * value for value in residuals) / n**2
    return n / max(1.0, clustered / independent)


def _wilson(p: float, n: float) -> tuple[float, float]:
    spread = Z_95**2 / n
    centre = (p + spread / 2) / (1 + spread)
    half = Z_95 * math.sqrt(p * (1 - p) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)
