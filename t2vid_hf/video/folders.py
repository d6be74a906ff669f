"""A folder of frames as a clip: files in the order of the numbers in their names (frame_9 before frame_10)."""

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.video.limits import Limits
from t2vid_hf.video.pictures import Canvas, Frames, Sink, Timing
from t2vid_hf.video.resizing import Resize
from t2vid_hf.video.stills import PictureError, open_picture, picture_pixels

MANIFEST = "frames.json"
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


def made_at(folder: Path) -> float | None:
    """Frames a second that `t2vid frames` made a folder with; `None` for a folder of another make."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return None
    told = json.loads(manifest.read_text("utf-8"))
    return float(told["fps"]) if isinstance(told, dict) and told.get("fps") else None


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
    resize: Resize | None = None,
) -> Frames:
    """Read frames of a folder.

    Args:
        folder (`Path`): A folder of pictures of one size.
        choose (`Callable[[np.ndarray, float], list[int]]`): The frames' times and the end of the last, in seconds ->
            the indices of those to read.
        label (`str`): What messages call the clip.
        limits ([`~t2vid_hf.video.limits.Limits`]): What the clip may take.
        rate (`float`, *optional*, defaults to `1.0`): Frames a second that the folder was made with.
        root (`Path`, *optional*): A folder that no picture may lie outside of, symbolic links followed; `None` for
            anywhere.
        on_damage (`str`, *optional*, defaults to `"error"`): What a picture that does not open does: "error" raises,
            "keep" leaves it out.
        sink (`Callable[[int, np.ndarray], None]`, *optional*): What takes each frame with its place, so that none is
            kept; `None` keeps the frames in the result.
        resize (`Callable[[np.ndarray], np.ndarray]`, *optional*): What each frame goes through; `None` leaves it as
            it is.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no picture, one that does not open, one outside of `root`, or above a limit.
    """
    files = frame_files(folder)
    if not files:
        raise InputError(f"{label}: no frames in this folder; give pictures ({', '.join(FRAME_SUFFIXES)}) or a video")
    limits.check(label, frames=len(files))
    problems: dict[Path, str] = {}
    if on_damage == "keep":  # which are broken must be known before any is chosen
        pictures = ((path, _open_picture(path, label, limits, root)) for path in files)
        problems = {path: picture for path, picture in pictures if isinstance(picture, str)}
        files = [path for path in files if path not in problems]
    damaged = next(iter(problems.values()), None)
    if not files:
        raise InputError(f"{label}: {damaged}; give a folder with pictures that open")
    times = np.arange(len(files)) / rate
    indices = choose(times, len(files) / rate)
    canvas = Canvas(len(indices), label, limits=limits, sink=sink, resize=resize)
    for place, index in enumerate(indices):
        picture = _open_picture(files[index], label, limits, root)
        if isinstance(picture, str):
            raise InputError(f"{label}: {picture}; remove the file, or leave it out with on_damage='keep'")
        canvas.put([place], picture)
    timing = Timing.measure(times, len(files) / rate, indices=indices, rate=rate)
    return Frames(canvas.data, times[indices], len(files), timing, damaged, lost=len(problems))


def _open_picture(path: Path, label: str, limits: Limits, root: Path | None) -> np.ndarray | str:
    """A picture as RGB, or why there is none."""
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise InputError(f"{label}: {path.name} leads out of the folder {root}; give a file inside it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit follows
            with open_picture(path) as image:
                limits.check(label, pixels=image.width * image.height)
                pixels = picture_pixels(image)
    except PictureError as error:
        return f"{path.name} {error}"
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)
