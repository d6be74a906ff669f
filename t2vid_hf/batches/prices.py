"""What the rows of a data set cost a model, in tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True)
class Prices:
    """Prices of the rows of a data set, in its order.

    Args:
        tokens (`np.ndarray` of shape `(rows,)`, int64): Length of `input_ids` of the row alone, without padding.
        images (`np.ndarray` of shape `(rows,)`, int64): Pages and frames of the row.
        frames (`np.ndarray` of shape `(rows,)`, int64): How many of the images are frames taken of a video; a row may
            do with fewer of these.
        tokens_per_image (`int`): What a page takes; what a row saves by a frame less.
        group_tokens (`np.ndarray` of shape `(rows,)`, *optional*): What `group_frames` frames of each row's longest
            video take; `None` where it is `tokens_per_image` a frame for all.
        group_frames (`np.ndarray` of shape `(rows,)`, *optional*): How many frames that is; `None` for 1.
        saved_tokens (`np.ndarray` of shape `(rows,)`, *optional*): What each row saves, at the most, by `group_frames`
            frames less of all its videos; `None` as for `group_tokens`.
        videos (`np.ndarray` of shape `(rows,)`, *optional*): How many videos that are; `None` for 1.
    """

    tokens: np.ndarray
    images: np.ndarray
    frames: np.ndarray
    tokens_per_image: int
    group_tokens: np.ndarray | None = None
    group_frames: np.ndarray | None = None
    saved_tokens: np.ndarray | None = None
    videos: np.ndarray | None = None

    @property
    def media_tokens(self) -> np.ndarray:
        """Tokens of each row's media, `(rows,)`: exact where they are pages and square frames, else nearly so."""
        if self.group_tokens is None or self.group_frames is None:
            return self.images * self.tokens_per_image
        frames = -(-self.frames // self.group_frames) * self.group_tokens
        return (self.images - self.frames) * self.tokens_per_image + frames

    def saving(self, row: int) -> tuple[int, int, int]:
        """What a row saves at the most by some frames less of each video: the tokens, those frames, and the videos.

        Args:
            row (`int`): Number of the row.
        """
        if self.saved_tokens is None or self.group_frames is None or self.videos is None:
            return self.tokens_per_image, 1, 1
        return int(self.saved_tokens[row]), int(self.group_frames[row]), int(self.videos[row])

    def joined(self, others: "Prices") -> "Prices":
        """These prices, and behind them those of other rows of the same model.

        Args:
            others (`Prices`): The others; they have the same arrays.
        """
        pairs = ((getattr(self, name), getattr(others, name)) for name in _ARRAYS)
        return self._of([None if mine is None else np.concatenate([mine, theirs]) for mine, theirs in pairs])

    def taken(self, rows: Sequence[int]) -> "Prices":
        """The prices of some rows, in their order.

        Args:
            rows (`Sequence[int]`): Numbers of rows.
        """
        arrays = (getattr(self, name) for name in _ARRAYS)
        return self._of([None if each is None else each[np.asarray(rows, int)] for each in arrays])

    def _of(self, arrays: Sequence[np.ndarray | None]) -> "Prices":
        return replace(self, **dict(zip(_ARRAYS, arrays, strict=True)))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.tokens)


_ARRAYS = [item.name for item in fields(Prices) if item.name != "tokens_per_image"]
