"""What each row of a batch scored, of padded rows and of rows that share a sequence alike."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

LOSS, TOKENS, ENTROPY, CORRECT = range(4)


def rows_of_positions(mask: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """The row of each scored position.

    Args:
        mask (`torch.Tensor` of shape `(batch, length)`): The positions that are scored.
        lengths (`Sequence[int]`): Each row's tokens, a dummy's left out, which stands last.

    Returns:
        `torch.Tensor` of shape `(scored,)`: numbers of rows; a dummy's is `len(lengths)` or above.

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.training.row_scores import rows_of_positions
    >>> rows_of_positions(torch.tensor([[False, True, False, True, True]]), [2, 2]).tolist()
    [0, 1, 2]

    ```
    """
    if mask.shape[0] > 1 or len(lengths) == 1:
        return mask.nonzero()[:, 0]
    ends = torch.tensor(lengths, dtype=torch.int64, device=mask.device).cumsum(0)
    return torch.searchsorted(ends, mask.nonzero()[:, 1].contiguous(), right=True)


def by_row(batch: torch.Tensor, lengths: Sequence[int], *, packed: bool) -> torch.Tensor:
    """An entry for each row, a dummy's behind them.

    Args:
        batch (`torch.Tensor` of shape `(batch, length, ...)`): `(1, tokens, ...)` where packed.
        lengths (`Sequence[int]`): Each row's tokens, a dummy's left out.
        packed (`bool`): Rows stand one behind the other.

    Returns:
        `torch.Tensor` of shape `(rows, longest, ...)`: -100 behind the end of a row that was packed.

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.training.row_scores import by_row
    >>> by_row(torch.tensor([[1, 2, 3]]), [2, 1], packed=True).tolist()
    [[1, 2], [3, -100]]

    ```
    """
    if not packed:
        return batch
    dummy = batch.shape[1] - sum(lengths)
    pieces = batch[0].split([*lengths, dummy] if dummy else list(lengths))
    return torch.nn.utils.rnn.pad_sequence(list(pieces), batch_first=True, padding_value=-100)


@contextmanager
def watched(model: nn.Module) -> Iterator[list[Any]]:
    """Inside, what TRL's fused head gives is kept.

    Args:
        model (`nn.Module`): The bare model, whose head it is.

    Yields:
        `list[FusedCausalLMOutput]`: for each forward that ran with the head.
    """
    seen: list[Any] = []

    def note(module: nn.Module, args: Any, kwargs: Any, outputs: Any) -> None:
        if kwargs.get("fused_lm_head"):
            seen.append(outputs)

    hook = model.register_forward_hook(note, with_kwargs=True)
    try:
        yield seen
    finally:
        hook.remove()


def score_rows(outputs: Any, mask: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Add up what the head gave, row by row.

    Args:
        outputs (`FusedCausalLMOutput`): The scores of every position but the last, or of those of the mask alone.
        mask (`torch.Tensor` of shape `(batch, length)`): The positions whose next token is learned.
        lengths (`Sequence[int]`): Each row's tokens, a dummy's left out.

    Returns:
        `torch.Tensor` of shape `(rows, 4)`: sums of the negative log-likelihood, of tokens, of entropy and of tokens
        that were most likely.
    """
    log_probs, entropy, top = outputs.log_probs, outputs.entropy, outputs.is_top1
    if log_probs.shape == (mask.shape[0], mask.shape[1] - 1):
        log_probs, entropy, top = (scores[mask[:, :-1]] for scores in (log_probs, entropy, top))
    scores = (-log_probs.reshape(-1), torch.ones_like(log_probs).reshape(-1), entropy.reshape(-1), top.reshape(-1))
    rows = rows_of_positions(mask, lengths).clamp(max=len(lengths))
    sums = torch.zeros(len(lengths) + 1, 4, device=mask.device)
    return sums.index_add_(0, rows, torch.stack([each.detach().float() for each in scores], dim=1))[: len(lengths)]
