"""NEFTune (arXiv 2310.05914) for rows that share a sequence: each row's noise is that of the row alone.

The noise is alpha / sqrt(length x width), where transformers (5.23) takes for the length that of the tensor: all rows
of a packed sequence together, or the longest of padded ones. Sixteen rows in a sequence would have a quarter of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def add_noise(model: Any, alpha: float | None, *, lengths: Sequence[int], packed: bool) -> Iterator[None]:
    """Add noise to the embeddings of a model in training mode, inside.

    Args:
        model ([`~transformers.PreTrainedModel`]): The bare model.
        alpha (`float` or `None`): How much, `neftune_noise_alpha`; `None` adds nothing.
        lengths (`Sequence[int]`): Tokens of each row, in order.
        packed (`bool`): Whether the rows stand one behind the other; else each has a line.

    Example:

    ```python
    >>> import torch
    >>> from types import SimpleNamespace
    >>> from t2vid_hf.training.noisy_embeddings import add_noise
    >>> embeddings = torch.nn.Embedding(5, 4).train()
    >>> model, ids = SimpleNamespace(get_input_embeddings=lambda: embeddings), torch.ones(1, 6, dtype=torch.long)
    >>> with add_noise(model, 5.0, lengths=[2, 4], packed=True):
    ...     noise = embeddings(ids) - embeddings.weight[ids]
    >>> bool(noise[0, :2].abs().max() <= 5 / (2 * 4) ** 0.5), bool(noise[0, 2:].abs().max() <= 5 / (4 * 4) ** 0.5)
    (True, True)

    ```
    """
    if alpha is None:
        yield
        return

    def disturb(module: Any, args: Any, output: torch.Tensor) -> torch.Tensor:
        if not module.training:
            return output
        places, width = output.shape[-2:]
        rows = torch.tensor([*lengths, max(places - sum(lengths), 0) or 1], device=output.device)  # the last: a dummy
        each = rows.repeat_interleave(rows)[:places] if packed else rows[: len(output), None]
        size = (alpha / (each * width).sqrt()).unsqueeze(-1)  # (places, 1), or (rows, 1, 1)
        return output + (torch.empty_like(output).uniform_(-1, 1) * size).to(output.dtype)

    hook = model.get_input_embeddings().register_forward_hook(disturb)
    try:
        yield
    finally:
        hook.remove()
