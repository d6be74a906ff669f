"""Two processes on a CPU evaluate with metrics: the numbers of one process, each row once, and none of a dummy."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.evaluation_run import HOW

ROOT = Path(__file__).resolve().parents[2]


def launch(checkpoint: Path, output: Path, processes: int) -> list[dict]:
    """What each process found."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}", f"--master_port={port}"]
    script = [str(ROOT / "tests/training/evaluation_run.py"), str(checkpoint), str(output)]
    done = subprocess.run(
        [sys.executable, *(launcher if processes > 1 else []), *script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,  # a rank that waits for the other waits for ever
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(Path(f"{output}.{rank}").read_text()) for rank in range(processes)]


@pytest.fixture(scope="module")
def found(tiny_checkpoint, tmp_path_factory) -> tuple[dict, list[dict]]:
    folder = tmp_path_factory.mktemp("runs")
    return launch(tiny_checkpoint, folder / "one", 1)[0], launch(tiny_checkpoint, folder / "two", 2)


@pytest.mark.parametrize("how", HOW)
def test_two_ranks_find_what_one_finds(found, how):
    alone, ranks = found[0]["padding-free"], [rank[how] for rank in found[1]]
    assert alone["told"]["eval_rows"] == 11
    for run in (found[0][how], *ranks):
        assert run["labels"] == 2 * alone["labels"][:11]  # evaluated, and predicted
        assert run["logits"] == pytest.approx(2 * alone["logits"][:11], rel=1e-4, abs=1e-3)
        assert set(run["told"]) == set(alone["told"]) >= {"eval_loss/pages", "eval_loss/text"}
        for name, value in alone["told"].items():
            if name not in ("eval_num_tokens", "epoch"):  # of training, where two ranks take two rows a step
                assert run["told"][name] == pytest.approx(value, rel=1e-5), name
        assert run["predicted"] == 11
