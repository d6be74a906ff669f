"""One part of a mixture: a data set, how much of it, and what becomes of its rows on the way."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from t2vid_hf._typed import check_types
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.mixtures.filters import NOT_PICKED, FilterPreset, reason_to_drop
from t2vid_hf.mixtures.normalise import normalise
from t2vid_hf.schema import Row

VideoWay = Literal["as_frames", "native"]
VIDEO_WAYS: tuple[VideoWay, ...] = ("as_frames", "native")
"""How a video is fed: its frames as images, as pages are (the paper's way), or as the family's own video."""
OverLimit = Literal["error", "drop", "thin"]
OVER_LIMIT: tuple[OverLimit, ...] = ("error", "drop", "thin")


_PART = re.compile(
    r"(?P<path>[^,@:=]+)(,(?P<name>[^,@:=]+))?(@(?P<revision>[^,@:=]+))?(:(?P<share>\d+(\.\d+)?)|=(?P<count>\d+))?"
)


def check_video(
    video: str | None, *, num_frames: int | None, fps: float | None, max_frames: int | None, of: str = ""
) -> None:
    """Refuse ways of taking video that contradict themselves; for a run and for a part of its mixture.

    Args:
        video (`str` or `None`): "as_frames", "native", or nothing said.
        num_frames (`int` or `None`): How many frames.
        fps (`float` or `None`): Frames a second, with `max_frames`.
        max_frames (`int` or `None`): The most of them.
        of (`str`, *optional*, defaults to `""`): What errors begin with.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown way, both ways of counting, half of one, or a number not above 0.
    """
    if video not in (None, *VIDEO_WAYS):
        raise unknown("way of video", video, VIDEO_WAYS)
    if fps is not None and num_frames is not None:
        raise InputError(f"{of}fps={fps} and num_frames={num_frames}: give one of them, fps with max_frames")
    if (fps is None) != (max_frames is None):
        pages = "; the most pages of a row are max_pages" if of else ""
        raise InputError(f"{of}fps={fps} and max_frames={max_frames}: give both, or num_frames{pages}")
    for name, value in {"num_frames": num_frames, "fps": fps, "max_frames": max_frames}.items():
        if value is not None and not value > 0:
            raise InputError(f"{of}{name} is {value}; give a number above 0: at least 1 frame must be taken of a video")


@dataclass(frozen=True)
class MixturePart:
    """One data set of a mixture.

    Args:
        path (`str`): A folder that holds a data set, or its name on the Hub.
        name (`str`, *optional*): The config; `None` takes the data set's default one.
        split (`str`, *optional*, defaults to `"train"`): The split.
        revision (`str`, *optional*): Branch, tag or commit on the Hub; `None` takes the main branch.
        share (`float`, *optional*): How many rows to take, relative to the shares of the other parts; as many are taken
            as the shares allow. The paper's is 2 (video) to 1 (synthetic).
        count (`int`, *optional*): How many rows to take. Give `share` or `count`, the same for all parts.
        num_frames (`int`, *optional*): Frames to take of each video of this part; `None` leaves it to the trainer.
            Pages are never thinned: losing a page loses text.
        fps (`float`, *optional*): Frames a second to take of each video of this part, in place of `num_frames`; needs
            `max_frames`.
        max_frames (`int`, *optional*): With `fps`, the most frames to take of a video.
        max_pages (`int`, *optional*): The most pages of a row; those with more are dropped, and with `None` none is.
        video (`str`, *optional*): How videos of this part are fed: `"as_frames"`, as images, the paper's way, or
            `"native"`, as the family's own video; `None` leaves it to the trainer.
        filter (`str`, *optional*): The filters of a published data set, a key of `t2vid_hf.mixtures.filters.PRESETS`;
            `None` for no filter.
        media_root (`str`, *optional*): The folder that images and videos are below, where rows hold their paths and not
            their bytes; `None` takes `path`. A path that leaves it is refused.
        over_limit (`str`, *optional*, defaults to `"error"`): What becomes of a row above the trainer's `max_length`
            or, with packing, `max_images`: `"error"`; `"drop"`, counted; `"thin"`: its video takes fewer frames. Pages
            are never thinned.
        eval_split (`str`, *optional*): A split of the same data set to evaluate on while training: all of its rows that
            the part's filters keep.
        ids (`str`, *optional*): A file of rows' ids, one a line, as `t2vid diversity --pick` writes it: no other row is
            taken.
    """

    path: str
    name: str | None = None
    split: str = "train"
    revision: str | None = None
    share: float | None = None
    count: int | None = None
    num_frames: int | None = None
    fps: float | None = None
    max_frames: int | None = None
    max_pages: int | None = None
    video: VideoWay | None = None
    filter: str | None = None
    media_root: str | None = None
    over_limit: OverLimit = "error"
    eval_split: str | None = None
    ids: str | None = None

    @classmethod
    def from_dict(cls, given: Any) -> "MixturePart":
        """A part from a YAML mapping; an unknown key is an error."""
        if not isinstance(given, dict) or "path" not in given:
            raise InputError(f"a part of a mixture must be a mapping with at least 'path', not {given!r}")
        known = {item.name for item in fields(cls)}
        for key in given:
            if key not in known:
                raise unknown("key of a mixture's part", key, known)
        check_types(cls, given, of=f"part '{given['path']}': ")
        return cls(**given)

    @classmethod
    def from_text(cls, text: str) -> "MixturePart":
        """A part from a command line: `PATH[,CONFIG][@REVISION]`, then `:SHARE` (1 by default) or `=COUNT`.

        Args:
            text (`str`): The text. What has one of these signs in its path, and all else of a part, is for a YAML file.

        Raises:
            [`~t2vid_hf.errors.InputError`]: it is not of this form.

        Example:

        ```python
        >>> from t2vid_hf.mixtures.parts import MixturePart
        >>> part = MixturePart.from_text("me/clips,video@v1:2")
        >>> part.path, part.name, part.revision, part.share, MixturePart.from_text("out/set=500").count
        ('me/clips', 'video', 'v1', 2.0, 500)

        ```
        """
        found = _PART.fullmatch(text)
        if found is None:
            raise InputError(
                f"a part of a mixture is '{text}'; give PATH[,CONFIG][@REVISION], then :SHARE or =COUNT, such as "
                f"out/set,video:2; other parts are for a YAML file"
            )
        count, share = found["count"], found["share"]
        amount = {"count": int(count)} if count else {"share": float(share or 1)}
        return cls(found["path"], found["name"], revision=found["revision"], **amount)

    def __post_init__(self) -> None:
        if (self.share is None) == (self.count is None):
            raise InputError(f"part '{self.label}': give either share or count")
        if not self.path:
            raise InputError("a part of a mixture has an empty path; give a folder, or a name on the Hub")
        if self.share == math.inf:
            raise InputError(f"part '{self.label}': share is infinite; give a number")
        if (self.share is not None and self.share <= 0) or (self.count is not None and self.count <= 0):
            raise InputError(f"part '{self.label}': share and count must be above 0; leave the part out instead")
        if self.eval_split is not None and self.eval_split == self.split:
            raise InputError(f"part '{self.label}': its eval_split '{self.split}' is trained on; give another split")
        if self.max_pages is not None and self.max_pages < 1:
            raise InputError(f"part '{self.label}': max_pages={self.max_pages}; give a number above 0, or null")
        check_video(
            self.video,
            num_frames=self.num_frames,
            fps=self.fps,
            max_frames=self.max_frames,
            of=f"part '{self.label}': ",
        )
        if self.filter is not None:
            FilterPreset.named(self.filter)  # an unknown one ends here
        if self.over_limit not in OVER_LIMIT:
            raise unknown("policy over_limit", self.over_limit, OVER_LIMIT)

    @property
    def take_frames(self) -> int | None:
        """Frames to take of each video, at most; `None` leaves it to the trainer."""
        return self.num_frames if self.fps is None else self.max_frames

    @cached_property
    def picked(self) -> frozenset[str] | None:
        """The rows that may be taken, by their ids; `None` where all may."""
        if self.ids is None:
            return None
        try:
            return frozenset(filter(None, Path(self.ids).read_text("utf-8").split("\n")))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"part '{self.label}': ids={self.ids}: {error}; give a file of an id a line") from None

    def reason_to_drop(self, row: Row) -> str | None:
        """Why a row cannot be trained on, its `filter` aside; see [`~t2vid_hf.mixtures.filters.reason_to_drop`].

        Args:
            row ([`~t2vid_hf.schema.Row`]): The row, without its media. A video is thinned and has no pages.
        """
        if self.picked is not None and row["id"] not in self.picked:
            return NOT_PICKED
        return reason_to_drop(row, max_frames=None if row["media"] == "video" else self.max_pages)

    @property
    def label(self) -> str:
        """The part's data set and config, for tables."""
        return f"{self.path}:{self.name}" if self.name else self.path

    def row(self, given: Mapping[str, Any], index: int, *, take_frames: int | None) -> Row:
        """A row of the part as the trainer takes it: our columns, its media below the root, its frames to take.

        Args:
            given (`Mapping[str, Any]`): The row as the data set has it.
            index (`int`): Its number in the data set, from 0; names a row that has no id.
            take_frames (`int` or `None`): Frames to take of its video; `None` leaves it to the trainer.

        Raises:
            [`~t2vid_hf.errors.InputError`]: see [`~t2vid_hf.mixtures.normalise.normalise`].
        """
        root = Path(self.media_root or self.path)
        return {**normalise(given, source=self.label, index=index, root=root), **self.takes(take_frames)}  # type: ignore[typeddict-item]

    def takes(self, take_frames: int | None) -> dict[str, Any]:
        """What a row of the part says of its video; see `t2vid_hf.mixtures.light_rows.TAKE`.

        Args:
            take_frames (`int` or `None`): The most frames to take of it.
        """
        # 0 frames a second: by number, whatever the trainer takes
        fps = self.fps if self.num_frames is None else 0.0
        return {"take_frames": take_frames, "take_fps": fps, "take_video": self.video}
