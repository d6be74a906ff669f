"""How the videos of a run are taken: as frames or natively, and which frames of them. A row may say otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.parts import VideoWay, check_video
from t2vid_hf.models import Adapter
from t2vid_hf.models.trained_with import recorded
from t2vid_hf.video.folders import made_at
from t2vid_hf.video.probing import Probe, probe
from t2vid_hf.video.reading import Frames, read_frames
from t2vid_hf.video.resizing import Resize

NUM_FRAMES = 24
"""Frames of a video, where nothing is said: the paper's."""
PAPER_FPS = 1.0
"""Frames a second of a folder of frames that does not say: the paper's preprocessing."""


@dataclass(frozen=True)
class VideoPolicy:
    """How a video is taken: by `num_frames`, or by `fps` with `max_frames`.

    Args:
        video (`str`, *optional*): `"as_frames"` or `"native"`; `None` is `"native"` where the family takes video, see
            [`~VideoPolicy.settled`].
        num_frames (`int`, *optional*): How many frames, at most; `None` takes 24 where there is no `fps`.
        fps (`float`, *optional*): Frames a second.
        max_frames (`int`, *optional*): The most of them; needed with `fps`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown way, both ways of counting, `fps` without `max_frames` or
            `max_frames` without `fps`, or a number that is not above 0.

    Example:

    ```python
    >>> from t2vid_hf.batches.video_policy import VideoPolicy
    >>> VideoPolicy("native").of_row({"take_fps": 2.0, "take_frames": 64})
    VideoPolicy(video='native', num_frames=None, fps=2.0, max_frames=64)
    >>> str(VideoPolicy("as_frames", num_frames=8)), str(VideoPolicy("native", fps=2.0, max_frames=64))
    ('8 frames, one image each', 'a video of 2 frames a second, 64 at the most')

    ```
    """

    video: VideoWay | None = None
    num_frames: int | None = None
    fps: float | None = None
    max_frames: int | None = None

    def __post_init__(self) -> None:
        check_video(self.video, num_frames=self.num_frames, fps=self.fps, max_frames=self.max_frames)

    @property
    def most(self) -> int:
        """The most frames that are taken of a video."""
        return self.max_frames or self.num_frames or NUM_FRAMES

    def __str__(self) -> str:
        """How a clip is given, in words, for cards and reports."""
        frames = f"{self.most} frames" if self.fps is None else f"{self.fps:g} frames a second, {self.most} at the most"
        return f"a video of {frames}" if self.video == "native" else f"{frames}, one image each"

    def settled(self, adapter: Adapter) -> "VideoPolicy":
        """The policy for a family: where nothing is said, natively if it has video, because so its users ask.

        Args:
            adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        """
        return self if self.video else replace(self, video="native" if adapter.takes_video else "as_frames")

    def of_row(self, row: Mapping[str, Any]) -> "VideoPolicy":
        """The policy of a row, which may have its own `take_video`, `take_fps` and `take_frames`.

        Args:
            row (`Mapping[str, Any]`): The row.
        """
        way = row.get("take_video") or self.video
        fps, most = row.get("take_fps"), row.get("take_frames")
        fps = self.fps if fps is None else fps or None
        if fps is None:
            return replace(self, video=way, fps=None, max_frames=None, num_frames=most or self.num_frames)
        return replace(self, video=way, fps=fps, max_frames=most or self.most, num_frames=None)

    def read(self, video: str | Path | bytes, *, threads: int, name: str, resize: Resize | None = None) -> Frames:
        """Read the frames of a video; see [`~t2vid_hf.video.reading.read_frames`].

        Args:
            video (`str`, `Path` or `bytes`): The clip.
            threads (`int`): Threads for decoding.
            name (`str`): What messages call it.
            resize (`Callable[[np.ndarray], np.ndarray]`, *optional*): What each frame goes through.
        """
        return read_frames(video, self.most, threads=threads, name=name, resize=resize, **self._sampling(video))

    def probe(self, video: str | Path | bytes, *, name: str) -> Probe:
        """What `read` would give, without pixels; see [`~t2vid_hf.video.probing.probe`].

        Args:
            video (`str`, `Path` or `bytes`): The clip.
            name (`str`): What messages call it.
        """
        return probe(video, self.most, name=name, **self._sampling(video))

    def _sampling(self, video: str | Path | bytes) -> dict[str, Any]:
        rate = None
        if not isinstance(video, bytes) and Path(video).is_dir():
            rate = made_at(Path(video)) or PAPER_FPS
        by_rate = {} if self.fps is None else {"sampling": "fps", "fps": self.fps}
        return {"folder_fps": rate, **by_rate}


def policy_of(adapter: Adapter, policy: VideoPolicy | None, num_frames: int | None) -> VideoPolicy:
    """The policy that is meant, for a family: one, or a number of frames for short.

    Args:
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        policy ([`VideoPolicy`] or `None`): The policy.
        num_frames (`int` or `None`): How many frames, in place of a policy.

    Raises:
        [`~t2vid_hf.errors.InputError`]: both are given.
    """
    if policy is not None and num_frames is not None:
        raise InputError(f"policy and num_frames={num_frames}: give one of them; a policy has its own num_frames")
    return (policy or VideoPolicy(num_frames=num_frames)).settled(adapter)


def trained_policy(
    processor: Any,
    adapter: Adapter,
    *,
    video: Any = None,
    num_frames: int | None = None,
    fps: float | None = None,
    max_frames: int | None = None,
) -> VideoPolicy:
    """How a checkpoint's videos are taken: as it was trained, but for what is given.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The checkpoint's processor.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of its family.
        video (`Any`, *optional*): "as_frames" or "native".
        num_frames (`int`, *optional*): How many frames.
        fps (`float`, *optional*): Frames a second, with `max_frames`.
        max_frames (`int`, *optional*): The most of them.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it was trained with video in several ways and none is chosen, or what is given
            contradicts itself.
    """
    ways = recorded(processor).get("videos") or [{}]
    counted = num_frames is not None or fps is not None or max_frames is not None
    if len(ways) > 1 and not (video and counted):
        told = "; ".join(", ".join(f"{name}={value}" for name, value in way.items() if value) for way in ways)
        raise InputError(
            f"the checkpoint was trained with video in {len(ways)} ways ({told}): say which, with video and "
            f"num_frames, or fps and max_frames"
        )
    way = ways[0] if len(ways) == 1 else {}
    by: dict[str, Any] = {"num_frames": num_frames, "fps": fps, "max_frames": max_frames}
    if not counted:
        by = {name: way.get(name) for name in by}
    return VideoPolicy(video or way.get("video"), **by).settled(adapter)
