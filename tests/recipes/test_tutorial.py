"""From texts and clips to a release that others load, as a user would type it, against a Hub on loopback."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from t2vid_hf.clips.shapes import make_clip, write_clip
from tests.hub.trained import snippets
from tests.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[2]
TRAIN = """
model_name_or_path: tiny
attn_implementation: sdpa
dtype: float32
mixture:
  - {path: alice/data, name: video, revision: data-v1, share: 2, num_frames: 4, over_limit: thin}
  - {path: alice/data, name: pages, revision: data-v1, share: 1, over_limit: drop}
output_dir: tuned
num_frames: 4
max_length: 2048
max_steps: 2
per_device_train_batch_size: 2
learning_rate: 1.0e-3
use_cpu: true
bf16: false
gradient_checkpointing: false
dataloader_pin_memory: false
save_strategy: "no"
report_to: none
"""
# What someone does who has never seen this package: stock `datasets` alone.
STOCK = """
import sys
sys.modules["t2vid_hf"] = None
from datasets import load_dataset
rows = load_dataset("alice/data", "pages", split="train", revision="release-1")
print(rows[0]["messages"][-1]["content"][0]["text"], len(rows.column_names))
"""
BUILDER = """
import t2vid_hf
from datasets import load_dataset
drawn = load_dataset("t2vid", data_files="hf://datasets/alice/raw/questions.jsonl", split="train")
released = t2vid_hf.with_pages(load_dataset("alice/data", "pages", split="train", revision="release-1"))
same = [[page.tobytes() for page in rows[0]["images"]] for rows in (drawn, released)]
assert same[0] == same[1] and len(same[0]) > 1
print(drawn[0]["num_frames"], "pages")
"""
RAW = """
from huggingface_hub import HfApi
HfApi().create_repo("alice/raw", repo_type="dataset")
HfApi().upload_file(path_or_fileobj="questions.jsonl", path_in_repo="questions.jsonl", repo_id="alice/raw",
                    repo_type="dataset")
"""


@pytest.fixture
def desk(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    """A folder with a file of questions, three clips with questions, and a tiny checkpoint."""
    texts = [
        {"id": f"text-{n}", "context": f"The keeper of tower {n} wound the clock. " * 30, "question": "Who wound it?",
         "answer": "The keeper."}
        for n in range(6)
    ]  # fmt: skip
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts))
    for index in range(3):
        clip = make_clip(index)
        (tmp_path / "clips").mkdir(exist_ok=True)
        write_clip(clip, tmp_path / "clips" / f"{clip.name}.mp4")
    shutil.copytree(tiny_checkpoint, tmp_path / "tiny")
    (tmp_path / "train.yaml").write_text(TRAIN)
    return tmp_path


def test_from_texts_and_clips_to_a_release_that_others_load(desk):
    with HubServer() as hub:
        homes = iter(range(100))

        def someone(*command: object, at: str | None = None) -> str:
            """A command in a process of its own; without `at`, of a person whose cache is empty."""
            home = desk / (at or f"home-{next(homes)}")
            environment = {**os.environ, **hub.environment(home), "PYTHONPATH": str(ROOT)}
            done = subprocess.run([sys.executable, *map(str, command)], cwd=desk, env=environment, capture_output=True,
                                  text=True)  # fmt: skip
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            return done.stdout

        def t2vid(*command: object) -> str:
            return someone("-m", "t2vid_hf", *command, at="home")

        # Texts become pages, which are stored as texts, and clips questions; a release of data alone.
        t2vid("build", "--data_files", "questions.jsonl", "--render", "lazy", "--name", "pages", "--output", "data")
        t2vid("clips", "--videos", "clips", "--test_share", "0.4", "--output", "data")
        t2vid("push", "--dataset", "data", "--to", "alice/data", "--tag", "data-v1")

        # A recipe names the sets as they are on the Hub; accelerate launches it.
        launch = ("-m", "accelerate.commands.launch", "--quiet", "--config_file", ROOT / "recipes/accelerate/cpu.yaml")
        someone(*launch, ROOT / "recipes/sft.py", "--config", "train.yaml")
        asked = ("--dataset", "alice/data", "--models", "tuned=tuned", "--output", "scores.json")
        t2vid("evaluate", *asked, "--max_new_tokens", "4")

        # Checkpoint, scores and data are one release, complete under its tag.
        release = ("--dataset", "data", "--checkpoint", "tuned=alice/tuned", "--scores", "scores.json")
        told = t2vid("push", *release, "--to", "alice/data", "--tag", "release-1", "--dry_run")
        assert "model.safetensors" in told and not hub.repositories().get(("model", "alice/tuned"))
        told = t2vid("push", *release, "--to", "alice/data", "--tag", "release-1")
        assert f"{hub.url}/alice/tuned/tree/release-1" in told
        card = hub.files("alice/tuned", revision="release-1")["README.md"].decode()
        assert "alice/data" in card and "Accuracy" in card and str(desk) not in card

        # Others: the card's own snippet asks the checkpoint about a clip.
        shutil.copy(next((desk / "clips").iterdir()), desk / "clip.mp4")
        assert len(someone("-c", snippets(desk / "tuned")[0])) > 0
        # Stock `datasets` opens the pages' texts, and with this package they are drawn as the builder draws them.
        assert someone("-c", STOCK).startswith("The keeper.")
        someone("-c", RAW)
        assert someone("-c", BUILDER).endswith("pages\n")
