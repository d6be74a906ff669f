"""Which frames of a video to take: pure index functions. No I/O.

`mid_segment` and `uniform` are functions of (frames there are, frames wanted); `fps` of the frames' times. The first
is the paper's rule for training frames, NumPy's half-to-even rounding included, the last that of its preprocessing
(`ffmpeg -vf fps=1`), so that the same frames are taken as in its training data.

Where the frame rate varies, equal numbers of frames are not equal times: of a minute whose first second has most of the
frames, they take most of them from that second. There the same places are taken in time ([`in_time`]).
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from t2vid_hf.errors import InputError, unknown

Choose = Callable[[np.ndarray, float], list[int]]
"""The frames' times and the end of the last, in seconds -> which are taken."""


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


def has_constant_rate(times: Sequence[float] | np.ndarray, *, tolerance: float = 1.0) -> bool:
    """Whether no frame is shown further than a frame's time from where an even rate would show it.

    Rounded times (a container may count in milliseconds) and a frame that was left out do not make a rate vary.

    Args:
        times (`Sequence[float]`): When each frame is shown, in seconds, ascending; at least one.
        tolerance (`float`, *optional*, defaults to `1.0`): How far it may be from there, in frames' times.

    Example:

    ```python
    >>> from t2vid_hf.video.sampling import has_constant_rate
    >>> has_constant_rate([0.0, 0.033, 0.067, 0.1]), has_constant_rate([0.0, 0.1, 0.2, 0.3, 10.0, 20.0])
    (True, False)

    ```
    """
    times = np.asarray(times, float)
    if len(times) < 3:
        return True
    even = np.linspace(times[0], times[-1], len(times))
    gap = (times[-1] - times[0]) / (len(times) - 1)
    return bool((np.abs(times - even) <= tolerance * gap * (1 + 1e-6)).all())


def in_time(times: Sequence[float] | np.ndarray, end: float, *, sampling: str, wanted: int) -> list[int]:
    """What a policy takes of a clip whose frame rate varies: the frames that are shown at its places in time.

    "mid_segment" takes what is shown in the middle of each of `wanted` equal stretches of time, "uniform" what is shown
    at the start, at the last frame and at equal steps between. A frame that stays for several is repeated.

    Args:
        times (`Sequence[float]`): When each frame is shown, in seconds, ascending.
        end (`float`): When the last one ends.
        sampling (`str`): A key of [`SAMPLINGS`].
        wanted (`int`): Frames to take.

    Returns:
        `list[int]`: `wanted` indices into `times`, ascending, with repeats.

    Example:

    ```python
    >>> from t2vid_hf.video.sampling import in_time, mid_segment
    >>> times = [frame / 20 for frame in range(20)] + list(range(1, 60))  # a third of the frames are of a second
    >>> in_time(times, 60.0, sampling="mid_segment", wanted=4), mid_segment(len(times), 4)
    ([26, 41, 56, 71], [10, 29, 48, 68])

    ```
    """
    if sampling not in SAMPLINGS:
        raise unknown("sampling", sampling, SAMPLINGS)
    _check(len(times), wanted)
    times = np.asarray(times, float)
    if sampling == "uniform":
        places = np.linspace(times[0], times[-1], wanted)
    else:
        places = times[0] + (np.arange(wanted) + 0.5) / wanted * (max(end, times[-1]) - times[0])
    # a millionth of a second: a frame that is due at the place is the one that is shown
    return np.maximum(np.searchsorted(times, places + 1e-6, side="right") - 1, 0).tolist()


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
    wanted = len(times) if num_frames is None else num_frames
    if len(times) <= wanted or has_constant_rate(times):
        return SAMPLINGS[sampling](len(times), wanted)
    return in_time(times, end, sampling=sampling, wanted=wanted)


def choosing(num_frames: int | None, *, sampling: str, fps: float, span: tuple[float, float] | None = None) -> Choose:
    """A policy of sampling as a function of the frames' times and the end of the last.

    Args:
        num_frames (`int` or `None`): How many frames to take at most; `None` takes all.
        sampling (`str`): A key of [`SAMPLINGS`], or "fps".
        fps (`float`): Frames a second, for "fps".
        span (`tuple[float, float]`, *optional*): First and last second of the part that frames are taken of, from the
            first frame on; `None` takes the whole clip. A part between two frames is the one that is shown then.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.video.sampling import choosing
    >>> choosing(2, sampling="mid_segment", fps=1.0, span=(4.0, 8.0))(np.arange(10.0), 10.0)
    [5, 6]

    ```
    """
    if sampling != "fps" and sampling not in SAMPLINGS:
        raise unknown("sampling", sampling, [*SAMPLINGS, "fps"])
    choose = partial(choose_frames, sampling=sampling, num_frames=num_frames, rate=fps)
    return choose if span is None else partial(_choose_within, choose, span)


def _choose_within(choose: Choose, span: tuple[float, float], times: np.ndarray, end: float) -> list[int]:
    times = np.asarray(times, float)
    start, stop = times[0] + span[0], min(times[0] + span[1], end)
    if start >= end or stop <= start:
        raise InputError(f"no frame from {span[0]:g} to {span[1]:g} s: the clip lasts {end - times[0]:.1f} s")
    first = int(np.searchsorted(times, start + 1e-6, side="right")) - 1
    last = max(int(np.searchsorted(times, stop - 1e-6)), first + 1)
    return [first + index for index in choose(times[first:last], stop)]


def _check(total: int, wanted: int) -> None:
    if total < 1 or wanted < 1:
        raise InputError(f"{wanted} of {total} frames asked for; both must be at least 1")


SAMPLINGS: dict[str, Callable[[int, int], list[int]]] = {"mid_segment": mid_segment, "uniform": uniform}
