"""The head scores the supervised positions alone, and says what each of them cost.

TRL's fused head does so on CUDA; elsewhere it scores every position, and image tokens are up to 99 % of a row. Two
hooks for the length of one forward do it everywhere: nothing of the model is replaced.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from t2vid_hf.batches.labels import IGNORED


def next_tokens(labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The positions whose next token is learned, and those tokens.

    Args:
        labels (`torch.Tensor` of shape `(batch, length)`, int64): The token of each position, or -100 where it is not
            learned.

    Returns:
        `tuple[torch.Tensor, torch.Tensor]`: a mask of shape `(batch, length)`, at least one position of it set, so
        that a batch in which nothing is learned has a loss of 0 that can be derived; and the next token of each, of
        shape `(1, positions)`.

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.training.supervised_head import next_tokens
    >>> mask, tokens = next_tokens(torch.tensor([[-100, 7, 8, -100]]))
    >>> mask.tolist(), tokens.tolist()
    ([[True, True, False, False]], [[7, 8]])

    ```
    """
    following = torch.nn.functional.pad(labels[:, 1:], (0, 1), value=IGNORED)
    mask = following != IGNORED
    mask[0, 0] |= ~mask.any()
    return mask, following[mask].unsqueeze(0)


@contextmanager
def scored_alone(model: nn.Module, mask: torch.Tensor) -> Iterator[list[torch.Tensor]]:
    """Inside, a forward with TRL's fused head scores only some positions.

    Args:
        model (`nn.Module`): The bare model, whose head it is; behind the block it is as it was.
        mask (`torch.Tensor` of shape `(batch, length)`, bool): The positions to score.

    Yields:
        `list[torch.Tensor]`: for each forward that ran the log-probabilities of the next tokens, of shape
        `(1, positions)`, detached.
    """
    scored: list[torch.Tensor] = []

    def keep(module: nn.Module, args: Any, outputs: Any) -> Any:
        outputs.last_hidden_state = outputs.last_hidden_state[mask].unsqueeze(0)
        return outputs

    def note(module: nn.Module, args: Any, outputs: Any) -> None:
        scored.append(outputs.log_probs.detach())

    backbone: Any = model.base_model
    hooks = [backbone.register_forward_hook(keep), model.register_forward_hook(note)]
    try:
        yield scored
    finally:
        for hook in hooks:
            hook.remove()
