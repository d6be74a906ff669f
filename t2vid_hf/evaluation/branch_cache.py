"""A cache with its room from the beginning, and the masks of branches that stand side by side behind one prefix.

A cache that grows is copied whole at every token, 30 MB a step of a 5 M model behind 24 frames. Here tokens are written
into their place, and a batch of questions that is done gives its room to the next. The price is that the room is
taken before it is known how long the replies will be.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicLayer


class RoomyLayer(DynamicLayer):
    """A layer of a cache that has its room from the beginning: a longer one is not a copy.

    Args:
        room (`int`): How many tokens it is for.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.aside: list[tuple[torch.Tensor, torch.Tensor]] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write new keys and values behind those that are there; both as transformers asks for it."""
        begin = self.get_seq_length()
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.all_keys, self.all_values = (
                each.new_empty(*each.shape[:2], self.room, each.shape[3]) for each in (key_states, value_states)
            )
        end = begin + key_states.shape[2]
        self.all_keys[:, :, begin:end], self.all_values[:, :, begin:end] = key_states, value_states
        self.rewind(end)
        return self.keys, self.values

    @property
    def nbytes(self) -> int:
        """What the room takes."""
        return self.all_keys.nbytes + self.all_values.nbytes

    def rewind(self, tokens: int) -> None:
        """Keep the first tokens.

        Args:
            tokens (`int`): How many.
        """
        self.keys, self.values = self.all_keys[:, :, :tokens], self.all_values[:, :, :tokens]

    def put_aside(self, tokens: int) -> None:
        """Keep the first tokens, and those behind them for later.

        Args:
            tokens (`int`): How many are kept.
        """
        self.aside.append((self.keys[:, :, tokens:].clone(), self.values[:, :, tokens:].clone()))
        self.rewind(tokens)

    def put_back(self) -> None:
        """Append all that was put aside."""
        for keys, values in self.aside:
            self.update(keys, values)
        self.aside.clear()


def prompt_mask(prefix: int, own: Sequence[int], *, like: torch.Tensor) -> torch.Tensor:
    """Who sees whom where prompts are read: a token the prefix and, of its own branch, itself and what is before it.

    Args:
        prefix (`int`): Tokens of the prefix.
        own (`Sequence[int]`): Tokens of each branch.
        like (`torch.Tensor`): Keys, whose type and device the mask has.

    Returns:
        `torch.Tensor` of shape `(1, 1, sum(own), prefix + sum(own))`: 0 where a token is seen, else -inf.

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.evaluation.branch_cache import prompt_mask
    >>> (prompt_mask(1, [2, 1], like=torch.zeros(0))[0, 0] == 0).int().tolist()
    [[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]]

    ```
    """
    owner = torch.arange(len(own)).repeat_interleave(torch.tensor(own))
    seen = (owner[:, None] == owner) & torch.ones(len(owner), len(owner)).tril().bool()
    return _additive(torch.cat([torch.ones(len(owner), prefix).bool(), seen], dim=1), like)


def reply_mask(prefix: int, own: Sequence[int], steps: int, *, like: torch.Tensor) -> torch.Tensor:
    """Who sees whom where replies grow: the next token of a branch the prefix and all of its branch.

    Args:
        prefix (`int`): Tokens of the prefix.
        own (`Sequence[int]`): Tokens of each branch's prompt.
        steps (`int`): How many times each branch gets a token more.
        like (`torch.Tensor`): Keys, whose type and device the mask has.

    Returns:
        `torch.Tensor` of shape `(1, 1, len(own), prefix + sum(own) + steps * len(own))`: 0 where a token is seen, else
        -inf; at an earlier step the columns behind are not there yet.
    """
    branches = torch.arange(len(own))
    owner = torch.cat([branches.repeat_interleave(torch.tensor(own)), branches.repeat(steps)])
    seen = branches[:, None] == owner
    return _additive(torch.cat([torch.ones(len(own), prefix).bool(), seen], dim=1), like)


def _additive(seen: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A mask that every attention takes, in the type of its keys."""
    mask = torch.zeros(seen.shape, dtype=like.dtype).masked_fill_(~seen, float("-inf"))
    return mask[None, None].to(like.device)
