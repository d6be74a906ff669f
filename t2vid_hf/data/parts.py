"""One part of a mixture, and the paper's mixtures by name."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from t2vid_hf.data.conversion import inside
from t2vid_hf.data.filters import FilterPreset
from t2vid_hf.data.normalise import normalise
from t2vid_hf.data.packing import OVER_LIMIT, OverLimit
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import Row

PAPER_FRAMES = 24  # of a video in training; arXiv 2411.19951 and its code, for both models


@dataclass(frozen=True)
class Part:
    """One data set of a mixture.

    Args:
        path (`str`): A folder that holds a data set, or its name on the Hub.
        name (`str`, *optional*): The config.
        split (`str`): The split.
        revision (`str`, *optional*): On the Hub.
        share (`float`, *optional*): Relative to the shares of the other parts; as many rows are drawn as the shares
            allow. The paper's is 2 (video) to 1 (synthetic).
        count (`int`, *optional*): Exactly this many rows. Give `share` or `count`, the same for all parts.
        frames (`int`, *optional*): Frames to take of each video of this part; `None` leaves it to the trainer. Pages
            are never thinned: losing a page loses text.
        max_frames (`int`, *optional*): Rows with more pages are dropped. Real video is thinned instead, and has no
            such limit.
        filter (`str`, *optional*): A key of `t2vid_hf.data.filters.PRESETS`: the filters of a published data set.
        media_root (`str`, *optional*): The folder that videos are below, where rows hold their paths and not their
            bytes; `path` by default. A path that leaves it is refused.
        over_limit (`str`): What becomes of a row above the trainer's `max_length`: `"error"`; `"drop"`, counted;
            `"thin"`: its video takes fewer frames. Pages are never thinned.
    """

    path: str
    name: str | None = None
    split: str = "train"
    revision: str | None = None
    share: float | None = None
    count: int | None = None
    frames: int | None = None
    max_frames: int | None = None
    filter: str | None = None
    media_root: str | None = None
    over_limit: OverLimit = "error"

    @classmethod
    def from_dict(cls, given: Any) -> "Part":
        """A part from a YAML mapping; an unknown key is an error."""
        if not isinstance(given, dict) or "path" not in given:
            raise InputError(f"a part of a mixture must be a mapping with at least 'path', not {given!r}")
        known = {item.name for item in fields(cls)}
        for key in given:
            if key not in known:
                raise unknown("key of a mixture's part", key, known)
        return cls(**given)

    def __post_init__(self) -> None:
        if (self.share is None) == (self.count is None):
            raise InputError(f"part '{self.label}': give either share or count")
        if (self.share is not None and self.share <= 0) or (self.count is not None and self.count <= 0):
            raise InputError(f"part '{self.label}': share and count must be above 0; leave the part out instead")
        if self.frames is not None and self.frames < 1:
            raise InputError(f"part '{self.label}': frames={self.frames}; give at least 1, or null")
        if self.filter is not None:
            FilterPreset.named(self.filter)  # an unknown one ends here
        if self.over_limit not in OVER_LIMIT:
            raise unknown("policy over_limit", self.over_limit, OVER_LIMIT)

    @property
    def label(self) -> str:
        """The part's data set and config, for tables."""
        return f"{self.path}:{self.name}" if self.name else self.path

    def row(self, given: Mapping[str, Any], index: int, *, take_frames: int | None) -> Row:
        """A row of the part as the trainer takes it: our columns, its videos below the root, its frames to take.

        Raises:
            [`~t2vid_hf.errors.InputError`]: see [`~t2vid_hf.data.normalise.normalise`]; a video's path leaves the
                root.
        """
        row = normalise(given, source=self.label, index=index)
        root = Path(self.media_root or self.path)
        videos = [
            video if video["bytes"] is not None else {**video, "path": str(inside(video["path"], root))}
            for video in row["videos"]
        ]
        return {**row, "videos": videos, "take_frames": take_frames}


def _video(source: str, count: int) -> Part:
    return Part(path=source, count=count, frames=PAPER_FRAMES, over_limit="thin")


def _text(source: str, count: int) -> Part:
    return Part(path=source, count=count, over_limit="drop")


# 30K: the model cards of xjtupanda/*-30K-mix-finetune. 2 : 1 holds at every scale, but how the larger mixtures divide
# their synthetic third among the sources is not published: an even split is ours.
MIXTURES: dict[str, tuple[Part, ...]] = {
    "t2vid_30k": (
        _video("video_chatgpt", 10_000),
        _video("share_gemini", 10_000),
        _text("longalpaca", 5_000),
        _text("longqlora", 5_000),
    ),
    "video_200k": (_video("video_chatgpt", 100_000), _video("share_gemini", 100_000)),
    "sparrow_60k": (
        _video("video_chatgpt", 20_000),
        _video("share_gemini", 20_000),
        *(_text(source, 5_000) for source in ("longalpaca", "longqlora", "booksum", "natural_questions")),
    ),
    "sparrow_100k": (
        _video("video_chatgpt", 33_334),
        _video("share_gemini", 33_334),
        *(_text(source, 8_333) for source in ("longalpaca", "longqlora", "booksum", "natural_questions")),
    ),
}


def named_mixture(name: str, paths: Mapping[str, str]) -> list[Part]:
    """The parts of one of the paper's mixtures.

    Args:
        name (`str`): A key of `MIXTURES`.
        paths (`Mapping[str, str]`): For each of its sources the folder or Hub name of the converted set.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown mixture, or a source without a path.

    Example:

    ```python
    >>> from t2vid_hf.data.parts import named_mixture
    >>> parts = named_mixture("video_200k", {"video_chatgpt": "me/vcg", "share_gemini": "me/sg"})
    >>> [(part.path, part.count, part.frames) for part in parts]
    [('me/vcg', 100000, 24), ('me/sg', 100000, 24)]

    ```
    """
    if name not in MIXTURES:
        raise unknown("mixture", name, MIXTURES)
    missing = sorted({part.path for part in MIXTURES[name]} - set(paths))
    if missing:
        raise InputError(f"the mixture '{name}' needs a path for {', '.join(missing)}; give it under mixture_paths")
    return [replace(part, path=paths[part.path]) for part in MIXTURES[name]]
