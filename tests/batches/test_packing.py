"""Packing plans: every row once, no bin over its limits, the same plan everywhere."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2vid_hf.batches.packing import plan_packing
from t2vid_hf.batches.row_limits import frames_within
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError

PER_IMAGE = 10


def prices(rows: list[tuple[int, int, bool]]) -> Prices:
    """Rows of (tokens of text, images, whether they are frames of a video)."""
    texts, images, video = (np.array(column) for column in zip(*rows, strict=True))
    return Prices(texts + images * PER_IMAGE, images, images * video, PER_IMAGE)


def paper_like(count: int, seed: int = 0) -> Prices:
    """24-frame videos, pages of 20 to 65 frames and some text, at 169 tokens a frame."""
    random = np.random.default_rng(seed)
    kind = random.choice(3, count, p=[0.6, 0.3, 0.1])
    images = np.choose(kind, [np.full(count, 24), random.integers(20, 66, count), np.zeros(count, int)])
    texts = np.choose(kind, [random.integers(60, 160, count), random.integers(150, 600, count), 1000])
    return Prices(texts + 169 * images, images, np.where(kind == 0, 24, 0), 169)


def bins_of(made) -> list[list[int]]:
    return [bin_ for rank in range(made.num_ranks) for step in made.steps(rank) for bin_ in step]


ROWS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12), st.booleans()), min_size=1, max_size=80)


@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS, max_tokens=st.integers(40, 400), max_images=st.none() | st.integers(1, 30),
    num_ranks=st.integers(1, 5), bins_per_step=st.integers(1, 3), seed=st.integers(0, 5), epoch=st.integers(0, 3),
)  # fmt: skip
def test_every_row_once_or_dropped_and_no_bin_over_its_limits(
    rows, max_tokens, max_images, num_ranks, bins_per_step, seed, epoch
):
    given_ = prices(rows)
    options = {
        "max_tokens": max_tokens, "max_images": max_images, "num_ranks": num_ranks, "bins_per_step": bins_per_step,
        "seed": seed, "epoch": epoch,
    }  # fmt: skip
    # thin what can be: a video of which at least one frame fits
    fits = given_.tokens - (given_.frames - 1) * PER_IMAGE <= max_tokens
    policy = np.where((given_.frames > 0) & fits, "thin", "drop").tolist()
    frames = frames_within(given_, max_tokens=max_tokens, max_images=max_images, over_limit=policy)
    kept, limited = thinned(given_, frames)
    if not kept:
        return
    made = plan_packing(limited, **options)
    bins = bins_of(made)
    assert sorted(row for bin_ in bins for row in bin_) == list(range(len(kept)))
    for bin_ in bins:
        assert limited.tokens[bin_].sum() <= max_tokens
        assert max_images is None or limited.images[bin_].sum() <= max_images
    assert len(bins) == made.num_steps * num_ranks * bins_per_step
    # an empty bin only where there is no row more to take from another
    assert made.empty_bins == sum(not bin_ for bin_ in bins)
    assert not made.empty_bins or max(map(len, bins)) == 1


def thinned(given_: Prices, frames: dict[int, int]) -> tuple[list[int], Prices]:
    """The rows that are left, and their prices with fewer frames."""
    kept = [row for row in range(len(given_)) if frames.get(row) != 0]
    spare = np.array([given_.frames[row] - frames.get(row, given_.frames[row]) for row in kept], int)
    left = [column[kept] for column in (given_.tokens, given_.images, given_.frames)]
    return kept, Prices(left[0] - spare * PER_IMAGE, left[1] - spare, left[2] - spare, PER_IMAGE)


@pytest.mark.parametrize("seed", range(8))
def test_many_rows_keep_to_both_limits(seed):
    """More rows than best-fit decreasing is left with, so that draws and pairs are made."""
    random = np.random.default_rng(seed)
    count, limit, image_limit = 1500, int(random.integers(100, 3000)), int(random.integers(12, 60))
    images = random.integers(0, 13, count)
    tokens = np.minimum(random.integers(1, random.integers(2, 1000), count) + images, limit)
    given_ = Prices(tokens, images, np.zeros(count, int), 1)
    made = plan_packing(given_, max_tokens=limit, max_images=image_limit, num_ranks=3, seed=seed)
    bins = bins_of(made)
    assert sorted(row for bin_ in bins for row in bin_) == list(range(count))
    assert max(tokens[bin_].sum() for bin_ in bins) <= limit
    assert max(images[bin_].sum() for bin_ in bins) <= image_limit
    assert made.tokens.sum() == tokens.sum() == made.costs.sum()


def test_neither_steps_nor_ranks_are_in_order_of_their_cost():
    made = plan_packing(paper_like(4_000), max_tokens=12_288, num_ranks=2)
    costs = made.costs.reshape(-1, 2)  # (steps, ranks)
    assert 0.4 < (np.diff(costs[:, 0]) > 0).mean() < 0.6
    first, second = (costs[:, 0] > costs[:, 1]).sum(), (costs[:, 0] < costs[:, 1]).sum()
    assert 0.4 < first / (first + second) < 0.6


@settings(max_examples=50, deadline=None)
@given(rows=ROWS, num_ranks=st.integers(1, 4), bins_per_step=st.integers(1, 2), data=st.data())
def test_resumed_is_straight(rows, num_ranks, bins_per_step, data):
    def made():
        return plan_packing(prices(rows), max_tokens=500, num_ranks=num_ranks, bins_per_step=bins_per_step, epoch=2)

    straight = [list(made().steps(rank)) for rank in range(num_ranks)]
    start = data.draw(st.integers(0, made().num_steps))
    assert [list(made().steps(rank, start)) for rank in range(num_ranks)] == [steps[start:] for steps in straight]


def test_seeds_and_epochs_pack_otherwise_and_the_same_seed_alike():
    given_ = paper_like(600)

    def made(**options):
        return plan_packing(given_, max_tokens=32768, num_ranks=2, **options)

    assert made().fingerprint() == made().fingerprint()
    assert len({made(seed=seed, epoch=epoch).fingerprint() for seed in (0, 1) for epoch in (0, 1)}) == 4
    first, second = ({frozenset(bin_) for bin_ in bins_of(made(epoch=epoch))} for epoch in (0, 1))
    assert len(first & second) < len(first) / 10, "each epoch should draw its bins anew"


SCRIPT = """
import hashlib, numpy as np
from t2vid_hf.batches.packing import plan_packing
from t2vid_hf.batches.token_cost import Prices
tokens = np.arange(1, 2001) * 7919 % 9973 + 1
none = np.zeros(2000, int)
made = plan_packing(Prices(tokens, none, none, 1), max_tokens=20000, num_ranks=4, seed=3, epoch=1)
print(hashlib.sha256(str([list(made.steps(rank)) for rank in range(4)]).encode()).hexdigest(), made.fingerprint())
"""


def test_every_process_makes_the_same_plan():
    tokens = np.arange(1, 2001) * 7919 % 9973 + 1
    none = np.zeros(2000, int)
    made = plan_packing(Prices(tokens, none, none, 1), max_tokens=20000, num_ranks=4, seed=3, epoch=1)
    here = hashlib.sha256(str([list(made.steps(rank)) for rank in range(4)]).encode()).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    there = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True)
    assert there.stdout.split() == [here, made.fingerprint()]


def test_the_papers_lengths_fill_bins_and_ranks_do_not_wait():
    made = plan_packing(paper_like(20_000), max_tokens=32_768, num_ranks=8, bins_per_step=4)
    assert made.fill > 0.97
    assert made.rank_spread < 0.03
    totals = [sum(len(bin_) for step in made.steps(rank) for bin_ in step) for rank in range(8)]
    assert sum(totals) == 20_000 and not made.empty_bins


def test_a_limit_of_images_fills_bins_too():
    given_ = paper_like(5_000)
    made = plan_packing(given_, max_tokens=10**6, max_images=160)
    images = np.array([given_.images[bin_].sum() for bin_ in bins_of(made)])
    assert images.max() <= 160 and images.mean() > 0.97 * 160


def test_one_row_for_eight_ranks_leaves_empty_bins_and_a_full_bin_is_parted():
    lonely = plan_packing(prices([(50, 0, False)]), max_tokens=100, num_ranks=8)
    assert lonely.num_steps == 1 and lonely.empty_bins == 7
    parted = plan_packing(prices([(25, 0, False)] * 4), max_tokens=100, num_ranks=2, bins_per_step=2)
    assert sorted(bins_of(parted)) == [[0], [1], [2], [3]]


def test_given_costs_decide_what_runs_together():
    # four bins of one row each: alike in tokens, not in time
    costs = np.array([1.0, 9.0, 1.0, 9.0])
    made = plan_packing(prices([(100, 0, False)] * 4), max_tokens=100, num_ranks=2, costs=costs)
    together = [sorted(row for rank in range(2) for row in list(made.steps(rank))[step][0]) for step in range(2)]
    assert sorted(together) == [[0, 2], [1, 3]]
    assert made.rank_spread == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_tokens": 0}, "max_tokens is 0; it must be at least 1"),
        ({"max_tokens": -3}, "max_tokens is -3"),
        ({"max_images": 0}, "max_images is 0"),
        ({"num_ranks": 0}, "num_ranks is 0"),
        ({"bins_per_step": -1}, "bins_per_step is -1"),
        ({"epoch": -1}, "epoch is -1"),
        ({"costs": np.ones(2)}, "3 rows have a price in tokens, and 2 in costs"),
        ({}, "row 0 has 320 tokens and 30 images, and 100 tokens are allowed: raise max_length or max_images, or give"),
        ({"max_images": 20, "max_tokens": 500}, "row 0 .*, and 500 tokens and 20 images are allowed"),
    ],
)
def test_bad_input(options, message):
    rows = [(20, 30, True), (20, 30, False), (20, 2, False)]
    with pytest.raises(InputError, match=message):
        plan_packing(prices(rows), **{"max_tokens": 100, **options})


def test_bad_prices_ranks_and_steps():
    one, none = np.ones(1, int), np.zeros(1, int)
    for given_, message in [
        (Prices(none[:0], none[:0], none[:0], 1), "no rows"),
        (Prices(one, none, np.zeros(2, int), 1), "1 rows have a price in tokens, and 2 in frames"),
        (Prices(none, none, none, 1), "every row has a token"),
        (Prices(one, -one, none, 1), "must not be negative"),
        (Prices(one, none, one, 1), "more frames than images"),
    ]:
        with pytest.raises(InputError, match=message):
            plan_packing(given_, max_tokens=10)
    made = plan_packing(Prices(one, none, none, 1), max_tokens=10)
    with pytest.raises(InputError, match="rank 1: the plan is for ranks 0 to 0"):
        next(made.steps(1))
    with pytest.raises(InputError, match="step 2: the plan has steps 0 to 0"):
        next(made.steps(0, 2))


def test_without_a_folder_for_its_cache_numba_compiles_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from t2vid_hf.batches import bins

    def njit(function: object = None, *, cache: bool = False) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return function

    monkeypatch.setattr(bins, "njit", njit)
    assert bins.compiled(plan_packing) is plan_packing
