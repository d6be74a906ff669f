"""Scripts and modules under `accelerate launch`, on one process or several, whole or killed on the way."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def launch(command: Sequence[Any], processes: int, **changes: str) -> subprocess.Popen:
    """Start a script, or `-m` and a module, with its options.

    Without a GPU `accelerate launch` starts several processes only where `--multi_gpu` says so.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--num_processes", str(processes), "--num_machines", "1", "--mixed_precision", "no"]
    words += ["--dynamo_backend", "no", "--main_process_port", str(port)]
    words += ["--multi_gpu"] if processes > 1 else ["--cpu"]
    return subprocess.Popen(
        [sys.executable, "-m", "accelerate.commands.launch", *words, *map(str, command)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", **changes},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_all(run: subprocess.Popen) -> None:
    """Kill every process of a run as a machine is switched off."""
    for pid in [*descendants(run.pid), run.pid]:
        os.kill(pid, signal.SIGKILL)
    run.communicate()


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    children = [child for child, parent in parents.items() if parent == pid]
    return children + [below for child in children for below in descendants(child)]
