"""Real video to frames, with PyAV: `read_frames(path or bytes, num_frames=24)`.

Exact before fast: the frames are those of a full decode. Containers lie about how many frames they hold (webm, mkv
and fragmented mp4 declare 0), so a first pass decodes and counts, and a second converts only the frames that were
asked for. That costs two decodes and keeps memory at the frames returned, whatever the clip's length.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from t2vid_hf._optional import require
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.video.sampling import SAMPLINGS

VIDEO_SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif")


@dataclass(frozen=True)
class Frames:
    """Frames of a clip.

    Args:
        data (`np.ndarray` of shape `(n, height, width, 3)`, uint8): RGB, upright (rotation flags applied).
        timestamps (`np.ndarray` of shape `(n,)`, float64): Seconds from the start of the stream.
        total (`int`): Frames the whole clip decodes to.
    """

    data: np.ndarray
    timestamps: np.ndarray
    total: int


def read_frames(
    video: str | Path | bytes, num_frames: int, *, sampling: str = "mid_segment", name: str | None = None
) -> Frames:
    """Read frames of a video.

    Args:
        video (`str`, `Path` or `bytes`): A file, or its content.
        num_frames (`int`): How many frames to take; a shorter clip gives all it has.
        sampling (`str`): A key of `t2vid_hf.video.sampling.SAMPLINGS`.
        name (`str`, *optional*): What messages call the clip; its path by default.

    Returns:
        [`Frames`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: no such file, an empty one, no video in it, or a frame that does not decode
            (with its number).
    """
    if sampling not in SAMPLINGS:
        raise unknown("sampling", sampling, SAMPLINGS)
    label = name or ("a video given as bytes" if isinstance(video, bytes) else str(video))
    if not isinstance(video, bytes):
        path = Path(video)
        if not path.is_file():
            raise InputError(f"{label}: no such file; give a video file ({', '.join(VIDEO_SUFFIXES)})")
        if path.stat().st_size == 0:
            raise InputError(f"{label}: the file is empty; remove it or give a whole video")
    elif not video:
        raise InputError(f"{label}: it has 0 bytes; give a whole video")
    total = sum(1 for _ in _decode(video, label))
    if total == 0:
        raise InputError(f"{label}: no frame decodes; remove the file or give a whole video")
    wanted = SAMPLINGS[sampling](total, num_frames)
    chosen = set(wanted)
    frames, timestamps = [], []
    for index, frame in enumerate(_decode(video, label)):
        if index in chosen:
            frames.append(_upright(frame))
            timestamps.append(frame.time if frame.time is not None else float("nan"))
        if index == wanted[-1]:
            break
    return Frames(np.stack(frames), np.array(timestamps), total)


def _decode(video: str | Path | bytes, label: str) -> Iterator[Any]:
    av = require("av", extra="video")
    decoded = 0
    try:
        with av.open(io.BytesIO(video) if isinstance(video, bytes) else str(video)) as container:
            if not container.streams.video:
                raise InputError(f"{label}: no video stream in it; give a video file")
            stream = container.streams.best("video")
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                decoded += 1
                yield frame
    except av.FFmpegError as error:
        raise InputError(
            f"{label}: {error.strerror} after {decoded} frames; remove the file or give a whole video"
        ) from None


def _upright(frame: Any) -> np.ndarray:
    """The frame as RGB with its rotation flag applied. FFmpeg's angle is counter-clockwise, as `np.rot90` turns."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90))
