"""Open questions about one's own clips: scored word for word, by every command that reads answers."""

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.comparison import compare_files
from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import item_lines, summary
from tests.metrics.prediction_files import write

SAID = {"a": ["The red car.", "a bus", "", "B"], "b": ["a bus", "a bus", "the  RED car", "B."]}


@pytest.fixture
def answers(tmp_path):
    asked = {"kind": "what", "clip": "c.mp4", "question": "What passes?", "expected": "the red car"}
    listed = [
        {"model": model, "id": str(n), **asked, "reply": said}
        for model, told in SAID.items()
        for n, said in enumerate(told[:3])
    ]
    chosen = {"kind": "where", "clip": "c.mp4", "question": "Where?\nA. up\nB. down", "expected": "B"}
    listed += [{"model": model, "id": "3", **chosen, "reply": told[3]} for model, told in SAID.items()]
    return write(tmp_path / "answers.jsonl", listed)


@pytest.mark.parametrize("mode", ["official", "t2vid_hf"])
def test_a_reply_is_right_word_for_word(answers, mode):
    scored = score_file("clips", answers, mode=mode, model="a")
    found = summary(scored)
    assert (found["n"], found["correct"], found["no_answer"]) == (4, 2, 1)
    assert [(line["choice"], line["answer"], line["correct"]) for line in item_lines(scored)] == [
        ("the red car", "the red car", True), (None, "the red car", False), (None, "the red car", False),
        ("B", "B", True),
    ]  # fmt: skip


def test_two_models_are_compared(answers):
    result, _ = compare_files(answers, answers, models="a,b")
    assert (result["n"], result["only_a"], result["only_b"]) == (4, 1, 1)


def test_the_originals_rules_know_no_open_question(answers):
    with pytest.raises(InputError, match="mode t2vid scores multiple choice"):
        score_file("clips", answers, mode="t2vid", model="a")


def test_a_letter_outside_the_options_is_no_open_question(tmp_path):
    asked = {
        "id": "1",
        "kind": "k",
        "clip": "c",
        "question": "Where?\nA. up\nB. down",
        "expected": "left",
        "reply": "A",
    }
    with pytest.raises(InputError, match="its right answer 'left' is none of its options"):
        score_file("clips", write(tmp_path / "answers.jsonl", [asked]), mode="official")
