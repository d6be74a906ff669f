"""Decodes what a plan says: the independent segments of a clip side by side, and the frames of each in parallel.

The choice: a segment on one thread each, where there are enough of them. Threads over the frames of one segment cost a
tenth to a third more work than one thread (measured on clips of 320 to 960 pixels), so they are added only where too
few segments, or one that is far longer than the others, would leave processors idle.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from t2vid_hf._optional import require
from t2vid_hf.video.decoding import HELD_BYTES, ClipInput, Mispredicted, open_clip, processor_count, set_threads
from t2vid_hf.video.packet_index import PacketIndex
from t2vid_hf.video.packet_kinds import BY_KEY_FRAMES, FIELDS_APART
from t2vid_hf.video.pictures import Converter
from t2vid_hf.video.planning import DecodePlan

THREADED_PIXELS = 1_000_000  # to decode; below it, starting threads costs more than they gain
_INTRA = 1  # FFmpeg's number of an I picture
UNEVEN = 1.5  # times an even share: what the longest segment may be before its frames are divided as well

Take = Callable[[Any, Converter], None]
Held = Sequence[Any] | Mapping[int, Any]


def divide_work(plan: DecodePlan, sizes: np.ndarray | None, *, asked: int, pixels: int) -> tuple[int, int]:
    """How to divide the work: (segments at a time, threads for the frames of each).

    Args:
        plan ([`~t2vid_hf.video.planning.DecodePlan`]): The work.
        sizes (`np.ndarray` of shape `(packets,)` or `None`): Bytes of each packet; `None` where they are not at hand
            and the segments must be read in order.
        asked (`int`): Threads that the caller wants; 0 for as many as pay off.
        pixels (`int`): Pixels of a frame.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.video.planning import DecodePlan
    >>> from t2vid_hf.video.segments import divide_work
    >>> plan = DecodePlan(np.ones(8, bool), [(0, 2), (2, 4), (4, 6), (6, 8)], np.arange(8))
    >>> divide_work(plan, np.ones(8), asked=2, pixels=640 * 480)
    (2, 1)
    >>> divide_work(plan, None, asked=2, pixels=640 * 480)
    (1, 3)

    ```
    """
    if asked == 1 or not asked and int(plan.fed.sum()) * pixels < THREADED_PIXELS:
        return 1, 1
    threads = asked or processor_count()
    if threads == 1:
        return 1, 1
    if sizes is None:
        return 1, threads + 1
    # a packet's work: its bytes, and as much again for its pixels
    work = np.where(plan.fed, sizes + sizes[plan.fed].mean(), 0)
    parts = [work[first:end].sum() for first, end in plan.segments]
    at_once = min(threads, len(parts))
    if max(parts) <= UNEVEN * sum(parts) / threads:
        return at_once, 1
    # one more: the oldest frame is waited for, and the processor that did it needs another
    return at_once, math.ceil(threads / at_once) + 1


def hold_packets(held: list[Any] | PacketIndex | None, plan: DecodePlan) -> tuple[Held | None, np.ndarray | None]:
    """The packets that a plan feeds, and the bytes of each packet; `None` where they are to be read from the file.

    Args:
        held (`list`, [`~t2vid_hf.video.packet_index.PacketIndex`] or `None`): What the scan of the clip has kept.
        plan ([`~t2vid_hf.video.planning.DecodePlan`]): The plan.

    Raises:
        [`~t2vid_hf.video.decoding.Mispredicted`]: the container's index does not lead to them.
    """
    if held is None:
        return None, None
    if isinstance(held, list):
        return held, np.array([packet.size for packet in held])
    if held.sizes[plan.fed].sum() > HELD_BYTES:
        return None, None
    try:
        packets = held.fetch(np.flatnonzero(plan.fed).tolist())
    except require("av", extra="video").FFmpegError:
        packets = None
    if packets is None:
        raise Mispredicted
    return packets, held.sizes


def decode_plan(
    source: ClipInput,
    stream: Any,
    plan: DecodePlan,
    take: Take,
    *,
    held: Held | None,
    at_once: int = 1,
    threads: int = 1,
) -> None:
    """Decode what a plan says.

    Args:
        source ([`~t2vid_hf.video.decoding.ClipInput`]): The clip.
        stream (`av.video.VideoStream`): Its stream, of a container that has decoded nothing.
        plan ([`~t2vid_hf.video.planning.DecodePlan`]): What to decode.
        take (`Callable[[av.VideoFrame, Converter], None]`): What takes each frame, with the converter of the thread
            that it is called in.
        held (`Sequence` or `Mapping[int, av.Packet]` or `None`): All packets, or those that are fed by their numbers;
            `None` reads them from the file, segment after segment.
        at_once (`int`, *optional*, defaults to `1`): Segments that are decoded at a time.
        threads (`int`, *optional*, defaults to `1`): Threads for the frames of each.

    Raises:
        [`~t2vid_hf.video.decoding.Mispredicted`]: a frame is damaged, missing, at another time or one too many, a
            start that the container promises is no key frame, or a frame's fields may be in two packets.
    """
    av = require("av", extra="video")
    try:
        if held is None:
            with open_clip(source, quick=True) as (container, again):
                set_threads(again.codec_context, threads)
                packets = enumerate(packet for packet in container.demux(again) if packet.size)
                for first, end in plan.segments:
                    wanted = _packets_until(packets, end, plan.fed)
                    _decode_segment(again.codec_context, wanted, plan.expected_times(first, end), take, Converter())
        elif at_once == 1:
            set_threads(stream.codec_context, threads)
            _decode_queue(stream.codec_context, held, plan, _queue(plan), take)
        else:
            _decode_side_by_side(source, stream, plan, take, held=held, at_once=at_once, threads=threads)
    except av.FFmpegError:
        raise Mispredicted from None


def _decode_side_by_side(
    source: ClipInput, stream: Any, plan: DecodePlan, take: Take, *, held: Held, at_once: int, threads: int
) -> None:
    """Each worker has a decoder of its own and takes the next segment that is left, the longest first."""
    queue = _queue(plan, longest_first=True)

    def work(own: Any) -> None:
        with ExitStack() as stack:
            own = own or stack.enter_context(open_clip(source, quick=True))[1]
            set_threads(own.codec_context, threads)
            try:
                _decode_queue(own.codec_context, held, plan, queue, take)
            except BaseException:
                while not queue.empty():  # the others need not begin what nobody will use
                    _take_next(queue)
                raise

    with ThreadPoolExecutor(at_once) as pool:
        for job in [pool.submit(work, None) for _ in range(at_once - 1)] + [pool.submit(work, stream)]:
            job.result()


def _queue(plan: DecodePlan, *, longest_first: bool = False) -> SimpleQueue[tuple[int, int]]:
    queue: SimpleQueue[tuple[int, int]] = SimpleQueue()
    by_length = sorted(plan.segments, key=lambda each: each[0] - each[1]) if longest_first else plan.segments
    for segment in by_length:
        queue.put(segment)
    return queue


def _take_next(queue: SimpleQueue[tuple[int, int]]) -> tuple[int, int] | None:
    try:
        return queue.get_nowait()
    except Empty:
        return None


def _decode_queue(context: Any, held: Held, plan: DecodePlan, queue: SimpleQueue[tuple[int, int]], take: Take) -> None:
    convert, fed = Converter(), plan.fed
    while (segment := _take_next(queue)) is not None:
        first, end = segment
        packets = (held[position] for position in range(first, end) if fed[position])
        _decode_segment(context, packets, plan.expected_times(first, end), take, convert)


def _packets_until(packets: Iterator[tuple[int, Any]], end: int, fed: np.ndarray) -> Iterator[Any]:
    for position, packet in packets:
        if fed[position]:
            yield packet
        if position == end - 1:
            return


def _decode_segment(context: Any, packets: Iterator[Any], expected: list[int], take: Take, convert: Converter) -> None:
    """Decode a segment to its end, check each frame and leave the decoder as it was."""
    come, total = 0, len(expected)
    fields_apart, to_confirm = context.name in FIELDS_APART, context.name in BY_KEY_FRAMES
    for frame in _decode_packets(context, packets):
        if come == total or frame.pts != expected[come] or frame.is_corrupt:
            raise Mispredicted
        if to_confirm and not come and not (frame.key_frame or frame.pict_type == _INTRA):
            raise Mispredicted
        if fields_apart and frame.interlaced_frame:
            raise Mispredicted
        come += 1
        take(frame, convert)
    if come != total:
        raise Mispredicted
    context.flush_buffers()


def _decode_packets(context: Any, packets: Iterator[Any]) -> Iterator[Any]:
    for packet in packets:
        yield from context.decode(packet)
    yield from context.decode(None)
