"""Mode `t2vid_hf`: labels against texts, and what is no answer."""

import pytest

from t2vid_hf.metrics.asked import Asked, Predicted
from t2vid_hf.metrics.matched import CONFLICT, matched_outcome

ASKED = Asked("1", "v", "direction", "Where?", ("to the left", "to the right.", "up"), "B")


@pytest.mark.parametrize(
    ("reply", "correct", "by"),
    [
        ("B. to the right", True, "rule"), ("Option 2: to the left", False, CONFLICT), ("(b) up", False, CONFLICT),
        ("Sentence A: to the right", False, CONFLICT), ("C) to the right.", False, CONFLICT),
        ("A. up", False, CONFLICT),
        ("B. to the right, not up", True, "rule"), ("", False, None), (" ", False, None), (None, False, None),
    ],
)  # fmt: skip
def test_label_and_text(reply, correct, by):
    outcome = matched_outcome(Predicted(ASKED, reply))
    assert (outcome.correct, outcome.by, outcome.answered) == (correct, by, by == "rule")


def test_an_option_that_is_a_number_is_no_label():
    counted = Asked("1", "v", "count", "How many?", ("2", "3", "1"), "A")
    assert matched_outcome(Predicted(counted, "2")).correct


def test_options_that_no_file_names():
    unknown = Asked("1", "v", "t", "", (), "C", facts={"right": "(C) up and away"})
    for reply, choice in (("(C) up and away", "C"), ("(B) down", "B"), ("Up and away.", "C"), ("(", None)):
        assert matched_outcome(Predicted(unknown, reply)).choice == choice
