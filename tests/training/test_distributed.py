"""Two processes on a CPU, one of them without an image in a step: no hang, and the numbers of one process."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.families import build

ROOT = Path(__file__).resolve().parents[2]


def launch(checkpoint: Path, output: Path, processes: int, **changes) -> dict:
    """What a run did; with 0 processes it is not launched, but started."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}", f"--master_port={port}"]
    command = [
        sys.executable, *(launcher if processes else []),
        str(ROOT / "tests/training/distributed_run.py"), str(checkpoint), str(output), json.dumps(changes),
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,  # a rank that waits for the other waits for ever
    )
    assert done.returncode == 0, done.stderr
    return json.loads(output.read_text())


@pytest.fixture(scope="module")
def alone(tiny_checkpoint, tmp_path_factory) -> dict:
    output = tmp_path_factory.mktemp("alone") / "run.json"
    return launch(tiny_checkpoint, output, 0, per_device_train_batch_size=4)


def check(run: dict, alone: dict) -> None:
    assert len(run["history"]) == len(alone["history"]) == 3
    for mine, theirs in zip(run["history"], alone["history"], strict=True):
        for key in ("loss", "grad_norm", "loss/pages", "loss/text", "num_tokens", "visual_token_share"):
            assert mine[key] == pytest.approx(theirs[key], rel=2e-5), key
    norms = {name.replace("module.", ""): value for name, value in run["norms"].items()}
    assert norms == pytest.approx(alone["norms"], rel=1e-4, abs=1e-6)


def test_one_process_that_was_launched(tiny_checkpoint, tmp_path, alone):
    check(launch(tiny_checkpoint, tmp_path / "run.json", 1, per_device_train_batch_size=4), alone)


def test_accumulation_changes_nothing(tiny_checkpoint, tmp_path, alone):
    check(
        launch(tiny_checkpoint, tmp_path / "run.json", 0, per_device_train_batch_size=1, gradient_accumulation_steps=4),
        alone,
    )


@pytest.mark.parametrize("padding_free", [True, False])
def test_ddp_with_a_rank_of_text(tiny_checkpoint, tmp_path, alone, padding_free):
    run = launch(tiny_checkpoint, tmp_path / "run.json", 2, per_device_train_batch_size=2, padding_free=padding_free)
    check(run, alone)


def test_fsdp2_with_a_rank_of_text(tiny_checkpoint, tmp_path, alone):
    check(launch(tiny_checkpoint, tmp_path / "run.json", 2, per_device_train_batch_size=2, fsdp2=True), alone)


def test_ddp_packed(tiny_checkpoint, tmp_path):
    settings = {"packing": True, "max_length": 130, "num_train_epochs": 2}
    run = launch(tiny_checkpoint, tmp_path / "run.json", 2, per_device_train_batch_size=1, **settings)
    one = launch(tiny_checkpoint, tmp_path / "one.json", 0, per_device_train_batch_size=2, **settings)
    assert [entry["num_tokens"] for entry in run["history"]][-1] == [entry["num_tokens"] for entry in one["history"]][
        -1
    ]


def test_one_rank_may_log_alone(tiny_checkpoint, tmp_path, alone):
    """Nobody waits for the other rank, and what all have counted is in the log of the step."""
    run = launch(tiny_checkpoint, tmp_path / "run.json", 2, per_device_train_batch_size=2, log_alone=True)
    check(run, alone)


def test_ddp_where_the_language_model_is_frozen(tiny_checkpoint, tmp_path):
    settings = {"tune_llm": False, "train_sampling_strategy": "sequential"}
    one = launch(tiny_checkpoint, tmp_path / "one.json", 0, per_device_train_batch_size=4, **settings)
    check(launch(tiny_checkpoint, tmp_path / "run.json", 2, per_device_train_batch_size=2, **settings), one)


@pytest.mark.parametrize("name", ["qwen2_5_vl", "llava_onevision"])
def test_native_video_on_one_rank_alone(name, clip_file, tmp_path):
    """A rank of text runs the tower as often as that with a video and images, under FSDP2 too, or both would hang."""
    build(name, tmp_path / "model")
    given = {"clip": str(clip_file), "video": "native", "num_frames": 3}
    alone = launch(tmp_path / "model", tmp_path / "alone.json", 0, per_device_train_batch_size=4, **given)
    for fsdp2 in (False, True):
        run = launch(
            tmp_path / "model", tmp_path / f"{fsdp2}.json", 2, per_device_train_batch_size=2, fsdp2=fsdp2, **given
        )
        for mine, theirs in zip(run["history"], alone["history"], strict=True):
            for key in ("loss", "grad_norm", "num_tokens", "visual_token_share"):
                assert mine[key] == pytest.approx(theirs[key], rel=1e-4), (fsdp2, key)
        assert {key for entry in run["history"] for key in entry if key.startswith("loss/")} == {
            "loss/pages", "loss/text", "loss/video",
        }  # fmt: skip
