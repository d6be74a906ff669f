"""Replies that are no replies are told of, and ordinary ones are not."""

import pytest

from t2vid_hf.metrics.degenerate import alarms, is_repeating, told


@pytest.mark.parametrize("reply", ["!" * 8, "0000000000", "the the the the", "A. A. A. A. A.", "ab ab ab ab ab a"])
def test_one_thing_again_and_again(reply):
    assert is_repeating(reply)


@pytest.mark.parametrize(
    "reply", ["", "A", "B. up", "no, no", "1->2->3->4", "It goes up, and up, and then down.", "..."]
)
def test_what_people_say(reply):
    assert not is_repeating(reply)


def test_a_long_reply_is_looked_at_in_no_time():
    assert is_repeating("up " * 100_000) and not is_repeating("up and down or " + "".join(map(str, range(50_000))))


def test_shares():
    said = {str(number): "AB"[number % 2] for number in range(100)}
    assert alarms(said) == []
    assert alarms({**said, "1": "", "2": None, "3": "", "5": " "}) == []  # 4 of 100
    [empty] = alarms({**said, **{str(number): "" for number in range(5)}})
    assert (empty["kind"], empty["n"], empty["share"]) == ("empty", 5, 0.05)
    assert told(empty) == "5% of the replies are empty: look at them before you believe the score"
    [same] = alarms({str(number): "A" for number in range(10)})
    assert same["kind"] == "same" and "are one and the same ('A')" in told(same)
    assert alarms({str(number): "A" for number in range(9)}) == []
