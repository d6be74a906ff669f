"""Packets to frames with PyAV, two ways: the packets that the wanted frames need, or all of them.

The first is what makes reading quick: a pass over the packets' headers predicts the frames ([`planning`]), and the
decoder is fed only what the wanted ones need ([`segments`]). The first frame that does not come out as predicted raises
[`Mispredicted`], and the caller decodes all. What is not fed is not checked: a packet that promises a picture is taken
at its word, and a frame to which nothing refers, says its header, is left out.

Memory does not grow with the clip (9 bytes a packet aside): at most `HELD_BYTES` of packets are kept between the
passes, and a longer clip is read twice.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from t2vid_hf._optional import require
from t2vid_hf._processors import available_processors
from t2vid_hf.errors import InputError
from t2vid_hf.video.bitstream import SHOWN, START, UNREADABLE
from t2vid_hf.video.limits import CONTAINERS, Limits
from t2vid_hf.video.packet_index import PacketIndex, read_index
from t2vid_hf.video.packet_kinds import packet_reader, places_to_read
from t2vid_hf.video.planning import NO_TIME, Packets, put_in_order
from t2vid_hf.video.truncation import Promise

HELD_BYTES = 2**25
MAX_THREADS = 8  # each holds frames of its own, and more gain little

# FFmpeg looks into a clip before it says what is in it, and may decode 20 frames to guess how many are reordered. The
# check of the plan finds a wrong guess, so the quick way does without.
_QUICK = {"analyzeduration": "1", "skip_frame": "all"}


class Mispredicted(Exception):
    """The packets' headers do not say what the clip decodes to."""


@dataclass(frozen=True)
class ClipInput:
    """A clip to open.

    Args:
        video (`Path` or `bytes`): A path that was checked, or the content of a file.
        label (`str`): What messages call the clip.
        limits ([`~t2vid_hf.video.limits.Limits`]): What the clip may take.
        threads (`int`, *optional*, defaults to `0`): Threads for decoding; 0 for as many as pay off.
    """

    video: Path | bytes
    label: str
    limits: Limits
    threads: int = 0


@dataclass
class Survey:
    """What a full decode met.

    Args:
        cause (`str`, *optional*): The first damage; `None` where there is none.
        after (`int`, *optional*, defaults to `0`): Frames that came out before it.
        packets (`int`, *optional*, defaults to `0`): Packets that are there.
        promise ([`~t2vid_hf.video.truncation.Promise`], *optional*, defaults to `Promise()`): What the
            file says of its length.
        frame_seconds (`float`, *optional*, defaults to `0.0`): How long a frame is shown; 0 where nobody says.
        rate (`float`, *optional*): The container's average frame rate; `None` where it tells none.
    """

    cause: str | None = None
    after: int = 0
    packets: int = 0
    promise: Promise = Promise()
    frame_seconds: float = 0.0
    rate: float | None = None

    def note_damage(self, cause: str, frames: int) -> None:
        """Keep the first damage, and the number of frames before it."""
        if self.cause is None:
            self.cause, self.after = cause, frames


@contextmanager
def open_clip(source: ClipInput, *, quick: bool) -> Iterator[tuple[Any, Any]]:
    """Open a clip: its container and its first video stream that is not a cover picture.

    The first, as most readers take, and not FFmpeg's "best", which is the largest of several renditions.

    Args:
        source ([`ClipInput`]): The clip.
        quick (`bool`): Whether FFmpeg is to do without a look into the clip, and skip every frame: for reading headers
            and for plans that are checked.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it does not open, has no video that can be decoded, or too large frames.
    """
    av = require("av", extra="video")
    bound = {"max_pixels": str(source.limits.max_pixels)}
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file", **bound}
    file = io.BytesIO(source.video) if isinstance(source.video, bytes) else f"file:{source.video}"
    try:
        # titles are not needed, and some are not UTF-8
        container = av.open(file, options=options | (_QUICK if quick else {}), metadata_errors="replace")
    except av.FFmpegError as error:
        cause = f"{error.strerror} after 0 frames"
        raise InputError(f"{source.label}: {cause}; remove the file or give a whole video") from None
    with container:
        covers = av.stream.Disposition.attached_pic
        stream = next((each for each in container.streams.video if not each.disposition & covers), None)
        if stream is None or stream.codec_context is None:
            raise InputError(f"{source.label}: no video stream in it that can be decoded; give a video file")
        context = stream.codec_context
        source.limits.check(source.label, pixels=context.width * context.height)
        context.options = bound
        if av_version() >= (17, 1):  # the demuxer then leaves out what else is in the file
            for other in container.streams:
                if other is not stream:
                    other.discard = av.stream.Discard.all
        yield container, stream


def scan(container: Any, stream: Any, source: ClipInput) -> tuple[Packets, list[Any] | PacketIndex | None]:
    """What each packet says, and the packets themselves where they are few enough to keep, or the way to them.

    Args:
        container (`av.container.InputContainer`): The clip, opened.
        stream (`av.video.VideoStream`): Its video stream.
        source ([`ClipInput`]): The clip, for its limits.

    Returns:
        `tuple[Packets, list | PacketIndex | None]`: what they say; the packets, or `None` above `HELD_BYTES`.

    Raises:
        [`Mispredicted`]: the file is damaged. A packet that does not say what it holds is marked as unreadable.
    """
    av = require("av", extra="video")
    indexed = read_index(container, stream)
    if indexed is not None:
        source.limits.check(source.label, frames=len(indexed[0].flags))
        return indexed
    places = places_to_read(container, stream.codec_context)
    read = packet_reader(stream.codec_context, places)
    packets, held, size = Packets(), [], 0
    times, flags, latest, most = packets.times, packets.flags, NO_TIME, source.limits.max_frames
    try:
        for packet in container.demux(stream):
            if not packet.size:
                continue
            flag, time = read(packet), packet.pts
            if packet.is_corrupt:
                raise Mispredicted
            if time is None:
                flag, time = flag | UNREADABLE, NO_TIME
            if flag & START and packet.has_sidedata("new_extradata"):  # `read` was made for others
                flag |= UNREADABLE
            if packet.is_discard:
                flag &= ~SHOWN  # an edit list hides it
            times.append(time)
            flags.append(flag)
            if time >= latest and flag & SHOWN:
                latest, packets.duration = time, packet.duration or 0
            size += HELD_BYTES if flag & UNREADABLE else packet.size  # there will be no plan that uses them
            if size <= HELD_BYTES:
                held.append(packet)
            elif held:
                held = []
            if len(flags) > most:
                source.limits.check(source.label, frames=len(flags))
    except av.FFmpegError:
        raise Mispredicted from None
    if places is not None:
        put_in_order(packets, held, places)
    return packets, held if size <= HELD_BYTES else None


def average_rate(stream: Any) -> float | None:
    """The container's average frame rate, if it tells one."""
    return float(stream.average_rate) if stream.average_rate else None


def decode_all(source: ClipInput, survey: Survey, threads: int) -> Iterator[Any]:
    """Decode all frames of a clip, in order; past damage, from the next key frame on.

    Args:
        source ([`ClipInput`]): The clip.
        survey ([`Survey`]): What is met; written to.
        threads (`int`): Threads for decoding. With more than one it is left to chance how many frames before a damaged
            packet still come out.
    """
    av, frames = require("av", extra="video"), 0
    with open_clip(source, quick=False) as (container, stream):
        context, survey.promise = stream.codec_context, Promise.read(source.video, stream)
        survey.frame_seconds = float(1 / stream.average_rate) if stream.average_rate else 0.0
        survey.rate = average_rate(stream)
        set_threads(context, threads)
        packets, packet = container.demux(stream), None
        lost = False  # whether what follows refers to what did not decode
        while packet is None or packet.size:  # the last one is empty and drains the decoder
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.FFmpegError as error:
                survey.note_damage(error.strerror, frames)
                break
            survey.packets += packet.size > 0
            source.limits.check(source.label, frames=survey.packets)
            if lost and packet.size and not packet.is_keyframe:
                continue
            lost = False
            cause = "Truncated packet" if packet.is_corrupt else None
            try:
                for frame in [] if cause else context.decode(packet):
                    if frame.is_corrupt:
                        cause = "Damaged picture"
                        break
                    frames += 1
                    yield frame
            except av.FFmpegError as error:
                cause = error.strerror
            if cause is not None:
                survey.note_damage(cause, frames)
                context.flush_buffers()
                lost = True


def processor_count() -> int:
    """Processors that this process may use, and of more than `MAX_THREADS` that many."""
    return min(MAX_THREADS, available_processors())


def set_threads(context: Any, threads: int) -> None:
    """Set a decoder's threads, before it decodes.

    Args:
        context (`av.codec.CodecContext`): The decoder.
        threads (`int`): How many, at least 1.
    """
    context.thread_count = threads
    # frames in parallel: nearly all clips have one slice a frame, which slice threads cannot divide
    context.thread_type = "FRAME" if threads > 1 else "SLICE"


@cache
def av_version() -> tuple[int, ...]:
    """The version of PyAV that is installed: major and minor."""
    return tuple(int(part) for part in require("av", extra="video").__version__.split(".")[:2])
