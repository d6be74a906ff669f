"""Where the time of a training step goes: forward, backward, clipping, the optimizer's step, and what is beside them."""

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
        self.seconds: dict[str, float] = defaultdict(float)
        self._begin = self._end = self._cpu_begin = self._cpu_end = 0.0
        self._entered = 0.0
        trainer.add_callback(self)

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        trainer, accelerator = self._trainer, self._trainer.accelerator
        model.register_forward_pre_hook(self._enter, prepend=True)
        model.register_forward_hook(self._leave)
        accelerator.backward = self._timed("backward", accelerator.backward)
        accelerator.clip_grad_norm_ = self._timed("clipping", accelerator.clip_grad_norm_)
        trainer.optimizer.step = self._timed("optimizer", trainer.optimizer.step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        now, cpu = time.perf_counter(), time.process_time()
        if state.global_step <= self._skip:
            self._begin, self._cpu_begin = now, cpu
            self.seconds.clear()
        else:
            self._end, self._cpu_end, self.steps = now, cpu, state.global_step - self._skip

    def told(self) -> dict[str, float]:
        """Milliseconds a step: each phase, all, and `overhead_ms`, what is beside the phases."""
        whole = (self._end - self._begin) / self.steps * 1e3
        made = {f"{name}_ms": self.seconds[name] / self.steps * 1e3 for name in PHASES}
        overhead = whole - sum(made.values())
        cpu = (self._cpu_end - self._cpu_begin) / self.steps * 1e3
        told = {**made, "overhead_ms": overhead, "step_ms": whole, "process_cpu_ms": cpu}
        return {name: round(value, 3) for name, value in told.items()}

    def _enter(self, *_: Any) -> None:
        self._entered = time.perf_counter()

    def _leave(self, *_: Any) -> None:
        self.seconds["forward"] += time.perf_counter() - self._entered

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[name] += time.perf_counter() - start

        return run
