"""The matcher against replies that are hard to read: no kind of trap may get worse than the committed table."""

import json
from pathlib import Path

import pytest

from t2vid_hf.metrics.answers import extract_choice

ROWS = [json.loads(line) for line in Path(__file__).with_name("hard_replies.jsonl").read_text("utf-8").splitlines()]
TABLE = json.loads((Path(__file__).parents[1] / "benchmarks/results/matcher.json").read_text("utf-8"))
PARTS = {"hard_seen": [row for row in ROWS if not row["aside"]], "hard_aside": [row for row in ROWS if row["aside"]]}


@pytest.mark.parametrize("part", PARTS)
def test_no_kind_has_fewer_right_than_committed(part):
    for kind in sorted({row["kind"] for row in PARTS[part]}):
        rows = [row for row in PARTS[part] if row["kind"] == kind]
        missed = [row["reply"] for row in rows if extract_choice(row["reply"], row["options"]) != row["answer"]]
        assert TABLE[part][kind]["n"] == len(rows), kind
        assert len(rows) - len(missed) >= TABLE[part][kind]["right"], (kind, missed)


@pytest.mark.parametrize("part", PARTS)
def test_wrong_letters_are_at_most_4_in_100(part):
    rows = PARTS[part]
    wrong = [row for row in rows if extract_choice(row["reply"], row["options"]) not in (None, row["answer"])]
    assert len(wrong) <= 0.04 * len(rows)
    right = [row for row in rows if extract_choice(row["reply"], row["options"]) == row["answer"]]
    assert len(right) >= 0.9 * len(rows)


def test_the_set_is_wide():
    assert len(ROWS) >= 240
    assert len({row["kind"] for row in ROWS}) >= 20
    assert {len(row["options"]) for row in ROWS} >= {2, 3, 4, 5, 6, 8}
    assert all(row["answer"] is None or row["answer"] in "ABCDEFGH"[: len(row["options"])] for row in ROWS)


@pytest.mark.parametrize("shift", range(1, 4))
def test_the_choice_follows_the_text_when_options_are_permuted(shift):
    options = ["dunking a basketball", "dribbling a basketball", "passing a basketball", "shooting a basketball"]
    turned = options[shift:] + options[:shift]
    for option in options:
        for form in ("{}", "He is {}, I think.", "The correct answer is {}.", "**{}**\n\nThis is what we see."):
            assert extract_choice(form.format(option), turned) == "ABCD"[turned.index(option)]
