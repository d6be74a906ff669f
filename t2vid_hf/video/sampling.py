"""Which frames of a video to take: pure index functions of (frames there are, frames wanted). No I/O.

`mid_segment` is the paper's rule, NumPy's half-to-even rounding included, so that the same frames are taken as in its
training data.
"""

from collections.abc import Callable

import numpy as np

from t2vid_hf.errors import InputError


def mid_segment(total: int, wanted: int) -> list[int]:
    """The middle of each of `wanted` equal stretches (`get_seq_frames` of the paper's code).

    `seg = (total - 1) / wanted`; frame i is `(round(seg * i) + round(seg * (i + 1))) // 2`. As many as there are, or
    fewer: all of them.

    Example:

    ```python
    >>> from t2vid_hf.video.sampling import mid_segment
    >>> mid_segment(150, 8)
    [9, 28, 46, 65, 83, 102, 121, 139]
    >>> mid_segment(3, 8)
    [0, 1, 2]

    ```
    """
    _check(total, wanted)
    if total <= wanted:
        return list(range(total))
    edges = np.round((total - 1) / wanted * np.arange(wanted + 1)).astype(int)
    return ((edges[:-1] + edges[1:]) // 2).tolist()


def uniform(total: int, wanted: int) -> list[int]:
    """First and last frame and equal steps between them.

    Example:

    ```python
    >>> from t2vid_hf.video.sampling import uniform
    >>> uniform(150, 4)
    [0, 50, 99, 149]

    ```
    """
    _check(total, wanted)
    if total <= wanted:
        return list(range(total))
    return np.round(np.linspace(0, total - 1, wanted)).astype(int).tolist()


def _check(total: int, wanted: int) -> None:
    if total < 1 or wanted < 1:
        raise InputError(f"{wanted} of {total} frames asked for; both must be at least 1")


SAMPLINGS: dict[str, Callable[[int, int], list[int]]] = {"mid_segment": mid_segment, "uniform": uniform}
