"""Runs that die: python -m tests.training.killed_run CHECKPOINT CLIP FOLDER trains each case of `CASES` up to its end.

A process for each, which kills itself as a machine would be switched off: in the middle of a step's callbacks, without
a word to the trainer, some steps behind the last checkpoint.
"""

import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from t2vid_hf.models import adapter_for
from t2vid_hf.training.tuning import lora_config
from tests.training.runs import config, load, make_rows, ours

ROWS = 12


@dataclass(frozen=True)
class Case:
    """A run: its settings, the step at which it dies, and that of its last checkpoint."""

    name: str
    settings: dict[str, Any] = field(repr=False)
    dies_at: int
    last_saved: int


RANDOM = {"per_device_train_batch_size": 2, "num_train_epochs": 3}  # 6 steps an epoch
PACKED = {"packing": True, "max_length": 140, "num_train_epochs": 2}  # 9 steps an epoch
CASES = [
    Case(f"{name}, {workers} workers", {**settings, "dataloader_num_workers": workers}, dies, last)
    for name, settings, dies, last, workers in (
        ("random in the first epoch", {**RANDOM, "save_steps": 4}, 5, 4, 2),
        ("random in the second epoch", {**RANDOM, "save_steps": 4}, 11, 8, 0),
        ("packed in the first epoch", {**PACKED, "save_steps": 4}, 7, 4, 0),
        ("packed in the second epoch", {**PACKED, "save_steps": 4}, 14, 12, 2),
        ("packed between epochs", {**PACKED, "save_steps": 9}, 11, 9, 0),
        ("packed and accumulated", {**PACKED, "save_steps": 4, "gradient_accumulation_steps": 2}, 9, 8, 0),
        ("grouped by length", {**RANDOM, "save_steps": 4, "train_sampling_strategy": "group_by_length"}, 9, 8, 0),
        ("rebalanced", {**RANDOM, "save_steps": 4, "train_sampling_strategy": "batch_rebalance"}, 9, 8, 0),
        ("bfloat16", {**RANDOM, "save_steps": 4, "bf16": True}, 9, 8, 0),
        ("LoRA in bfloat16", {**RANDOM, "save_steps": 4, "bf16": True, "tune_vision": False}, 9, 8, 0),
    )
]


class Dies(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def trainer(case: Case, checkpoint: Path, clip: Path, folder: Path, **kwargs: Any):
    args = config(folder, max_steps=-1, save_strategy="steps", learning_rate=1e-3, **case.settings)
    model, processor = load(checkpoint, dtype="bfloat16" if args.bf16 else "float32")
    if "LoRA" in case.name:
        kwargs["peft_config"] = lora_config(model, adapter_for("idefics3").parts, r=4, alpha=8, dropout=0.1)
    return ours(checkpoint, args, make_rows(ROWS, clip.read_bytes()), given=(model, processor), **kwargs)


def main() -> None:
    checkpoint, clip, folder = map(Path, sys.argv[1:])
    for case in CASES:
        child = os.fork()  # before anything is computed, so that no thread is lost
        if not child:
            trainer(case, checkpoint, clip, folder / case.name, callbacks=[Dies(case.dies_at)]).train()
            os._exit(0)  # it should not have come so far
        _, status = os.waitpid(child, 0)
        print(f"{case.name}: {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
