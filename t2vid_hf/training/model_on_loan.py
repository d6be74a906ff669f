"""A model is lent to a run: what the run sets on it is there while it runs, and behind it the model is as it came."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn

from t2vid_hf.models.adapter import Adapter
from t2vid_hf.models.kept_features import KeptFeatures
from t2vid_hf.training.float32_weights import Float32Weights, embed_in_model_type
from t2vid_hf.training.forward_patches import ForwardPatches, run_without_grad
from t2vid_hf.training.frozen_features import keep_features
from t2vid_hf.training.hooks_aside import HooksAside
from t2vid_hf.training.model_parts import bare_model, plain_name
from t2vid_hf.training.tuning import frozen_vision


class ModelOnLoan:
    """Forwards, hooks and float32 weights of a run, on the model while it runs alone.

    TRL sets its fused head on the model for good, accelerate its autocast; here they are there while the trainer runs.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model that the trainer is given.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.

    Attributes:
        features ([`~t2vid_hf.models.kept_features.KeptFeatures`], *optional*): The tower's, where they are kept.
    """

    def __init__(self, model: Any, adapter: Adapter) -> None:
        self._adapter, self._given = adapter, model
        self._types = {plain_name(name): weight.dtype for name, weight in model.named_parameters()}
        self._forwards = ForwardPatches([bare_model(model)])
        self._hooks = HooksAside(model)
        self._others: list[ForwardPatches] = []
        self.features: KeptFeatures | None = None
        self.weights = Float32Weights(model, on=False)

    def lend(self, model: nn.Module, args: Any, *, sharded: bool) -> None:
        """Settle what a run sets on the model, now that PEFT's weights are there and what trains is chosen.

        Args:
            model (`nn.Module`): The model that the trainer has, bare or a `PeftModel`.
            args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
            sharded (`bool`): Whether DeepSpeed or FSDP keeps float32 weights.
        """
        self._forwards.add(model)  # PEFT's, on which accelerate sets its autocast
        self._others = [run_without_grad(frozen_vision(model, self._adapter.parts))]
        if args.vision_feature_cache is not None:
            self.features, patches = keep_features(model, self._adapter, args, sharded=sharded)
            self._others.append(patches)
        if self._adapter.features_in_model_type:
            self._others.append(embed_in_model_type(model))
        self.weights = Float32Weights(
            model,
            on=(args.bf16 or args.fp16) and args.float32_weights and not sharded,
            keep=args.keep_float32,
            # PEFT's own weights are float32 where the model is not, which nobody asked for
            adapted=self._types if model is not self._given and not sharded else None,
        )

    @contextmanager
    def run(self, *, training: bool = False) -> Iterator[None]:
        """Have what TRL, accelerate and this run have set on the model inside, and inside alone.

        Args:
            training (`bool`, *optional*, defaults to `False`): Whether the weights that train are float32 as well.
        """
        with ExitStack() as stack:
            stack.enter_context(self._hooks.in_place())
            for patches in (self._forwards, *self._others):
                stack.enter_context(patches.in_place())
            stack.enter_context(self._adapter.while_running(bare_model(self._given)))
            if training:
                stack.enter_context(self.weights.train())
            yield
