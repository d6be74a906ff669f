"""Test sets of questions with options: rows of ours, lettered options, files of lines, and what is wrong with them."""

import json

import pytest
from PIL import Image

from t2vid_hf.cli.make_clips import make_clips
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.option_questions import read_option_questions


def lines(folder, *given):
    Image.new("RGB", (24, 24), (200, 9, 9)).save(folder / "a.png")
    file = folder / "test.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in given))
    return str(file)


ASKED = {"id": "a", "images": ["a.png", "a.png"], "question": "Which?", "options": ["red", "green"], "answer": "green"}


def test_a_file_of_lines(tmp_path):
    path = lines(tmp_path, {**ASKED, "kind": "colour", "frames": 2}, {"id": "b", "question": "Who?", "answer": "He."})
    first, second = read_option_questions(path)
    assert (first.candidates, first.right, first.columns) == (("red", "green"), 1, {"kind": "colour", "frames": 2})
    assert [block["type"] for block in first.row["messages"][0]["content"]] == ["image", "image", "text"]
    assert (second.candidates, second.right, second.cluster) == (("He.",), 0, "b")
    assert [turn["role"] for turn in second.row["messages"]] == ["user"]


def test_clips_are_asked_with_their_letters(tmp_path):
    make_clips(output=tmp_path)
    question = read_option_questions(str(tmp_path), "video")[0]
    assert question.candidates[0].startswith("A. ") and question.cluster == question.columns["clip"]
    assert f"\n{question.candidates[question.right]}\n" in question.text  # the options stand in the prompt


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answer": "blue"}, r"test\.jsonl:1: the answer 'blue' is none of its options \(red, green\)"),
        ({"options": ["green"]}, "give at least 2 options"),
        ({"options": ["green", "green"]}, "give at least 2 options, each once"),
        ({"options": "green"}, "'options' must be a list of texts"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_option_questions(lines(tmp_path, {**ASKED, **changes}))


def test_an_id_twice(tmp_path):
    with pytest.raises(InputError, match="question 'a' stands there twice"):
        read_option_questions(lines(tmp_path, ASKED, ASKED))
