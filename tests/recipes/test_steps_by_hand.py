"""The steps by hand of `recipes/README.md`, in order, as they stand there; options behind them keep the data small."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[2]
STEPS = re.search(r"## The steps by hand.*?```bash\n(.*?)```", (ROOT / "recipes/README.md").read_text("utf-8"), re.S)
SMALL = ("--max_documents 4", "--count 8", "", "--max_steps 2", "--max_new_tokens 2", "")


def test_the_steps_in_order(tmp_path):
    assert STEPS is not None
    commands = STEPS[1].replace("user/name", "alice/hand").splitlines()
    for folder in ("recipes", "dataset_scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    with HubServer() as hub:
        here = {**os.environ, **hub.environment(tmp_path / "home")}
        here["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        for command, small in zip(commands, SMALL, strict=True):
            done = subprocess.run(
                ["bash", "-c", f"{command} {small}"], cwd=tmp_path, env=here, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert "model.safetensors" in hub.files("alice/hand")
        assert "README.md" in hub.files("alice/hand", repo_type="dataset")
