"""An optimizer with a learning rate for each part of the model."""

from typing import Any

from t2vid_hf.training.tuning import check_optimizer, parameter_groups


def optimizer_of_parts(trainer: Any, model: Any) -> tuple[Any, dict[str, Any]]:
    """The class of a trainer's optimizer and what it is made with, the groups of parameters among it.

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): Whose arguments say which.
        model (`nn.Module`): Whose parameters they are.

    Returns:
        `tuple[type, dict[str, Any]]`: as `Trainer.optimizer_cls_and_kwargs`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the optimizer groups parameters by itself.
    """
    args = trainer.args
    kind, settings = trainer.get_optimizer_cls_and_kwargs(args, model)
    check_optimizer(kind, settings, name=args.optim)
    groups = parameter_groups(
        model,
        trainer.adapter.parts,
        learning_rate=args.learning_rate,
        vision_learning_rate=args.vision_learning_rate,
        connector_learning_rate=args.connector_learning_rate,
        weight_decay=args.weight_decay,
        decay_names=trainer.get_decay_parameter_names(model),
    )
    return kind, {**settings, "params": groups}
