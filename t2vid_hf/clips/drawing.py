"""Clips of moving shapes: what describes one, and from that its pixels and its file.

The choice: each frame is drawn four times as large and reduced, which smooths its edges, and H.264 is written with
settings that give the same bytes in every run; the price is 16 times the pixels, and larger files.
"""

import cmath
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from t2vid_hf._optional import require

SHAPES = ("circle", "square", "triangle", "star")
COLOURS = {"red": (220, 30, 30), "green": (30, 160, 50), "blue": (40, 90, 250), "yellow": (240, 200, 20)}
ACTIONS = ("moves across", "turns", "grows", "shrinks", "changes colour", "flashes", "does nothing")
PACES = ("it speeds up", "it slows down", "it keeps a steady speed", "it does not move")

# Number of corners, radius of every second one, angle of the first one
_CORNERS = {"circle": (72, 1.0, 0), "square": (4, 1.0, 45), "triangle": (3, 1.0, -90), "star": (10, 0.45, -90)}
_VECTORS = {"to the left": (-1, 0), "to the right": (1, 0), "up": (0, -1), "down": (0, 1)}


@dataclass(frozen=True)
class Actor:
    """A shape, and what it does. Lengths are parts of the frame.

    Args:
        shape (`str`): Its form, one of `SHAPES`.
        colour (`str`): Its first colour, a key of `COLOURS`.
        acts (`tuple[tuple[str, str], ...]`): What it does, in equal shares of the clip: one of `ACTIONS`, and the
            direction or the new colour, empty for the other actions.
        pace (`str`): How it moves across, one of `PACES`.
        middle (`tuple[float, float]`): Where the middle of its path is, from the left and from the top.
        travel (`float`): Length of its path.
        radii (`tuple[float, float]`): Its radius at the start, and where it grows or shrinks at the end.
    """

    shape: str
    colour: str
    acts: tuple[tuple[str, str], ...]
    pace: str
    middle: tuple[float, float]
    travel: float
    radii: tuple[float, float]


@dataclass(frozen=True)
class Question:
    """A question with options, or an open one.

    Args:
        kind (`str`): What it asks for, such as "direction"; scores are reported by it.
        question (`str`): The question, without its options.
        options (`tuple[str, ...]`): Two to four texts without letters, of which one is true; none of an open question.
        answer (`str`): The letter of the true one, "A" to "D"; of an open question the answer itself.
    """

    kind: str
    question: str
    options: tuple[str, ...]
    answer: str

    @property
    def answer_text(self) -> str:
        """The text of the right option, or the answer to an open question."""
        return self.options["ABCD".index(self.answer)] if self.options else self.answer

    @property
    def prompt(self) -> str:
        """The question and its options with their letters, a line each."""
        return "\n".join([self.question, *(f"{'ABCD'[i]}. {option}" for i, option in enumerate(self.options))])


@dataclass(frozen=True)
class Clip:
    """All that it takes to draw a clip, and what is asked about it. `dataclasses.asdict` makes it JSON-able.

    Args:
        name (`str`): Name of the clip, unique in its series.
        seed (`int`): The name of the series.
        width (`int`): Width in pixels.
        height (`int`): Height in pixels.
        fps (`int`): Frames per second.
        num_frames (`int`): Frames in the clip.
        scene (`str`): What happens, one of `t2vid_hf.clips.shapes.SCENES`.
        background (`tuple[int, int, int]`): Its colour, RGB from 0 to 255.
        actors (`tuple[Actor, ...]`): One shape or two.
        questions (`tuple[Question, ...]`): What is asked about it.
    """

    name: str
    seed: int
    width: int
    height: int
    fps: int
    num_frames: int
    scene: str
    background: tuple[int, int, int]
    actors: tuple[Actor, ...]
    questions: tuple[Question, ...]


def render_clip(clip: Clip) -> np.ndarray:
    """Draw every frame of a clip.

    Args:
        clip ([`Clip`]): The description.

    Returns:
        `np.ndarray`: RGB frames as uint8, of shape `(num_frames, height, width, 3)`.

    Example:

    ```python
    >>> from t2vid_hf.clips.shapes import make_clip, render_clip
    >>> render_clip(make_clip(0)).shape
    (16, 96, 96, 3)

    ```
    """
    frames = []
    for frame in range(clip.num_frames):
        canvas = Image.new("RGB", (4 * clip.width, 4 * clip.height), clip.background)  # reduced below: smooth edges
        for actor in clip.actors:
            _draw_actor(ImageDraw.Draw(canvas), actor, done=frame / (clip.num_frames - 1), scale=canvas.width)
        frames.append(np.asarray(canvas.reduce(4)))
    return np.stack(frames)


def write_clip(clip: Clip, path: str | os.PathLike[str]) -> None:
    """Write a clip as H.264 mp4, whole or not at all. Needs PyAV (the extra "video").

    Args:
        clip ([`Clip`]): The description.
        path (`str` or `os.PathLike`): The file to write or to replace; its folder must exist.
    """
    av = require("av", extra="video")
    temporary = Path(path).with_name(f".{Path(path).name}.{os.getpid()}.tmp")
    try:
        with av.open(str(temporary), "w", format="mp4") as container:
            # For the same bytes in every run: x264 splits the work by thread, and its look-ahead (macroblock tree, B
            # frames) was seen to decide otherwise, in one clip of a hundred, on the same pixels in the same process.
            options = {"crf": "18", "threads": "1", "x264-params": "mbtree=0:bframes=0"}
            stream = container.add_stream("libx264", rate=clip.fps, options=options)
            stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, "yuv420p"
            for image in render_clip(clip):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class _Pose(NamedTuple):
    """How an actor is at one moment; the angle is in degrees."""

    x: float
    y: float
    radius: float
    angle: float
    colour: str


def _draw_actor(draw: ImageDraw.ImageDraw, actor: Actor, *, done: float, scale: int) -> None:
    """Draw an actor as it is when the share `done` of the clip is over; `scale` is the size of the canvas."""
    pose = _pose_at(actor, done)
    if pose is None:
        return
    count, inner, first = _CORNERS[actor.shape]
    turns = [math.radians(first + pose.angle + 360 * corner / count) for corner in range(count)]
    radii = [pose.radius * (inner if corner % 2 else 1.0) for corner in range(count)]
    middle = complex(pose.x, pose.y)
    points = [middle + cmath.rect(radius, turn) for radius, turn in zip(radii, turns, strict=True)]
    draw.polygon([(scale * point.real, scale * point.imag) for point in points], fill=COLOURS[pose.colour])


def _pose_at(actor: Actor, done: float) -> _Pose | None:
    """How an actor is when the share `done` of the clip is over; `None` where it is hidden."""
    (x, y), radius, angle, colour = actor.middle, actor.radii[0], 0.0, actor.colour
    for number, (action, value) in enumerate(actor.acts):
        progress = min(max(done * len(actor.acts) - number, 0.0), 1.0)  # of this act
        if action == "moves across":
            way = {PACES[0]: progress**2, PACES[1]: 1 - (1 - progress) ** 2}.get(actor.pace, progress) - 0.5
            x, y = x + _VECTORS[value][0] * actor.travel * way, y + _VECTORS[value][1] * actor.travel * way
        elif action == "turns":  # slowly: a star looks the same after 72 degrees, so it seems to turn back after 36
            sign = 1 if value == "clockwise" else -1  # y points down
            angle = (100 if len(actor.acts) == 1 else 60) * progress * sign
        elif action in ("grows", "shrinks"):
            radius += (actor.radii[1] - actor.radii[0]) * progress
        elif action == "changes colour" and progress >= 0.5:
            colour = value  # at once: a blend would pass through other colours
        elif action == "flashes" and int(min(progress * 5, 4)) % 2:
            return None  # in the second and fourth fifth, so the first and the last frame look the same
    return _Pose(x, y, radius, angle, colour)
