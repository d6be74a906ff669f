"""What a training step takes of a device: weights, gradients and optimizer states exactly, activations by a rule.

The rule: a linear layer keeps its input for the backward, and what works on its output (a norm, the attention, an
activation function) keeps that one; so a position keeps `in_features + out_features` of every linear layer. Counted
term by term, as Korthikanti et al. do for GPT (arXiv 2205.05198, section 4, without the attention's score matrix, which
sdpa and flash attention do not keep), a Llama layer keeps 10 hidden + 2 key-value + 4 intermediate widths, its norms
being float32, where the rule says 9 + 2 + 3; a ViT layer 8 hidden + 2 intermediate, where it says 10 + 2. The gain is
that no family's configuration need be known. With gradient checkpointing a layer keeps its input alone, and one layer
at a time the rest (section 5 there).

Of the peak that PyTorch's profiler sees of a tiny Idefics3 in float32 on a CPU it is 85 to 91 % without checkpointing,
and 76 to 90 % with: the rest is what a backward holds for a moment. It has not been compared with a GPU's.

Not counted: the CUDA context (about 0.5 GiB), fragmentation, what gathers or buckets for other ranks, pixels, and the
head's tiles (TRL's fused head keeps no logits).
"""

from dataclasses import astuple, dataclass

import numpy as np
from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from t2vid_hf.data.packing import PackingPlan
from t2vid_hf.data.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.models.base import Parts
from t2vid_hf.training.model_parts import PARTS, part_of


@dataclass(frozen=True)
class Memory:
    """Bytes of a training step on one device."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(astuple(self))

    def __str__(self) -> str:
        unit, name = (2**30, "GiB") if self.total >= 2**30 else (2**20, "MiB")
        named = (("weights", self.weights), ("gradients", self.gradients), ("optimizer", self.optimizer))
        parts = ", ".join(f"{part} {value / unit:.1f}" for part, value in named)
        return f"{self.total / unit:.1f} {name}: {parts}, activations about {self.activations / unit:.1f}"


def estimated_memory(
    model: nn.Module,
    parts: Parts,
    *,
    tokens: int,
    patches: int = 0,
    gradient_checkpointing: bool,
    activation_bytes: int = 2,
    optimizer_bytes: int | None = None,
    num_shards: int = 1,
    shard_weights: bool = True,
) -> Memory:
    """Memory of a training step.

    Args:
        model (`nn.Module`): With `requires_grad` as it will train; PEFT's layers in it.
        parts ([`~t2vid_hf.models.base.Parts`]): Of the model's family.
        tokens (`int`): Of a batch of one device, padding with it.
        patches (`int`): That the vision tower takes for the batch; see [`patches_of_image`].
        gradient_checkpointing (`bool`): As in the trainer's arguments.
        activation_bytes (`int`): Of a number: 2 under bfloat16, 4 in float32.
        optimizer_bytes (`int`, *optional*): For each trainable number; by default AdamW's two moments in the weight's
            own type. 12 for DeepSpeed, which adds a float32 copy; 0 where it is offloaded.
        num_shards (`int`): Devices that share gradients and optimizer (ZeRO, FSDP).
        shard_weights (`bool`): Whether they share the weights too (ZeRO-3, FSDP).

    Returns:
        [`Memory`]
    """
    if tokens < 1 or patches < 0 or num_shards < 1:
        raise InputError(f"tokens={tokens}, patches={patches}, num_shards={num_shards}: at least 1, 0 and 1")
    weights = sum(each.numel() * each.element_size() for each in (*model.parameters(), *model.buffers()))
    trainable = [each for each in model.parameters() if each.requires_grad]
    gradients = sum(each.numel() * each.element_size() for each in trainable)
    optimizer = sum(
        each.numel() * (2 * each.element_size() if optimizer_bytes is None else optimizer_bytes) for each in trainable
    )
    activations = activation_bytes * _kept_numbers(model, parts, tokens, patches, gradient_checkpointing)
    return Memory(
        weights // (num_shards if shard_weights else 1), gradients // num_shards, optimizer // num_shards, activations
    )


def largest_batch(
    prices: Prices, planned: PackingPlan | None, *, batch_size: int, padded: bool = False
) -> tuple[int, int]:
    """Most tokens, and most images, that a batch of one device may hold; not always the same batch.

    Args:
        prices ([`~t2vid_hf.data.token_cost.Prices`]): Of the rows.
        planned ([`~t2vid_hf.data.packing.PackingPlan`], *optional*): With packing, whose bins are the batch's.
        batch_size (`int`): Rows, or bins, of a batch.
        padded (`bool`): Whether rows are padded to the longest, not put one behind the other.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.data.token_cost import Prices
    >>> from t2vid_hf.training.memory import largest_batch
    >>> prices = Prices(np.array([50, 30, 90]), np.array([0, 2, 5]), np.array([0, 0, 0]), tokens_per_image=10)
    >>> largest_batch(prices, None, batch_size=2), largest_batch(prices, None, batch_size=2, padded=True)
    ((140, 7), (180, 7))

    ```
    """
    if planned is not None:
        before = np.concatenate([[0], np.cumsum(prices.images[planned.rows])])
        return batch_size * planned.max_tokens, batch_size * int(np.diff(before[planned.ends], prepend=0).max())
    longest = np.sort(prices.tokens)[-batch_size:]
    images = np.sort(prices.images)[-batch_size:]
    return int(longest[-1] * len(longest) if padded else longest.sum()), int(images.sum())


def patches_of_image(model: nn.Module, parts: Parts, *, page_px: int) -> int:
    """Patches that the vision tower cuts a page into: the stride of its convolution is a patch's side.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the tower has no convolution.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d) and part_of(f"{name}.weight", parts) == "vision":
            return (page_px // int(module.kernel_size[-1])) ** 2
    raise InputError(f"{type(model).__name__} has no convolution in its vision tower, which would tell a patch's side")


def _kept_numbers(model: nn.Module, parts: Parts, tokens: int, patches: int, checkpointing: bool) -> int:
    """Numbers that the forward keeps for the backward."""
    # A connector makes no more tokens than there are patches, nor than there are.
    positions = {"vision": patches, "connector": min(patches, tokens), "language": tokens}
    trained = {part_of(name, parts) for name, each in model.named_parameters() if each.requires_grad}
    kept = dict.fromkeys(PARTS, 0)
    largest = 0
    inside: set[int] = set()
    for name, module in model.named_modules():
        if checkpointing and isinstance(module, GradientCheckpointingLayer) and ".original_module." not in f"{name}.":
            linear = [each for each in module.modules() if isinstance(each, nn.Linear)]
            inside |= {id(each) for each in linear}
            part = part_of(f"{name}.", parts)
            kept[part] += linear[0].in_features
            if part in trained or part == "language":
                largest = max(largest, positions[part] * sum(map(_width, linear)))
    for name, module in model.named_modules():
        # The head is scored in tiles, and what PEFT copied runs in its place.
        skipped = id(module) in inside or name.endswith("lm_head") or ".original_module" in name
        if isinstance(module, nn.Linear) and not skipped:
            kept[part_of(f"{name}.weight", parts)] += _width(module)
    # What stands before the first part that trains needs no gradient.
    first = min((PARTS.index(part) for part in trained), default=len(PARTS))
    return largest + sum(positions[part] * kept[part] for part in PARTS[first:])


def _width(linear: nn.Linear) -> int:
    return linear.in_features + linear.out_features
