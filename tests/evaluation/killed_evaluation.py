"""Runs of `recipes/eval_video.py` that are killed at random moments and gone on with, until so many kills are over.

    python -m tests.evaluation.killed_evaluation --kills 30 --output tests/benchmarks/results/eval_kills.json

Half of the moments are anywhere in a straight run's time, from the start of Python on; half right behind a random
number of new answers. Whatever is there then must be whole lines and at most one that is cut short in each file, each a
line of the straight run; and every run that comes to its end has that run's files, byte for byte.
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.launching import ROOT, kill_all, launch

FILES = ("answers.jsonl", "scores.json")


class Killed:
    """Runs of one command, on one number of processes or another.

    Args:
        folder: Where runs go.
        dataset: The clips that are asked about.
        checkpoint: What answers, twice.
        script: Whether the recipe is run, or `python -m t2vid_hf evaluate`.
    """

    def __init__(self, folder: Path, dataset: Path, checkpoint: Path, *, script: bool = True) -> None:
        self.folder, self.draw = folder, random.Random(14)
        words: list[Any] = [ROOT / "recipes/eval_video.py"] if script else ["-m", "t2vid_hf", "evaluate"]
        words += ["--models", f"one={checkpoint}", "--models", f"two={checkpoint}", "--dataset", dataset]
        self.command = [*words, "--num_frames", "4", "--max_new_tokens", "4", "--batch_size", "1"]
        self.kills, self.ends, self.moments = 0, 0, list[int]()

    def start(self, name: str, processes: int, *more: str) -> subprocess.Popen:
        return launch([*self.command, "--output", self.folder / name / "scores.json", *more], processes)

    def end(self, name: str, processes: int, *more: str) -> str:
        run = self.start(name, processes, *more)
        out, err = run.communicate(timeout=300)
        assert run.returncode == 0, err
        return out

    def straight(self, processes: int = 1) -> None:
        """The run that nothing stops, and how long it takes."""
        begin = time.monotonic()
        self.end("straight", processes)
        self.takes = time.monotonic() - begin
        self.whole = {name: (self.folder / "straight" / name).read_bytes() for name in FILES}
        self.lines = {_name(line): line for line in self.whole[FILES[0]].splitlines()}

    def kill(self, name: str, processes: int) -> None:
        """Go on with a run, and kill it, or see it end before."""
        run, there = self.start(name, processes, "--resume"), len(list(self.answers(name)))
        if self.draw.random() < 0.5:
            until, wanted = time.monotonic() + self.draw.random() * self.takes, len(self.lines) + 1
        else:
            until, wanted = time.monotonic() + 300, there + self.draw.randrange(1, len(self.lines) // 3)
        while run.poll() is None and time.monotonic() < until and len(list(self.answers(name))) < wanted:
            time.sleep(0.002)
        time.sleep(self.draw.random() / 50)
        if run.poll() is None:
            kill_all(run)
            self.kills += 1
            self.moments.append(len(self.check(name)))
        else:
            self.check_end(name, run)

    def answers(self, name: str) -> Iterator[bytes]:
        """The whole lines of a run's files; another process may be at work on them."""
        for file in (self.folder / name).glob("answers*.jsonl"):
            try:
                held = file.read_bytes()
            except FileNotFoundError:  # joined just now
                continue
            yield from held[: held.rfind(b"\n") + 1].splitlines()

    def check(self, name: str) -> set[tuple[str, str]]:
        """What is answered, each line as in the straight run."""
        found = [(_name(line), line) for line in self.answers(name)]
        assert all(self.lines[key] == line for key, line in found)
        return {key for key, _ in found}

    def check_end(self, name: str, run: subprocess.Popen | None = None) -> None:
        if run is not None:
            _, err = run.communicate()
            assert run.returncode == 0, err
        folder = self.folder / name
        assert {file: (folder / file).read_bytes() for file in FILES} == self.whole
        assert not list(folder.glob("answers.rank-*")) and not list(folder.glob("*.part"))
        self.ends += 1


def _name(line: bytes) -> tuple[str, str]:
    record = json.loads(line)
    return record["model"], record["id"]


def many(folder: Path, dataset: Path, checkpoint: Path, processes: Sequence[int], kills: int) -> Killed:
    """Kill runs on these numbers of processes by turns; one that has answered all is begun anew elsewhere."""
    runs = Killed(folder, dataset, checkpoint)
    runs.straight()
    number = turn = 0
    while runs.kills < kills:
        ended = runs.ends
        runs.kill(f"run{number}", processes[turn % len(processes)])
        turn += 1
        number += runs.ends > ended
    runs.end(f"run{number}", processes[turn % len(processes)], "--resume")
    runs.check_end(f"run{number}")
    return runs


def main() -> None:
    from t2vid_hf.cli.make_clips import make_clips
    from t2vid_hf.models import tiny
    from tests.benchmarks.machine import about

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny.build(folder / "tiny", ["What is it? A red circle moves to the left."] * 4)
        make_clips(folder / "set", None, 12, None, 0.5, "video", 0)
        found: dict[str, Any] = {"benchmark": "eval_kills", **about("torch", "transformers", "accelerate"), "runs": []}
        for processes in ((1,), (2,), (2, 1)):
            runs = many(
                folder / "-".join(map(str, processes)), folder / "set", folder / "tiny", processes, options.kills
            )
            found["runs"].append(
                {"processes": list(processes), "kills": runs.kills, "answers_at_kill": runs.moments,
                 "answers": len(runs.lines), "ends": runs.ends, "equal_to_a_straight_run": True}
            )  # fmt: skip
            print(json.dumps(found["runs"][-1]), flush=True)
            if options.output:
                options.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
