"""What a checkpoint keeps so that a run goes on with exactly the rows not yet taken, and how it is taken up.

`Trainer` skips as many batches as it has taken, whatever they hold now: with another number of ranks, another length of
a sequence or other rows it repeats some and leaves others out. Here `trainer_state.json`, which is written last, keeps
the settings of the run and a digest of the rows that its epoch has taken; who takes it up must come to the same.
"""

import hashlib
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.data_loader import BatchSamplerShard
from torch.utils.data import IterableDataset
from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from t2vid_hf.errors import InputError
from t2vid_hf.training.checkpoints import asked_for, find_checkpoint, read_record, written_by
from t2vid_hf.training.epoch_plan import PlanSampler, check_plan, plan_epoch
from t2vid_hf.training.rank_batches import RowSampler, train_batches
from t2vid_hf.training.run_settings import check_same_run, run_settings
from t2vid_hf.training.sharding import uses_fsdp


class RowsTaken(TrainerCallback, ExportableState):
    """Writes into each checkpoint which run it is of, and which rows of its epoch were taken.

    Args:
        record (`dict`, *optional*): "settings" of the run, "ranks" that it ran on last, "planned_ranks" and
            "accumulation" that it began with, "rows_per_step" (of packed sequences: bins), the "plan" of packing,
            "workers" of a stream, "rows" and "prices" of the mixture; of the epoch's rows how many were "taken", and
            their "digest"; "num_tokens" and "seconds" since the run began. Given where `Trainer` restores callbacks of
            a checkpoint.
    """

    def __init__(self, record: dict[str, Any] | None = None) -> None:
        self.record = {} if record is None else record
        self.recipe: Any = None  # `fine_tune` sets both
        self.recipe_rows: str | None = None
        self._sampler: Any = None
        self._step = 0

    def begin(self, trainer: Any, begun: dict[str, Any] | None = None) -> None:
        """Write down what a run is, before its first step.

        Args:
            trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): The run's.
            begun (`dict`, *optional*): The record of the checkpoint that it goes on from.
        """
        args, plan = trainer.args, trainer.packing_plan
        self.record = {
            "settings": run_settings(args, self.recipe),
            "rows": self.recipe_rows,
            "rows_per_step": rows_per_step(args),
            "plan": None if plan is None else plan.fingerprint(),
            "planned_ranks": begun["planned_ranks"] if begun else args.world_size,
            "accumulation": begun["accumulation"] if begun else args.gradient_accumulation_steps,
            "workers": max(1, args.dataloader_num_workers),
            "prices": _digest([trainer.prices.tokens, trainer.prices.images]) if trainer.has_prices else None,
        }

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Note the ranks of now; let `save_steps` and its like be those of now, where a resumed state has others."""
        self.record["ranks"] = args.world_size
        self._step = state.global_step
        batches = kwargs["train_dataloader"].batch_sampler
        self._sampler = batches.batch_sampler if isinstance(batches, BatchSamplerShard) else batches
        state.compute_steps(args, state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count."""
        self._step = state.global_step

    def state(self) -> dict[str, Any]:
        """What `Trainer` writes into `trainer_state.json`."""
        ours = isinstance(self._sampler, PlanSampler | RowSampler)
        taken = rows_taken(self._sampler, self._step) if ours else {}
        return {"args": {"record": {**self.record, **taken}}, "attributes": {}}


def take_up(trainer: Any, given: str | bool | None) -> str | None:
    """Make a trainer ready to begin, or to go on from a checkpoint with exactly the rows that it has not taken.

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): The run's. Its accumulation steps and its packing plan become
            those that the checkpoint's steps ask for on the ranks of now.
        given (`str`, `bool` or `None`): What `Trainer.train` takes as `resume_from_checkpoint`; `None` takes that
            of the arguments.

    Returns:
        `str` or `None`: the checkpoint's folder.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such checkpoint, or it is of another run, of other rows, or cannot
            be loaded by these ranks.
    """
    args, kept = trainer.args, trainer.rows_taken
    given = args.resume_from_checkpoint if given is None else given
    checkpoint = find_checkpoint(given, args.output_dir, show=print if args.process_index == 0 else str)
    if checkpoint is None:
        if asked_for(given) is not None:
            raise InputError(f"resume_from_checkpoint: {args.output_dir} has no checkpoint; leave it out to begin")
        kept.begin(trainer)
        return None
    record = read_record(checkpoint)
    check_resumable(args, record, checkpoint, recipe=kept.recipe, show=print if args.process_index == 0 else str)
    if trainer.is_distributed_loading_by_transformers:
        raise InputError(
            f"{checkpoint}: `Trainer` writes the optimizer's state of rank 0 alone where a model was loaded with a "
            f"distributed_config, so that no run can go on from it; launch FSDP by accelerate instead"
        )
    if trainer.packing_plan is not None:
        if (trainer.packing_plan.fingerprint(), trainer.packing_plan.num_ranks) != (record["plan"], args.world_size):
            trainer.packing_plan = plan_epoch(args, trainer.prices, planned_ranks=record["planned_ranks"])
        check_plan(trainer.packing_plan, args, len(trainer.train_dataset))
    kept.begin(trainer, record)
    trainer.telemetry.total_tokens = record["num_tokens"]
    trainer.facts.take_up(record.get("seconds", 0.0))
    check_rows_taken(trainer, record, checkpoint)
    return str(checkpoint)


def check_resumable(
    args: Any, record: dict[str, Any], checkpoint: Path, *, recipe: Any = None, show: Callable[[str], Any] = print
) -> None:
    """Refuse a checkpoint that these ranks or settings cannot go on from; let accumulation follow the ranks.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's; `gradient_accumulation_steps` may be changed.
        record (`dict`): See [`~t2vid_hf.training.checkpoints.read_record`].
        checkpoint (`Path`): Its folder.
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`], *optional*): Where the run has one.
        show (`Callable[[str], Any]`, *optional*, defaults to `print`): Told of what follows the ranks.

    Raises:
        [`~t2vid_hf.errors.InputError`]: see [`take_up`].
    """
    check_same_run(run_settings(args, recipe), record["settings"], checkpoint)
    if args.ignore_data_skip:
        raise InputError("ignore_data_skip would take the rows of an epoch again from its first; leave it false")
    if args.auto_find_batch_size:
        raise InputError("auto_find_batch_size changes the rows of a step, and a resumed run must not; leave it false")
    check_sharding(args, record, checkpoint)
    then, batch = record["rows_per_step"], args.world_size * args.train_batch_size
    what = "sequences" if args.packing else "rows"
    now = f"{args.world_size} ranks of per_device_train_batch_size {args.train_batch_size}"
    if then % batch:
        raise InputError(
            f"{checkpoint} takes {then} {what} an optimizer step, and {now} do not divide them: give numbers whose "
            f"product divides {then}"
        )
    if rows_per_step(args) == then:
        return
    steps = then // batch
    if args.gradient_accumulation_steps != record["accumulation"] or args.deepspeed_plugin is not None:
        raise InputError(
            f"{checkpoint} takes {then} {what} an optimizer step: with {now} set gradient_accumulation_steps to "
            f"{steps}, not {args.gradient_accumulation_steps}"
        )
    show(f"gradient_accumulation_steps {steps}, not {record['accumulation']}: {now} take {then} {what} a step with it")
    args.gradient_accumulation_steps = steps


def check_sharding(args: Any, record: dict[str, Any], checkpoint: Path) -> None:
    """Refuse a state of the optimizer that these ranks cannot load.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is divided among ranks otherwise.
    """
    wrote, reads = written_by(checkpoint), "one process"
    if args.deepspeed_plugin is not None:
        reads = "DeepSpeed"
    elif uses_fsdp(args):
        reads = "FSDP"
    if wrote != reads:
        raise InputError(
            f"{checkpoint} has the optimizer's state as {wrote} writes it, and this run is launched with {reads}: "
            f"launch it as it was"
        )
    if wrote == "DeepSpeed" and record["ranks"] != args.world_size:
        raise InputError(
            f"{checkpoint} has the optimizer's state in {record['ranks']} parts, one a rank, and DeepSpeed cannot "
            f"load them on {args.world_size} ranks: launch {record['ranks']}"
        )


def check_rows_taken(trainer: Any, record: dict[str, Any], checkpoint: Path) -> None:
    """Refuse to go on where the rows that were taken are not those that this run would have taken.

    Raises:
        [`~t2vid_hf.errors.InputError`]: they are others, or a stream cannot be taken up.
    """
    args, now = trainer.args, trainer.rows_taken.record
    for name, what in (("rows", "rows of the mixture"), ("prices", "lengths of the rows"), ("plan", "packing plan")):
        if None not in (record[name], now[name]) and record[name] != now[name]:
            raise InputError(f"{checkpoint}: the {what} are no longer those of that run: its data sets, its processor "
                             f"or a version have changed. Begin a new run in another output_dir")  # fmt: skip
    sampler = train_batches(trainer)
    if sampler is not None:
        if rows_taken(sampler, record["global_step"]) != {name: record.get(name) for name in ("taken", "digest")}:
            raise InputError(
                f"{checkpoint} has taken {record.get('taken')} rows of its epoch, and they are not those that this "
                f"run would have taken by now: its rows have changed, or a version that orders them. Begin a new run "
                f"in another output_dir"
            )
        return
    if isinstance(trainer.train_dataset, IterableDataset) and record["epoch"] >= 1:
        raise InputError(f"{checkpoint} is behind the first pass over its stream, and where in a later one is not "
                         f"known: a stream is taken up in its first pass only")  # fmt: skip
    check_stream(args, record, checkpoint)


def check_stream(args: Any, record: dict[str, Any], checkpoint: Path) -> None:
    """Refuse to go on where `Trainer` deals the rows and would deal others: a stream's, mostly.

    Raises:
        [`~t2vid_hf.errors.InputError`]: ranks, accumulation or workers are others, or a stream is in its second pass.
    """
    if args.train_sampling_strategy == "random" and not args.accelerator_config.use_seedable_sampler:
        raise InputError("accelerator_config: without use_seedable_sampler the order of the rows is not known again")
    then = record["ranks"], record["accumulation"], record["workers"]
    now = args.world_size, args.gradient_accumulation_steps, max(1, args.dataloader_num_workers)
    if then != now:
        raise InputError(
            f"{checkpoint}: rows that `Trainer` deals, as those of a stream, go on only on as many ranks ({then[0]}), "
            f"accumulation steps ({then[1]}) and workers ({then[2]}) as before, not {now[0]}, {now[1]} and {now[2]}"
        )


def rows_per_step(args: Any) -> int:
    """Rows of an optimizer step over all ranks; packed, sequences."""
    return int(args.train_batch_size * args.gradient_accumulation_steps * args.world_size)


def rows_taken(sampler: PlanSampler | RowSampler, global_step: int) -> dict[str, Any]:
    """How many rows of its epoch a run has taken after a step, and a digest of which, in the order of the steps."""
    epoch, steps = divmod(global_step, sampler.num_steps)
    taken = [np.sort(rows) for rows in islice(sampler.steps(epoch), steps)]
    return {"taken": sum(map(len, taken)), "digest": _digest(taken)}


def _digest(parts: Iterable[Any]) -> str:
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(np.asarray(part, np.int64).tobytes() + b"/")
    return state.hexdigest()
