"""Which packets the wanted frames need: a pure function of what the packets say of themselves. No I/O.

The choice: the frames' number is predicted from the packets' headers and not by decoding, and only the packets that
a wanted frame can refer to are decoded. The prediction is checked while decoding ([`DecodePlan.expected_times`]): every
packet that is fed must come out as a frame with its own time, in order; where one does not, the reader decodes in full
instead.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from t2vid_hf.video.bitstream import DISPOSABLE, LAYER, PARAMETERS, SHOWN, START, UNREADABLE

NO_TIME = -(2**63)


@dataclass
class Packets:
    """What is known of each packet of a stream, in decoding order: 9 bytes a packet.

    Args:
        times (`array` of int64, *optional*): When each packet is shown, in the stream's time base.
        flags (`bytearray`, *optional*): What each packet holds, in flags of [`~t2vid_hf.video.bitstream`].
        duration (`int`, *optional*, defaults to `0`): How long the last packet in the order shown is shown, in the time
            base; 0 where nobody says.
    """

    times: array = field(default_factory=lambda: array("q"))
    flags: bytearray = field(default_factory=bytearray)
    duration: int = 0


@dataclass(frozen=True)
class Timeline:
    """The frames that a clip is predicted to hold.

    Args:
        positions (`np.ndarray` of shape `(total,)`, int64): The number of each frame's packet, in the order shown.
        times (`np.ndarray` of shape `(total,)`, int64): When each frame is shown, ascending, in the stream's time base.
    """

    positions: np.ndarray
    times: np.ndarray


@dataclass(frozen=True)
class DecodePlan:
    """What to decode.

    Args:
        fed (`np.ndarray` of shape `(packets,)`, bool): Whether each packet is decoded.
        segments (`list[tuple[int, int]]`): Stretches of packets, half-open: each begins with a start, and decodes
            without what lies before it.
        times (`np.ndarray` of shape `(packets,)`, int64): When each packet is shown; `NO_TIME` where it is not.
    """

    fed: np.ndarray
    segments: list[tuple[int, int]]
    times: np.ndarray

    def expected_times(self, first: int, end: int) -> list[int]:
        """The times of the frames that come out of a segment, in order."""
        times = self.times[first:end][self.fed[first:end]]
        return np.sort(times[times != NO_TIME]).tolist()


def put_in_order(packets: Packets, held: Sequence[Any], places: Sequence[tuple[int, int]]) -> None:
    """Give packets, whose times count them as they are decoded, the times at which their frames are shown.

    Where they are not held, and would have their old times when they are read again, where two have the same place or
    one has none, the first packet is marked as unreadable.

    Args:
        packets ([`Packets`]): What the packets say; its times are written to.
        held (`Sequence[av.Packet]`): The packets; they get their times as well.
        places (`Sequence[tuple[int, int]]`): The place of each in the order shown, by which they are sorted.

    Example:

    ```python
    >>> from array import array
    >>> from types import SimpleNamespace
    >>> from t2vid_hf.video.planning import Packets, put_in_order
    >>> packets = Packets(array("q", [1, 2, 3, 4]), bytearray([3, 1, 1, 3]))
    >>> held = [SimpleNamespace() for _ in range(4)]
    >>> put_in_order(packets, held, [(1, 0), (1, 4), (1, 2), (2, 0)])
    >>> packets.times.tolist(), [packet.pts for packet in held]
    ([1, 3, 2, 4], [1, 3, 2, 4])

    ```
    """
    total = len(packets.flags)
    if not len(held) == len(places) == len(set(places)) == total:
        packets.flags[0] |= UNREADABLE
        return
    times = sorted(packets.times)
    for time, position in zip(times, sorted(range(total), key=places.__getitem__), strict=True):
        packets.times[position] = held[position].pts = time


def predict_timeline(packets: Packets) -> Timeline | None:
    """The frames of a clip, or `None` where its packets do not say: then it must be decoded to be counted.

    Args:
        packets ([`Packets`]): The packets of the stream.

    Example:

    ```python
    >>> from array import array
    >>> from t2vid_hf.video.planning import Packets, predict_timeline
    >>> predict_timeline(Packets(array("q", [0, 30, 10, 20]), bytearray([3, 1, 5, 5]))).positions.tolist()
    [0, 2, 3, 1]

    ```
    """
    flags = np.frombuffer(packets.flags, np.uint8)
    times = np.frombuffer(packets.times, np.int64)
    if not len(flags) or not flags[0] & START or (flags & UNREADABLE).any():
        return None
    shown = np.flatnonzero(flags & SHOWN)
    order = shown[np.argsort(times[shown], kind="stable")]
    ascending = times[order]
    # what is shown before the first packet refers to what is not there, and decoders differ in what they do about it
    if times.min() < times[0] or not len(order) or (ascending[1:] == ascending[:-1]).any():
        return None
    return Timeline(order, ascending)


def plan_decoding(packets: Packets, positions: Iterable[int]) -> DecodePlan:
    """What the frames of some packets need.

    Args:
        packets ([`Packets`]): The packets of the stream, as [`predict_timeline`] takes them.
        positions (`Iterable[int]`): Numbers of the packets whose frames are wanted.

    Returns:
        [`DecodePlan`]

    Example:

    ```python
    >>> from array import array
    >>> from t2vid_hf.video.planning import Packets, plan_decoding
    >>> stream = Packets(array("q", [0, 30, 10, 20, 40, 60, 50]), bytearray([3, 1, 5, 5, 3, 1, 5]))
    >>> plan_decoding(stream, [3, 5]).fed.astype(int).tolist()  # not frame 10: none refers to it; nothing after 60
    [1, 1, 0, 1, 1, 1, 0]

    ```
    """
    flags, starts = packets.flags, _starts(packets)
    leading = _leading(packets, starts)
    top_layer = max(flag >> LAYER for flag in set(flags))
    wanted = {int(position) for position in positions}
    fed = np.zeros(len(flags), bool)
    segments, end = [], max(wanted) + 1
    needed = reaches_back = False  # a wanted frame further on needs this segment; and the one before its start
    for position in range(max(wanted), -1, -1):
        flag = flags[position]
        if position in wanted:
            fed[position] = needed = True
            reaches_back = reaches_back or bool(leading[position])
        elif needed and (reaches_back or not leading[position]):
            # a frame of a higher temporal layer may refer to one that its own layer does not refer to
            fed[position] = not flag & DISPOSABLE or flag >> LAYER < top_layer
        if starts[position]:
            if needed and not reaches_back:
                segments.append((position, end))
            needed, reaches_back = reaches_back, False
            end = end if needed else position
    shown = np.frombuffer(flags, np.uint8) & SHOWN != 0
    return DecodePlan(fed, segments[::-1], np.where(shown, np.frombuffer(packets.times, np.int64), NO_TIME))


def _starts(packets: Packets) -> bytearray:
    """1 for each packet where decoding can start: where parameter sets come in packets, a start must bring them."""
    needed = START | PARAMETERS if any(flag & PARAMETERS for flag in set(packets.flags)) else START
    return bytearray(flag & needed == needed for flag in packets.flags)


def _leading(packets: Packets, starts: bytearray) -> bytearray:
    """1 for each packet that is shown before the start that it follows: it may refer to what lies before that."""
    latest, leading = NO_TIME, bytearray(len(starts))
    for position, time in enumerate(packets.times):
        if starts[position]:
            latest = time
        elif time < latest:
            leading[position] = 1
    return leading
