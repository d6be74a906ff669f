"""Accuracy, its interval and what is counted."""

import pytest

from t2vid_hf.metrics.scoring import Judged, score, score_groups


def judged(pattern: str, *, per_cluster: int = 1, group: str = "all"):
    return [Judged(group, f"clip-{n // per_cluster}", sign == "+", sign != "?") for n, sign in enumerate(pattern)]


def test_counts_and_rates():
    result = score(judged("++-?"), "all")
    assert (result.n, result.accuracy, result.no_answer, result.clusters) == (4, 0.5, 0.25, 4)


def test_independent_questions_give_the_wilson_interval():
    result = score(judged("+" * 40 + "-" * 60), "all")
    # Wilson at p = 0.4; the sample variance's 99/100 makes the effective n at most 100
    assert result.low == pytest.approx(0.3094, abs=2e-3)
    assert result.high == pytest.approx(0.4980, abs=2e-3)


def test_questions_that_share_a_video_widen_the_interval():
    alone = score(judged("++--" * 10), "all")
    shared = score(judged("++--" * 10, per_cluster=2), "all")
    assert shared.high - shared.low > 1.3 * (alone.high - alone.low)


@pytest.mark.parametrize("pattern", ["++++", "----"])
def test_the_interval_does_not_collapse(pattern):
    result = score(judged(pattern), "all")
    assert 0 <= result.low < result.high <= 1


def test_groups_and_all():
    results = score_groups(judged("++", group="b") + judged("--", group="a"))
    assert [(result.group, result.accuracy) for result in results] == [("a", 0.0), ("b", 1.0), ("all", 0.5)]


def test_no_question_is_an_error():
    with pytest.raises(ValueError, match="no question"):
        score([], "all")
