"""Samples of one size: sets of any size compare, intervals hold what they say, and a part that adds is seen."""

import numpy as np
import pytest

from t2vid_hf.diversity.matched_samples import MOST, matched_size, measure_added, measure_sets
from t2vid_hf.diversity.prepared import prepare
from t2vid_hf.errors import InputError
from tests.diversity.test_measures import random_vectors, unit

pytest.importorskip("sklearn")


def around(centres: int, count: int, *, first: int = 0, dimensions: int = 24) -> np.ndarray:
    """Vectors around some of the axes."""
    rng = np.random.default_rng([centres, count, first])
    axes = np.eye(dimensions)[first + rng.integers(centres, size=count)]
    return unit(axes + 0.05 * rng.normal(size=(count, dimensions)))


def texts(count: int, name: str = "t") -> list[str]:
    return [f"{name} {number}" for number in range(count)]


def test_the_sample_is_half_of_the_smallest_set_or_what_is_asked_for():
    sets = {"a": texts(10_000), "b": texts(9)}
    assert matched_size(sets) == 4 and matched_size(sets, 3) == 3
    assert matched_size({"a": texts(10_000)}) == MOST


@pytest.mark.parametrize("wanted", [1, 5, 10])
def test_a_sample_of_more_than_half_is_refused(wanted):
    with pytest.raises(InputError, match="give 2 to 4, half of the smallest set, which is 'b'"):
        matched_size({"a": texts(100), "b": texts(9)}, wanted)


def test_too_few_instructions_are_refused():
    with pytest.raises(InputError, match="'b' has too few instructions .1.; give at least 4"):
        matched_size({"a": texts(100), "b": texts(1)})


def test_a_larger_set_of_the_same_kind_is_as_diverse():
    """Without one size it is not: Vendi grows, the nearest comes closer."""
    vectors = np.concatenate([around(12, 60), around(12, 600)])
    prepared = prepare({"small": texts(60), "large": texts(600)}, vectors)
    found = measure_sets(prepared, 30, draws=30)
    for measure in ("vendi", "nearest", "entropy"):
        small, large = (found[name][measure] for name in ("small", "large"))
        assert small.low < large.high and large.low < small.high
        assert large.high - large.low < small.high - small.low  # more is known of it
    centres = np.eye(24, dtype=np.float32)
    whole = {name: prepared.measure(places, centres)[1] for name, places in prepared.places.items()}
    assert whole["large"] < 0.8 * whole["small"]


def test_the_interval_holds_what_a_new_set_would_give():
    """Of 30 sets drawn of one population the 95 % intervals of most hold its value; with a bootstrap none does."""
    everything, centres = random_vectors(4000), random_vectors(2, seed=1)
    prepared = prepare({"all": texts(4000)}, everything)
    rng = np.random.default_rng(0)
    truth = np.mean([prepared.measure(rng.choice(4000, 40, replace=False), centres)[1] for _ in range(300)])
    held = bootstrap = 0
    for _ in range(30):
        chosen = rng.choice(4000, 80, replace=False)
        part = prepare({"part": texts(80)}, everything[chosen])
        found = measure_sets(part, 40, draws=20)["part"]["nearest"]
        held += found.low <= truth <= found.high
        values = [part.measure(rng.choice(40, 40), centres)[1] for _ in range(20)]
        low, high = np.percentile(values, [2.5, 97.5])
        bootstrap += low <= truth <= high
    assert held >= 26 and bootstrap == 0


def test_what_differs_adds_and_more_of_the_same_does_not():
    vectors = np.concatenate([around(4, 200), around(4, 200, first=8), around(4, 200)])
    prepared = prepare({"mixture": texts(200), "other": texts(200, "u"), "same": texts(200, "t")}, vectors)
    other, same = (measure_added(prepared, "mixture", name, draws=20) for name in ("other", "same"))
    assert other.size == same.size == 100 and other.added == 33
    assert other.difference["vendi"].low > 1 and other.difference["entropy"].low > 0
    assert same.difference["vendi"].low < 0 < same.difference["vendi"].high
    value = other.mixed["vendi"].value - other.alone["vendi"].value
    assert other.difference["vendi"].value == pytest.approx(value)


def test_a_part_may_be_smaller_than_the_mixture():
    prepared = prepare({"mixture": texts(400), "part": texts(30, "u")}, np.concatenate([around(4, 400), around(4, 30)]))
    added = measure_added(prepared, "mixture", "part", draws=5)
    assert (added.size, added.added) == (45, 15)


def test_the_same_seed_gives_the_same_numbers_in_any_order_of_sets():
    a, b = around(4, 40), around(6, 60)
    one = measure_sets(prepare({"a": texts(40), "b": texts(60)}, np.concatenate([a, b])), 20, draws=5)
    other = measure_sets(prepare({"b": texts(60), "a": texts(40)}, np.concatenate([b, a])), 20, draws=5)
    for name in ("a", "b"):
        for measure in ("vendi", "nearest", "distinct_1"):
            assert one[name][measure].value == pytest.approx(other[name][measure].value, abs=1e-5)
