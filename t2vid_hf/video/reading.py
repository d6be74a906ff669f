"""Real video to frames, with PyAV: `read_frames(path or bytes or frame folder, num_frames=24)`.

Exact, and as quick as exact can be: the frames are those of a full decode, and what no wanted frame needs is not
decoded. Containers lie about how many frames they hold (webm, mkv and fragmented mp4 declare 0), so the frames are
counted from the packets' headers (1% to 5% of the time). Where these do not tell what decodes, the clip is decoded in
full, once, and the frames are kept that are wanted if each packet is a frame; a second time if that was wrong.
`tests/benchmarks/bench_decode.py` measures it. Memory is that of the frames returned.

Damage is looked for in what is decoded: a broken packet that no wanted frame needs goes unnoticed. A file that was cut
off is damaged, whatever is taken of it ([`truncation`]).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.video.decoding import (
    ClipInput,
    Mispredicted,
    Survey,
    average_rate,
    decode_all,
    open_clip,
    processor_count,
    scan,
)
from t2vid_hf.video.folders import made_at, read_folder
from t2vid_hf.video.limits import VIDEO_SUFFIXES, Limits, video_path
from t2vid_hf.video.packet_index import PacketIndex
from t2vid_hf.video.pictures import Canvas, Converter, Frames, Sink, Timing
from t2vid_hf.video.planning import Packets, plan_decoding
from t2vid_hf.video.resizing import LARGE_PIXELS, Resize, resizing
from t2vid_hf.video.sampling import Choose, choosing
from t2vid_hf.video.segments import decode_plan, divide_work, hold_packets
from t2vid_hf.video.timelines import TakeNumbered, guess_timeline, read_timeline, time_frames

__all__ = ["VIDEO_SUFFIXES", "Frames", "Limits", "read_frames"]

ON_DAMAGE = ("error", "keep")
_DEFAULT_LIMITS = Limits()

NewCanvas = Callable[[int], Canvas]


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
    folder_fps: float | None = None,
    size: tuple[int, int] | None = None,
    resize: Resize | None = None,
    span: tuple[float, float] | None = None,
) -> Frames:
    """Read frames of a video. Of several video streams the first is read, cover pictures left aside.

    Args:
        video (`str`, `Path` or `bytes`): A file, its content, or a folder of frames (in the order of their numbers).
        num_frames (`int`, *optional*): How many frames to take at most; `None` takes all.
        sampling (`str`, *optional*, defaults to `"mid_segment"`): Which frames are taken: a key of
            `t2vid_hf.video.sampling.SAMPLINGS`, or "fps".
        fps (`float`, *optional*, defaults to `1.0`): Frames a second: what sampling "fps" takes, and what a folder of
            frames holds where nothing else tells.
        on_damage (`str`, *optional*, defaults to `"error"`): What a damaged file does: "error" raises; "keep" uses the
            frames before the damage, and those from the next key frame on, and counts the others in `Frames.lost`. A
            file that was cut off is damaged: "keep" uses what is there.
        root (`str` or `Path`, *optional*): A folder that `video` is relative to and must not lead out of, symbolic
            links followed. For names that come from a data set; `None` for anywhere.
        limits ([`~t2vid_hf.video.limits.Limits`], *optional*, defaults to `Limits()`): What a clip may take.
        threads (`int`, *optional*, defaults to `0`): Threads for decoding; 0 takes the processors there are, and 1 for
            small clips. Give 1 in workers that run side by side.
        name (`str`, *optional*): What messages call the clip; `None` takes its path.
        sink (`Callable[[int, np.ndarray], None]`, *optional*): What takes each frame with its place, so that none is
            kept. It may be called for a place again, with the frame that then counts. `None` keeps the frames in the
            result.
        folder_fps (`float`, *optional*): Frames a second that a folder of frames was made with; `None` takes what
            `t2vid frames` has written into it, or `fps`.
        size (`tuple[int, int]`, *optional*): Height and width of the frames, which are resized one by one as they are
            decoded, with Pillow's bicubic filter; `None` leaves them as they are.
        resize (`Callable[[np.ndarray], np.ndarray]`, *optional*): What resizes a frame in place of `size`: a
            processor's own arithmetic, to the bit.
        span (`tuple[float, float]`, *optional*): First and last second of the part that frames are taken of; `None`
            takes the whole clip.

    Returns:
        [`Frames`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: nothing to read, an address, outside of `root`, above a limit, no video in it,
            or damage (with the number of frames before it).

    Example:

    ```python
    >>> import tempfile
    >>> from t2vid_hf.video.reading import read_frames
    >>> from t2vid_hf.clips.shapes import make_clip, write_clip
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_clip(make_clip(0), f"{folder}/clip.mp4")
    ...     frames = read_frames("clip.mp4", 4, root=folder)
    >>> frames.data.shape, frames.timestamps.tolist(), frames.total
    ((4, 96, 96, 3), [0.25, 0.75, 1.125, 1.625], 16)

    ```
    """
    if on_damage not in ON_DAMAGE:
        raise unknown("on_damage", on_damage, ON_DAMAGE)
    choose = choosing(num_frames, sampling=sampling, fps=fps, span=span)
    resize = resizing(size, resize)
    source = clip_input(video, root=root, limits=limits, threads=threads, name=name)
    if isinstance(source.video, Path) and source.video.is_dir():
        rate = folder_fps or made_at(source.video) or fps
        within = None if root is None else Path(root)
        return read_folder(
            source.video, choose, label=source.label, limits=limits, rate=rate, root=within, on_damage=on_damage,
            sink=sink, resize=resize,
        )  # fmt: skip
    new_canvas = partial(Canvas, label=source.label, limits=limits, sink=sink, resize=resize)
    guess: list[int] = []
    try:
        with open_clip(source, quick=True) as (container, stream):
            if resize and not threads and stream.codec_context.width * stream.codec_context.height > LARGE_PIXELS:
                source = replace(source, threads=1)
            packets, held = scan(container, stream, source)
            try:
                return _read_needed(source, stream, packets, held=held, choose=choose, new_canvas=new_canvas)
            except Mispredicted:
                times, end = guess_timeline(packets, stream)
                guess = choose(times, end) if len(times) else []
                raise
    except Mispredicted:
        return _read_in_full(source, choose, new_canvas, on_damage, guess)


def clip_input(
    video: str | Path | bytes, *, root: str | Path | None, limits: Limits, threads: int, name: str | None
) -> ClipInput:
    """A clip to open, its path checked; see [`read_frames`].

    Args:
        video (`str`, `Path` or `bytes`): The clip.
        root (`str`, `Path` or `None`): A folder that it must not lead out of.
        limits ([`~t2vid_hf.video.limits.Limits`]): What it may take.
        threads (`int`): Threads for decoding.
        name (`str` or `None`): What messages call it; `None` takes its path.
    """
    label = name or ("a video given as bytes" if isinstance(video, bytes) else str(video))
    if not isinstance(video, bytes):
        return ClipInput(video_path(video, root=root, label=label), label, limits, threads)
    if not video:
        raise InputError(f"{label}: it has 0 bytes; give a whole video")
    return ClipInput(video, label, limits, threads)


def _read_needed(
    source: ClipInput,
    stream: Any,
    packets: Packets,
    *,
    held: list[Any] | PacketIndex | None,
    choose: Choose,
    new_canvas: NewCanvas,
) -> Frames:
    """Decode what the wanted frames need."""
    line, times, end = read_timeline(packets, stream, source)
    indices = choose(times, end)
    timing = Timing.measure(times, end, indices=indices, rate=average_rate(stream))
    needs = plan_decoding(packets, line.positions[indices])
    places = _places([int(line.times[index]) for index in indices])
    canvas = new_canvas(len(indices))

    def take(frame: Any, convert: Converter) -> None:
        if frame.pts in places:
            canvas.put_frame(places[frame.pts], frame, convert)

    given, sizes = hold_packets(held, needs)
    pixels = stream.codec_context.width * stream.codec_context.height
    at_once, threads = divide_work(needs, sizes, asked=source.threads, pixels=pixels)
    decode_plan(source, stream, needs, take, held=given, at_once=at_once, threads=threads)
    return Frames(canvas.data, times[indices], len(times), timing)


def _read_in_full(source: ClipInput, choose: Choose, new_canvas: NewCanvas, on_damage: str, guess: list[int]) -> Frames:
    """Decode all to count, and keep what is wanted if the guess is right; if it is wrong, decode again."""
    convert = Converter()

    def keep(indices: list[int]) -> tuple[Canvas, TakeNumbered]:
        canvas, places = new_canvas(len(indices)), _places(indices)

        def take(index: int, frame: Any) -> None:
            if index in places:
                canvas.put_frame(places[index], frame, convert)

        return canvas, take

    canvas, take = keep(guess)
    shown, survey, threads = time_frames(source, source.threads or processor_count(), take)
    if survey.cause is not None and (on_damage == "error" or not len(shown)):
        raise InputError(
            f"{source.label}: {survey.cause} after {survey.after} frames; remove the file, give a whole video, or keep "
            f"what decodes with on_damage='keep'"
        )
    if not len(shown):
        raise InputError(f"{source.label}: no frame decodes; remove the file or give a whole video")
    source.limits.check(source.label, seconds=shown[-1] - shown[0])
    end = float(shown[-1]) + survey.frame_seconds
    indices = choose(shown, end)
    if indices != guess:
        canvas, take = keep(indices)
        for index, frame in enumerate(decode_all(source, Survey(), threads)):
            take(index, frame)
            if index == indices[-1]:
                break
    there = max(survey.packets, survey.promise.expected(survey.frame_seconds))
    lost = max(there - len(shown), 0) if survey.cause else 0
    timing = Timing.measure(shown, end, indices=indices, rate=survey.rate)
    return Frames(canvas.data, shown[indices], len(shown), timing, survey.cause, lost)


def _places(keys: list[int]) -> dict[int, list[int]]:
    """For each key its places in the list."""
    places: dict[int, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return places
