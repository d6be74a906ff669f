"""What of a benchmark stands in what was trained on: videos by name, questions word for word, texts by eight words."""

import json
import subprocess
import sys

import pytest
from datasets import Dataset
from pyarrow import parquet

from t2vid_hf.data.pages import lazy_features
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Asked
from t2vid_hf.mixtures.leaks import find_leaks, read_parts
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import LongTextQA, conversation, features, media_block
from tests.metrics.prediction_files import lines, prompt, write

LONG = "The keeper of the lighthouse wound the clock at nine and then went down to the sea."
CLIPS = (("v/A_1.MP4", "Where does it go?"), ("frames/B_2", "And what is\nit now?"))


def asked(name, video="other.mp4", question="Who is it?", options=("a", "b")):
    return Asked(name, video, "k", prompt(question, options), options, "A")


@pytest.fixture
def mixture(tmp_path):
    """A set of clips that are named by path, and one of pages that are drawn when they are read."""
    rows = [
        {"id": f"clips/{number}", "source": "clips", "media": "video", "images": [], "num_frames": 8,
         "messages": conversation([media_block("video")], said, "It does."),
         "videos": [{"bytes": None, "path": path}]}
        for number, (path, said) in enumerate(CLIPS)
    ]  # fmt: skip
    qa = LongTextQA("1", "texts", f"Once there was a story. {LONG} The end.", "What did he wind?", "A clock.")
    pages = synthesize([qa], RenderConfig.preset("paper"), render="lazy")
    for name, made, columns in (("clips", rows, features()), ("pages", list(pages), lazy_features())):
        path = tmp_path / name / "all/train-00000-of-00001.parquet"
        path.parent.mkdir(parents=True)
        # by pyarrow, because `datasets` would put the videos' bytes into the file
        table = Dataset.from_list(made, columns).data.table
        parquet.write_table(table.select(list(columns)).cast(columns.arrow_schema), path)
    parts = [{"path": str(tmp_path / name), "name": "all", "share": 1} for name in ("clips", "pages")]
    return write(tmp_path / "sft.yaml", json.dumps({"mixture": parts, "seed": 3}))


def test_each_kind_is_found_and_its_row_named(mixture):
    questions = [
        asked("video", "videos/a_1.webm"),
        asked("frames", "B_2"),
        asked("question", question="Where does it go"),
        asked("text", options=("the keeper of the lighthouse wound the CLOCK, at nine", "no")),
        asked("none", "c.mp4", "Is the keeper of the lighthouse a man who winds clocks?"),
    ]
    found = find_leaks(questions, read_parts(mixture))
    assert found.rows == 3 and list(found.videos) == ["video", "frames"]
    assert list(found.questions) == ["question"] and list(found.texts) == ["text"]
    assert found.videos["video"].row.endswith("clips:all, row clips/0")
    assert found.texts["text"].row.endswith("pages:all, row texts/1")


def test_the_command(mixture, tmp_path):
    said = [{**line, "video": f"v/{name}.mp4"} for line, name in zip(lines("BA"), ("A_1", "x"), strict=True)]
    path = write(tmp_path / "pred.jsonl", said)
    command = ["score", "mlvu", path, "--mode", "t2vid_hf", "--against", mixture, "--json"]
    done = subprocess.run([sys.executable, "-m", "t2vid_hf", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    held = json.loads(done.stdout)["against"]
    assert (held["rows"], [leak["id"] for leak in held["videos"]], held["questions"]) == (3, ["0"], [])
    assert "1 of 2 videos, 0 of 2 questions" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("text", "told"),
    [("a: [", "no YAML file"), ("seed: 1", "it has no mixture"), ("mixture: nope", "unknown mixture 'nope'")],
)
def test_files_that_are_no_mixture(text, told, tmp_path):
    with pytest.raises(InputError, match=told):
        read_parts(write(tmp_path / "m.yaml", text))
