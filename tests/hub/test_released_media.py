"""A converted video set is released with its frames, and a mixture reads it by its name on the Hub."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as parquet
from datasets import Dataset
from PIL import Image

from t2vid_hf.schema import conversation, features, media_block
from tests.hub_server import HubServer

PUBLISH_SET = """
from pathlib import Path
from t2vid_hf.hub.release import release
from t2vid_hf.hub.release_part import ReleasePart
from t2vid_hf.hub.release_terms import ReleaseTerms
release([ReleasePart(Path("set"), "alice/set", "dataset")], ReleaseTerms("v1"))
"""
CARD = """---
configs:
- config_name: texts
  data_files:
  - {split: train, path: texts/train-*.parquet}
---
# set
"""
READ_SET = """
import json
from PIL import Image
from t2vid_hf.mixtures.mixing import load_mixture
from t2vid_hf.mixtures.parts import MixturePart
rows = load_mixture([MixturePart("alice/set", "texts", share=1, revision="v1")]).dataset
image = lambda given: Image.open(given["path"]) if isinstance(given, dict) else given
print(json.dumps({row["id"]: image(row["images"][0]).getpixel((0, 0))[0] for row in rows}))
"""
ROOT = Path(__file__).resolve().parents[2]
READ = """
import json
from t2vid_hf.mixtures.evaluation_rows import evaluation_mixture
from t2vid_hf.mixtures.mixing import load_mixture
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.video.reading import read_frames
part = MixturePart("alice/clips", "video", share=1, revision="v1")
mixture = load_mixture([part], eval_share=0.5)
seen = {}
for which in (mixture, evaluation_mixture(mixture)):
    for row in which.dataset:
        frames = read_frames(row["videos"][0]["path"], num_frames=2)
        seen[row["id"]] = [int(frames.data[0].mean()), len(frames.data)]
print(json.dumps(seen))
"""


def run(*command: object, environment: dict[str, str], cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)], env=environment, cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_converted_set_with_its_frames(tmp_path):
    samples = []
    for clip in range(8):
        folder = tmp_path / "clips/frames" / f"clip[{clip}] a"  # characters that a pattern would take for its own
        folder.mkdir(parents=True)
        for frame in range(3):
            Image.new("RGB", (32, 32), (10 * clip, 10 * clip, 10 * clip)).save(folder / f"{frame:03}.png")
        turns = [{"from": "human", "value": "<video>\nWhat?"}, {"from": "gpt", "value": "A shade."}]
        samples.append({"conversations": turns, "video": folder.name})
    (tmp_path / "samples.json").write_text(json.dumps(samples))
    with HubServer() as hub:
        environment = {**os.environ, **hub.environment(tmp_path / "home")}
        made = ("--samples", "samples.json", "--source", "shades", "--output", "clips")
        run(ROOT / "recipes/convert_video_qa.py", *made, environment=environment, cwd=tmp_path)
        pushed = ("--dataset", "clips", "--to", "alice/clips", "--tag", "v1")
        told = run(ROOT / "recipes/push.py", *pushed, "--dry_run", environment=environment, cwd=tmp_path)
        assert "frames/clip[3] a/002.png" in told and not hub.repositories()
        run(ROOT / "recipes/push.py", *pushed, environment=environment, cwd=tmp_path)
        fresh = {**os.environ, **hub.environment(tmp_path / "fresh")}
        seen = json.loads(run("-c", READ, environment=fresh, cwd=tmp_path).splitlines()[-1])
    assert seen == {f"shades/#{clip}": [10 * clip, 2] for clip in range(8)}


def test_files_that_rows_name_in_other_words(tmp_path):
    """`./a.png` is a file here, and no name of the Hub's."""
    (tmp_path / "set/texts").mkdir(parents=True)
    media, names = [], ("a.png", "./b.png", "c//d.png")
    for shade, name in enumerate(names):
        (tmp_path / "set" / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (32, 32), (50 * shade,) * 3).save(tmp_path / "set" / name)
        media.append([{"bytes": None, "path": name}])
    turns = conversation([media_block("image")], "What?", "A shade.")
    rows = {"id": list(names), "source": ["s"] * 3, "media": ["image_sequence"] * 3, "messages": [turns] * 3,
            "images": media, "videos": [[]] * 3, "num_frames": [1] * 3}  # fmt: skip
    table = Dataset.from_dict(rows, features=features()).data.table
    parquet.write_table(table, tmp_path / "set/texts/train-00000-of-00001.parquet")
    (tmp_path / "set/texts/stats.json").write_text("{}")
    (tmp_path / "set/README.md").write_text(CARD)
    with HubServer() as hub:
        environment = {**os.environ, **hub.environment(tmp_path / "home")}
        run("-c", PUBLISH_SET, environment=environment, cwd=tmp_path)
        fresh = {**os.environ, **hub.environment(tmp_path / "fresh")}
        told = run("-c", READ_SET, environment=fresh, cwd=tmp_path)
    assert json.loads(told.splitlines()[-1]) == {"a.png": 0, "./b.png": 50, "c//d.png": 100}
