"""What a training step holds in numbers: its largest batch, what the optimizer keeps, what the attention mask takes."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

_MOMENTS = {
    **dict.fromkeys(("adamw_torch", "adamw_torch_fused", "adamw_torch_xla", "adamw_torch_npu_fused"), 2),
    **dict.fromkeys(("paged_adamw_32bit", "stable_adamw"), 2),
    **dict.fromkeys(("adagrad", "rmsprop", "rmsprop_bnb", "rmsprop_bnb_32bit", "lion_32bit", "paged_lion_32bit"), 1),
    **dict.fromkeys(("ademamix", "paged_ademamix_32bit"), 3),
    **dict.fromkeys(("sgd", "lomo"), 0),
}
_MOMENTS_IN_8_BITS = {
    **dict.fromkeys(("adamw_8bit", "adamw_bnb_8bit", "paged_adamw_8bit"), 2),
    **dict.fromkeys(("lion_8bit", "paged_lion_8bit", "rmsprop_bnb_8bit"), 1),
    **dict.fromkeys(("ademamix_8bit", "paged_ademamix_8bit"), 3),
}
# bitsandbytes: a float32 scale for each block; what is smaller than the least, and embeddings, stay float32.
_BLOCK, _LEAST = 256, 4096


@dataclass(frozen=True)
class Memory:
    """Bytes of a training step on one device.

    Args:
        weights (`int`): The weights, those that are frozen with them.
        gradients (`int`): The gradients of what trains.
        optimizer (`int`): What the optimizer keeps, such as AdamW's two moments, and the float32 copy of what trains
            where there is one.
        activations (`int`): What the forward keeps for the backward, about.
    """

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


@dataclass(frozen=True)
class LargestStep:
    """The most that a batch of one device may hold, and what a step of it takes there.

    Args:
        tokens (`int`): The most tokens, padding with them.
        images (`int`): The most images, not always of the same batch.
        memory ([`Memory`]): What a step of both takes.
    """

    tokens: int
    images: int
    memory: Memory


def state_bytes(optim: str, shape: Sequence[int], *, moment: int, embedding: bool = False) -> int:
    """Count the bytes that an optimizer keeps of a weight.

    Args:
        optim (`str`): The optimizer, a value of [`~transformers.training_args.OptimizerNames`]. One that keeps
            something else (GaLore, APOLLO, 4 bits) counts as AdamW, which keeps more.
        shape (`Sequence[int]`): The weight's shape.
        moment (`int`): Bytes of a number that the optimizer keeps in the weight's type.
        embedding (`bool`, *optional*, defaults to `False`): Whether it is an embedding's weight.

    Example:

    ```python
    >>> from t2vid_hf.training.step_memory import state_bytes
    >>> [state_bytes(kind, (1024, 256), moment=4) for kind in ("adamw_torch", "adamw_8bit", "adafactor", "sgd")]
    [2097152, 532480, 5120, 0]

    ```
    """
    numbers = math.prod(shape)
    if optim == "adafactor":  # a row and a column of each matrix
        factored = numbers // shape[-1] + numbers // shape[-2] if len(shape) >= 2 else numbers
        return factored * moment
    if optim in _MOMENTS_IN_8_BITS:
        moments = _MOMENTS_IN_8_BITS[optim]
        if embedding or numbers < _LEAST:
            return 4 * moments * numbers
        return moments * (numbers + 4 * math.ceil(numbers / _BLOCK))
    return _MOMENTS.get(optim, 2) * moment * numbers


def mask_bytes(attention: str, *, tokens: int, lines: int, activation_bytes: int) -> int:
    """Count the bytes of an attention mask: which token of a line sees which.

    Flash attention has none. For sdpa transformers makes it of bools, and torch turns it into numbers beside that.

    Args:
        attention (`str`): The attention's implementation, such as `"sdpa"`.
        tokens (`int`): Tokens of a batch, padding with them.
        lines (`int`): Sequences of the batch; one, where its rows stand one behind the other.
        activation_bytes (`int`): Bytes of a number of the forward.

    Example:

    ```python
    >>> from t2vid_hf.training.step_memory import mask_bytes
    >>> mask_bytes("sdpa", tokens=10_240, lines=1, activation_bytes=2) // 2**20  # MiB
    300

    ```
    """
    places = lines * (tokens // lines) ** 2
    return {"sdpa": (1 + activation_bytes) * places, "eager": activation_bytes * places}.get(attention, 0)
