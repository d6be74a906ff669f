"""Runs of `t2vid evaluate` that are killed at random moments and gone on with, until so many kills are over.

    python -m tests.evaluation.killed_evaluation --kills 30 --output tests/benchmarks/results/eval_kills.json

Half of the moments are anywhere in a straight run's time; half right behind a random number of new answers. Whatever is
there then must be whole lines of the straight run, and at most one that is cut short in each file; and every run that
comes to its end has the straight run's files, byte for byte. A run's processes are forks of one that has imported what
they need, which is most of a run's time otherwise; they meet as under `torchrun`.
"""

import argparse
import json
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.launching import ROOT

FILES = ("answers.jsonl", "scores.json")


class Run:
    """The processes of a run.

    Args:
        words: The options of the command.
        processes: How many answer.
    """

    def __init__(self, words: Sequence[str], processes: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        fork = multiprocessing.get_context("fork")
        self.ranks = [fork.Process(target=_rank, args=(words, rank, processes, port)) for rank in range(processes)]
        for rank in self.ranks:
            rank.start()

    @property
    def ended(self) -> bool:
        return not any(rank.is_alive() for rank in self.ranks)

    def kill(self) -> None:
        for rank in self.ranks:
            rank.kill()
        self.wait()

    def wait(self) -> list[int | None]:
        for rank in self.ranks:
            rank.join()
        return [rank.exitcode for rank in self.ranks]


def _rank(words: Sequence[str], rank: int, processes: int, port: int) -> None:
    from t2vid_hf.cli.evaluate import evaluate
    from t2vid_hf.cli.script import run_command

    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1",
                   "MASTER_PORT": str(port)}  # fmt: skip
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    sys.argv = ["evaluate", *words]
    run_command(evaluate)


class Killed:
    """Runs of one command, on one number of processes or another.

    Args:
        folder: Where runs go.
        dataset: The clips that are asked about.
        checkpoint: What answers, twice.
    """

    def __init__(self, folder: Path, dataset: Path, checkpoint: Path) -> None:
        self.folder, self.draw = folder, random.Random(14)
        words = ["--models", f"one={checkpoint}", "--models", f"two={checkpoint}", "--dataset", dataset]
        words += ["--num_frames", 4, "--max_new_tokens", 4, "--batch_size", 1, "--resume"]
        self.words = [str(word) for word in words]
        self.kills, self.ends, self.moments = 0, 0, list[int]()

    def start(self, name: str, processes: int) -> Run:
        return Run([*self.words, "--output", str(self.folder / name / "scores.json")], processes)

    def straight(self) -> None:
        """The run that nothing stops, and how long it takes."""
        begin = time.monotonic()
        assert self.start("straight", 1).wait() == [0]
        self.takes = time.monotonic() - begin
        self.whole = {name: (self.folder / "straight" / name).read_bytes() for name in FILES}
        self.lines = {_name(line): line for line in self.whole[FILES[0]].splitlines()}

    def go_on(self, name: str, processes: int, *, kill: bool = True) -> bool:
        """Go on with a run, and kill it, or see it end, and tell which."""
        run, there = self.start(name, processes), len(list(self.answers(name)))
        until, wanted = time.monotonic() + 600, len(self.lines) + 1
        if self.draw.random() < 0.5:
            until = time.monotonic() + self.draw.random() * self.takes
        else:
            wanted = there + self.draw.randrange(1, len(self.lines) // 3)
        while kill and not run.ended and time.monotonic() < until and len(list(self.answers(name))) < wanted:
            time.sleep(0.001)
        if kill and not run.ended:
            run.kill()
            self.kills += 1
            found = [(_name(line), line) for line in self.answers(name)]
            assert all(self.lines[key] == line for key, line in found)
            self.moments.append(len({key for key, _ in found}))
            return False
        assert run.wait() == [0] * processes
        folder = self.folder / name
        assert {file: (folder / file).read_bytes() for file in FILES} == self.whole
        assert not list(folder.glob("answers.rank-*")) and not list(folder.glob("*.part"))
        self.ends += 1
        return True

    def answers(self, name: str) -> Iterator[bytes]:
        """The whole lines of a run's files; another process may be at work on them."""
        for file in (self.folder / name).glob("answers*.jsonl"):
            try:
                held = file.read_bytes()
            except FileNotFoundError:  # joined just now
                continue
            yield from held[: held.rfind(b"\n") + 1].splitlines()


def _name(line: bytes) -> tuple[str, str]:
    record = json.loads(line)
    return record["model"], record["id"]


def many(folder: Path, dataset: Path, checkpoint: Path, processes: Sequence[int], kills: int) -> dict[str, Any]:
    """Kill runs on these numbers of processes by turns; one that has ended is begun anew elsewhere."""
    runs = Killed(folder, dataset, checkpoint)
    runs.straight()
    turn = 0
    while runs.kills < kills:
        runs.go_on(f"run{runs.ends}", processes[turn % len(processes)])
        turn += 1
    runs.go_on(f"run{runs.ends}", processes[turn % len(processes)], kill=False)
    return {"processes": list(processes), "kills": runs.kills, "answers": len(runs.lines),
            "answers_at_kill": runs.moments, "ends": runs.ends, "equal_to_a_straight_run": True}  # fmt: skip


def make(folder: Path) -> None:
    """The clips and the checkpoint, in a process of its own: what forks has no threads."""
    program = (
        "import sys; from pathlib import Path; from t2vid_hf.cli.make_clips import make_clips\n"
        "from t2vid_hf.models import tiny; folder = Path(sys.argv[1])\n"
        "tiny.build(folder / 'tiny', ['What is it? A red circle moves to the left.'] * 4)\n"
        "make_clips(folder / 'set', None, 12, None, 0.5, 'video', 0)\n"
    )
    subprocess.run([sys.executable, "-c", program, folder], cwd=ROOT, check=True, stdout=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument(
        "--processes", nargs="+", default=["1", "2", "2,1"], help="Each by turns: 2,1 is two, then one."
    )
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    import transformers.models.idefics3.modeling_idefics3
    import transformers.models.idefics3.processing_idefics3  # noqa: F401

    import t2vid_hf.cli.evaluate  # noqa: F401
    from tests.benchmarks.machine import about

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        found: dict[str, Any] = {"benchmark": "eval_kills", **about("torch", "transformers", "accelerate"), "runs": []}
        for given in options.processes:
            processes = [int(each) for each in given.split(",")]
            made = many(folder / given, folder / "set", folder / "tiny", processes, options.kills)
            found["runs"].append(made)
            print(json.dumps(made), flush=True)
            if options.output:
                options.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
