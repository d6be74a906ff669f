"""An optimizer whose parts have learning rates of their own."""

from typing import Any

import torch
from torch import nn
from transformers.trainer_optimizer import is_optimizer_factory

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import ModelParts
from t2vid_hf.training.tuning import parameter_groups

Given = tuple[type[torch.optim.Optimizer], dict[str, Any]]


def has_rates(args: Any) -> bool:
    """Tell whether a part has a learning rate of its own.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
    """
    return (args.vision_learning_rate, args.connector_learning_rate) != (None, None)


def check_optimizers(args: Any, given: Any) -> None:
    """Refuse a finished optimizer where parts are to have rates of their own.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
        given (`tuple` or `None`): The trainer's argument `optimizers`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an optimizer is given and a part has a rate.
    """
    if has_rates(args) and given is not None and given[0] is not None:
        raise InputError("optimizers= brings the rates of its own groups, and vision_learning_rate or "
                         "connector_learning_rate is set: leave those out and make the groups with "
                         "t2vid_hf.training.tuning.parameter_groups, or give optimizer_cls_and_kwargs")  # fmt: skip


def optimizer_by_parts(
    trainer: Any, model: nn.Module, parts: ModelParts, *, given: Given | None
) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """Find an optimizer's class, and its arguments with a group for each part.

    Args:
        trainer ([`~transformers.Trainer`]): The trainer whose `args` name optimizer and rates.
        model (`nn.Module`): The model as the trainer has it.
        parts ([`~t2vid_hf.models.ModelParts`]): The modules of the model's parts.
        given (`tuple[type, dict]` or `None`): The trainer's argument `optimizer_cls_and_kwargs`: its "lr" is the
            language model's rate, and its "weight_decay" that of what decays.

    Returns:
        `tuple[type, dict]`: what `Trainer.optimizer_cls_and_kwargs` takes, the groups under "params".

    Raises:
        [`~t2vid_hf.errors.InputError`]: the optimizer groups parameters by itself.
    """
    args = trainer.args
    kind, settings = given or trainer.get_optimizer_cls_and_kwargs(args, model)
    grouped = sorted({"params", "model", "optimizer_dict"} & set(settings))
    if is_optimizer_factory(kind) or grouped:
        what = f"optimizer_cls_and_kwargs ({kind.__name__})" if given else f"optim={args.optim}"
        raise InputError(
            f"{what} groups parameters by itself; leave vision_learning_rate and connector_learning_rate out, or take "
            f"another, such as adamw_torch"
        )
    groups = parameter_groups(
        model,
        parts,
        learning_rate=settings.get("lr", args.learning_rate),
        vision_learning_rate=args.vision_learning_rate,
        connector_learning_rate=args.connector_learning_rate,
        weight_decay=settings.get("weight_decay", args.weight_decay),
        decay_names=trainer.get_decay_parameter_names(model),
    )
    return kind, {**settings, "params": groups}
