"""`.github/CONTRIBUTING.md`, "Adding a benchmark", followed in a copy of the package, with that section's code."""

import json
from pathlib import Path

import pytest

from t2vid_hf.clips.shapes import make_clip, write_clip
from tests.test_contributing import Steps, followed


@pytest.fixture(scope="module")
def steps(tmp_path_factory) -> Steps:
    steps = followed("Adding a benchmark", tmp_path_factory.mktemp("benchmark"))
    steps.insert("from t2vid_hf.evaluation.benchmarks import street\n", before="from t2vid_hf.evaluation.item ")
    steps.insert(f"{steps.line}\n    ", before='"clips": ')
    return steps


@pytest.fixture(scope="module")
def street(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("street")
    clips = [make_clip(0), make_clip(1)]
    for clip in clips:
        write_clip(clip, folder / f"{clip.name}.mp4")
    (folder / "questions.csv").write_text(
        "video,question,a,b,answer,kind\n"
        f"{clips[0].name}.mp4,Who crosses?,a car,a dog,B,who\n"
        f'{clips[1].name}.mp4,"When, then?",at noon,at night,A,when\n'
    )
    return folder


def test_its_items(steps, street):
    script = """
import json, sys
from dataclasses import asdict
from t2vid_hf.evaluation.runs import load_items
print(json.dumps([asdict(item) for item in load_items("street", sys.argv[1])]))
"""
    first, second = json.loads(steps.python("-c", script, street).stdout)
    asked = "Who crosses?\nA. a car\nB. a dog\nAnswer with the letter of the right option."
    assert first["row"]["messages"] == [
        {"role": "user", "content": [{"type": "video", "text": None}, {"type": "text", "text": asked}]}
    ]
    assert (first["question"], first["options"], first["answer"], first["group"]) == (
        asked,
        ["a car", "a dog"],
        "B",
        "who",
    )
    assert first["row"]["num_frames"] == make_clip(0).num_frames
    assert (first["id"], second["id"], second["answer"]) == ("street/0", "street/1", "A")
    assert first["cluster"] != second["cluster"]


def test_a_model_is_asked_and_its_score_written(steps, street, tiny_checkpoint, tmp_path):
    options = ("--benchmark", "street", "--dataset", street, "--num_frames", "2", "--max_new_tokens", "2")
    models = ("--models", f"tiny={tiny_checkpoint}", "--output", tmp_path / "scores.json")
    steps.python("-m", "t2vid_hf", "evaluate", *options, *models)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert (scores["benchmark"], scores["questions"], scores["chance"]) == ("street", 2, 0.5)
    assert [score["group"] for score in scores["models"][0]["scores"]] == ["when", "who", "all"]
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [answer["expected"] for answer in answers] == ["B", "A"]


def test_a_wrong_folder_is_named(steps, tmp_path):
    options = ("--benchmark", "street", "--dataset", tmp_path, "--models", "a=b", "--output", tmp_path / "scores.json")
    done = steps.python("-m", "t2vid_hf", "evaluate", *options, check=False)
    assert done.returncode == 2 and "questions.csv: no such file" in done.stderr and "Traceback" not in done.stderr
