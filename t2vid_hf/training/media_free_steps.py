"""A step without an image moves neither the vision tower nor the connector, on one process as on several.

On several ranks a dummy has every part run in every step, and leaves gradients of zero behind: AdamW would move by
momentum, and by weight decay, what one process, which has no gradients there, leaves as it is.
"""

from typing import Any

from transformers import TrainerCallback

from t2vid_hf.training.model_parts import part_of


class MediaFreeSteps(TrainerCallback):
    """Takes the gradients of zero away where no rank had an image in a step.

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): The trainer whose collator adds dummies.
    """

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Look at what all ranks had in this step."""
        trainer = self._trainer
        # DeepSpeed keeps gradients of its own.
        if not trainer.data_collator.always_media or trainer.is_deepspeed_enabled:
            return
        if trainer.telemetry.visual_tokens_of_step():
            return
        for name, parameter in trainer.model.named_parameters():
            if parameter.grad is not None and part_of(name, trainer.adapter.parts) != "language":
                parameter.grad = None
