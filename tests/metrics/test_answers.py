"""Which option a reply names."""

import subprocess
import sys

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.answers import extract_choice

OPTIONS = ["to the left", "to the right", "up", "it does not move"]


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("A", "A"), ("b", "B"), ("(C)", "C"), ("D.", "D"), ("B: to the right", "B"), ("A) to the left", "A"),
        ("The answer is B.", "B"), ("Option (C)", "C"), ("to the right", "B"), ("It moves to the left, I think", "A"),
        ("A shape moves about", None), ("Can it be?", None), ("", None), ("E", None), ("up or to the left", None),
        ("Option 2: to the left", None), ("Option 2", "B"), ("B is not shown.", None),
        ("It does not move.", "D"), ("upwards", "C"), ("Answer: a shape", None),
    ],
)  # fmt: skip
def test_choice(reply, letter):
    assert extract_choice(reply, OPTIONS) == letter


def test_letters_beyond_the_options_are_no_answer():
    assert extract_choice("D", OPTIONS[:2]) is None


@pytest.mark.parametrize(
    "labels", [("A. ", "B. "), ("(a) ", "(b) "), ("Option 1: ", "Option 2: "), ("Sentence A: ", "Sentence B: ")]
)
def test_labels_that_all_options_carry_are_no_text(labels):
    options = [label + text for label, text in zip(labels, ("The sun rises.", "The sun sets."), strict=True)]
    assert [extract_choice(reply, options) for reply in ("The sun sets", *options, labels[1])] == ["B", "A", "B", "B"]


def test_a_reply_that_repeats_itself_is_read():
    assert extract_choice("A. " * 3000, OPTIONS) == "A"
    assert extract_choice("!" * 30_000, OPTIONS) is None
    assert extract_choice("the dot moves to the left and " * 1000, OPTIONS) == "A"


def test_without_options_nothing_is_named():
    assert extract_choice("A", []) is None
    assert extract_choice("a cat", ["", "a cat"]) == "B"


def test_more_options_than_letters_are_refused():
    with pytest.raises(InputError, match="11 options; .* at most 10"):
        extract_choice("A", [str(n) for n in range(11)])


def test_no_torch_is_needed():
    code = "import sys, t2vid_hf.metrics.answers; print({'torch', 'transformers'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
