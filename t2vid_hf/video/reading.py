"""Real video to frames, with PyAV: `read_frames(path or bytes or frame folder, num_frames=24)`.

Exact, and as quick as exact can be: the frames are those of a full decode, and what no wanted frame needs is not
decoded. Containers lie about how many frames they hold (webm, mkv and fragmented mp4 declare 0), so the frames are
counted from the packets' headers (1% to 5% of the time), and where what decodes is not what was counted, the clip is
decoded in full, twice. `tests/benchmarks/bench_decode.py` measures both. Memory is that of the frames returned.

Damage is looked for in what is decoded: a broken packet that no wanted frame needs goes unnoticed.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.video.decoding import Mispredicted, Source, Survey, all_frames, opened, processors, scan
from t2vid_hf.video.folders import read_folder
from t2vid_hf.video.limits import VIDEO_SUFFIXES, Limits, video_path
from t2vid_hf.video.pictures import Canvas, Converter, Frames, Sink
from t2vid_hf.video.planning import plan, timeline
from t2vid_hf.video.sampling import SAMPLINGS, chosen
from t2vid_hf.video.segments import decode_plan, division

__all__ = ["VIDEO_SUFFIXES", "Frames", "Limits", "read_frames"]

ON_DAMAGE = ("error", "keep")
_DEFAULT_LIMITS = Limits()

Choose = Callable[[np.ndarray, float], list[int]]


def read_frames(
    video: str | Path | bytes,
    num_frames: int | None = None,
    *,
    sampling: str = "mid_segment",
    fps: float = 1.0,
    on_damage: str = "error",
    root: str | Path | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    threads: int = 0,
    name: str | None = None,
    sink: Sink | None = None,
) -> Frames:
    """Read frames of a video. Of several video streams the first is read, cover pictures left aside.

    Args:
        video (`str`, `Path` or `bytes`): A file, its content, or a folder of frames (in the order of their numbers).
        num_frames (`int`, *optional*): How many frames to take at most; all by default.
        sampling (`str`): A key of `t2vid_hf.video.sampling.SAMPLINGS`, or "fps".
        fps (`float`, *optional*, defaults to 1.0): Frames a second: what sampling "fps" takes, and what a frame folder
            holds.
        on_damage (`str`, *optional*, defaults to "error"): "keep" uses the frames before the damage, and those from
            the next key frame on, and counts the others in `Frames.lost`.
        root (`str` or `Path`, *optional*): A folder that `video` is relative to and must not lead out of, symbolic
            links followed. For names that come from a data set.
        limits ([`~t2vid_hf.video.limits.Limits`], *optional*): What a clip may take.
        threads (`int`, *optional*, defaults to 0): For decoding; 0 takes the processors there are, and 1 for small
            clips. Give 1 in workers that run side by side.
        name (`str`, *optional*): What messages call the clip; its path by default.
        sink (`Callable[[int, np.ndarray], None]`, *optional*): Takes each frame with its place, so that none is kept.
            It may be called for a place again, with the frame that then counts.

    Returns:
        [`Frames`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: nothing to read, an address, outside of `root`, above a limit, no video in it,
            or damage (with the number of frames before it).

    Example:

    ```python
    >>> import tempfile
    >>> from t2vid_hf.video.reading import read_frames
    >>> from t2vid_hf.video.shapes import make_clip, write_clip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_clip(make_clip(0), f"{folder}/clip.mp4")
    ...     frames = read_frames("clip.mp4", 4, root=folder)
    >>> frames.data.shape, frames.timestamps.tolist(), frames.total
    ((4, 96, 96, 3), [0.25, 0.75, 1.125, 1.625], 16)

    ```
    """
    if sampling != "fps" and sampling not in SAMPLINGS:
        raise unknown("sampling", sampling, [*SAMPLINGS, "fps"])
    if on_damage not in ON_DAMAGE:
        raise unknown("on_damage", on_damage, ON_DAMAGE)
    label = name or ("a video given as bytes" if isinstance(video, bytes) else str(video))
    if isinstance(video, bytes):
        if not video:
            raise InputError(f"{label}: it has 0 bytes; give a whole video")
        source = Source(video, label, limits, threads)
    else:
        source = Source(video_path(video, root=root, label=label), label, limits, threads)
    choose = partial(chosen, sampling=sampling, num_frames=num_frames, rate=fps)
    if isinstance(source.video, Path) and source.video.is_dir():
        within = None if root is None else Path(root)
        return read_folder(
            source.video, choose, label=label, limits=limits, rate=fps, root=within, on_damage=on_damage, sink=sink
        )
    try:
        return _needed(source, choose, sink)
    except Mispredicted:
        return _in_full(source, choose, sink, on_damage)


def _needed(source: Source, choose: Choose, sink: Sink | None) -> Frames:
    """Decode what the wanted frames need."""
    with opened(source, quick=True) as (container, stream):
        packets, held = scan(container, stream, source)
        line = timeline(packets)
        if line is None:
            raise Mispredicted
        unit = stream.time_base
        times = line.times * unit.numerator / unit.denominator
        length = packets.duration * unit.numerator / unit.denominator or _mean_gap(times)
        source.limits.check(source.label, seconds=times[-1] - times[0])
        indices = choose(times, times[-1] + length)
        needs = plan(packets, line.positions[indices])
        places = _places([int(line.times[index]) for index in indices])
        canvas = Canvas(len(indices), source.label, limits=source.limits, sink=sink)

        def take(frame: Any, convert: Converter) -> None:
            if frame.pts in places:
                canvas.put_frame(places[frame.pts], frame, convert)

        sizes = None if held is None else np.array([packet.size for packet in held])
        pixels = stream.codec_context.width * stream.codec_context.height
        at_once, threads = division(needs, sizes, asked=source.threads, pixels=pixels)
        decode_plan(source, stream, needs, take, held=held, at_once=at_once, threads=threads)
    return Frames(canvas.data, times[indices], len(times))


def _in_full(source: Source, choose: Choose, sink: Sink | None, on_damage: str) -> Frames:
    """Decode all to count, and again to convert the wanted frames: no memory for the frames between."""
    threads = source.threads or processors()
    survey = Survey()
    times = [frame.time for frame in all_frames(source, survey, threads)]
    if survey.cause is not None and threads > 1:
        threads, survey = 1, Survey()
        times = [frame.time for frame in all_frames(source, survey, threads)]
    if survey.cause is not None and (on_damage == "error" or not times):
        raise InputError(
            f"{source.label}: {survey.cause} after {survey.after} frames; remove the file, give a whole video, or keep "
            f"what decodes with on_damage='keep'"
        )
    if not times:
        raise InputError(f"{source.label}: no frame decodes; remove the file or give a whole video")
    if any(time is None for time in times):
        shown = np.arange(len(times)) * survey.frame_seconds
    else:
        shown = np.array(times, float)
    ascending = np.maximum.accumulate(shown)
    source.limits.check(source.label, seconds=ascending[-1] - ascending[0])
    indices = choose(ascending, float(ascending[-1]) + survey.frame_seconds)
    places = _places(indices)
    canvas = Canvas(len(indices), source.label, limits=source.limits, sink=sink)
    convert = Converter()
    for index, frame in enumerate(all_frames(source, Survey(), threads)):
        if index in places:
            canvas.put_frame(places[index], frame, convert)
        if index == indices[-1]:
            break
    lost = max(survey.packets - len(times), survey.declared - len(times), 0) if survey.cause else 0
    return Frames(canvas.data, shown[indices], len(times), survey.cause, lost)


def _places(keys: list[int]) -> dict[int, list[int]]:
    """Of each key, its places in the list."""
    places: dict[int, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return places


def _mean_gap(times: np.ndarray) -> float:
    return float(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
