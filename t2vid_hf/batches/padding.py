"""Rows of different lengths in one array: on the right to train, on the left to generate."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from t2vid_hf.batches.encoding import Encoded
from t2vid_hf.models import Adapter


def pad(rows: Sequence[np.ndarray], value: int, *, side: Literal["left", "right"], multiple: int = 1) -> np.ndarray:
    """Put rows into one array.

    Args:
        rows (`Sequence[np.ndarray]` of shapes `(length,)`): The rows, at least one.
        value (`int`): What fills a shorter row.
        side (`str`): Where it is filled: `"left"` or `"right"`.
        multiple (`int`, *optional*, defaults to `1`): What the length is rounded up to a multiple of.

    Returns:
        `np.ndarray` of shape `(rows, length)`, int64.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.batches.padding import pad
    >>> pad([np.array([1, 2, 3]), np.array([4])], 0, side="left").tolist()
    [[1, 2, 3], [0, 0, 4]]

    ```
    """
    longest = max(len(row) for row in rows)
    padded = np.full((len(rows), -(-longest // multiple) * multiple), value, np.int64)
    for target, row in zip(padded, rows, strict=True):
        target[len(target) - len(row) if side == "left" else 0 :][: len(row)] = row
    return padded


def padded_inputs(
    encoded: Sequence[Encoded],
    processor: Any,
    adapter: Adapter,
    *,
    side: Literal["left", "right"],
    multiple: int = 1,
) -> dict[str, Any]:
    """What a model takes of padded rows beside their pixels.

    Args:
        encoded (`Sequence[Encoded]`): The rows, at least one.
        processor ([`~transformers.ProcessorMixin`]): The model's processor; its tokenizer's padding token fills the
            rows, 0 where it has none.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the family, which tells what the model needs to find
            positions.
        side (`str`): Where rows are filled: `"left"` or `"right"`.
        multiple (`int`, *optional*, defaults to `1`): What the length is rounded up to a multiple of.

    Returns:
        `dict[str, torch.Tensor]`: `input_ids` and `attention_mask` of shape `(rows, length)`, and what else the
        family's `text_inputs` gives of that shape; with M-RoPE `position_ids` of shape `(4, rows, length)`.
    """
    import torch

    token = processor.tokenizer.pad_token_id
    input_ids = pad([each.input_ids for each in encoded], 0 if token is None else token, side=side, multiple=multiple)
    mask = pad([np.ones(len(each), np.int64) for each in encoded], 0, side=side, multiple=multiple)
    arrays = {"input_ids": input_ids, "attention_mask": mask, **adapter.text_inputs(processor, input_ids)}
    axes = encoded[0].position_ids.shape[:-1]
    if axes:  # what a model would find by itself leaves out how fast a video was taken
        each_axis = zip(*(each.position_ids for each in encoded), strict=True)
        arrays["position_ids"] = np.stack([pad(axis, 0, side=side, multiple=multiple) for axis in each_axis])
    return {name: torch.from_numpy(array) for name, array in arrays.items()}
