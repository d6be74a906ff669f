"""A folder of frames as a clip: files in the order of the numbers in their names (frame_9 before frame_10)."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from t2vid_hf.errors import InputError
from t2vid_hf.video.limits import Limits
from t2vid_hf.video.pictures import Canvas, Frames, Sink

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts names as people count: digits by their value.

    Example:

    ```python
    >>> from t2vid_hf.video.folders import natural_key
    >>> sorted(["f_10.jpg", "f_9.jpg", "f_010b.jpg"], key=natural_key)
    ['f_9.jpg', 'f_10.jpg', 'f_010b.jpg']

    ```
    """
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name))


def frame_files(folder: Path) -> list[Path]:
    """The pictures of a frame folder, in order; hidden files are left out."""
    names = [path for path in folder.iterdir() if path.suffix.lower() in FRAME_SUFFIXES and path.name[0] != "."]
    return sorted(names, key=lambda path: (natural_key(path.name), path.name))


def read_folder(
    folder: Path,
    choose: Callable[[np.ndarray, float], list[int]],
    *,
    label: str,
    limits: Limits,
    rate: float = 1.0,
    root: Path | None = None,
    on_damage: str = "error",
    sink: Sink | None = None,
) -> Frames:
    """Read frames of a folder.

    Args:
        folder (`Path`): Pictures of one size.
        choose (`Callable`): (times, end of the last) to indices.
        label (`str`): What messages call the clip.
        limits ([`~t2vid_hf.video.limits.Limits`]): Of the clip.
        rate (`float`, *optional*, defaults to 1.0): Frames a second that the folder was made with.
        root (`Path`, *optional*): A folder that no picture may lie outside of, symbolic links followed.
        on_damage (`str`, *optional*, defaults to "error"): "keep" leaves out pictures that do not open.
        sink (`Callable`, *optional*): Takes (place, frame).
    """
    files = frame_files(folder)
    if not files:
        raise InputError(f"{label}: no frames in this folder; give pictures ({', '.join(FRAME_SUFFIXES)}) or a video")
    limits.check(label, frames=len(files))
    damaged: str | None = None
    lost = 0
    if on_damage == "keep":  # which are broken must be known before any is chosen
        opened = {path: _picture(path, label, limits, root) for path in files}
        bad = [path for path in files if isinstance(opened[path], str)]
        damaged, lost = (str(opened[bad[0]]), len(bad)) if bad else (None, 0)
        files = [path for path in files if path not in set(bad)]
        if not files:
            raise InputError(f"{label}: {damaged}; give a folder with pictures that open")
    times = np.arange(len(files)) / rate
    indices = choose(times, len(files) / rate)
    canvas = Canvas(len(indices), label, limits=limits, sink=sink)
    for place, index in enumerate(indices):
        picture = _picture(files[index], label, limits, root)
        if isinstance(picture, str):
            raise InputError(f"{label}: {picture}; remove the file, or leave it out with on_damage='keep'")
        canvas.put([place], picture)
    return Frames(canvas.data, times[indices], len(files), damaged, lost)


def _picture(path: Path, label: str, limits: Limits, root: Path | None) -> np.ndarray | str:
    """A picture as RGB, or why there is none."""
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{label}: {path.name} leads out of the folder {root}; give a file inside it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit follows
            with Image.open(path) as image:
                limits.check(label, pixels=image.width * image.height)
                return np.asarray(image.convert("RGB"))
    except InputError:
        raise
    except UnidentifiedImageError:
        return f"{path.name} is not a picture"
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"{path.name} does not open ({error})"
