"""Student's quantiles against tables, and the crossed interval on data whose truth is known."""

import numpy as np
import pytest

from t2vid_hf.metrics.crossed import crossed_interval
from t2vid_hf.metrics.student import t_interval, t_quantile

# of printed tables
TABLE = {
    (0.975, 1): 12.7062, (0.975, 2): 4.3027, (0.975, 3): 3.1824, (0.975, 5): 2.5706, (0.975, 11): 2.2010,
    (0.975, 30): 2.0423, (0.975, 120): 1.9799, (0.95, 4): 2.1318, (0.995, 2): 9.9248, (0.995, 10): 3.1693,
    (0.9995, 3): 12.9240,
}  # fmt: skip


@pytest.mark.parametrize(("share", "degrees"), TABLE)
def test_quantiles_are_those_of_tables(share, degrees):
    assert t_quantile(share, degrees) == pytest.approx(TABLE[share, degrees], abs=1e-4)


def test_a_single_value_has_no_interval():
    assert t_interval([1.0]) is None


def simulated(generator, bases=3, seeds=4, questions=120, by_base=0.03, by_seed=0.08, by_question=0.1):
    normal = generator.standard_normal
    chance = 0.1 + by_base * normal((bases, 1, 1)) + by_seed * normal((1, seeds, 1))
    chance = chance + by_question * normal((1, 1, questions))
    shape = (bases, seeds, questions)
    first, second = (np.clip(0.5 + sign * chance / 2, 0, 1) for sign in (1, -1))
    return (generator.random(shape) < first) * 1.0 - (generator.random(shape) < second)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """1,000 experiments of each of seven designs: tests/benchmarks/interval_coverage.py."""
    generator, crossed, student = np.random.default_rng(1), [], []
    for _ in range(120):
        values = simulated(generator)
        found = crossed_interval(values, np.ones_like(values), range(values.shape[2]), resamples=300)
        crossed.append(found.low <= 0.1 <= found.high)
        student.append(found.t_low <= 0.1 <= found.t_high)
    assert 0.87 <= np.mean(crossed) <= 1 and 0.87 <= np.mean(student) <= 1


def test_questions_that_are_not_asked_do_not_count():
    generator = np.random.default_rng(0)
    values = simulated(generator, questions=20)
    asked = np.zeros_like(values)
    asked[..., :12] = 1
    spoilt = values.copy()
    spoilt[..., 12:] = np.nan
    alone = crossed_interval(values[..., :12], np.ones((3, 4, 12)), range(12))
    assert crossed_interval(spoilt, asked, range(20)) == alone
    assert crossed_interval(values, 0 * asked, range(20)) is None


def test_a_missing_run_is_left_out():
    values = simulated(np.random.default_rng(0))
    asked = np.ones_like(values)
    asked[2, 3] = 0
    found = crossed_interval(values, asked, range(120))
    assert (found.runs, found.questions) == (11, 11 * 120)
    assert found.low < found.mean < found.high


def test_questions_of_one_clip_are_drawn_together():
    """Answers that are copies of one another know no more than one."""
    values = np.repeat(simulated(np.random.default_rng(3), bases=1, seeds=1, questions=60), 5, axis=2)
    asked = np.ones_like(values)
    apart, together = (crossed_interval(values, asked, names) for names in (range(300), np.arange(300) // 5))
    assert together.high - together.low > 1.8 * (apart.high - apart.low)
    assert together.t_low is None and together.runs == 1


def test_without_any_spread_the_interval_is_a_point():
    values = np.full((2, 3, 10), 1.0)
    found = crossed_interval(values, np.ones_like(values), range(10))
    assert (found.low, found.mean, found.high, found.gains) == (1.0, 1.0, 1.0, 6)


def test_it_is_the_same_in_every_run():
    values = simulated(np.random.default_rng(0))
    first, second = (crossed_interval(values, np.ones_like(values), range(120)) for _ in range(2))
    assert first == second
