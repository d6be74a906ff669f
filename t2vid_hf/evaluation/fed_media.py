"""What is fed of a video or picture, by decoding it before any question is asked: damage is known then, not at hour 3.

The price is that it is decoded twice: 0.07 s of CPU time for 24 frames of a short clip (the mean of 25 test files). The
digest of what is fed is of its pixels, where those are decoded anyway (1 GB/s), not of the file, of which 24 frames may
be a hundredth: it is the same on another machine, and another in a video that was replaced under its name.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.data.content_digest import digest
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.media_folder import Kind
from t2vid_hf.evaluation.thumbnails import Sheet, sheet_of
from t2vid_hf.schema import Row
from t2vid_hf.video.stills import PictureError, open_picture, picture_pixels

Span = tuple[float, float] | None


@dataclass(frozen=True)
class Fed:
    """What a model is shown of a video or picture.

    Args:
        seconds (`tuple[float, ...]`): When each frame is shown; 0 of a picture.
        height (`int`): Rows of pixels, as decoded.
        width (`int`): Columns of pixels.
        total (`int`): Frames that the whole video has.
        end (`float`): When it ends, in seconds.
        digest (`str`): A digest of the pixels.
        sheet ([`~t2vid_hf.evaluation.thumbnails.Sheet`]): Some of the frames, small.
    """

    seconds: tuple[float, ...]
    height: int
    width: int
    total: int
    end: float
    digest: str
    sheet: Sheet

    def record(self) -> dict[str, Any]:
        """What is recorded of it; the pictures are in a file of their own."""
        return {name: value for name, value in asdict(self).items() if name != "sheet"}


def feed(
    media: Iterable[tuple[Path, Span]], kind: Kind, policy: VideoPolicy, *, progress: str | None = None
) -> dict[tuple[Path, Span], Fed | str]:
    """Decode media as a policy takes them.

    Args:
        media (`Iterable[tuple[Path, tuple[float, float] | None]]`): Files or folders of frames, each with the seconds
            that are shown, `None` for all.
        kind (`str`): "video" or "image".
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): Which frames are taken.
        progress (`str`, *optional*): The name of a progress bar; `None` shows none.

    Returns:
        `dict`: what is fed of each, or why it cannot be.
    """
    found: dict[tuple[Path, Span], Fed | str] = {}
    distinct = list(dict.fromkeys(media))
    for path, span in tqdm(distinct, progress, unit=" videos", delay=1, disable=progress is None):
        try:
            found[path, span] = (
                _picture(path)
                if kind == "image"
                else feed_video(path, policy.of_row({"take_span": span}), name=path.name)
            )
        except (PictureError, InputError, OSError) as error:
            found[path, span] = " ".join(str(error).split())
    return found


def feed_video(video: str | Path | bytes, policy: VideoPolicy, *, name: str) -> Fed:
    """Decode a video as a policy takes it.

    Args:
        video (`str`, `Path` or `bytes`): The clip.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): Which frames are taken.
        name (`str`): What messages call it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it does not decode.
    """
    frames = policy.read(video, threads=0, name=name)
    timing, (_, height, width, _) = frames.timing, frames.data.shape
    shown, sheet = _digest(np.ascontiguousarray(frames.data)), sheet_of(frames.data, timing.seconds)
    return Fed(timing.seconds, height, width, timing.total, timing.total / timing.fps, shown, sheet)


def feed_videos(items: Iterable[Item], policy: VideoPolicy, *, progress: str | None = None) -> dict[str, Fed]:
    """What is fed for questions whose rows hold the videos themselves, by the questions' names.

    Args:
        items (`Iterable[Item]`): The questions; those about no video, or about several, are not looked at.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken.
        progress (`str`, *optional*): The name of a progress bar; `None` shows none.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a video does not decode.
    """
    fed: dict[Any, Fed] = {}
    found: dict[str, Fed] = {}
    alone = [item for item in items if len(item.row["videos"]) == 1 and not item.row["images"]]
    for item in tqdm(alone, progress, unit=" questions", delay=1, disable=progress is None):
        video, own = item.row["videos"][0], policy.of_row(item.row)
        clip = video["bytes"] or video["path"]
        if (clip, own) not in fed:
            fed[clip, own] = feed_video(clip, own, name=video["path"] or item.id)
        found[item.id] = fed[clip, own]
    return found


def _picture(path: Path) -> Fed:
    with open_picture(path) as image:
        pixels = picture_pixels(image)
    height, width = pixels.shape[:2]
    return Fed((0.0,), height, width, 1, 0.0, _digest(np.ascontiguousarray(pixels)), sheet_of(pixels[None], (0.0,)))


def shown_digest(row: Row) -> str:
    """A digest of what a row shows: of the bytes that it holds, or of the files that it names.

    Args:
        row ([`~t2vid_hf.schema.Row`]): The row.

    Example:

    ```python
    >>> from t2vid_hf.evaluation.fed_media import shown_digest
    >>> shown_digest({"images": [], "videos": [{"bytes": b"a clip", "path": "a.mp4"}]})
    'ea72ab2cb75da97d'

    ```
    """
    return _digest(" ".join(map(_held, [*(row["images"] or []), *(row["videos"] or [])])).encode())


def _held(medium: Any) -> str:
    if isinstance(medium, Image.Image):
        return _digest(medium.tobytes())
    if medium["bytes"] is not None:
        return _digest(medium["bytes"])
    path = Path(medium["path"])
    return digest([str(path)] if path.is_file() else sorted(map(str, path.glob("*"))))


def _digest(data: Any) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()
