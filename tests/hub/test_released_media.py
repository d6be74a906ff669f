"""A converted video set is released with its frames, and a mixture reads it by its name on the Hub."""

import json
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.hub_server import HubServer

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
