"""The frames of a clip as one array, or handed on one by one: decoded pictures to upright RGB."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from t2vid_hf._optional import require
from t2vid_hf.errors import InputError
from t2vid_hf.video.decoding import av_version
from t2vid_hf.video.limits import Limits
from t2vid_hf.video.resizing import Resize
from t2vid_hf.video.sampling import has_constant_rate

Sink = Callable[[int, np.ndarray], None]


@dataclass(frozen=True)
class Timing:
    """What is told of the time of the frames taken of a clip.

    Args:
        seconds (`tuple[float, ...]`): When each frame taken is shown, from the first frame of the clip on: its number
            over the rate where the rate is constant, its own time where it varies.
        total (`int`): Frames of the whole clip.
        fps (`float`): Frames a second: the container's average where the rate is constant, frames over duration where
            it varies.
    """

    seconds: tuple[float, ...]
    total: int
    fps: float

    @classmethod
    def measure(cls, times: np.ndarray, end: float, *, indices: Sequence[int], rate: float | None) -> "Timing":
        """The timing of some frames of a clip.

        Args:
            times (`np.ndarray` of shape `(total,)`): When each frame of the clip is shown, ascending, in seconds.
            end (`float`): When the last one ends.
            indices (`Sequence[int]`): The numbers of the frames taken.
            rate (`float` or `None`): The container's average frame rate; `None` where it tells none.

        Example:

        ```python
        >>> import numpy as np
        >>> from t2vid_hf.video.pictures import Timing
        >>> Timing.measure(np.array([0.0, 0.04, 0.08, 0.12]), 0.16, indices=[0, 3], rate=25.0)
        Timing(seconds=(0.0, 0.12), total=4, fps=25.0)
        >>> Timing.measure(np.array([2.0, 2.1, 2.2, 2.3, 10.0]), 12.0, indices=[0, 4], rate=25.0)
        Timing(seconds=(0.0, 8.0), total=5, fps=0.5)

        ```
        """
        total = len(times)
        # half a frame's time: a number over the rate then names the nearest frame
        even = rate and abs(times[-1] - times[0] - (total - 1) / rate) <= 0.5 / rate
        if rate and even and has_constant_rate(times, tolerance=0.5):
            return cls(tuple(index / rate for index in indices), total, rate)
        lasts = float(end - times[0])
        shown = tuple(float(times[index] - times[0]) for index in indices)
        return cls(shown, total, total / lasts if lasts > 0 else float(rate or 1.0))


@dataclass(frozen=True)
class Frames:
    """Frames of a clip.

    Args:
        data (`np.ndarray` of shape `(n, height, width, 3)`, uint8): The frames in RGB, upright (rotation flags
            applied). With a sink it is empty.
        timestamps (`np.ndarray` of shape `(n,)`, float64): When each is shown, in seconds from the start of
            the stream.
        total (`int`): Frames the whole clip decodes to.
        timing ([`Timing`]): What is told of their time: seconds by the clip's frame rate where that is constant.
        damaged (`str`, *optional*): What is wrong with the file, where `on_damage="keep"` let it pass; `None` for a
            whole file.
        lost (`int`, *optional*, defaults to `0`): How many frames of a damaged file do not decode.
    """

    data: np.ndarray
    timestamps: np.ndarray
    total: int
    timing: "Timing"
    damaged: str | None = None
    lost: int = 0


class Converter:
    """Decoded frames to upright RGB; one for each thread, as it keeps FFmpeg's tables from frame to frame."""

    def __init__(self) -> None:
        self._reformat = require("av.video.reformatter", extra="video").VideoReformatter().reformat
        # one thread: dividing a frame of VGA size takes longer than converting it
        self._options = {"format": "rgb24"} | ({"threads": 1} if av_version() >= (17, 0) else {})

    def __call__(self, frame: Any) -> np.ndarray:
        """A PyAV frame as an array of shape `(height, width, 3)`."""
        rgb = _view(self._reformat(frame, **self._options))
        # FFmpeg's angle is counter-clockwise, as np.rot90 turns
        return np.rot90(rgb, frame.rotation // 90) if frame.rotation else rgb


def _view(rgb: Any) -> np.ndarray:
    """The pixels of a PyAV frame in RGB, where they are; the array keeps them alive."""
    plane = rgb.planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return lines[: rgb.height, : 3 * rgb.width].reshape(rgb.height, rgb.width, 3)


def size_changes(label: str, before: tuple[int, ...], after: tuple[int, ...]) -> InputError:
    """The error about a clip whose frames are of several sizes.

    Args:
        label (`str`): What it calls the clip.
        before (`tuple[int, int]`): Height and width of a frame.
        after (`tuple[int, int]`): Those of another.
    """
    return InputError(
        f"{label}: the picture's size changes from {before[1]} x {before[0]} to {after[1]} x {after[0]} pixels; give "
        f"clips of one size each"
    )


class Canvas:
    """Where the frames of a clip are put: an array of all, or a sink that takes each with its place.

    Args:
        size (`int`): How many frames there will be.
        label (`str`): What messages call the clip.
        limits ([`~t2vid_hf.video.limits.Limits`]): What the clip may take.
        sink (`Callable[[int, np.ndarray], None]`, *optional*): What takes each frame with its place, and none is kept
            here; `None` keeps them all in `data`.
        resize (`Callable[[np.ndarray], np.ndarray]`, *optional*): What each picture goes through first; `None` leaves
            it as it is.
    """

    def __init__(
        self, size: int, label: str, *, limits: Limits, sink: Sink | None = None, resize: Resize | None = None
    ) -> None:
        self.data = np.empty((0, 0, 0, 3), np.uint8)
        self._size, self._label, self._limits, self._sink, self._resize = size, label, limits, sink, resize
        self._shape: tuple[int, ...] | None = None
        self._lock = threading.Lock()

    def put_frame(self, places: Iterable[int], frame: Any, convert: "Converter") -> None:
        """Put a PyAV frame. Threads may put theirs at the same time.

        Args:
            places (`Iterable[int]`): Where it stands among the frames; several where it is taken more than once.
            frame (`av.VideoFrame`): The frame.
            convert ([`Converter`]): The converter of the thread.
        """
        self._limits.check(self._label, pixels=frame.width * frame.height)
        self.put(places, convert(frame))

    def put(self, places: Iterable[int], picture: np.ndarray) -> None:
        """Put a picture.

        Args:
            places (`Iterable[int]`): Where it stands among the frames.
            picture (`np.ndarray` of shape `(height, width, 3)`, uint8): The picture in RGB.
        """
        shape = picture.shape
        if self._resize is not None:
            picture = self._resize(picture)
        with self._lock:
            self._put(places, picture, shape)

    def _put(self, places: Iterable[int], picture: np.ndarray, shape: tuple[int, ...]) -> None:
        if self._shape != shape:
            if self._shape is not None:
                raise size_changes(self._label, self._shape, shape)
            self._shape = shape
            if self._sink is None:
                self._limits.check(self._label, bytes=self._size * picture.size)
            self.data = np.empty((0 if self._sink else self._size, *picture.shape), np.uint8)
        for place in places:
            if self._sink is not None:
                self._sink(place, np.ascontiguousarray(picture))
            elif picture.strides[1:] == (3, 1):
                self.data[place] = picture
            else:  # turned: NumPy copies three long columns four times as fast as many pixels of three bytes
                for channel in range(3):
                    self.data[place, ..., channel] = picture[..., channel]
