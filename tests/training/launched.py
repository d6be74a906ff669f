"""Runs of `recipes/sft.py` under `accelerate launch`, on one process or two, whole or killed on the way."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from datasets import Dataset

from t2vid_hf.schema import features
from tests.launching import ROOT, kill_all, launch
from tests.training.runs import make_rows

RECIPE = {
    "num_train_epochs": 2, "save_steps": 3, "logging_steps": 1, "learning_rate": 1e-3, "lr_scheduler_type": "cosine",
    "per_device_train_batch_size": 1, "gradient_accumulation_steps": 2, "use_cpu": True, "bf16": False, "num_frames": 3,
    "dtype": "float32", "attn_implementation": "sdpa", "report_to": "none", "gradient_checkpointing": False,
    "dataloader_num_workers": 0, "dataloader_pin_memory": False, "disable_tqdm": True, "warmup_steps": 0,
}  # fmt: skip
PACKED = {"packing": True, "max_length": 140}


def data_set(folder: Path, clip: bytes, count: int = 13, *, only: tuple[str, ...] | None = None) -> Path:
    """Rows of text, pages and video, or of some of these, as a part of a mixture."""
    texts = folder / "texts"
    texts.mkdir(parents=True)
    made = [row for row in make_rows(count, clip) if only is None or row["media"] in only]
    rows = Dataset.from_list(made, features=features())
    rows.to_parquet(str(texts / "train-00000-of-00001.parquet"))
    return folder


def recipe(folder: Path, checkpoint: Path, rows: Path, **settings: Any) -> Path:
    """The YAML file of a run that writes to `folder/run`."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {
        "model_name_or_path": str(checkpoint), "mixture": [{"path": str(rows), "name": "texts", "share": 1}],
        "output_dir": str(folder / "run"), **RECIPE, **settings,
    }  # fmt: skip
    file = folder / "recipe-of-the-test.yaml"
    file.write_text(json.dumps(given))
    return file


def start(file: Path, processes: int, *options: str) -> subprocess.Popen:
    return launch([str(ROOT / "recipes/sft.py"), "--config", str(file), *options], processes)


def finish(file: Path, processes: int, *options: str) -> tuple[int, str]:
    """Status and what was printed."""
    run = start(file, processes, *options)
    out, err = run.communicate(timeout=300)
    return run.returncode, out + err


def kill_behind(run: subprocess.Popen, checkpoint: Path) -> None:
    """Kill every process of a run as a machine is switched off, once a checkpoint is written."""
    patience = time.monotonic() + 240
    while not (checkpoint / "trainer_state.json").exists():
        assert run.poll() is None and time.monotonic() < patience, run.communicate()
        time.sleep(0.005)
    kill_all(run)


def history(folder: Path) -> list[dict]:
    """What a run has logged at each step."""
    state = json.loads((folder / "run/trainer_state.json").read_text())
    return [entry for entry in state["log_history"] if "loss" in entry]
