"""Every row once an epoch, and the same rows in each step, on any number of ranks and accumulation steps."""

from types import SimpleNamespace

import numpy as np
import pytest

from t2vid_hf.batches.packing import plan_packing
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.training.epoch_plan import PlanSampler
from t2vid_hf.training.rank_batches import row_sampler
from t2vid_hf.training.rows_taken import rows_taken

LENGTHS = np.random.default_rng(0).permutation(np.arange(10, 47)).tolist()  # 37 rows
LAYOUTS = [(1, 8, 1), (1, 2, 4), (2, 2, 2), (2, 4, 1), (4, 1, 2), (8, 1, 1)]  # ranks, batch, accumulation


def row_samplers(ranks: int, batch: int, accumulation: int, *, strategy: str, drop_last: bool = False, epoch: int = 0):
    return [
        row_sampler(
            SimpleNamespace(
                train_batch_size=batch, gradient_accumulation_steps=accumulation, world_size=ranks, process_index=rank,
                train_sampling_strategy=strategy, seed=3, data_seed=None, dataloader_drop_last=drop_last,
            ),
            len(LENGTHS), lengths=LENGTHS, epoch=lambda: epoch,
        )
        for rank in range(ranks)
    ]  # fmt: skip


def by_steps(samplers: list, accumulation: int) -> list[list[int]]:
    """What all ranks take at each step, as `Trainer` counts steps."""
    batches = [list(sampler) for sampler in samplers]
    assert {len(each) for each in batches} == {len(sampler) for sampler in samplers}
    return [
        sorted(row for rank in batches for batch in rank[first : first + accumulation] for row in batch)
        for first in range(0, len(batches[0]), accumulation)
    ]


@pytest.mark.parametrize("strategy", ["random", "sequential", "group_by_length", "batch_rebalance"])
@pytest.mark.parametrize("epoch", [0, 1])
def test_steps_are_the_same_on_any_ranks(strategy, epoch):
    seen = []
    for ranks, batch, accumulation in LAYOUTS:
        samplers = row_samplers(ranks, batch, accumulation, strategy=strategy, epoch=epoch)
        steps = by_steps(samplers, accumulation)
        assert sorted(row for step in steps for row in step) == list(range(37))
        assert [len(step) for step in steps] == [8, 8, 8, 8, 5]
        seen.append((steps, [rows_taken(samplers[0], step + 5 * epoch) for step in range(5)]))
    assert all(each == seen[0] for each in seen)
    assert [taken["taken"] for taken in seen[0][1]] == [0, 8, 16, 24, 32]


def test_another_epoch_has_another_order_and_a_short_step_can_be_left_out():
    first, second = (by_steps(row_samplers(2, 2, 2, strategy="random", epoch=epoch), 2) for epoch in (0, 1))
    assert first != second
    assert by_steps(row_samplers(2, 2, 2, strategy="random", drop_last=True), 2) == first[:4]


def test_a_batch_is_never_larger_than_it_may_be():
    for ranks, batch, accumulation in LAYOUTS:
        for sampler in row_samplers(ranks, batch, accumulation, strategy="random"):
            assert max(map(len, sampler)) <= batch


def packed(num_ranks: int, bins_per_step: int):
    tokens = np.array(LENGTHS)
    prices = Prices(tokens, np.zeros_like(tokens), np.zeros_like(tokens), tokens_per_image=1)
    return plan_packing(prices, max_tokens=100, num_ranks=num_ranks, bins_per_step=bins_per_step)


@pytest.mark.parametrize(("planned", "bins"), [(1, 4), (2, 2), (4, 1)])
def test_a_plan_is_dealt_to_other_ranks(planned, bins):
    plan = packed(planned, bins)
    for ranks in (1, 2, 4):
        dealt = plan.dealt(ranks)
        assert dealt.fingerprint() == plan.fingerprint()
        assert (dealt.num_ranks, dealt.bins_per_step, dealt.num_steps) == (ranks, 4 // ranks, plan.num_steps)
        for epoch in (0, 1):
            samplers = [
                PlanSampler(dealt, rank=rank, bins_per_batch=1, epoch=lambda: epoch, seed=0)  # noqa: B023
                for rank in range(ranks)
            ]
            one = PlanSampler(plan.dealt(1), rank=0, bins_per_batch=1, epoch=lambda: epoch, seed=0)  # noqa: B023
            assert by_steps(samplers, 4 // ranks) == by_steps([one], 4)
            for step in range(plan.num_steps):
                now = step + epoch * plan.num_steps
                assert rows_taken(samplers[0], now) == rows_taken(one, now)
        np.testing.assert_array_equal(
            dealt.tokens, [sum(LENGTHS[row] for row in rows) for rows in np.split(dealt.rows, dealt.ends[:-1])]
        )
        back = dealt.dealt(planned)
        assert back.rows.tolist() == plan.rows.tolist() and back.ends.tolist() == plan.ends.tolist()
    with pytest.raises(InputError, match="4 bins a step cannot be dealt to 3 ranks"):
        plan.dealt(3)
