"""A question and all that may be said to it as one row: what they begin with once, and behind it a branch for each.

Four options so take 1.2 times the tokens of one, where four rows take 4 times, and the vision tower runs once. The
price: a mask of its own, which flash attention does not take; there each option is a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from t2vid_hf.batches.encoding import Encoded, RowEncoder
from t2vid_hf.batches.labels import IGNORED
from t2vid_hf.evaluation.shared_prefix import shared_tokens
from t2vid_hf.schema import Row, text


@dataclass(frozen=True, eq=False)
class Branches:
    """One row with a branch for each candidate, or for some of them.

    Args:
        input_ids (`np.ndarray` of shape `(tokens,)`, int64): What all begin with, and then the branches.
        position_ids (`np.ndarray` of shape `(tokens,)` or `(4, tokens)`, int64): Where each token stands in its branch.
        owners (`np.ndarray` of shape `(tokens,)`, int64): The branch of each token, -1 before the branches.
        read_at (`tuple[np.ndarray, ...]`): For each branch the positions whose next token is scored.
        targets (`tuple[np.ndarray, ...]`): For each branch those next tokens.
        pixels (`Any`): See [`~t2vid_hf.batches.encoding.Encoded`].
        videos (`tuple[np.ndarray, ...]`): See [`~t2vid_hf.batches.encoding.Encoded`].
    """

    input_ids: np.ndarray
    position_ids: np.ndarray
    owners: np.ndarray
    read_at: tuple[np.ndarray, ...]
    targets: tuple[np.ndarray, ...]
    pixels: Any
    videos: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def nbytes(self) -> int:
        """Bytes of its pixels, which are nearly all of it."""
        runs = self.pixels if isinstance(self.pixels, list) else [self.pixels]
        return sum(each.nbytes for each in (*runs, *self.videos))


def branches_of(encoder: RowEncoder, row: Row, candidates: Sequence[str], *, together: bool) -> list[Branches]:
    """Encode a question with what may be said to it.

    Args:
        encoder ([`~t2vid_hf.batches.encoding.RowEncoder`]): What encodes rows as in training.
        row ([`~t2vid_hf.schema.Row`]): The question; it ends in a user's turn.
        candidates (`Sequence[str]`): What may be said, at least one.
        together (`bool`): Whether all stand in one row; else each in its own.

    Returns:
        `list[Branches]`: one, or one for each candidate. Where what they have in common ends before the media do, they
        cannot stand together.

    Raises:
        [`~t2vid_hf.errors.InputError`]: see [`~t2vid_hf.batches.encoding.RowEncoder.encode`].
    """
    said = [{"role": "assistant", "content": [text(candidate)]} for candidate in candidates]
    # What was said in earlier turns is given, not scored.
    rows: list[Any] = [
        {**row, "messages": [*row["messages"], turn], "learn_from": len(row["messages"])} for turn in said
    ]
    encoded = encoder.encode_alike(rows)
    media = encoder.adapter.media_token_ids(encoder.processor)
    first = min(int(np.flatnonzero(each.labels != IGNORED)[0]) for each in encoded)
    alike = shared_tokens([each.input_ids for each in encoded], media) if together and len(encoded) > 1 else 0
    prefix = min(first, alike)
    if not prefix or np.isin(encoded[0].input_ids[prefix:], media).any():
        return [_joined([each], 0) for each in encoded]
    return [_joined(encoded, prefix)]


def _joined(encoded: Sequence[Encoded], prefix: int) -> Branches:
    """Rows that begin with the same tokens as one; a single one as it is."""
    own = [len(each) - prefix for each in encoded]
    starts = np.cumsum([prefix, *own])
    read_at, targets = [], []
    for start, each in zip(starts, encoded, strict=False):
        scored = np.flatnonzero(each.labels != IGNORED)
        before = scored - 1
        read_at.append(np.where(before < prefix, before, before - prefix + start))
        targets.append(each.labels[scored])

    def join(name: str) -> np.ndarray:
        arrays = [getattr(each, name) for each in encoded]
        return np.concatenate([arrays[0][..., :prefix], *(array[..., prefix:] for array in arrays)], axis=-1)

    owners = np.concatenate([np.full(prefix, -1), np.repeat(np.arange(len(own)), own)])
    return Branches(
        join("input_ids"), join("position_ids"), owners, tuple(read_at), tuple(targets),
        encoded[0].pixels, encoded[0].videos,
    )  # fmt: skip


def branch_mask(owners: Sequence[np.ndarray], *, dtype: torch.dtype) -> torch.Tensor:
    """Who sees whom in rows of branches: what stands before, of the common beginning and of the own branch.

    Args:
        owners (`Sequence[np.ndarray]` of shapes `(tokens,)`): See [`Branches`]; shorter rows are filled on the right.
        dtype (`torch.dtype`): The type of the model's weights.

    Returns:
        `torch.Tensor` of shape `(rows, 1, length, length)`: 0 where a token is seen, else -inf.

    Example:

    ```python
    >>> import numpy as np, torch
    >>> from t2vid_hf.evaluation.option_branches import branch_mask
    >>> (branch_mask([np.array([-1, 0, 1])], dtype=torch.float32)[0, 0] == 0).int().tolist()
    [[1, 0, 0], [1, 1, 0], [1, 0, 1]]

    ```
    """
    length = max(map(len, owners))
    # What fills a row is a branch of its own, so that it sees itself and is seen by nobody.
    filled = np.stack([np.pad(each, (0, length - len(each)), constant_values=len(each)) for each in owners])
    owner = torch.from_numpy(filled)
    seen = (owner[:, :, None] == owner[:, None]) | (owner[:, None] == -1)
    seen &= torch.ones(length, length, dtype=torch.bool).tril()
    return torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, float("-inf"))[:, None]
