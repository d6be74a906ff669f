"""Kill an experiment at random times, go on each time, and compare what it comes to with one that nobody killed.

python -m tests.experiments.killed_experiment --kills 10 --output tests/benchmarks/results/killed_experiment.json

SIGKILL goes to the process that was started alone: those that it has started must end by themselves.
"""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from t2vid_hf.cli.script import run_command
from tests.experiments.designs import write_design, write_world

JOBS = "2"


def start(config: str) -> subprocess.Popen:
    """The experiment, as a person starts it."""
    command = [sys.executable, "-m", "t2vid_hf", "experiment", "--config", config, "--jobs", JOBS]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(config: str) -> tuple[dict[str, Any], float]:
    """Its report, without times, and how long it took."""
    began = time.monotonic()
    process = start(config)
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(said)
    folder = Path(config).parent / "out"
    report = json.loads((folder / "report.json").read_text())
    for name in ("seconds", "fixed", "bases"):  # times and places
        report.pop(name)
    assert not list(folder.glob("runs/*/checkpoint")), "weights are left behind"
    return report, time.monotonic() - began


def killed(folder: Path, config: str, *, kills: int, longest: float, seed: int) -> list[dict[str, Any]]:
    """Kill it so many times, each after a part of a time; what was done then."""
    told, generator = [], random.Random(seed)
    for _ in range(kills):
        after = generator.uniform(0, longest)
        process = start(config)
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        # Not communicate: those that hold its pipe end a moment later.
        status = process.wait()
        done = len(list((folder / "out").glob("runs/*/run.json")))
        told.append({"after_seconds": round(after, 1), "killed": status == -signal.SIGKILL, "runs_done": done})
        print(told[-1], flush=True)
    return told


def same_table(folder: Path, *, kills: int, seed: int) -> dict[str, Any]:
    """Run it undisturbed and killed; what became of it."""
    for name in ("whole", "cut"):
        write_world(folder / name)
    reference, took = finish(write_design(folder / "whole"))
    config = write_design(folder / "cut")
    # Shorter than the whole takes: what is done is kept, and the last kills shall still meet runs.
    told = killed(folder / "cut", config, kills=kills, longest=took / 2, seed=seed)
    report, _ = finish(config)
    return {
        "seconds_undisturbed": round(took, 1),
        "kills": told,
        "same_table": json.dumps(report) == json.dumps(reference),
        "runs": len(list((folder / "cut/out").glob("runs/*/run.json"))),
        "sentence": report["sentence"],
    }


def main(
    kills: Annotated[int, typer.Option(help="How often it is killed.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the times.")] = 0,
    output: Annotated[Path | None, typer.Option(help="Where to write what became of it.")] = None,
) -> None:
    """Kill an experiment at random times."""
    with TemporaryDirectory() as folder:
        told = same_table(Path(folder), kills=kills, seed=seed)
    print(json.dumps(told, indent=1))
    if output is not None:
        output.write_text(json.dumps(told, indent=1) + "\n")
    if not told["same_table"]:
        raise SystemExit(1)


if __name__ == "__main__":
    run_command(main)
