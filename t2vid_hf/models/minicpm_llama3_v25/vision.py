"""How MiniCPM-V 2.5 hands images to its SigLIP tower: patches in one line, and positions spread along that line.

The published model lays an image's patches out as a picture of one row, so that images of any shape fill one batch,
and the tower, which divides a picture's height and width into 70 parts each, gives them positions 0 to 69 from first to
last: patch `i` of `n` has position `70 i / n`, rounded down. It was trained so; two-dimensional positions come with the
resampler. (MiniCPM-V 2.6 changed that.)

Images of one size are independent of each other, and pages and frames are of one size here. Where a batch has several
sizes the published code means to mask the padding behind the smaller ones and does not: it writes the mask's second
dimension, which has length 1, where the third is meant. So every image has the positions of the longest line, and looks
at its padding. The checkpoint's scores were made so, and so it is by default;
`MiniCPMVConfig(mask_padded_patches=True)` makes every image independent.
"""

from functools import lru_cache

import torch
from torch import nn
from transformers.models.idefics2.configuration_idefics2 import Idefics2VisionConfig

from t2vid_hf.errors import InputError


class LineEmbeddings(nn.Module):
    """Patches in a line -> vectors with positions; it stands in the tower for `Idefics2VisionEmbeddings`.

    That class is what the published code uses, at transformers 4.40. The one of transformers 5 rounds differently: for
    228 of the 1,399 lengths below 1,400 it puts some patches one position off.

    Args:
        config ([`Idefics2VisionConfig`]): The tower's configuration.
    """

    def __init__(self, config: Idefics2VisionConfig) -> None:
        super().__init__()
        self.positions_per_side = config.image_size // config.patch_size
        self.patch_embedding = nn.Conv2d(
            config.num_channels, config.hidden_size, kernel_size=config.patch_size, stride=config.patch_size
        )
        self.position_embedding = nn.Embedding(self.positions_per_side**2, config.hidden_size)

    def forward(self, pixel_values: torch.Tensor, patch_attention_mask: torch.Tensor) -> torch.Tensor:
        """Embed.

        Args:
            pixel_values (`torch.Tensor` of shape `(images, channels, patch, patches * patch)`): The patches of each
                image in a line.
            patch_attention_mask (`torch.Tensor` of shape `(images, 1, patches)`, bool): False behind the last patch.

        Returns:
            `torch.Tensor` of shape `(images, patches, hidden_size)`.
        """
        vectors = self.patch_embedding(pixel_values.to(self.patch_embedding.weight.dtype)).flatten(2).transpose(1, 2)
        positions = torch.zeros(vectors.shape[:2], dtype=torch.int64)
        for image, patches in enumerate(patch_attention_mask.sum(dim=(1, 2)).tolist()):
            positions[image, :patches] = line_positions(patches, self.positions_per_side)
        return vectors + self.position_embedding(positions.to(vectors.device))


@lru_cache(maxsize=1024)
def line_positions(patches: int, positions: int) -> torch.Tensor:
    """Positions of patches along a line.

    In the published arithmetic, float32 on the CPU: where `positions * i / patches` is a whole number it may round
    either way, and a patch that is one position off has another vector.

    Args:
        patches (`int`): How many patches there are.
        positions (`int`): How many positions there are.

    Returns:
        `torch.Tensor` of shape `(patches,)`, int64.

    Example:

    ```python
    >>> from t2vid_hf.models.minicpm_llama3_v25.vision import line_positions
    >>> line_positions(8, 70).tolist()
    [0, 8, 17, 26, 35, 43, 52, 61]

    ```
    """
    step = float(1 / torch.tensor(patches, device="cpu"))  # rounded to float32
    fractions = torch.arange(0, 1 - 1e-6, step, dtype=torch.float32, device="cpu")
    boundaries = torch.arange(1 / positions, 1.0, 1 / positions, dtype=torch.float32, device="cpu")
    return torch.bucketize(fractions, boundaries, right=True)


def patch_lines(
    pixel_values: torch.Tensor, target_sizes: torch.Tensor | None, patch: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Lay the patches of each image in one line, row by row, those of padding left out.

    Args:
        pixel_values (`torch.Tensor` of shape `(images, channels, height, width)`): Images, padded to the largest at the
            bottom and on the right.
        target_sizes (`torch.Tensor` of shape `(images, 2)` or `None`): Rows and columns of patches of each image that
            are not padding; `None` where there is no padding.
        patch (`int`): Side of a patch, in pixels.

    Returns:
        `tuple[torch.Tensor, ...]`: lines of shape `(images, channels, patch, patches * patch)`, zero behind the last
        patch; the row and the column of each patch in its image, `(images, patches)`; and whether it is one and no
        padding, `(images, patches)`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a side is not a multiple of `patch`, or a target size exceeds the image.
    """
    images, channels, height, width = pixel_values.shape
    if height % patch or width % patch:
        raise InputError(f"images of {width} x {height} px: both sides have to be multiples of {patch}")
    whole = (height // patch, width // patch)
    # (images, channels, patch, rows, columns, patch) -> (images, channels, patch, rows * columns, patch)
    patches = pixel_values.unflatten(3, (-1, patch)).unflatten(2, (-1, patch)).transpose(2, 3).flatten(3, 4)
    if target_sizes is None:
        number = torch.arange(whole[0] * whole[1], device=pixel_values.device).expand(images, -1)
        return patches.flatten(3), number // whole[1], number % whole[1], torch.ones_like(number, dtype=torch.bool)
    sizes = target_sizes.to(pixel_values.device)
    if sizes.shape != (images, 2) or bool((sizes > sizes.new_tensor(whole)).any()) or bool((sizes < 1).any()):
        raise InputError(
            f"target_sizes has to be of shape ({images}, 2), with 1 to {whole[0]} rows and 1 to {whole[1]} columns of "
            f"patches; it is {target_sizes.tolist()}"
        )
    counts = sizes.prod(dim=1)
    number = torch.arange(int(counts.max()), device=pixel_values.device).expand(images, -1)
    valid = number < counts[:, None]
    rows = torch.where(valid, number // sizes[:, 1:], 0)
    columns = torch.where(valid, number % sizes[:, 1:], 0)
    index = (rows * whole[1] + columns)[:, None, None, :, None].expand(-1, channels, patch, -1, patch)
    patches = patches.gather(3, index).masked_fill(~valid[:, None, None, :, None], 0)
    return patches.flatten(3), rows, columns, valid
