"""Which rows of an epoch a rank takes when, where they are packed: by a plan."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from transformers.trainer_pt_utils import BatchRebalanceSampler

from t2vid_hf.batches.packing import PackingPlan, plan_packing
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.seeding import rng_for


def plan_epoch(args: Any, prices: Prices, *, planned_ranks: int | None = None) -> PackingPlan:
    """Plan which rows of a run share a sequence.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments. Without `max_length` a bin holds the longest
            row.
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost.
        planned_ranks (`int`, *optional*): Ranks that the run began with, where it goes on with others: its steps stay
            as they were planned for those.

    Raises:
        [`~t2vid_hf.errors.InputError`]: see [`~t2vid_hf.batches.packing.plan_packing`].
    """
    num_ranks = planned_ranks or args.world_size
    plan = plan_packing(
        prices,
        max_tokens=args.max_length or int(prices.tokens.max()),
        max_images=args.max_images,
        num_ranks=num_ranks,
        bins_per_step=bins_per_step(args) * args.world_size // num_ranks,
        seed=sampling_seed(args),
    )
    return plan.dealt(args.world_size)


def check_plan(plan: PackingPlan, args: Any, num_rows: int) -> None:
    """Refuse a plan that is not of the run.

    Args:
        plan ([`~t2vid_hf.batches.packing.PackingPlan`]): The plan that was given.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
        num_rows (`int`): How many rows the training set has.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is of other rows, ranks, batches or limits.
    """
    given = len(plan.rows), plan.num_ranks, plan.bins_per_step, plan.max_tokens
    wanted = num_rows, args.world_size, bins_per_step(args), args.max_length
    if given != wanted:
        raise InputError(
            f"the packing plan is of {given[0]} rows on {given[1]} ranks, with {given[2]} bins of {given[3]} tokens a "
            f"step, and the run has {wanted[0]}, {wanted[1]}, {wanted[2]} and {wanted[3]}: plan it for the run"
        )


def bins_per_step(args: Any) -> int:
    """How many bins a rank takes at an optimizer step.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
    """
    return args.per_device_train_batch_size * args.gradient_accumulation_steps


def sampling_seed(args: Any) -> int:
    """What decides which rows share a sequence, and in which order they come.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
    """
    return args.seed if args.data_seed is None else args.data_seed


class PlanSampler(BatchRebalanceSampler):
    """The batches of a rank: the rows of `bins_per_batch` bins of a plan at a time.

    A subclass of transformers' `BatchRebalanceSampler`, because that is the one batch sampler that `Trainer` hands to
    the `DataLoader` as it is and does not divide among the ranks again. Nothing of it is inherited but the name.

    What shares a sequence stays the same in every epoch, so that all have as many steps; the order of the steps is
    another.

    Args:
        plan ([`~t2vid_hf.batches.packing.PackingPlan`]): The plan, which is for all ranks.
        rank (`int`): The rank's number, counted from 0.
        bins_per_batch (`int`): How many bins make a batch; divides the plan's `bins_per_step`.
        epoch (`Callable[[], int]`): What tells the epoch's number, counted from 0, when an iteration begins. It is
            asked for, and not told by `set_epoch`, which does not reach a sampler that accelerate has wrapped to skip
            batches on resuming.
        seed (`int`): What decides the order of the steps after the first epoch.
    """

    def __init__(
        self, plan: PackingPlan, *, rank: int, bins_per_batch: int, epoch: Callable[[], int], seed: int
    ) -> None:
        self.plan, self.rank, self.bins_per_batch = plan, rank, bins_per_batch
        self.epoch_now, self.seed = epoch, seed
        self.drop_last = True  # there is no shorter batch at the end

    def __len__(self) -> int:
        return self.plan.num_steps * self.plan.bins_per_step // self.bins_per_batch

    @property
    def num_steps(self) -> int:
        """Optimizer steps of an epoch."""
        return self.plan.num_steps

    def __iter__(self) -> Iterator[list[int]]:
        steps = list(self.plan.steps(self.rank))
        for step in self._order(self.epoch_now()):
            bins = steps[step]
            for first in range(0, len(bins), self.bins_per_batch):
                yield [row for rows in bins[first : first + self.bins_per_batch] for row in rows]

    def steps(self, epoch: int) -> Iterator[list[int]]:
        """The rows that all ranks together take, step by step."""
        for step in self._order(epoch):
            yield self.plan.rows_of_step(step).tolist()

    def _order(self, epoch: int) -> Sequence[int]:
        steps = self.plan.num_steps
        return range(steps) if epoch == 0 else rng_for(self.seed, f"steps/{epoch}").permutation(steps).tolist()
