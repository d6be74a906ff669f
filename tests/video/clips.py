"""Clips made by real encoders, and the full decode that every reading is compared with."""

import io
from fractions import Fraction

import numpy as np
import pytest

WIDTH, HEIGHT, RATE = 96, 64, 25


def encode(
    container: str,
    codec: str,
    *,
    frames: int = 60,
    pixels: str = "yuv420p",
    gaps: bool = False,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    **options: str,
):
    """A clip of a moving texture, as bytes. With gaps each third frame stays three times as long."""
    av = pytest.importorskip("av")
    width, height = size
    texture = np.random.default_rng(0).integers(0, 255, (2 * height, 2 * width, 3), np.uint8)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream = file.add_stream(codec, rate=RATE, options={key.replace("_", "-"): options[key] for key in options})
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for index in range(frames):
            picture = np.roll(texture, (3 * index, 2 * index), (0, 1))[:height, :width]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = index + (index // 3 * 2 if gaps else 0), Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def plain_4k(codec: str = "libx264", **options: str) -> bytes:
    """A second of grey frames of 3840 x 2160."""
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        stream = file.add_stream(codec, rate=RATE, options={"preset": "ultrafast", "g": "12", **options})
        stream.width, stream.height, stream.pix_fmt = 3840, 2160, "yuv420p"
        for index in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((2160, 3840, 3), 8 * index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def remux(clip: bytes, container: str = "mp4", *, shift: int = 0, **options: str) -> bytes:
    """The same packets in another container, `shift` frames earlier."""
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(io.BytesIO(clip)) as source, av.open(buffer, "w", format=container, options=options) as target:
        stream = source.streams.video[0]
        copy, step = target.add_stream_from_template(stream), int(1 / RATE / stream.time_base)
        for packet in source.demux(stream):
            if packet.size:
                packet.pts, packet.dts = packet.pts - shift * step, packet.dts - shift * step
                packet.stream = copy
                target.mux(packet)
    return buffer.getvalue()


def full_decode(video) -> tuple[list[np.ndarray], list[float]]:
    """Every frame of the first video stream, upright, and its time; what comes before damage where there is some."""
    av = pytest.importorskip("av")
    frames, times = [], []
    with av.open(io.BytesIO(video) if isinstance(video, bytes) else str(video)) as container:
        try:
            for frame in container.decode(container.streams.video[0]):
                frames.append(np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90))
                times.append(frame.time)
        except av.FFmpegError:
            pass
    return frames, times
