"""Batches by a packing plan.

A subclass of transformers' `BatchRebalanceSampler`, because that is the one batch sampler that `Trainer` hands to the
`DataLoader` as it is and does not divide among the ranks again. Nothing of it is inherited but the name.
"""

from collections.abc import Callable, Iterator

from transformers.trainer_pt_utils import BatchRebalanceSampler

from t2vid_hf.data.packing import PackingPlan
from t2vid_hf.seeding import rng_for


class PlanSampler(BatchRebalanceSampler):
    """The batches of a rank: the rows of `bins_per_batch` bins of a plan at a time.

    What shares a sequence stays the same in every epoch, so that all have as many steps; the order of the steps is
    drawn anew.

    Args:
        plan ([`~t2vid_hf.data.packing.PackingPlan`]): For all ranks.
        rank (`int`): Counted from 0.
        bins_per_batch (`int`): Bins of a batch; divides the plan's `bins_per_step`.
        epoch (`Callable[[], int]`): Tells the epoch when an iteration begins. Asked for, and not told by
            `set_epoch`, which does not reach a sampler that accelerate has wrapped to skip batches on resuming.
        seed (`int`): Of the order of the steps.
    """

    def __init__(
        self, plan: PackingPlan, *, rank: int, bins_per_batch: int, epoch: Callable[[], int], seed: int
    ) -> None:
        self.plan, self.rank, self.bins_per_batch = plan, rank, bins_per_batch
        self.epoch_now, self.seed = epoch, seed
        self.drop_last = True  # there is no shorter batch at the end

    def __len__(self) -> int:
        return self.plan.num_steps * self.plan.bins_per_step // self.bins_per_batch

    def __iter__(self) -> Iterator[list[int]]:
        epoch = self.epoch_now()
        steps = list(self.plan.steps(self.rank))
        order = range(len(steps)) if epoch == 0 else rng_for(self.seed, f"steps/{epoch}").permutation(len(steps))
        for step in order:
            bins = steps[step]
            for first in range(0, len(bins), self.bins_per_batch):
                yield [row for rows in bins[first : first + self.bins_per_batch] for row in rows]
