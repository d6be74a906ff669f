"""When each frame of a clip is shown: as its packets' headers promise, or as a full decode tells."""

from collections.abc import Callable
from typing import Any

import numpy as np

from t2vid_hf.video.bitstream import SHOWN
from t2vid_hf.video.decoding import ClipInput, Mispredicted, Survey, decode_all
from t2vid_hf.video.planning import NO_TIME, Packets, Timeline, predict_timeline
from t2vid_hf.video.truncation import Promise

TakeNumbered = Callable[[int, Any], None]

_MOST_REORDERED = 16  # frames that H.264 and HEVC may hold back


def read_timeline(packets: Packets, stream: Any, source: ClipInput) -> tuple[Timeline, np.ndarray, float]:
    """The frames that a clip's packets promise: which they are, when each is shown, and when the last ends, in seconds.

    Args:
        packets ([`~t2vid_hf.video.planning.Packets`]): What the packets say.
        stream (`av.video.VideoStream`): Their stream.
        source ([`~t2vid_hf.video.decoding.ClipInput`]): The clip, for its limits.

    Raises:
        [`~t2vid_hf.video.decoding.Mispredicted`]: they promise nothing, or the file was cut off.
    """
    line = predict_timeline(packets)
    if line is None:
        raise Mispredicted
    unit = stream.time_base
    times = line.times * unit.numerator / unit.denominator
    source.limits.check(source.label, seconds=times[-1] - times[0])
    length = packets.duration * unit.numerator / unit.denominator or _mean_gap(times)
    end = float(times[-1] + length)
    if Promise.read(source.video, stream).broken(len(packets.flags), end, frame_seconds=length):
        raise Mispredicted
    return line, times, end


def guess_timeline(packets: Packets, stream: Any) -> tuple[np.ndarray, float]:
    """When frames would be shown, and when the last ends, in seconds, if each packet were one: a guess, to be checked.

    Args:
        packets ([`~t2vid_hf.video.planning.Packets`]): What the packets say.
        stream (`av.video.VideoStream`): Their stream.
    """
    shown = np.frombuffer(packets.flags, np.uint8) & SHOWN != 0
    step = 1 / float(stream.average_rate) if stream.average_rate else 0.0
    told = np.frombuffer(packets.times, np.int64)[shown]
    times = np.arange(len(told)) * step if (told == NO_TIME).any() else np.sort(told) * float(stream.time_base)
    return times, float(times[-1]) + step if len(times) else 0.0


def time_frames(source: ClipInput, threads: int, take: TakeNumbered | None = None) -> tuple[np.ndarray, Survey, int]:
    """When each frame is shown, in seconds; what was met; and the number of threads with which it was.

    With one thread where there is damage: then the frames that come out do not change from run to run.

    Args:
        source ([`~t2vid_hf.video.decoding.ClipInput`]): The clip; all of it is decoded.
        threads (`int`): Threads for decoding.
        take (`Callable[[int, av.VideoFrame], None]`, *optional*): What takes each frame with its number, and all of
            them again where there is damage; `None` only times them.
    """
    survey, told = Survey(), []
    for number, frame in enumerate(decode_all(source, survey, threads)):
        told.append(frame.time)
        if take is not None:
            take(number, frame)
    if survey.cause is not None and threads > 1:
        return time_frames(source, 1, take)
    if any(time is None for time in told):
        times = np.arange(len(told)) * survey.frame_seconds
    else:
        times = in_order(np.array(told, float))
    if len(times):
        step = survey.frame_seconds
        cause = survey.promise.broken(survey.packets, float(times[-1]) + step, frame_seconds=step)
        if cause is not None:
            survey.note_damage(cause, len(times))
    return times, survey, threads


def in_order(times: np.ndarray) -> np.ndarray:
    """When frames that come in the order shown are shown: ascending.

    AVI has no times but the order of decoding, so that H.264 with B-frames comes with the right times on the wrong
    frames: sorted they stand on the right ones. Where times jump back further than any codec holds frames back (parts
    glued together), a frame is not shown before the one that it follows.

    Args:
        times (`np.ndarray` of shape `(total,)`, float64): What the decoder says of each frame, in the order shown.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.video.timelines import in_order
    >>> in_order(np.array([1.0, 2.0, 3.0, 5.0, 4.0, 6.0])).tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]

    ```
    """
    order = np.argsort(times, kind="stable")
    if np.abs(order - np.arange(len(times))).max(initial=0) <= _MOST_REORDERED:
        return times[order]
    return np.maximum.accumulate(times)


def _mean_gap(times: np.ndarray) -> float:
    return float(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
