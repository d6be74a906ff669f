"""What a difference shows, by a rule that is fixed before anything is run.

Both intervals must agree: the crossed bootstrap's, which knows of questions and bases, and Student's over the seeds'
means, which is right for few seeds. A single seed shows nothing. The price is power: with four seeds a difference must
be about three times as large as the spread of the seeds.
"""

from typing import Any

from t2vid_hf.metrics.crossed import Crossed

BETTER, WORSE, NOT_SHOWN, NOT_SENSITIVE = "better", "worse", "not shown", "test not sensitive"
RULE = (
    "better, where both intervals lie above 0; worse, where both lie below 0; equal within the margin, where both lie "
    "within it; else not shown. The positive control rises where its crossed interval lies above 0; where it does not, "
    "the test is not sensitive, and no verdict is given."
)


def ends(found: Crossed) -> tuple[float, float]:
    """The lower of the lower and the upper of the upper ends of both intervals.

    Args:
        found ([`~t2vid_hf.metrics.crossed.Crossed`]): The difference.
    """
    lows = [end for end in (found.low, found.t_low) if end is not None]
    highs = [end for end in (found.high, found.t_high) if end is not None]
    return min(lows), max(highs)


def verdict(found: Crossed, margin: float) -> str:
    """What a difference shows.

    Args:
        found ([`~t2vid_hf.metrics.crossed.Crossed`]): The difference of two arms.
        margin (`float`): The smallest difference that matters.

    Example:

    ```python
    >>> from t2vid_hf.experiments.verdicts import verdict
    >>> from t2vid_hf.metrics.crossed import Crossed
    >>> def of(low, high, t_low, t_high):
    ...     return verdict(Crossed(0.0, low, high, 3.0, (), t_low, t_high, 0, 4, 100), 0.02)
    >>> of(0.1, 0.3, 0.05, 0.4), of(-0.3, -0.1, -0.4, -0.01), of(0.1, 0.3, -0.01, 0.4), of(-0.01, 0.01, -0.02, 0.01)
    ('better', 'worse', 'not shown', 'equal within 2 points')
    >>> of(0.1, 0.3, None, None)
    'not shown'

    ```
    """
    if found.t_low is None:
        return NOT_SHOWN
    low, high = ends(found)
    if low > 0:
        return BETTER
    if high < 0:
        return WORSE
    return f"equal within {100 * margin:g} points" if -margin <= low and high <= margin else NOT_SHOWN


def rises(found: Crossed | None) -> bool:
    """Whether a positive control shows that the test is sensitive.

    Args:
        found ([`~t2vid_hf.metrics.crossed.Crossed`] or `None`): Its difference; `None` where it was not run.
    """
    return found is not None and found.low > 0


def told(found: Crossed) -> dict[str, Any]:
    """A mean with its intervals, for JSON.

    Args:
        found ([`~t2vid_hf.metrics.crossed.Crossed`]): The mean.
    """
    return {
        "mean": found.mean,
        "crossed": [found.low, found.high],
        "crossed_degrees": round(found.degrees, 2),
        "student": None if found.t_low is None else [found.t_low, found.t_high],
        "by_seed": list(found.by_seed),
        "gains": found.gains,
        "runs": found.runs,
        "questions": found.questions,
    }
