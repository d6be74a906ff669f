"""A run that is killed goes on as if it had not been: the same rows in the same order, and the same losses."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file

from t2vid_hf.schema import features
from tests.training.killed_run import CASES, ROWS, trainer
from tests.training.runs import config, losses, make_rows, ours, parameters, seen_rows

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def killed(tiny_checkpoint, clip_file, tmp_path_factory):
    """The folders of the runs, each as its process left it."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", "tests.training.killed_run", tiny_checkpoint, clip_file, folder]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    for case in CASES:
        assert f"{case.name}: {-signal.SIGKILL}\n" in ended.stdout, ended.stdout + ended.stderr
    return folder


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_killed_run_resumes(killed, tiny_checkpoint, clip_file, tmp_path, case):
    saved = sorted(int(path.name.partition("-")[2]) for path in (killed / case.name).glob("checkpoint-*"))
    assert saved[-1] == case.last_saved < case.dies_at
    trained = load_file(next((killed / case.name / f"checkpoint-{case.last_saved}").glob("*model.safetensors")))
    assert {value.dtype for value in trained.values()} == {torch.float32}  # the masters, also of a run in bfloat16
    straight, resumed = (trainer(case, tiny_checkpoint, clip_file, folder) for folder in (tmp_path, killed / case.name))
    straight_rows, resumed_rows = seen_rows(straight), seen_rows(resumed)
    straight.train()
    resumed.train(resume_from_checkpoint=True)
    steps, epochs = straight.state.max_steps, straight.args.num_train_epochs
    batches = len(straight_rows) // steps
    assert steps == resumed.state.global_step and steps > case.dies_at
    assert sorted(row for rows in straight_rows for row in rows) == sorted([*range(ROWS)] * int(epochs))
    assert resumed_rows == straight_rows[case.last_saved * batches :]
    assert resumed_rows != straight_rows[: len(resumed_rows)]  # it did not begin again
    assert len(losses(straight)) == len(set(losses(straight))) == steps
    assert losses(resumed) == pytest.approx(losses(straight), abs=1e-6)
    after, expected = parameters(resumed), parameters(straight)
    for name in expected:
        torch.testing.assert_close(after[name], expected[name], rtol=0, atol=1e-6)


def test_a_checkpoint_of_the_best_step_is_taken_up(tiny_checkpoint, tmp_path):
    """`Trainer` decides to write it within the step that it evaluates; it counts the tokens until then, too."""
    rows = make_rows(6, b"")[:2]
    evaluated = {"eval_strategy": "steps", "eval_steps": 1, "save_strategy": "best", "metric_for_best_model": "loss"}
    runs = []
    for steps in (1, 2):
        args = config(tmp_path, **{"max_steps": steps, "learning_rate": 1e-4, **evaluated})
        runs.append(ours(tiny_checkpoint, args, rows, eval_dataset=Dataset.from_list(rows, features=features())))
    straight, resumed = runs
    straight.train()
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))
    first, second = (entry["num_tokens"] for entry in resumed.state.log_history if "loss" in entry)
    assert first < second


def test_what_is_counted_of_a_step_does_not_pile_up(tiny_checkpoint, tmp_path):
    run = ours(tiny_checkpoint, config(tmp_path, max_steps=4), make_rows(6, b"")[:2])
    run.train()
    assert [name for name, value in vars(run.telemetry).items() if isinstance(value, list) and value] == []
