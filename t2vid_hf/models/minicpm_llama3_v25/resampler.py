"""The connector: learned queries look once at an image's patches, which know where they are in two dimensions.

Positions are computed for the patches at hand rather than kept for the largest image: sines of a column and of a row
are looked up in one small table, 0.6 MB at most instead of the 80 MB of a grid of 70 x 70 x 4096.

Attention here is torch's `scaled_dot_product_attention` whatever the model is set to: 96 queries by 1,024 keys are
0.2 % of the tower's arithmetic, and transformers' interface to flash-attention 2 takes no padded keys of another length
than the queries. Where no image is padded no mask is made, so that torch may take its own flash kernel.
"""

import torch
from torch import nn
from torch.nn import functional


class ResamplerAttention(nn.Module):
    """Cross-attention with the parameters of [`~torch.nn.MultiheadAttention`]: three projections in one matrix.

    Args:
        width (`int`): Width of queries, keys and values.
        num_heads (`int`): How many heads share it.
    """

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(
        self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Attend.

        Args:
            queries (`torch.Tensor` of shape `(images, queries, width)`): What is asked.
            keys (`torch.Tensor` of shape `(images, patches, width)`): What is looked for.
            values (`torch.Tensor` of shape `(images, patches, width)`): What is taken where it is found.
            mask (`torch.Tensor` of shape `(images, 1, 1, patches)`, bool, or `None`): False for what must not be seen;
                `None` where all may be.

        Returns:
            `torch.Tensor` of shape `(images, queries, width)`.
        """
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        projected = [
            functional.linear(given, weight, bias).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for given, weight, bias in zip((queries, keys, values), weights, biases, strict=True)
        ]  # each (images, heads, length, head width)
        attended = functional.scaled_dot_product_attention(*projected, attn_mask=mask)
        return self.out_proj(attended.transpose(1, 2).flatten(2))


class Resampler(nn.Module):
    """Turns the patches of each image into `num_queries` vectors of the language model's width.

    Args:
        num_queries (`int`): Vectors that an image becomes.
        width (`int`): Width of the language model; a multiple of 4.
        vision_width (`int`): Width of the vision tower.
        head_dim (`int`): Width of an attention head.
    """

    def __init__(self, *, num_queries: int, width: int, vision_width: int, head_dim: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(num_queries, width))
        # Where the widths agree the published class has no projection and no key for one.
        self.kv_proj = nn.Linear(vision_width, width, bias=False) if vision_width != width else nn.Identity()
        self.attn = ResamplerAttention(width, width // head_dim)
        self.ln_q = nn.LayerNorm(width, eps=1e-6)
        self.ln_kv = nn.LayerNorm(width, eps=1e-6)
        self.ln_post = nn.LayerNorm(width, eps=1e-6)
        self.proj = nn.Parameter(torch.empty(width, width))

    def forward(
        self,
        features: torch.Tensor,
        rows: torch.Tensor,
        columns: torch.Tensor,
        valid: torch.Tensor | None,
        *,
        longest: int,
    ) -> torch.Tensor:
        """Resample.

        Args:
            features (`torch.Tensor` of shape `(images, patches, vision_width)`): What the vision tower sees.
            rows (`torch.Tensor` of shape `(images, patches)`, int64): The row of each patch in its image.
            columns (`torch.Tensor` of shape `(images, patches)`, int64): The column of each patch in its image.
            valid (`torch.Tensor` of shape `(images, patches)`, bool, or `None`): False for padding; `None` where there
                is no padding.
            longest (`int`): A bound that rows and columns are below.

        Returns:
            `torch.Tensor` of shape `(images, num_queries, width)`.
        """
        values = self.ln_kv(self.kv_proj(features))
        keys = values + sine_positions(rows, columns, values.shape[-1], longest=longest).to(values.dtype)
        queries = self.ln_q(self.query).expand(len(values), -1, -1)
        mask = None if valid is None else valid[:, None, None, :]
        return self.ln_post(self.attn(queries, keys, values, mask)) @ self.proj


def sine_positions(rows: torch.Tensor, columns: torch.Tensor, width: int, *, longest: int) -> torch.Tensor:
    """Two-dimensional sine-cosine positions: the first half of a vector tells the column, the second the row.

    Args:
        rows (`torch.Tensor` of shape `(...)`, int64): The rows.
        columns (`torch.Tensor` of shape `(...)`, int64): The columns.
        width (`int`): Width of a vector; a multiple of 4.
        longest (`int`): A bound that rows and columns are below.

    Returns:
        `torch.Tensor` of shape `(..., width)`, float32: sines then cosines of the column, sines then cosines of the
        row, at frequencies `10000 ** (-4 i / width)`.

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.models.minicpm_llama3_v25.resampler import sine_positions
    >>> sine_positions(torch.tensor([0]), torch.tensor([1]), 4, longest=2)
    tensor([[0.8415, 0.5403, 0.0000, 1.0000]])

    ```
    """
    quarter = width // 4
    exponents = torch.arange(quarter, dtype=torch.float32, device=rows.device) / quarter
    frequencies = 1.0 / 10000**exponents
    angles = torch.arange(longest, dtype=torch.float32, device=rows.device)[:, None] * frequencies
    table = torch.cat([angles.sin(), angles.cos()], dim=-1)  # (longest side, width / 2)
    return torch.cat([table[columns], table[rows]], dim=-1)
