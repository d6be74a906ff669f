"""`sdpa_packed`: an attention that looks at each row of a packed sequence alone, on any device, without a package.

transformers keeps packed rows apart under sdpa with a mask of tokens x tokens, so time and memory grow with the square
of the sequence. Here the mask is a list of the rows' lengths, and each row is a call of sdpa of its own: 16,384 tokens
in rows of 1,000 take a twenty-fourth of the attention's time ("Packed attention" in tests/benchmarks/README.md). The
price is a call a row and layer, and one look at the positions from the host each forward.

Whatever is not packed (vision towers, padded rows, one row, generation with a cache) is transformers' sdpa, unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.utils.import_utils import is_tracing

SDPA_PACKED = "sdpa_packed"  # has "sdpa" in it, by which transformers checks that a model can do sdpa


@dataclass(frozen=True)
class RowLengths:
    """Stands where the mask stands: the tokens of the rows of a packed sequence, one behind the other.

    Args:
        tokens (`tuple[int, ...]`): How many each row has.
    """

    tokens: tuple[int, ...]


def sdpa_packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: RowLengths | torch.Tensor | None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it, `AttentionInterface`.

    Args:
        module (`torch.nn.Module`): The layer; it knows its groups of heads.
        query (`torch.Tensor` of shape `(batch, heads, tokens, head_dim)`): With positions in it.
        key (`torch.Tensor` of shape `(batch, key_value_heads, tokens, head_dim)`): With positions in it.
        value (`torch.Tensor` of shape `(batch, key_value_heads, tokens, head_dim)`): What is attended to.
        attention_mask (`RowLengths`, `torch.Tensor` or `None`): What [`sdpa_packed_mask`] made.
        **kwargs (`Any`): As for sdpa: `scaling`, `dropout`, ...

    Returns:
        `tuple[torch.Tensor, None]`: of shape `(batch, tokens, heads, head_dim)`, and no weights.
    """
    if not isinstance(attention_mask, RowLengths):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    # `split` has one backward for all rows; a slice's would fill a gradient of the whole sequence for each row.
    rows = zip(*(states.split(attention_mask.tokens, dim=2) for states in (query, key, value)), strict=True)
    attended = [sdpa_attention_forward(module, *row, None, **{**kwargs, "is_causal": True})[0] for row in rows]
    return torch.cat(attended, dim=1), None


def sdpa_packed_mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    *,
    mask_function: Callable[..., torch.Tensor],
    attention_mask: torch.Tensor | None = None,
    device: torch.device | str = "cpu",
    **kwargs: Any,
) -> RowLengths | torch.Tensor | None:
    """A mask as transformers asks for it, `AttentionMaskInterface`.

    Args:
        batch_size (`int`): Sequences of the batch.
        q_length (`int`): Tokens that attend.
        kv_length (`int`): Tokens that are attended to, those of a cache with them.
        mask_function (`Callable[..., torch.Tensor]`): Who sees whom: of the indices of sequence, head, query and key.
        attention_mask (`torch.Tensor` of shape `(batch, tokens)`, *optional*): Which tokens are not padding.
        device (`torch.device` or `str`, *optional*, defaults to `"cpu"`): Where the mask is needed.
        **kwargs (`Any`): As for transformers' `sdpa_mask`.

    Returns:
        `RowLengths`, `torch.Tensor` or `None`: the lengths of packed rows; else what sdpa gets.
    """
    whole = attention_mask is None and batch_size == 1 and q_length == kv_length and not is_tracing()
    # Causal alone is told by `allow_is_causal_skip`; a window, or a function of someone else's, needs its mask.
    packed = not kwargs.get("allow_is_causal_skip", True) and not kwargs.get("allow_is_bidirectional_skip", False)
    plain = kwargs.get("local_size") is None and not kwargs.get("use_vmap", False)
    if whole and packed and plain:
        lengths = row_lengths(mask_function, q_length, device)
        if lengths is not None:
            return lengths
    return sdpa_mask(
        batch_size,
        q_length,
        kv_length,
        mask_function=mask_function,
        attention_mask=attention_mask,
        device=device,
        **kwargs,
    )


def row_lengths(
    mask_function: Callable[..., torch.Tensor], tokens: int, device: torch.device | str = "cpu"
) -> RowLengths | None:
    """The rows that a mask of a whole sequence keeps apart, from each token and its neighbour.

    Args:
        mask_function (`Callable[..., torch.Tensor]`): As transformers composes it.
        tokens (`int`): How many the sequence has.
        device (`torch.device` or `str`, *optional*, defaults to `"cpu"`): Where the positions are.

    Returns:
        `RowLengths` or `None`: `None` where there is one row, or a token sees the one behind it.

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.models.packed_attention import row_lengths
    >>> row = torch.tensor([0, 0, 0, 1, 2, 2])
    >>> row_lengths(lambda sequence, head, query, key: (row[query] == row[key]) & (key <= query), 6)
    RowLengths(tokens=(3, 1, 2))

    ```
    """
    later = torch.arange(1, tokens, device=device)
    first = torch.zeros_like(later)
    apart = ~mask_function(first, first, later, later - 1)
    ahead = mask_function(first, first, later - 1, later).any()
    starts = torch.cat([apart, ahead[None]]).tolist()  # one look from the host
    if starts.pop() or not any(starts):
        return None
    bounds = [0, *(place for place, start in enumerate(starts, 1) if start), tokens]
    return RowLengths(tuple(end - begin for begin, end in zip(bounds, bounds[1:], strict=False)))


def register() -> None:
    """Make transformers know `attn_implementation="sdpa_packed"`; a second call does nothing new."""
    AttentionInterface.register(SDPA_PACKED, sdpa_packed_attention)
    AttentionMaskInterface.register(SDPA_PACKED, sdpa_packed_mask)
