"""How large the largest batch of a run may be, told before its first step, so that nobody learns it hours later."""

from typing import Any

from transformers import TrainerCallback

from t2vid_hf.training.memory import largest_step


class LargestBatch(TrainerCallback):
    """Logs before step 0 the most tokens and images that a batch may hold, and the memory that they should take.

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): The trainer that trains them. Nothing is logged where its rows
            have no prices (a stream).
    """

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Log once, on a run's first step."""
        trainer = self._trainer
        if not trainer.has_prices or state.global_step:
            return
        step = largest_step(
            trainer.accelerator.unwrap_model(trainer.model),
            trainer.adapter,
            trainer.processing_class,
            args,
            prices=trainer.prices,
            packing_plan=trainer.packing_plan,
        )
        trainer.log(
            {
                "largest_batch_tokens": step.tokens,
                "largest_batch_images": step.images,
                "estimated_memory_gib": round(step.memory.total / 2**30, 3),
            }
        )
