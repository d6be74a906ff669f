"""What a clip would give, without its pixels: `probe(video, 24)` tells which frames are taken, when, and how large.

It prices rows: the packets' headers are read (1 % to 5 % of the time of decoding) and the first frame is decoded, since
a container may turn its pictures or lie about their size. Only a clip whose headers do not tell its frames is decoded.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from t2vid_hf.errors import InputError
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
from t2vid_hf.video.folders import frame_files, made_at
from t2vid_hf.video.limits import Limits
from t2vid_hf.video.pictures import Timing, size_changes
from t2vid_hf.video.reading import clip_input
from t2vid_hf.video.sampling import Choose, choosing
from t2vid_hf.video.stills import open_picture, upright_size
from t2vid_hf.video.timelines import read_timeline, time_frames

_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Probe:
    """What [`~t2vid_hf.video.reading.read_frames`] would read.

    Args:
        timing ([`~t2vid_hf.video.pictures.Timing`]): The frames taken.
        height (`int`): Height of a frame, upright.
        width (`int`): Width of a frame.
    """

    timing: Timing
    height: int
    width: int


def probe(
    video: str | Path | bytes,
    num_frames: int | None = None,
    *,
    sampling: str = "mid_segment",
    fps: float = 1.0,
    limits: Limits = _DEFAULT_LIMITS,
    name: str | None = None,
    folder_fps: float | None = None,
    span: tuple[float, float] | None = None,
) -> Probe:
    """Tell what reading a clip would give.

    Args:
        video (`str`, `Path` or `bytes`): A file, its content, or a folder of frames.
        num_frames (`int`, *optional*): How many frames to take at most; `None` takes all.
        sampling (`str`, *optional*, defaults to `"mid_segment"`): Which frames are taken.
        fps (`float`, *optional*, defaults to `1.0`): Frames a second, for sampling "fps".
        limits ([`~t2vid_hf.video.limits.Limits`], *optional*, defaults to `Limits()`): What a clip may take.
        name (`str`, *optional*): What messages call the clip; `None` takes its path.
        folder_fps (`float`, *optional*): Frames a second that a folder of frames was made with; see
            [`~t2vid_hf.video.reading.read_frames`].
        span (`tuple[float, float]`, *optional*): First and last second of the part that frames are taken of; `None`
            takes the whole clip.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such clip, or no frame of it decodes.

    Example:

    ```python
    >>> import tempfile
    >>> from t2vid_hf.clips.shapes import make_clip, write_clip
    >>> from t2vid_hf.video.probing import probe
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_clip(make_clip(0), f"{folder}/clip.mp4")
    ...     found = probe(f"{folder}/clip.mp4", 4)
    >>> found.timing.seconds, found.timing.total, (found.height, found.width)
    ((0.25, 0.75, 1.125, 1.625), 16, (96, 96))

    ```
    """
    choose = choosing(num_frames, sampling=sampling, fps=fps, span=span)
    source = clip_input(video, root=None, limits=limits, threads=1, name=name)
    if isinstance(source.video, Path) and source.video.is_dir():
        return _probe_folder(source.video, choose, rate=folder_fps or made_at(source.video) or fps, label=source.label)
    try:
        with open_clip(source, quick=True) as (container, stream):
            packets, _ = scan(container, stream, source)
            _, times, end = read_timeline(packets, stream, source)
            rate = average_rate(stream)
    except Mispredicted:
        times, survey, _ = time_frames(source, processor_count())
        if not len(times):
            raise InputError(f"{source.label}: no frame decodes; remove the file or give a whole video") from None
        end, rate = float(times[-1]) + survey.frame_seconds, survey.rate
    height, width = _frame_size(source)
    return Probe(Timing.measure(times, end, indices=choose(times, end), rate=rate), height, width)


def _frame_size(source: ClipInput) -> tuple[int, int]:
    """Height and width of the first frame, upright."""
    first = next(decode_all(source, Survey(), 1), None)
    if first is None:
        raise InputError(f"{source.label}: no frame decodes; remove the file or give a whole video")
    turned = first.rotation // 90 % 2
    return (first.width, first.height) if turned else (first.height, first.width)


def _probe_folder(folder: Path, choose: Choose, *, rate: float, label: str) -> Probe:
    files = frame_files(folder)
    if not files:
        raise InputError(f"{label}: no frames in this folder; give pictures or a video")
    times, end = np.arange(len(files)) / rate, len(files) / rate
    indices = choose(times, end)
    # Of those that are taken, from their headers: another may be of another size.
    (height, width), *others = dict.fromkeys(upright_size(open_picture(files[index])) for index in indices)
    if others:
        raise size_changes(label, (height, width), others[0])
    return Probe(Timing.measure(times, end, indices=indices, rate=rate), height, width)
