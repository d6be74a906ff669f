"""Which frames of a video to take: pure index functions. No I/O.

`mid_segment` and `uniform` are functions of (frames there are, frames wanted); `fps` of the frames' times. The first
is the paper's rule for training frames, NumPy's half-to-even rounding included, the last that of its preprocessing
(`ffmpeg -vf fps=1`), so that the same frames are taken as in its training data.
"""

from collections.abc import Callable, Sequence

import numpy as np

from t2vid_hf.errors import InputError, unknown


def mid_segment(total: int, wanted: int) -> list[int]:
    """The middle of each of `wanted` equal stretches (`get_seq_frames` of the paper's code).

    `seg = (total - 1) / wanted`; frame i is `(round(seg * i) + round(seg * (i + 1))) // 2`. As many as there are, or
    fewer: all of them.

    Args:
        total (`int`): Frames there are.
        wanted (`int`): Frames to take.

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

    Args:
        total (`int`): Frames there are.
        wanted (`int`): Frames to take.

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


def fps(
    times: Sequence[float] | np.ndarray, end: float, *, rate: float = 1.0, max_frames: int | None = None
) -> list[int]:
    """So many frames a second, as FFmpeg's filter `fps=<rate>` takes them.

    A frame's time since the first is rounded to the nearest tick of `rate`; at each tick stands the last frame that is
    not later. So `rate=1` takes the last frame before 0.5 s, before 1.5 s, ..., and a frame that stays for several
    ticks is repeated. Of a clip that is shorter than half a tick FFmpeg takes no frame, and this one.

    Args:
        times (`Sequence[float]`): When each frame is shown, in seconds, ascending.
        end (`float`): When the last one ends.
        rate (`float`, *optional*, defaults to `1.0`): Frames a second.
        max_frames (`int`, *optional*): The most frames to take: where there are more, [`mid_segment`] takes so many of
            them (the paper's second step). `None` takes all.

    Returns:
        `list[int]`: indices into `times`, ascending, with repeats.

    Example:

    ```python
    >>> from t2vid_hf.video.sampling import fps
    >>> thirty = [frame / 30 for frame in range(90)]
    >>> fps(thirty, 3.0), fps(thirty, 3.0, rate=10, max_frames=4)
    ([14, 44, 74], [10, 31, 55, 76])

    ```
    """
    if not rate > 0:
        raise InputError(f"fps={rate}: give a number above 0")
    _check(len(times), 1 if max_frames is None else max_frames)
    # a millionth of a tick: what two thirds of a second times three falls short of two by must not move a frame
    ticks = np.floor((np.asarray(times, float) - times[0]) * rate + 0.5 + 1e-6).astype(np.int64)
    last = max(int(np.floor((end - times[0]) * rate + 0.5 + 1e-6)), 1)
    taken = np.searchsorted(ticks, np.arange(last), side="right") - 1
    if max_frames is not None:
        taken = taken[mid_segment(len(taken), max_frames)]
    return taken.tolist()


def choose_frames(
    times: Sequence[float] | np.ndarray, end: float, *, sampling: str, num_frames: int | None, rate: float = 1.0
) -> list[int]:
    """The frames that a named policy takes of a clip.

    Args:
        times (`Sequence[float]`): When each frame is shown, in seconds, ascending.
        end (`float`): When the last one ends.
        sampling (`str`): The policy: "fps" or a key of [`SAMPLINGS`].
        num_frames (`int` or `None`): How many to take at most; `None` takes all of them (for "fps": all ticks).
        rate (`float`, *optional*, defaults to `1.0`): Frames a second, for "fps".

    Example:

    ```python
    >>> from t2vid_hf.video.sampling import choose_frames
    >>> choose_frames([0.0, 0.5, 1.0, 1.5], 2.0, sampling="uniform", num_frames=2)
    [0, 3]

    ```
    """
    if sampling == "fps":
        return fps(times, end, rate=rate, max_frames=num_frames)
    if sampling not in SAMPLINGS:
        raise unknown("sampling", sampling, [*SAMPLINGS, "fps"])
    return SAMPLINGS[sampling](len(times), len(times) if num_frames is None else num_frames)


def _check(total: int, wanted: int) -> None:
    if total < 1 or wanted < 1:
        raise InputError(f"{wanted} of {total} frames asked for; both must be at least 1")


SAMPLINGS: dict[str, Callable[[int, int], list[int]]] = {"mid_segment": mid_segment, "uniform": uniform}
