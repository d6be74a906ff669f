"""Kill an experiment at random times, go on each time, and compare what it comes to with one that nobody killed.

python -m tests.experiments.killed_experiment --kills 10 --output tests/benchmarks/results/killed_experiment.json

SIGKILL goes to the process that was started alone: those that it has started must end by themselves.
"""

import contextlib
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

STEPS = 14
"""The most files that may come, go or grow between two kills; the whole experiment has about a hundred such changes."""


def start(config: str, jobs: int) -> subprocess.Popen:
    """The experiment, as a person starts it."""
    command = [sys.executable, "-m", "t2vid_hf", "experiment", "--config", config, "--jobs", str(jobs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(config: str, jobs: int) -> tuple[dict[str, Any], float]:
    """Its report, without times, and how long it took."""
    began = time.monotonic()
    process = start(config, jobs)
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(said)
    folder = Path(config).parent / "out"
    if list(folder.glob("runs/*/checkpoint")):
        raise RuntimeError("weights are left behind")
    return report_of(folder), time.monotonic() - began


def report_of(folder: Path) -> dict[str, Any]:
    """The report of an experiment, without times and places."""
    report = json.loads((folder / "report.json").read_text())
    return {name: value for name, value in report.items() if name not in ("seconds", "fixed", "bases")}


def signs(folder: Path) -> dict[str, int]:
    """What lies in a folder, and how large it is."""
    found = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # gone in between
            found[str(path)] = path.stat().st_size
    return found


def killed(folder: Path, config: str, *, kills: int, seed: int, jobs: int) -> list[dict[str, Any]]:
    """Kill it so many times, each after a random number of changes to its folder; what was done then."""
    told, generator = [], random.Random(seed)
    for _ in range(kills):
        after, wait = generator.randint(1, STEPS), generator.uniform(0, 0.5)
        process, seen, changes = start(config, jobs), signs(folder / "out"), 0
        while changes < after and process.poll() is None:
            time.sleep(0.01)
            now = signs(folder / "out")
            changes += len(set(now.items()) ^ set(seen.items()))
            seen = now
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        status = process.wait()
        done = len(list((folder / "out").glob("runs/*/run.json")))
        begun = len(list((folder / "out").glob("runs/*")))
        was_killed = status == -signal.SIGKILL
        told.append({"after_changes": after, "killed": was_killed, "runs_done": done, "runs_begun": begun})
        print(told[-1], flush=True)
    return told


def same_table(folder: Path, *, kills: int, seed: int, jobs: int = 2) -> dict[str, Any]:
    """Run it undisturbed and killed; what became of it."""
    for name in ("whole", "cut"):
        write_world(folder / name)
    reference, took = finish(write_design(folder / "whole"), jobs)
    config = write_design(folder / "cut")
    told = killed(folder / "cut", config, kills=kills, seed=seed, jobs=jobs)
    report, _ = finish(config, jobs)
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
    jobs: Annotated[int, typer.Option(help="Runs at a time.")] = 2,
    output: Annotated[Path | None, typer.Option(help="Where to write what became of it.")] = None,
) -> None:
    """Kill an experiment at random times."""
    with TemporaryDirectory() as folder:
        told = same_table(Path(folder), kills=kills, seed=seed, jobs=jobs)
    print(json.dumps(told, indent=1))
    if output is not None:
        output.write_text(json.dumps(told, indent=1) + "\n")
    if not told["same_table"]:
        raise SystemExit(1)


if __name__ == "__main__":
    run_command(main)
