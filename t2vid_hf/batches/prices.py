"""What the rows of a data set cost a model, in tokens."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prices:
    """Prices of the rows of a data set, in its order.

    Args:
        tokens (`np.ndarray` of shape `(rows,)`, int64): Length of `input_ids` of the row alone, without padding.
        images (`np.ndarray` of shape `(rows,)`, int64): Pages and frames of the row.
        frames (`np.ndarray` of shape `(rows,)`, int64): How many of the images are frames taken of a video; a row may
            do with fewer of these.
        tokens_per_image (`int`): What a page takes; what a row saves, at the least, by a frame less.
        group_tokens (`np.ndarray` of shape `(rows,)`, *optional*): What each row saves, at the least, by `group_frames`
            frames less; `None` where it is `tokens_per_image` a frame for all.
        group_frames (`np.ndarray` of shape `(rows,)`, *optional*): How many frames that is; `None` for 1.
    """

    tokens: np.ndarray
    images: np.ndarray
    frames: np.ndarray
    tokens_per_image: int
    group_tokens: np.ndarray | None = None
    group_frames: np.ndarray | None = None

    @property
    def media_tokens(self) -> np.ndarray:
        """Tokens of each row's media, `(rows,)`: exact where they are pages and square frames, else nearly so."""
        if self.group_tokens is None or self.group_frames is None:
            return self.images * self.tokens_per_image
        frames = -(-self.frames // self.group_frames) * self.group_tokens
        return (self.images - self.frames) * self.tokens_per_image + frames

    def saving(self, row: int) -> tuple[int, int]:
        """What a row saves at the least by some frames less: the tokens, and the frames.

        Args:
            row (`int`): Number of the row.
        """
        if self.group_tokens is None or self.group_frames is None:
            return self.tokens_per_image, 1
        return int(self.group_tokens[row]), int(self.group_frames[row])

    def __len__(self) -> int:
        return len(self.tokens)
