"""Where the time of a training step goes: forward, backward, clipping, the optimizer's step, and what is beside."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

PHASES = ("forward", "backward", "clipping", "optimizer")


class StepPhases(TrainerCallback):
    """Counts the seconds of each phase from the first step that counts to the end of the last one.

    Args:
        trainer ([`~transformers.Trainer`]): The trainer, before it trains.
        skip (`int`, *optional*, defaults to `3`): Steps at the beginning that are not counted.
    """

    def __init__(self, trainer: Any, *, skip: int = 3) -> None:
        self._trainer, self._skip, self.steps = trainer, skip, 0
        self._phases: dict[str, Clock] = defaultdict(Clock)
        self._whole = Clock()
        trainer.add_callback(self)

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        trainer, accelerator = self._trainer, self._trainer.accelerator
        model.register_forward_pre_hook(lambda *_: self._phases["forward"].start(), prepend=True)
        model.register_forward_hook(lambda *_: self._phases["forward"].stop())
        accelerator.backward = self._timed("backward", accelerator.backward)
        accelerator.clip_grad_norm_ = self._timed("clipping", accelerator.clip_grad_norm_)
        trainer.optimizer.step = self._timed("optimizer", trainer.optimizer.step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step > self._skip:
            self._whole.stop()
            self.steps = state.global_step - self._skip
        else:
            self._phases.clear()
        self._whole.start()

    def told(self) -> dict[str, float]:
        """Milliseconds a step, by the clock and of the training process's own computing: of each phase, of all, and
        `overhead_ms` and `overhead_cpu_ms`, what is beside the phases.
        """
        told = {}
        for suffix, number in (("ms", 0), ("cpu_ms", 1)):
            phases = {name: self._phases[name].seconds[number] for name in PHASES}
            whole = self._whole.seconds[number]
            made = {**phases, "overhead": whole - sum(phases.values()), "step": whole}
            told |= {f"{name}_{suffix}": round(value / self.steps * 1e3, 3) for name, value in made.items()}
        return told

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            self._phases[name].start()
            try:
                return function(*args, **kwargs)
            finally:
                self._phases[name].stop()

        return run


class Clock:
    """Seconds between starts and stops, by the clock and of this thread's computing."""

    def __init__(self) -> None:
        self.seconds, self._since = (0.0, 0.0), (0.0, 0.0)

    def start(self) -> None:
        self._since = time.perf_counter(), time.thread_time()

    def stop(self) -> None:
        now = time.perf_counter(), time.thread_time()
        first, second = (s + n - b for s, n, b in zip(self.seconds, now, self._since, strict=True))
        self.seconds = first, second
