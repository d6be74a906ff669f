"""Float32 weights of what trains: while it trains, and not before or behind.

AdamW moves a weight by about the learning rate. The paper's 5e-6 is less than half of bfloat16's step at every weight
above 2^-9 = 0.002, and rounds away there. So what trains is kept in float32 while a run lasts, and autocast computes in
bfloat16. It costs 8 bytes a weight that trains: with AdamW 16 instead of 8 (weight, gradient, and two moments).

`checkpoint-N` has the float32 weights, so that a run goes on exactly. Behind the run, also after an exception, the
model has the types that it came with; so has what is saved for others, and so has a model that is asked questions
meanwhile: its answers are those of the model that would be saved, and it is as fast. DeepSpeed and FSDP keep float32
weights by themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftModel
from torch import nn
from transformers import PreTrainedModel

from t2vid_hf.errors import InputError
from t2vid_hf.training.forward_patches import ForwardPatches
from t2vid_hf.training.model_parts import bare_model, plain_name
from t2vid_hf.training.sharding import uses_fsdp

HALVES = (torch.bfloat16, torch.float16)


class Float32Weights:
    """The weights of a run that are float32 inside of `train`, and of 16 bits outside.

    Args:
        model (`nn.Module`): The model with `requires_grad` as it will train, bare or a `PeftModel`; before DDP or FSDP
            wraps it.
        on (`bool`): Whether weights of 16 bits that train become float32.
        keep (`bool`, *optional*, defaults to `False`): Whether they stay so; the weights of a bare model that did not
            train become float32 with them.
        adapted (`dict[str, torch.dtype]`, *optional*): Names and types of the weights before PEFT added its own, which
            PEFT has made float32; behind the run those are of the type that most of these weights have. `None` where
            PEFT added nothing.

    Example:

    ```python
    >>> import torch
    >>> from torch import nn
    >>> from t2vid_hf.training.float32_weights import Float32Weights
    >>> layer = nn.Linear(2, 2, dtype=torch.bfloat16)
    >>> with Float32Weights(layer, on=True).train():
    ...     layer.weight.dtype
    torch.float32
    >>> layer.weight.dtype
    torch.bfloat16

    ```
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        on: bool,
        keep: bool = False,
        adapted: dict[str, torch.dtype] | None = None,
    ) -> None:
        self._model, self._keep = model, keep
        self._types = [(weight, weight.dtype) for weight in find_halves(model)] if on else []
        if adapted is not None:
            self._types += _find_adapter(model, adapted)
        self._inside = False

    @contextmanager
    def train(self) -> Iterator[None]:
        """Have what trains in float32 inside, and behind it as it came."""
        if self._inside:
            yield
            return
        configs = _read_configs(self._model)
        for weight, _ in self._types:
            weight.data = weight.data.float()
        self._inside = True
        try:
            yield
        finally:
            self._inside = False
            for weight, dtype in self._types:
                if not (self._keep and weight.requires_grad):
                    _turn(weight, dtype)
            if self._keep and not isinstance(self._model, PeftModel):
                # All of it, because a model of two types generates under autocast alone.
                for weight in self._model.parameters():
                    _turn(weight, torch.float32 if weight.dtype in HALVES else weight.dtype)
                configs = [(config, torch.float32) for config, _ in configs]
            _write_configs(configs)  # a checkpoint that was saved has set its own

    @contextmanager
    def release(self, *, to_save: bool = False) -> Iterator[None]:
        """Have the weights in 16 bits inside, as they will be behind the run; then the very float32 weights go on.

        Args:
            to_save (`bool`, *optional*, defaults to `False`): Whether they stay float32 where `keep` says so.
        """
        swapped = self._types if self._inside and not (to_save and self._keep) else []
        kept = [(weight, weight.data) for weight, _ in swapped]
        configs = _read_configs(self._model)
        for weight, dtype in swapped:
            weight.data = weight.data.to(dtype)
        try:
            yield
        finally:
            for weight, data in kept:
                weight.data = data
            _write_configs(configs)


def find_halves(model: nn.Module) -> list[nn.Parameter]:
    """Find the weights of 16 bits that train, and those of every layer norm if there are any.

    A frozen norm behind a layer that trains is given float32, which on a CPU it takes with weights of float32 alone.

    Args:
        model (`nn.Module`): The model, with `requires_grad` as it will train.

    Returns:
        `list[nn.Parameter]`: each once.
    """
    trained = [weight for weight in model.parameters() if weight.requires_grad and weight.dtype in HALVES]
    norms = [module for module in model.modules() if isinstance(module, nn.LayerNorm)] if trained else []
    frozen = [weight for norm in norms for weight in norm.parameters(recurse=False) if not weight.requires_grad]
    return [*trained, *(weight for weight in frozen if weight.dtype in HALVES)]


def embed_in_model_type(model: nn.Module) -> ForwardPatches:
    """Make patches under which the embeddings of tokens are of the type that the model says it has.

    For a model that turns images' features into its own type, and puts them among embeddings of another where the
    tower is frozen and the embeddings train: an error in SmolVLM (transformers 5.23). Its siblings ask the embeddings.

    Args:
        model (`nn.Module`): The model, bare or a `PeftModel`.

    Returns:
        [`~t2vid_hf.training.forward_patches.ForwardPatches`]
    """
    bare: Any = bare_model(model)
    embeddings = bare.get_input_embeddings()
    patches = ForwardPatches([embeddings])
    with patches.in_place():
        forward = embeddings.forward
        embeddings.forward = lambda *args, **kwargs: forward(*args, **kwargs).to(bare.dtype)
    return patches


def check_float32(args: Any) -> None:
    """Refuse switches of float32 weights that the run cannot have.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments, made in the environment that
            `accelerate launch` sets.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a switch is set that has no effect, or that would make training fail.
    """
    sharding = args.deepspeed_plugin is not None or uses_fsdp(args)
    if not args.float32_weights and args.fp16:
        raise InputError("float32_weights=False: the scaler of fp16 needs float32 weights; leave it true, or take bf16")
    if sharding and not (args.float32_weights and not args.keep_float32):
        raise InputError("DeepSpeed and FSDP keep float32 weights by their own settings; leave float32_weights true "
                         "and keep_float32 false")  # fmt: skip
    if args.keep_float32 and not (args.float32_weights and (args.bf16 or args.fp16)):
        raise InputError("keep_float32=True keeps what a bf16 or fp16 run has in float32, and this run has nothing of "
                         "the kind; set bf16 and float32_weights, or load the model in float32")  # fmt: skip


def _read_configs(model: nn.Module) -> list[tuple[Any, Any]]:
    bare = bare_model(model)
    return [(bare.config, bare.config.dtype)] if isinstance(bare, PreTrainedModel) else []


def _write_configs(configs: list[tuple[Any, Any]]) -> None:
    for config, dtype in configs:
        config.dtype = dtype


def _find_adapter(model: nn.Module, before: dict[str, torch.dtype]) -> list[tuple[nn.Parameter, torch.dtype]]:
    kinds = [dtype for dtype in before.values() if dtype.is_floating_point]
    usual = max(set(kinds), key=kinds.count)
    added = [weight for name, weight in model.named_parameters() if plain_name(name) not in before]
    return [(weight, usual) for weight in added if weight.dtype == torch.float32] if usual in HALVES else []


def _turn(weight: nn.Parameter, dtype: torch.dtype) -> None:
    if weight.dtype != dtype:
        weight.grad = None  # what an exception has left; it is not of this type
        weight.data = weight.data.to(dtype)
