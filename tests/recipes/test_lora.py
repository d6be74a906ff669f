"""A LoRA adapter from `sft.py`, asked by `eval_video.py`: its folder is taken as a checkpoint is."""

import json
import subprocess
import sys
from pathlib import Path

from t2vid_hf.models.loading import load_checkpoint

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, *options: object, cwd: Path) -> str:
    command = [sys.executable, str(ROOT / "recipes" / script), *map(str, options)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_adapter_is_trained_and_asked(tiny_checkpoint, tmp_path):
    run("make_clips.py", "--count", 2, "--output", "set", cwd=tmp_path)
    recipe = {
        "model_name_or_path": str(tiny_checkpoint), "mixture": [{"path": "set", "name": "video", "share": 1}],
        "output_dir": "lora", "lora": True, "tune_vision": False, "num_frames": 2, "max_steps": 1, "use_cpu": True,
        "bf16": False, "dtype": "float32", "report_to": "none", "save_strategy": "no", "learning_rate": 0.01,
        "gradient_checkpointing": False, "warmup_steps": 0, "per_device_train_batch_size": 1,
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    run("sft.py", "--config", "recipe.yaml", cwd=tmp_path)
    assert not (tmp_path / "lora/config.json").exists()
    adapted, _, _ = load_checkpoint(str(tmp_path / "lora"), lora=True)
    base, _, _ = load_checkpoint(str(tiny_checkpoint))
    connector = dict(adapted.named_parameters())[
        "model.connector.modules_to_save.default.modality_projection.proj.weight"
    ]
    assert not (connector == base.model.connector.modality_projection.proj.weight).all()
    models = ("--models", "tuned=lora", "--models", f"base={tiny_checkpoint}")
    options = ("--num-frames", 2, "--max-new-tokens", 2, "--output", "scores.json")
    run("eval_video.py", "--dataset", "set", *models, *options, cwd=tmp_path)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert [(model["name"], model["checkpoint"]) for model in scores["models"]] == [
        ("tuned", "lora"),
        ("base", str(tiny_checkpoint)),
    ]
