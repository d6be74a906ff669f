"""Which rows arms draw: nested, by shares to a budget, and never from two pools the same one."""

from types import SimpleNamespace

import numpy as np
import pytest

from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.experiments.draws import draw_arm
from t2vid_hf.experiments.experiment_file import Design
from t2vid_hf.experiments.pool_rows import PoolRows
from t2vid_hf.mixtures.picks import Pick, drawn_first
from tests.experiments.designs import design

ROWS = 24


class Pool(PoolRows):
    """A pool of rows that are only named: `KIND-N`, of 10 + N tokens."""

    def __init__(self, name, pool, prefix):
        self.name, self.pool = name, pool
        self.picks = tuple(Pick(f"{prefix}-{kind}-{n}", 0, n, None) for kind in ("first", "last") for n in range(ROWS))
        tokens = np.array([10 + number % ROWS for number in range(2 * ROWS)])
        self.prices = Prices(tokens, 0 * tokens, 0 * tokens, 5)
        self.dataset = SimpleNamespace(column_names=["kind"], __len__=lambda: 2 * ROWS)
        self.dataset = [None] * (2 * ROWS)
        self._columns = {"kind": ["first"] * ROWS + ["last"] * ROWS}
        self._ranked = {}


def drawn(tmp_path, arms, *, seed=3, prefix="b", **changes):
    first = list(arms)[0]
    primary = {"compare": [first, "other"], "group": "S", "margin": 0.1}
    arms = {**arms, "other": {"taught": 2, "all": 2}}
    made = Design(design(tmp_path, arms=arms, primary=primary, control=None, **changes))
    pools = {
        "all": Pool("all", made.pools["all"], "a"),
        "taught": Pool("taught", made.pools["taught"], prefix),
    }
    return {name: draw_arm(made, name, seed, pools) for name in arms}


def ids(rows):
    return {pick.id for pick in rows.picks}


def test_small_arms_hold_the_beginning_of_large_ones(tmp_path):
    made = drawn(tmp_path, {"small": {"all": 5}, "large": {"all": 20}})
    assert ids(made["small"]) < ids(made["large"]) and len(ids(made["large"])) == 20
    ranked = drawn_first([f"a-{kind}-{n}" for kind in ("first", "last") for n in range(ROWS)], 3)
    assert ids(made["small"]) == set(ranked[:5])
    apart = drawn(tmp_path, {"small": {"all": 5}, "large": {"all": 20}}, nested=False)
    assert not ids(apart["small"]) <= ids(apart["large"])


def test_prices_stand_in_the_order_of_the_rows(tmp_path):
    rows = drawn(tmp_path, {"some": {"all": 9, "taught": 7}})["some"]
    assert [10 + pick.position % ROWS for pick in rows.picks] == rows.prices.tokens.tolist()
    assert [part.count for part in rows.parts] == [9, 7] and [count.sampled for count in rows.counts] == [9, 7]


def test_roles_filter_rows(tmp_path):
    of_seed = {seed: drawn(tmp_path, {"some": {"taught": "100%"}}, seed=seed)["some"] for seed in (3, 4)}
    assert {pick.id.split("-")[1] for pick in of_seed[3].picks} == {"first"}
    assert {pick.id.split("-")[1] for pick in of_seed[4].picks} == {"last"} and len(of_seed[4].picks) == ROWS


def test_a_count_above_the_pool(tmp_path):
    with pytest.raises(InputError, match="arm 'some': 25 rows of pool 'taught' are asked for, and 24 are usable"):
        drawn(tmp_path, {"some": {"taught": 25}})


def test_shares_fill_a_budget_of_rows(tmp_path):
    arms = {"two": {"shares": {"all": 2, "taught": 1}}, "even": {"shares": {"all": 1, "taught": 1}}}
    made = drawn(tmp_path, arms, budget=20)
    assert [[part.count for part in made[name].parts] for name in arms] == [[14, 6], [10, 10]]
    with pytest.raises(InputError, match="arm 'two': 90 rows by its shares take 60 of pool 'all', and 48 are usable"):
        drawn(tmp_path, arms, budget=90)


def test_shares_fill_a_budget_of_tokens(tmp_path):
    arms = {"two": {"shares": {"all": 2, "taught": 1}}, "even": {"shares": {"all": 1, "taught": 1}}}
    made = drawn(tmp_path, arms, budget=500, equal="tokens")
    for name in arms:
        assert 500 - 3 * 34 < made[name].tokens <= 500
    counts = [part.count for part in made["two"].parts]
    assert abs(counts[0] - 2 * counts[1]) <= 2
    with pytest.raises(InputError, match="its pools hold .* tokens by its shares, and the budget is 90,000"):
        drawn(tmp_path, arms, budget=90_000, equal="tokens")


def test_a_row_in_two_pools(tmp_path):
    with pytest.raises(InputError, match="arm 'some': row 'a-.*' stands in two of its pools; give the pools 'where'"):
        drawn(tmp_path, {"some": {"all": 48, "taught": 3}}, prefix="a")


def test_another_seed_draws_other_rows(tmp_path):
    first, second = (drawn(tmp_path, {"some": {"all": 10}}, seed=seed)["some"] for seed in (3, 4))
    assert ids(first) != ids(second)
