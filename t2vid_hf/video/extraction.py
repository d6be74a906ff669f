"""Videos to folders of frames, the paper's preprocessing: one frame a second, decoded once and read many times since.

A folder is there whole or not at all: it is written under another name and renamed, so a run that was stopped is
resumed by starting it again. `frames.json` in it says what it was made with. Frames go to disk one by one, so memory
does not grow with the video. Unlike the original (`ffmpeg -vf fps=1 .../frame_%04d.png`) frames are JPEG of quality 95
by default, a fifth to a third of the bytes, and the names of two videos that differ in their suffix do not collide.
"""

import json
import os
import shutil
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.video.folders import MANIFEST
from t2vid_hf.video.limits import VIDEO_SUFFIXES
from t2vid_hf.video.reading import read_frames

SUFFIXES = ("jpg", "png")
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Extraction:
    """What became of a video.

    Args:
        video (`str`): Path of the video below the folder of videos.
        status (`str`): What became of it: "made", "kept" (from before) or "failed".
        frames (`int`, *optional*, defaults to `0`): Frames in the folder.
        reason (`str`, *optional*, defaults to `""`): Why it failed, or what is wrong with the file of a folder that was
            made all the same.
    """

    video: str
    status: str
    frames: int = 0
    reason: str = ""


def find_videos(folder: Path) -> list[Path]:
    """The videos in a folder and the folders in it, sorted; hidden ones are left out."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give a folder of videos ({', '.join(VIDEO_SUFFIXES)})")
    found = [path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()]
    shown = [path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts)]
    if not shown:
        raise InputError(f"{folder}: no video in it; known suffixes: {', '.join(VIDEO_SUFFIXES)}")
    return sorted(shown)


def folder_names(videos: Iterable[str]) -> dict[str, str]:
    """For each video's path the path of its folder: without the suffix, unless two videos differ in nothing else.

    Args:
        videos (`Iterable[str]`): Paths of the videos below their folder.

    Example:

    ```python
    >>> from t2vid_hf.video.extraction import folder_names
    >>> folder_names(["a/clip.mp4", "b/clip.mp4", "b/clip.webm"])
    {'a/clip.mp4': 'a/clip', 'b/clip.mp4': 'b/clip.mp4', 'b/clip.webm': 'b/clip.webm'}

    ```
    """
    names = {video: Path(video).with_suffix("").as_posix() for video in videos}
    taken = Counter(names.values())
    return {video: name if taken[name] == 1 else video for video, name in names.items()}


def extract(
    video: Path, target: Path, *, name: str, fps: float = 1.0, suffix: str = "jpg", on_damage: str = "error"
) -> Extraction:
    """Write a video's frames to a folder, unless it is there.

    Args:
        video (`Path`): The video.
        target (`Path`): The folder, with the files frame_00001.jpg, frame_00002.jpg, ... and frames.json.
        name (`str`): What the result calls the video.
        fps (`float`, *optional*, defaults to `1.0`): Frames a second.
        suffix (`str`, *optional*, defaults to `"jpg"`): Format of the frames: "jpg" or "png".
        on_damage (`str`, *optional*, defaults to `"error"`): What a damaged file does: "error" makes no folder, "keep"
            uses what decodes ([`~t2vid_hf.video.reading.read_frames`]).

    Returns:
        [`Extraction`]
    """
    made_with = {"fps": fps, "suffix": suffix}
    if target.is_dir():
        return _check_kept(target, name, made_with)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_over(target)
    temporary = target.with_name(f".{target.name}.{socket.gethostname()}.{os.getpid()}.tmp")
    temporary.mkdir()

    def save(place: int, frame: np.ndarray) -> None:
        Image.fromarray(frame).save(temporary / f"frame_{place + 1:05d}.{suffix}", quality=JPEG_QUALITY)

    try:
        # one thread: videos are read side by side
        frames = read_frames(video, sampling="fps", fps=fps, on_damage=on_damage, threads=1, name=name, sink=save)
        count = len(frames.timestamps)
        for extra in sorted(temporary.iterdir())[count:]:  # of a first reading that did not count
            extra.unlink()
        manifest = {"video": name, **made_with, "frames": count, "total": frames.total, "damaged": frames.damaged}
        manifest |= {"lost": frames.lost, "timestamps": [round(float(time), 6) for time in frames.timestamps]}
        (temporary / MANIFEST).write_text(json.dumps(manifest) + "\n", encoding="utf-8")
        if target.is_dir():  # another run was quicker
            return _check_kept(target, name, made_with)
        temporary.rename(target)
        return Extraction(name, "made", count, f"{frames.damaged}; {frames.lost} frames lost" if frames.damaged else "")
    except InputError as error:
        return Extraction(name, "failed", 0, str(error).removeprefix(f"{name}: "))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_kept(target: Path, name: str, made_with: dict[str, object]) -> Extraction:
    """A folder that is there already is kept where it was made in the same way, and else left alone."""
    try:
        manifest = json.loads((target / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return Extraction(name, "failed", 0, f"{target} is there without a {MANIFEST}: not ours; remove or rename it")
    differing = {key: manifest.get(key) for key in made_with if manifest.get(key) != made_with[key]}
    if differing:
        was = ", ".join(f"{key}={value}" for key, value in differing.items())
        return Extraction(name, "failed", 0, f"{target} was made with {was}; remove it or write to another folder")
    return Extraction(name, "kept", int(manifest.get("frames", 0)))


def _remove_left_over(target: Path) -> None:
    """Remove what runs on this machine that were killed left of this folder."""
    prefix = f".{target.name}.{socket.gethostname()}."
    for path in target.parent.iterdir():
        process = path.name.removeprefix(prefix).removesuffix(".tmp")
        if path.name.startswith(prefix) and path.name.endswith(".tmp") and process.isdecimal():
            if int(process) == os.getpid() or not _is_running(int(process)):
                shutil.rmtree(path, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
