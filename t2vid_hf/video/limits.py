"""What a video may be: a plain file inside its folder, and of a size that a machine survives.

Data sets name their videos, and data sets come from strangers: a name like "../../etc/passwd", an address, or a
kilobyte that unpacks to a terabyte must be refused before FFmpeg sees it. FFmpeg itself takes far more for a file name
than a file ("concat:a|b", "rtmp:...", playlists that fetch addresses), so it is only ever given absolute paths behind
"file:", one protocol and the containers of [`CONTAINERS`].
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from t2vid_hf.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif")

# Names of FFmpeg's demuxers. None of them opens other files: no playlists (hls, dash, concat), no image patterns.
CONTAINERS = "mov,mp4,matroska,webm,avi,gif,apng,mpegts,mpeg,flv,ogg,asf,ivf,h264,hevc,m4v,mjpeg"

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.,-]+:")  # two letters or more: "c:" is a Windows drive


@dataclass(frozen=True)
class Limits:
    """What a video may take; more is an error. The defaults let pass 8K video, half a day and 4 GB of frames.

    Args:
        max_pixels (`int`, *optional*, defaults to `2**25`): The most pixels of a frame.
        max_frames (`int`, *optional*, defaults to `2_000_000`): The most frames of the whole clip.
        max_seconds (`float`, *optional*, defaults to `43_200.0`): The longest that the whole clip may last.
        max_bytes (`int`, *optional*, defaults to `2**32`): The most bytes of the frames returned.
    """

    max_pixels: int = 2**25
    max_frames: int = 2_000_000
    max_seconds: float = 43_200.0
    max_bytes: int = 2**32

    def check(self, label: str, **given: float) -> None:
        """Raise where a number is above its limit.

        Args:
            label (`str`): What the message calls the clip.
            **given (`float`): Numbers by what they count: "pixels", "frames", "seconds", "bytes".

        Example:

        ```python
        >>> from t2vid_hf.video.limits import Limits
        >>> Limits(max_pixels=100).check("a.mp4", pixels=64)

        ```
        """
        allowed = {"pixels": self.max_pixels, "frames": self.max_frames, "seconds": self.max_seconds}
        for unit, number in given.items():
            most = {**allowed, "bytes": self.max_bytes}[unit]
            if number > most:
                what = {"pixels": " a frame", "bytes": " of frames"}.get(unit, "")
                raise InputError(
                    f"{label}: {number:,.0f} {unit}{what}, and at most {most:,.0f} are read; "
                    f"give a smaller video or limits=Limits(max_{unit}=...)"
                )


def video_path(video: str | Path, *, root: str | Path | None = None, label: str | None = None) -> Path:
    """The file or folder that a name stands for, checked.

    Args:
        video (`str` or `Path`): The name; relative to `root` where that is given.
        root (`str` or `Path`, *optional*): A folder that the name must not lead out of, symbolic links followed; `None`
            for anywhere.
        label (`str`, *optional*): What messages call the clip; `None` takes the name.

    Returns:
        `Path`: absolute; a file that is not empty, or a folder.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an address, outside of `root`, nothing there, an empty file, a device.

    Example:

    ```python
    >>> from t2vid_hf.video.limits import video_path
    >>> video_path("../../etc/passwd", root="videos")
    Traceback (most recent call last):
    ...
    t2vid_hf.errors.InputError: ../../etc/passwd: it leads out of the folder videos; give a path inside it

    ```
    """
    label = label or str(video)
    try:
        path = Path(os.path.abspath(video)) if root is None else Path(root, video).resolve()
        if root is not None and not path.is_relative_to(Path(root).resolve()):
            raise InputError(f"{label}: it leads out of the folder {root}; give a path inside it")
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            return path
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{label}: it is neither a file nor a folder; give a video file")
        if found.st_size == 0:
            raise InputError(f"{label}: the file is empty; remove it or give a whole video")
        return path
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, RuntimeError) as error:  # a loop of links, a name too long, no permission
        raise InputError(f"{label}: {error}; give a file that can be read") from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{label!r}: no such file; a name holds no zero byte") from None
    if _ADDRESS.match(str(video)):
        raise InputError(f"{label}: it looks like an address, and only files are read; download it first")
    raise InputError(f"{label}: no such file; give a video file ({', '.join(VIDEO_SUFFIXES)}) or a folder of frames")
