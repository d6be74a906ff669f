"""Question -> reply -> choice -> score, without a model."""

import json

import pytest
from datasets import Dataset

from t2vid_hf.clips.rows import clip_features
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.runs import accuracy, judge, load_items, write_scores
from t2vid_hf.metrics.answers import extract_choice

ITEMS = [
    Item(f"clip-{number // 2}/{number}", {}, "Where to?", ("to the left", "to the right"), "AB"[number % 2], kind,
         f"clip-{number // 2}")
    for number, kind in enumerate(("side", "side", "place", "place"))
]  # fmt: skip
REPLIES = ["A. to the left", "To the left.", "Somewhere.", "(B)"]


def test_answers_are_what_the_matcher_finds():
    answers = judge(ITEMS, REPLIES)
    assert [answer.choice for answer in answers] == [extract_choice(reply, ITEMS[0].options) for reply in REPLIES]
    assert [answer.correct for answer in answers] == [True, False, False, True]
    assert accuracy(answers) == 0.5
    assert [answer.to_judged().answered for answer in answers] == [True, True, False, True]
    with pytest.raises(ValueError):
        judge(ITEMS, REPLIES[:3])


def test_scores_and_every_answer_are_written(tmp_path):
    answers = {"tuned": judge(ITEMS, REPLIES), "base": judge(ITEMS, ["A"] * 4)}
    output = tmp_path / "deep/scores.json"
    given = {"checkpoints": {"tuned": "a", "base": "b"}, "weights": {"tuned": "0a", "base": "0b"}}
    scores = write_scores(output, answers, **given, settings={"benchmark": "clips"})
    written = json.loads(output.read_text())
    assert (written["benchmark"], written["questions"], written["chance"]) == ("clips", 4, 0.5)
    assert [(model["name"], model["checkpoint"]) for model in written["models"]] == [("tuned", "a"), ("base", "b")]
    assert [model["weights"] for model in written["models"]] == ["0a", "0b"]
    assert [score.group for score in scores["tuned"]] == ["place", "side", "all"]
    assert written["models"][0]["scores"][-1]["accuracy"] == scores["tuned"][-1].accuracy == 0.5
    lines = [json.loads(line) for line in (tmp_path / "deep/answers.jsonl").read_text().splitlines()]
    assert [(line["model"], line["id"]) for line in lines] == [
        (name, item.id) for name in ("tuned", "base") for item in ITEMS
    ]
    assert lines[2] == {
        "model": "tuned", "id": "clip-1/2", "kind": "place", "clip": "clip-1", "question": "Where to?",
        "expected": "A", "reply": "Somewhere.", "choice": None, "correct": False,
    }  # fmt: skip


def test_a_revision_of_the_data_set_is_asked_for(monkeypatch):
    from t2vid_hf.evaluation.benchmarks import clips

    asked = {}
    rows = Dataset.from_dict({name: [] for name in clip_features()}, features=clip_features())
    monkeypatch.setattr(clips, "read_split", lambda *given, **options: asked.update(options) or rows)
    assert load_items("clips", "user/set", revision="v1") == []
    assert asked == {"revision": "v1"}


def test_questions_that_cannot_be_asked():
    with pytest.raises(InputError, match="unknown benchmark 'clip'; known: clips"):
        load_items("clip", "x")
    with pytest.raises(InputError, match="ask at least 1"):
        load_items("clips", "x", at_most=0)


def test_some_questions_are_spread_over_all(monkeypatch):
    from t2vid_hf.evaluation import runs

    items = [Item(str(number), {}, "?", ("a", "b"), "A", "k", "c") for number in range(10)]
    monkeypatch.setitem(runs.BENCHMARKS, "clips", lambda dataset: items)
    assert [item.id for item in load_items("clips", "x", at_most=3)] == ["0", "3", "6"]
    assert load_items("clips", "x", at_most=99) == load_items("clips", "x") == items
