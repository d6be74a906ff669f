"""Which option a reply names."""

import pytest

from t2vid_hf.metrics.answers import extract_choice

OPTIONS = ["to the left", "to the right", "up", "it does not move"]


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("A", "A"), ("b", None), ("(C)", "C"), ("D.", "D"), ("B: to the right", "B"), ("A) to the left", "A"),
        ("The answer is B.", "B"), ("Option (C)", "C"), ("to the right", "B"), ("It moves to the left, I think", "A"),
        ("A shape moves about", None), ("Can it be?", None), ("", None), ("E", None), ("up or to the left", None),
        ("It does not move.", "D"), ("upwards", None), ("Answer: a shape", None),
    ],
)  # fmt: skip
def test_choice(reply, letter):
    assert extract_choice(reply, OPTIONS) == letter


def test_letters_beyond_the_options_are_no_answer():
    assert extract_choice("D", OPTIONS[:2]) is None
