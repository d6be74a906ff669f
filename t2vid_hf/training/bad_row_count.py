"""Bad rows of all ranks: named in a file, counted by reason, and the end of a run that has too many of them."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accelerate.utils import broadcast_object_list, gather_object
from datasets import IterableDataset
from transformers import TrainerCallback

from t2vid_hf.errors import InputError
from t2vid_hf.training.bad_rows import BadRow

FILE = "bad_rows.jsonl"
_logger = logging.getLogger(__name__)


class BadRowCount(TrainerCallback):
    """Counts rows, each once however many epochs meet it, and stops all ranks at the same step.

    Ranks tell each other at the end of every step, with `on_bad_row="drop"` alone. What is allowed is
    `max_bad_share` of the rows that the run takes, or would take in an epoch, so that a bad row among the first does
    not end it. A run that resumes goes on counting from the file.

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): Whose rows they are.
    """

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer
        self._new: list[BadRow] = []
        self._known: dict[str, str] = {}  # id -> reason
        self._first: str | None = None
        self._most = 0.0
        self._rows = 0
        self._stopped = False

    @property
    def _wanted(self) -> bool:
        return self._trainer.args.on_bad_row == "drop"

    def note(self, rows: Sequence[BadRow]) -> None:
        """Take the bad rows of a batch.

        Args:
            rows (`Sequence[BadRow]`): As the collator told them.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a bad row is an error.
        """
        if rows and not self._wanted:
            raise InputError(f"{rows[0].message} (or train without it: on_bad_row: drop)")
        self._new += rows

    def counts(self) -> dict[str, float]:
        """For the log: bad rows so far, of all ranks, and by reason; nothing where there is none."""
        reasons = Counter(self._known.values())
        named = {f"bad_rows/{reason}": float(count) for reason, count in sorted(reasons.items())}
        return {"bad_rows": float(len(self._known)), **named} if named else {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Go on from the file of a run that resumes; begin a new one otherwise."""
        if not self._wanted:
            return
        file = Path(args.output_dir) / FILE
        found: list[dict[str, str]] = [{}]
        if state.is_world_process_zero:
            if state.global_step and file.is_file():
                entries = map(json.loads, file.read_text("utf-8").splitlines())
                found = [{entry["id"]: entry["reason"] for entry in entries}]
            else:
                file.unlink(missing_ok=True)
        self._known = broadcast_object_list(found)[0]
        self._new, self._first, self._stopped = [], None, False
        self._rows = self._rows_of(args, state, kwargs["train_dataloader"])
        self._most = args.max_bad_share * self._rows

    def _rows_of(self, args: Any, state: Any, loader: Any) -> int:
        """Rows that the run takes, those of an epoch at the most."""
        taken = args.train_batch_size * args.gradient_accumulation_steps * args.world_size * state.max_steps
        dataset = self._trainer.train_dataset
        if isinstance(dataset, IterableDataset):
            return taken
        steps = -(-len(loader) // args.gradient_accumulation_steps)
        return -(-len(dataset) * min(state.max_steps, steps) // steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put together what the ranks met; save and stop where it is too much."""
        if not self._wanted:
            return
        met: list[BadRow] = gather_object(self._new)
        self._new = []
        fresh = {row.id: row for row in met if row.id not in self._known}
        self._known |= {row.id: row.reason for row in fresh.values()}
        if fresh and state.is_world_process_zero:
            with (Path(args.output_dir) / FILE).open("a", encoding="utf-8") as file:
                for row in fresh.values():
                    _logger.warning("left out: %s", row.message)
                    file.write(json.dumps({**asdict(row), "step": state.global_step}, ensure_ascii=False) + "\n")
        self._first = self._first or next((row.message for row in fresh.values()), None)
        if len(self._known) > self._most:
            self._stopped = control.should_save = control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Raise, on every rank, where there were too many: behind the checkpoint."""
        if self._stopped:
            reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(self._known.values()).items())
            file = Path(args.output_dir) / FILE
            raise InputError(
                f"{len(self._known)} of {self._rows} rows are bad ({reasons}), and max_bad_share={args.max_bad_share} "
                f"allows {int(self._most)}: {self._first or 'all of them from before'}; each is named in {file}. The "
                f"run stopped at checkpoint-{state.global_step}: raise max_bad_share, or mend the rows and remove the "
                f"file, and resume"
            )
