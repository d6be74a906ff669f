"""`recipes/my_data/README.md` followed to the letter, on a model that is tiny and a machine without a GPU."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from t2vid_hf.clips.shapes import make_clip, write_clip
from t2vid_hf.data.repository import read_split

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "recipes/my_data/README.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```(json|bash)\n(.*?)```", README, re.S)[::-1])  # the first of each


@pytest.fixture
def layout(tmp_path, tiny_checkpoint) -> Path:
    """The folder that the document draws, its own lines in its files, beside a copy of the recipes."""
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    recipe = tmp_path / "recipes/my_data/sft.yaml"
    text = re.sub(r"^model_name_or_path: \S+", f"model_name_or_path: {tiny_checkpoint}", recipe.read_text(), flags=re.M)
    recipe.write_text(text.replace("bf16: true", "bf16: true\nuse_cpu: true"))
    videos = tmp_path / "my_data/videos"
    videos.mkdir(parents=True)
    for number, name in enumerate(re.findall(r"\w+\.mp4", README.split("```")[1])):
        write_clip(make_clip(number), videos / name)
    (videos / "questions.jsonl").write_text(BLOCKS["json"])
    texts = re.findall(r"```json\n(.*?)```", README, re.S)[1]
    (tmp_path / "my_data/texts.jsonl").write_text(texts)
    return tmp_path


def test_the_commands(layout):
    here = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HF_DATASETS_CACHE": str(layout),
    }
    commands = BLOCKS["bash"]
    done = subprocess.run(["bash", "-ec", commands], cwd=layout, env=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [*read_split(str(layout / "out/my_data/set"), "video", "train")]
    rows += [*read_split(str(layout / "out/my_data/set"), "video", "test")]
    said = {row["messages"][0]["content"][-1]["text"]: row["messages"][1]["content"][-1]["text"] for row in rows}
    assert (said["What is on the stove?"], said["Who crosses the street?"]) == ("a pot", "a dog")
    assert [(row["options"], row["answer"]) for row in rows if row["kind"] == "open"].count(([], "a pot")) == 1
    scores = json.loads((layout / "out/my_data/scores.json").read_text())
    assert (scores["questions"], scores["video"]["tuned"]["num_frames"]) == (2, 24)
    assert {score["group"] for score in scores["models"][0]["scores"]} > {"open", "all"}


def test_a_folder_of_open_questions_alone(layout):
    from t2vid_hf.evaluation.runs import accuracy, judge, load_items, write_scores

    (layout / "my_data/videos/questions.jsonl").write_text(
        "".join(json.dumps({"video": f"{name}.mp4", "question": "Who?", "answer": "The Keeper"}) + "\n"
                for name in ("kitchen", "street"))
    )  # fmt: skip
    subprocess.run([sys.executable, "-m", "t2vid_hf", "clips", "--videos", "my_data/videos", "--output", "set"],
                   cwd=layout, check=True, capture_output=True)  # fmt: skip
    items = load_items("clips", str(layout / "set"))
    for reply, right in (("the keeper.", 1), ("Keeper", 1), ("It is the keeper", 0), ("", 0)):
        answers = judge(items, [reply] * len(items))
        assert accuracy(answers) == right and answers[0].to_judged().answered == bool(reply)
    scores = write_scores(layout / "s.json", {"m": answers}, checkpoints={"m": "x"}, weights={"m": None}, settings={})
    assert json.loads((layout / "s.json").read_text())["chance"] == 0 and scores["m"][-1].no_answer == 1
