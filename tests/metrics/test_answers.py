"""Which option a reply names."""

import subprocess
import sys

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.metrics import label_claims
from t2vid_hf.metrics.answers import extract_choice
from t2vid_hf.metrics.denial import label_stance

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


@pytest.mark.parametrize(
    "filler", ["<think>", "A, B ", "A: no, B: yes, C: no, ", "1", "x y\n", "(", "to the left and "]
)
def test_the_end_of_a_reply_beyond_all_measure_is_read(filler, monkeypatch):
    judged = []
    monkeypatch.setattr(
        label_claims, "label_stance", lambda *place, **how: judged.append(place) or label_stance(*place, **how)
    )
    reply = (filler * 20_000)[:20_000]
    closed = "</think>" if filler == "<think>" else "\n\n"
    assert extract_choice(f"{reply}{closed}The answer is D.", OPTIONS) == "D"
    assert len(judged) < 200  # a label's sentence is read a bounded number of times, however many labels there are


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("The balloon ascends.", "C"), ("It drives from the right edge to the left side of the screen.", "A"),
        ("It speeds up and turns.", None), ("He picks up the ball.", None),
    ],
)  # fmt: skip
def test_synonyms_of_motions(reply, letter):
    assert extract_choice(reply, OPTIONS) == letter


def test_times_are_options_where_options_are_times():
    times = ["0:00-0:15", "0:15-0:30", "0:30-0:45"]
    assert extract_choice("At 0:03 he waves, so it is from 00:15 to 00:30.", times) == "B"
    assert extract_choice("At 0:03 he waves 2 times.", ["1", "2", "3"]) == "B"


def test_a_table_is_a_list_of_options():
    rows = "| Option | Seen? |\n|---|---|\n| A | no |\n| B | no |\n| C | yes, at 0:05 |\n| D | no |"
    assert extract_choice(rows, OPTIONS) == "C"


def test_a_range_of_labels_names_none():
    assert extract_choice("Any of the options A to D may be right.", OPTIONS) is None


def test_without_options_nothing_is_named():
    assert extract_choice("A", []) is None
    assert extract_choice("a cat", ["", "a cat"]) == "B"


def test_more_options_than_letters_are_refused():
    with pytest.raises(InputError, match="11 options; .* at most 10"):
        extract_choice("A", [str(n) for n in range(11)])


def test_no_torch_is_needed():
    code = "import sys, t2vid_hf.metrics.answers; print({'torch', 'transformers'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
