"""Which rows a rank takes when, where rows are not packed: the same step by step on any number of ranks.

`Trainer` deals batches to ranks by their size, and fills up the end of an epoch with rows of its beginning, so that a
row is taken twice. Here an epoch is an order of all rows, an optimizer step the next so many of them, and only then are
those dealt to ranks and accumulation steps. A run may thus stop after any step and go on with other ranks. The price is
that the last step of an epoch has fewer rows, and a rank may be without one there: it runs a row nothing of which is
learned, as it does for packed sequences.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset as TorchIterableDataset
from transformers.trainer_pt_utils import BatchRebalanceSampler, get_length_grouped_indices

from t2vid_hf.errors import InputError
from t2vid_hf.training.epoch_plan import PlanSampler, sampling_seed

Order = Callable[[int], list[int]]
Deal = Callable[[Sequence[int], int, int], list[list[int]]]


class RowSampler(BatchRebalanceSampler):
    """The batches of a rank.

    A subclass of transformers' `BatchRebalanceSampler` for its name alone, as `PlanSampler` is.

    Args:
        order (`Callable[[int], list[int]]`): The rows of an epoch, in order.
        num_rows (`int`): Rows of the training set.
        rows_per_step (`int`): Rows of an optimizer step, over all ranks.
        num_ranks (`int`): Processes that train together.
        rank (`int`): Which of them, from 0.
        batch_size (`int`): Rows of a batch of a rank.
        epoch (`Callable[[], int]`): Tells the epoch when an iteration begins.
        deal (`Callable[[Sequence[int], int, int], list[list[int]]]`): Rows of a step, ranks, batches of a rank -> all
            batches, in the order (batch, rank).
        drop_last (`bool`, *optional*, defaults to `False`): Whether to leave out a step that lacks rows.
    """

    def __init__(
        self,
        order: Order,
        *,
        num_rows: int,
        rows_per_step: int,
        num_ranks: int,
        rank: int,
        batch_size: int,
        epoch: Callable[[], int],
        deal: Deal,
        drop_last: bool = False,
    ) -> None:
        self.order, self.num_rows, self.rows_per_step = order, num_rows, rows_per_step
        self.num_ranks, self.rank, self.rows_per_batch = num_ranks, rank, batch_size
        self.epoch_now, self.deal, self.drop_last = epoch, deal, drop_last

    @property
    def num_steps(self) -> int:
        """Optimizer steps of an epoch."""
        steps, left = divmod(self.num_rows, self.rows_per_step)
        return steps + bool(left and not self.drop_last)

    def __len__(self) -> int:
        whole, left = divmod(self.num_rows, self.rows_per_step)
        last = 0 if self.drop_last else self._batches(left)
        return whole * self._batches(self.rows_per_step) + last

    def __iter__(self) -> Iterator[list[int]]:
        for rows in self.steps(self.epoch_now()):
            batches = self._batches(len(rows))
            dealt = self.deal(rows, self.num_ranks, batches)
            yield from dealt[self.rank :: self.num_ranks]

    def steps(self, epoch: int) -> Iterator[list[int]]:
        """The rows that all ranks together take, step by step."""
        order = self.order(epoch)
        for step in range(self.num_steps):
            yield order[step * self.rows_per_step : (step + 1) * self.rows_per_step]

    def _batches(self, rows: int) -> int:
        """Batches of a rank in a step of so many rows."""
        return -(-rows // (self.num_ranks * self.rows_per_batch))


def train_batches(trainer: Any) -> PlanSampler | RowSampler | None:
    """The batches of this rank, or `None` where they are left to `Trainer`.

    That is for streams, where ranks are no copies of each other (tensor, context and sequence parallelism), and where
    accelerate is asked to deal batches in a way of its own (`accelerator_config`, `auto_find_batch_size`).

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): The run's.
    """
    args, plan = trainer.args, trainer.packing_plan
    if isinstance(trainer.train_dataset, TorchIterableDataset):
        return None
    if plan is not None:
        return PlanSampler(
            plan,
            rank=args.process_index,
            bins_per_batch=args.per_device_train_batch_size,
            epoch=lambda: trainer.state.global_step // plan.num_steps,
            seed=sampling_seed(args),
        )
    by_length = args.train_sampling_strategy in ("group_by_length", "batch_rebalance")
    own_way = args.accelerator_config
    if not by_length and (
        args.auto_find_batch_size
        or args.parallelism_config is not None
        or own_way.split_batches
        or own_way.dispatch_batches
        or not own_way.use_seedable_sampler
    ):
        return None
    num_rows = len(trainer.train_dataset)
    sampler = row_sampler(
        args,
        num_rows,
        lengths=trainer.prices.tokens.tolist() if by_length else None,
        epoch=lambda: trainer.state.global_step // sampler.num_steps,
    )
    if not sampler.num_steps:
        raise InputError(
            f"{num_rows} rows are fewer than the {sampler.rows_per_step} of a step, and dataloader_drop_last leaves "
            f"such a step out: nothing is left to train on"
        )
    return sampler


def row_sampler(args: Any, num_rows: int, *, lengths: Sequence[int] | None, epoch: Callable[[], int]) -> RowSampler:
    """The sampler of a run that does not pack.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's.
        num_rows (`int`): Rows of the training set.
        lengths (`Sequence[int]` or `None`): Tokens of each row, for a `train_sampling_strategy` that goes by them.
        epoch (`Callable[[], int]`): Tells the epoch when an iteration begins.
    """
    batch = args.train_batch_size
    per_step = batch * args.gradient_accumulation_steps * args.world_size
    strategy = args.train_sampling_strategy
    seed = sampling_seed(args)

    def order(number: int) -> list[int]:
        if strategy == "sequential":
            return list(range(num_rows))
        # as accelerate's sampler does it, whatever state the generator of the process is in
        generator = torch.Generator().manual_seed(seed + number)
        if strategy == "group_by_length":
            return list(get_length_grouped_indices(lengths, per_step, generator=generator))
        return list(torch.randperm(num_rows, generator=generator).tolist())

    def by_cost(rows: Sequence[int], num_ranks: int, batches: int) -> list[list[int]]:
        if lengths is None or len(rows) < num_ranks * batches:
            return evenly(rows, num_ranks, batches)
        costs = [lengths[row] for row in rows]
        shared = [
            list(BatchRebalanceSampler(costs, len(rows), num_ranks, batches, shuffle=False, rank=rank))
            for rank in range(num_ranks)
        ]
        return [[rows[index] for index in shared[rank][batch]] for batch in range(batches) for rank in range(num_ranks)]

    return RowSampler(
        order,
        num_rows=num_rows,
        rows_per_step=per_step,
        num_ranks=args.world_size,
        rank=args.process_index,
        batch_size=batch,
        epoch=epoch,
        deal=by_cost if strategy == "batch_rebalance" else evenly,
        drop_last=args.dataloader_drop_last,
    )


def evenly(rows: Sequence[int], num_ranks: int, batches: int) -> list[list[int]]:
    """Rows in their order, as many for each batch of each rank as for any other, or one more.

    Example:

    ```python
    >>> from t2vid_hf.training.rank_batches import evenly
    >>> evenly([7, 5, 6], num_ranks=2, batches=2)
    [[7], [5], [6], []]

    ```
    """
    return [part.tolist() for part in np.array_split(np.asarray(rows, np.int64), num_ranks * batches)]
