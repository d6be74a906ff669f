"""Whether a run may keep the features of its vision tower, and the tower that does.

A kept feature is right for a tower that stays what it is, and that every rank may run as often as it needs to.
"""

from typing import Any

from torch import nn
from torch.distributed.tensor import DTensor

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import Adapter
from t2vid_hf.models.feature_store import open_store
from t2vid_hf.models.kept_features import DEFAULT_GB, KeptFeatures
from t2vid_hf.training.forward_patches import ForwardPatches
from t2vid_hf.training.model_parts import bare_model
from t2vid_hf.training.tuning import frozen_vision


def keep_features(
    model: nn.Module, adapter: Adapter, args: Any, *, sharded: bool
) -> tuple[KeptFeatures, ForwardPatches]:
    """Keep the features of a run's vision tower.

    Args:
        model (`nn.Module`): The model that the trainer has, bare or a `PeftModel`.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments, with a `vision_feature_cache`.
        sharded (`bool`): Whether DeepSpeed or FSDP keeps the weights.

    Returns:
        `tuple[KeptFeatures, ForwardPatches]`: what counts pictures and hits, and the tower's forward with it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the tower trains, is divided among ranks, or has dropout.
    """
    asked = f"vision_feature_cache: {args.vision_feature_cache}"
    if not frozen_vision(model, adapter.parts):
        raise InputError(f"{asked} keeps what a frozen vision tower computes, and tune_vision is true, or weights of "
                         f"the tower train: set tune_vision: false, or leave vision_feature_cache out")  # fmt: skip
    tower = adapter.tower(bare_model(model))
    if sharded or any(isinstance(weight, DTensor) for _, weight in tower.weights()):
        raise InputError(f"{asked} with FSDP or DeepSpeed, which divide a tower among ranks, so that all must run it "
                         f"together: launch with DDP, or leave vision_feature_cache out")  # fmt: skip
    gb = args.vision_feature_cache_gb
    store = open_store(args.vision_feature_cache, DEFAULT_GB if gb is None else gb)
    patches = ForwardPatches([tower.module])
    with patches.in_place():
        kept = tower.module.forward = KeptFeatures(tower, store)
    return kept, patches
