"""How many frames a video holds, from its packets' headers: nothing is decoded where they tell it.

The count is that of [`~t2vid_hf.video.reading.read_frames`], at 1% to 5% of the time of a full decode; a clip whose
packets do not tell it is decoded, once. Counts of files are kept while a process runs, by path, size and time of
change, because an epoch asks for the same ones as the last.
"""

from functools import lru_cache
from pathlib import Path

from t2vid_hf.errors import InputError
from t2vid_hf.video.decoding import ClipInput, Mispredicted, open_clip, scan
from t2vid_hf.video.folders import FRAME_SUFFIXES, frame_files
from t2vid_hf.video.limits import Limits, video_path
from t2vid_hf.video.reading import read_frames
from t2vid_hf.video.timelines import read_timeline


def count_frames(video: str | Path | bytes, *, name: str | None = None) -> int:
    """Count the frames of a video.

    Args:
        video (`str`, `Path` or `bytes`): A file, its content, or a folder of frames.
        name (`str`, *optional*): What messages call the clip; `None` takes its path.

    Raises:
        [`~t2vid_hf.errors.InputError`]: nothing to read, an address, above a limit, no video in it, or damage.

    Example:

    ```python
    >>> import tempfile
    >>> from t2vid_hf.clips.shapes import make_clip, write_clip
    >>> from t2vid_hf.video.counting import count_frames
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_clip(make_clip(0), f"{folder}/clip.mp4")
    ...     count_frames(f"{folder}/clip.mp4")
    16

    ```
    """
    label = name or ("a video given as bytes" if isinstance(video, bytes) else str(video))
    if isinstance(video, bytes):
        if not video:
            raise InputError(f"{label}: it has 0 bytes; give a whole video")
        return _count(video, label)
    path = video_path(video, label=label)
    if path.is_dir():
        files = len(frame_files(path))
        if not files:
            raise InputError(f"{label}: no frames in this folder; give pictures ({', '.join(FRAME_SUFFIXES)})")
        return files
    found = path.stat()
    return _count_file(path, found.st_size, found.st_mtime_ns, label)


@lru_cache(maxsize=65_536)
def _count_file(path: Path, size: int, changed: int, label: str) -> int:
    return _count(path, label)


def _count(video: Path | bytes, label: str) -> int:
    source = ClipInput(video, label, Limits())
    try:
        with open_clip(source, quick=True) as (container, stream):
            packets, _ = scan(container, stream, source)
            return len(read_timeline(packets, stream, source)[1])
    except Mispredicted:
        pass
    return read_frames(video, 1, name=label).total
