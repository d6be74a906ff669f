"""What a training step takes of a device: weights, gradients and optimizer states exactly, activations by a rule.

The rule: a linear layer keeps its input for the backward, and what works on its output (a norm, the attention, an
activation function) keeps that one; so a position keeps `in_features + out_features` of every linear layer. Counted
term by term, as Korthikanti et al. do for GPT (arXiv 2205.05198, section 4, without the attention's score matrix, which
sdpa and flash attention do not keep), a Llama layer keeps 10 hidden + 2 key-value + 4 intermediate widths, its norms
being float32, where the rule says 9 + 2 + 3; a ViT layer 8 hidden + 2 intermediate, where it says 10 + 2. The gain is
that no family's configuration need be known. With gradient checkpointing a layer keeps its input alone, and one layer
at a time the rest (section 5 there).

The rule gives 85 to 91 % of the peak that PyTorch's profiler sees of a tiny Idefics3 (float32, on a CPU; 76 to 90 %
with checkpointing): the rest is what a backward holds for a moment. It has not been compared with a GPU's.

The optimizer's states are those of its kind, and the attention mask that sdpa is given of a sequence is counted: it
grows with the square of the tokens.

Not counted: the CUDA context (about 0.5 GiB), fragmentation, what gathers or buckets for other ranks, pixels, and the
head's tiles (TRL's fused head keeps no logits).
"""

from typing import Any

import numpy as np
from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.training_args import OptimizerNames

from t2vid_hf.batches.packing import PackingPlan
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.models import Adapter, ModelParts
from t2vid_hf.training.model_parts import PARTS, bare_model, part_of
from t2vid_hf.training.sharding import Sharding, sharding_of
from t2vid_hf.training.step_memory import LargestStep, Memory, mask_bytes, state_bytes


def largest_step(
    model: nn.Module,
    adapter: Adapter,
    processor: Any,
    args: Any,
    *,
    prices: Prices,
    packing_plan: PackingPlan | None,
) -> LargestStep:
    """What the largest batch of a run takes of each device. Here alone a run's settings become an estimate.

    Args:
        model (`nn.Module`): The model as it will train, PEFT's layers in it; its weights may be on `meta`.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        processor ([`~transformers.ProcessorMixin`]): The model's processor, configured by the adapter.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments, made in the environment that
            `accelerate launch` sets.
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost.
        packing_plan ([`~t2vid_hf.batches.packing.PackingPlan`] or `None`): The plan of a run with `packing`.
    """
    tokens, images = largest_batch(
        prices,
        packing_plan,
        batch_size=args.per_device_train_batch_size,
        padded=not (args.packing or args.padding_free),
    )
    patches = images * patches_of_image(model, adapter.parts, page_px=adapter.page_px(processor))
    mixed = args.bf16 or args.fp16
    memory = estimated_memory(
        model,
        adapter.parts,
        tokens=tokens,
        patches=patches,
        gradient_checkpointing=args.gradient_checkpointing,
        activation_bytes=2 if mixed else 4,
        float32_weights=mixed and args.float32_weights,
        sharding=sharding_of(args),
        optim=OptimizerNames(args.optim).value,
        mask=mask_bytes(
            bare_model(model).config.get_text_config()._attn_implementation,
            tokens=tokens,
            lines=1 if args.packing or args.padding_free else args.per_device_train_batch_size,
            activation_bytes=2 if mixed else 4,
        ),
    )
    return LargestStep(tokens, images, memory)


def estimated_memory(
    model: nn.Module,
    parts: ModelParts,
    *,
    tokens: int,
    patches: int = 0,
    gradient_checkpointing: bool,
    activation_bytes: int = 2,
    float32_weights: bool = False,
    sharding: Sharding = Sharding(),  # noqa: B008  # frozen
    optim: str = "adamw_torch",
    mask: int = 0,
) -> Memory:
    """Memory of a training step.

    Args:
        model (`nn.Module`): The model, with `requires_grad` as it will train, PEFT's layers in it.
        parts ([`~t2vid_hf.models.ModelParts`]): The modules of the model's parts.
        tokens (`int`): Tokens of a batch of one device, padding with them.
        patches (`int`, *optional*, defaults to `0`): Patches that the vision tower takes for the batch; see
            [`patches_of_image`].
        gradient_checkpointing (`bool`): Whether a layer keeps its input alone, as in the trainer's arguments.
        activation_bytes (`int`, *optional*, defaults to `2`): Bytes of a number of the forward: 2 under bfloat16, 4 in
            float32.
        float32_weights (`bool`, *optional*, defaults to `False`): Whether what trains is kept in float32, as under
            mixed precision: by the trainer, by FSDP, or by DeepSpeed in a copy beside the weights.
        sharding ([`~t2vid_hf.training.sharding.Sharding`], *optional*, defaults to `Sharding()`): What devices share.
        optim (`str`, *optional*, defaults to `"adamw_torch"`): The optimizer, as in the trainer's arguments.
        mask (`int`, *optional*, defaults to `0`): Bytes of the attention mask, see
            [`~t2vid_hf.training.step_memory.mask_bytes`].

    Returns:
        [`Memory`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: no token, or a negative number of patches.
    """
    if tokens < 1 or patches < 0:
        raise InputError(f"tokens={tokens}, patches={patches}: at least 1 and 0")
    weights = gradients = optimizer = 0
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for parameter in model.parameters():
        size = parameter.element_size()
        if parameter.requires_grad:
            # The float32 copy of what trains: in place of the weight, or with DeepSpeed beside it.
            copied = float32_weights and sharding.float32_copy
            kept = 4 if float32_weights and not copied else size
            gradients += parameter.numel() * kept
            moment = 4 if float32_weights else size
            states = state_bytes(optim, parameter.shape, moment=moment, embedding=id(parameter) in embeddings)
            optimizer += states + (4 * parameter.numel() if copied else 0)
            size = kept
        weights += parameter.numel() * size
    weights += sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
    return Memory(
        sharding.weights_on_device(weights),
        sharding.gradients_on_device(gradients),
        sharding.optimizer_on_device(optimizer),
        activation_bytes * _kept_numbers(model, parts, tokens, patches, gradient_checkpointing) + mask,
    )


def largest_batch(
    prices: Prices, packing_plan: PackingPlan | None, *, batch_size: int, padded: bool = False
) -> tuple[int, int]:
    """Most tokens, and most images, that a batch of one device may hold; not always the same batch.

    Args:
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost.
        packing_plan ([`~t2vid_hf.batches.packing.PackingPlan`] or `None`): The plan whose bins make a batch; `None`
            where rows do.
        batch_size (`int`): Rows, or bins, of a batch.
        padded (`bool`, *optional*, defaults to `False`): Whether rows are padded to the longest, not put one
            behind the other.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.batches.token_cost import Prices
    >>> from t2vid_hf.training.memory import largest_batch
    >>> prices = Prices(np.array([50, 30, 90]), np.array([0, 2, 5]), np.array([0, 0, 0]), tokens_per_image=10)
    >>> largest_batch(prices, None, batch_size=2), largest_batch(prices, None, batch_size=2, padded=True)
    ((140, 7), (180, 7))

    ```
    """
    if packing_plan is not None:
        before = np.concatenate([[0], np.cumsum(prices.images[packing_plan.rows])])
        images = np.diff(before[packing_plan.ends], prepend=0)
        return batch_size * packing_plan.max_tokens, batch_size * int(images.max())
    longest = np.sort(prices.tokens)[-batch_size:]
    most = np.sort(prices.images)[-batch_size:]
    return int(longest[-1] * len(longest) if padded else longest.sum()), int(most.sum())


def patches_of_image(model: nn.Module, parts: ModelParts, *, page_px: int) -> int:
    """Patches that the vision tower cuts a page into: the stride of its convolution is a patch's side.

    Args:
        model (`nn.Module`): The model, bare or with PEFT's layers in it.
        parts ([`~t2vid_hf.models.ModelParts`]): The modules of the model's parts.
        page_px (`int`): Side of a page, in pixels.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the tower has no convolution.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d) and part_of(f"{name}.weight", parts) == "vision":
            return (page_px // int(module.kernel_size[-1])) ** 2
    raise InputError(f"{type(model).__name__} has no convolution in its vision tower, which would tell a patch's side")


def _kept_numbers(model: nn.Module, parts: ModelParts, tokens: int, patches: int, checkpointing: bool) -> int:
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
