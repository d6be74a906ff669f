"""Training from the command line alone: no YAML file, one data set or several."""

import json
from pathlib import Path

import pytest

from t2vid_hf.cli.build import build
from t2vid_hf.cli.make_clips import make_clips
from t2vid_hf.cli.train import run


@pytest.mark.parametrize(
    ("data", "shares"),
    [
        (("--dataset_name", "set", "--dataset_config", "video"), [1]),
        (("--mixture", "set,video:2", "set,synthetic:1"), [2, 1]),
    ],
    ids=["data set", "mixture"],
)
def test_a_run_without_a_file(tiny_checkpoint, tmp_path, monkeypatch, data, shares):
    monkeypatch.chdir(tmp_path)
    make_clips(Path("set"), count=6)
    build(Path("set"), max_documents=3, name="synthetic")
    model = ("--model_name_or_path", str(tiny_checkpoint), "--dtype", "float32", "--attn_implementation", "sdpa")
    machine = ("--use_cpu", "true", "--bf16", "false", "--dataloader_num_workers", "0")
    length = ("--max_steps", "1", "--num_frames", "2", "--per_device_train_batch_size", "1", "--save_strategy", "no")
    run([*model, *data, *machine, *length, "--eval_share", "0.3", "--output_dir", "out"])
    record = json.loads(Path("out/run.json").read_text())
    taken = [part["sampled"] for part in record["mixture"]]
    assert [round(count / taken[-1]) for count in taken] == shares
    assert record["evaluation"]["losses"]["eval_loss"] > 0
    run([*model, "--config", "out/recipe.yaml", *machine, *length, "--output_dir", "again"])  # is written down whole
    assert Path("again/model.safetensors").exists()
