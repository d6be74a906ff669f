"""Answers during training: what a loss does not tell is whether the model can say it.

The questions come from outside, as a function, so that training imports no evaluation; a recipe joins the two.
"""

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.distributed.fsdp import FullyShardedDataParallel
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from t2vid_hf.errors import InputError
from t2vid_hf.training.trainer import T2VidSFTTrainer

Evaluate = Callable[[Any, Any], dict[str, float]]


class GenerationCallback(TrainerCallback):
    """Let the model answer questions every few steps, and log how well it does.

    The run goes on as if nothing had happened: modes of the modules and states of the random generators are put back,
    so that its losses are those of a run without the callback.

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): The trainer whose model answers, and through whose `log` the
            scores go, into `state.log_history` and to `report_to`. Give the callback to it by `trainer.add_callback`.
        evaluate (`Callable[[model, processor], dict[str, float]]`): What asks. It is called with the bare model, in
            evaluation mode, and the trainer's processor; it returns scores by name, which are logged as `eval_{name}`.
            It is called on every rank, because a sharded model only generates where all ranks take part, and is to ask
            all ranks the same: what rank zero gets is what is reported.
        every_steps (`int`): Optimizer steps from one time to the next, at least 1.
        at_start (`bool`, *optional*, defaults to `False`): Whether the model answers before the first step too, for
            scores to compare with; not when a run resumes.

    Raises:
        [`~t2vid_hf.errors.InputError`]: `every_steps` is below 1.

    Example:

    ```python
    from t2vid_hf.evaluation.runs import accuracy, ask, load_items

    items = load_items("clips", "out/set", at_most=64)

    def evaluate(model, processor):
        return {"clips_accuracy": accuracy(ask(model, processor, items, num_frames=8))}

    trainer.add_callback(GenerationCallback(trainer, evaluate, every_steps=100, at_start=True))
    ```
    """

    def __init__(
        self, trainer: T2VidSFTTrainer, evaluate: Evaluate, *, every_steps: int, at_start: bool = False
    ) -> None:
        if every_steps < 1:
            raise InputError(f"every_steps is {every_steps}; it must be at least 1")
        self.trainer, self.evaluate = trainer, evaluate
        self.every_steps, self.at_start = every_steps, at_start

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Ask before the first step, if wished."""
        if self.at_start and state.global_step == 0:
            self._ask(control)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Ask every few steps."""
        if state.global_step % self.every_steps == 0:
            self._ask(control)

    def _ask(self, control: TrainerControl) -> None:
        trainer = self.trainer
        with trainer.telemetry.pause(), preserve_state(trainer.model_wrapped), gather_model(trainer) as model:
            # With weights of one type, those that would be saved: float32 beside bfloat16 does not generate.
            with trainer.loan.weights.release():
                scores = self.evaluate(model, trainer.processing_class)
            # By the mode a trainer tells what kind of numbers it is given; the evaluation may have changed it.
            trainer.model_wrapped.eval()
            # Logging takes the wish to log back, and the loss of this very step may still be waiting for it.
            wish = control.should_log
            trainer.log({f"eval_{name}": score for name, score in scores.items()})
            control.should_log = wish


@contextlib.contextmanager
def preserve_state(model: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode within; behind it each module's own mode and every random generator are as they were.

    Args:
        model (`nn.Module`): The model, with whatever wraps it.
    """
    modes = [(module, module.training) for module in model.modules()]
    python, numpy = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        model.eval()
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training
            random.setstate(python)
            np.random.set_state(numpy)


@contextlib.contextmanager
def gather_model(trainer: T2VidSFTTrainer) -> Iterator[torch.nn.Module]:
    """The model to generate with: without its wrapper, and under FSDP's first version with the root's weights whole.

    DeepSpeed ZeRO-3 and FSDP's second version gather weights as the forward comes to them.

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): The trainer whose model it is.

    Yields:
        `nn.Module`: the bare model.
    """
    wrapped = trainer.model_wrapped
    gathered: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    if isinstance(wrapped, FullyShardedDataParallel):
        gathered = FullyShardedDataParallel.summon_full_params(wrapped, recurse=False, writeback=False)
    with gathered:
        yield trainer.accelerator.unwrap_model(wrapped)
