"""A release with a failure at each of its requests, one after another, in one process: what the Hub then holds.

    python -m tests.hub.fault_matrix
    python -m tests.hub.fault_matrix --xet --kills 40 --output tests/benchmarks/results/release_faults.json

Two repositories, a model's and a data set's, are released to a Hub on loopback, as often as the release has requests:
with one request that fails once, by a status or by a dropped connection, before its work is done or after; and with an
outage from that request on. Pauses take no time here. With `--kills`, a process that releases is killed (SIGKILL) at so
many random requests, and the same command is run again. `tests/hub/test_release.py` runs the first and three kills.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.hub_server import HubServer
from tests.hub_server.faults import Failure

PASSING: tuple[Failure, ...] = (408, 409, 412, 429, 500, 502, 503, 504, "drop before", "drop after")


def parts(folder: Path, number: int) -> list:
    """A model and a data set that differ from those of other numbers in every file."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from t2vid_hf.hub.release_part import ReleasePart

    model, dataset = folder / f"model{number}", folder / f"set{number}"
    (dataset / "texts").mkdir(parents=True)
    model.mkdir()
    for where in (model, dataset):
        (where / "README.md").write_text(f"---\nlicense: cc0-1.0\n---\n# {number}\n")
    (model / "config.json").write_text(json.dumps({"number": number}))
    for shard in (1, 2):
        (model / f"model-0000{shard}-of-00002.safetensors").write_bytes(f"{number} {shard}".encode() * 500)
    index = {"weight_map": {str(shard): f"model-0000{shard}-of-00002.safetensors" for shard in (1, 2)}}
    (model / "model.safetensors.index.json").write_text(json.dumps({**index, "number": number}))
    (model / "optimizer.pt").write_bytes(b"stays here")
    (dataset / "texts" / "stats.json").write_text(json.dumps({"number": number}))
    parquet.write_table(pa.table({"id": [f"{number}/{row}" for row in range(9)]}),
                        dataset / "texts" / "train-00000-of-00001.parquet")  # fmt: skip
    return [
        ReleasePart(dataset, f"alice/set{number}", "dataset"),
        ReleasePart(model, f"alice/model{number}", "model"),
    ]


def is_whole(hub: HubServer, part, revision: str) -> bool:
    held = hub.files(part.repo_id, repo_type=part.repo_type, revision=revision)
    wanted = {name: file.path.read_bytes() for name, file in part.files.items()}
    return {name: data for name, data in held.items() if name != ".gitattributes"} == wanted


def tags(hub: HubServer, part) -> list[str]:
    try:
        return list(hub.repo(part.repo_id, repo_type=part.repo_type).tags)
    except KeyError:
        return []


class Matrix:
    """Releases against one Hub; each with repositories of its own."""

    def __init__(self, hub: HubServer, folder: Path) -> None:
        self.hub, self.folder, self.number = hub, folder, 0
        self.problems: list[str] = []
        self.runs = 0

    def release(self, made: list) -> str:
        """How it ended: "whole", or the message."""
        from t2vid_hf.errors import Unfinished
        from t2vid_hf.hub.release import release
        from t2vid_hf.hub.release_terms import ReleaseTerms

        self.runs += 1
        try:
            release(made, ReleaseTerms("v1", show=lambda line: None))
        except Unfinished as error:
            return str(error)
        return "whole"

    def new(self) -> list:
        self.number += 1
        return parts(self.folder, self.number)

    def requests_of_one(self) -> int:
        mark = len(self.hub.requests)
        made = self.new()
        self.expect(self.release(made) == "whole" and self.all_whole(made), "a release without failures is not whole")
        return len(self.hub.requests) - mark

    def all_whole(self, made: list) -> bool:
        return all("v1" in tags(self.hub, part) and is_whole(self.hub, part, "v1") for part in made)

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.problems.append(what)

    def one_failure(self, request: int, failure: Failure) -> None:
        made = self.new()
        self.hub.fail_at(len(self.hub.requests) + request, failure)
        ended = self.release(made)
        self.hub.lift_faults()
        where = f"request {request}, {failure}"
        self.expect(ended == "whole", f"{where}: {ended}")
        self.expect(self.all_whole(made), f"{where}: not all is there")

    def outage(self, request: int, failure: Failure) -> None:
        made = self.new()
        self.hub.fail_from(len(self.hub.requests) + request, failure)
        ended = self.release(made)
        self.hub.lift_faults()
        where = f"outage from request {request}, {failure}"
        self.expect(ended != "whole", f"{where}: it says that it is whole")
        told = "nothing was changed" in ended or all(part.repo_id in ended for part in made)
        self.expect(told, f"{where}: the message does not say what each repository holds: {ended}")
        for part in made:
            whole = not tags(self.hub, part) or is_whole(self.hub, part, "v1")
            self.expect(whole, f"{where}: {part.repo_id} has a tag on what is not whole")
        dataset, model = made
        self.expect(
            not tags(self.hub, dataset) or bool(tags(self.hub, model)), f"{where}: the data set is tagged alone"
        )
        self.expect(
            self.release(made) == "whole" and self.all_whole(made), f"{where}: the same call does not complete it"
        )


def run(every: int, failures: tuple[Failure, ...], outages: tuple[Failure, ...], *, xet: bool = False) -> dict:
    """The matrix at each `every`th request; what went wrong is listed under "problems"."""
    with HubServer(xet=xet) as hub, tempfile.TemporaryDirectory() as home:
        # read when huggingface_hub is imported, which the functions above do first
        os.environ.update(hub.environment(Path(home)))
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        import logging

        logging.disable(logging.WARNING)
        time.sleep = lambda seconds: None
        matrix = Matrix(hub, Path(home))
        count = matrix.requests_of_one()
        for request in range(1, count + 1, every):
            for failure in failures:
                matrix.one_failure(request, failure)
            for failure in outages:
                matrix.outage(request, failure)
        return {"xet": xet, "requests": count, "releases": matrix.runs, "problems": matrix.problems}


CHILD = """
import sys
from pathlib import Path
from t2vid_hf.hub.release import release
from t2vid_hf.hub.release_part import ReleasePart
from t2vid_hf.hub.release_terms import ReleaseTerms
root, number = Path(sys.argv[1]), sys.argv[2]
release([ReleasePart(root / f"set{number}", f"alice/set{number}", "dataset"),
         ReleasePart(root / f"model{number}", f"alice/model{number}", "model")], ReleaseTerms("v1"))
"""


def kill(hub: HubServer, folder: Path, number: int, after: int) -> list[str]:
    """Kill a release after so many requests, and run it again; what went wrong."""
    made = parts(folder, number)
    command = [sys.executable, "-c", CHILD, str(folder), str(number)]
    environment = {**os.environ, **hub.environment(folder / "home")}
    mark = len(hub.requests)
    running = subprocess.Popen(command, env=environment)
    while running.poll() is None and len(hub.requests) < mark + after:
        time.sleep(0.001)
    running.kill()
    problems = [] if running.wait() == -signal.SIGKILL else [f"kill after {after}: it had ended before"]
    problems += [
        f"kill after {after}: {part.repo_id} has a tag on what is not whole"
        for part in made
        if not all(is_whole(hub, part, tag) for tag in tags(hub, part))
    ]
    again = subprocess.run(command, env=environment, capture_output=True, text=True)
    if again.returncode or not all(is_whole(hub, part, "v1") for part in made):
        problems.append(f"kill after {after}: the same command does not complete it: {again.stderr}")
    return problems


def run_kills(count: int, *, xet: bool = False) -> dict:
    """So many kills, each at a random request."""
    draw = random.Random(0)
    with HubServer(xet=xet) as hub, tempfile.TemporaryDirectory() as folder:
        moments = [draw.randrange(2, 36) for _ in range(count)]
        found = [kill(hub, Path(folder), number, after) for number, after in enumerate(moments, 1)]
    return {"kills": count, "problems": [problem for problems in found for problem in problems]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="only each so-manieth request")
    parser.add_argument("--few", action="store_true", help="one status in place of all")
    parser.add_argument("--xet", action="store_true", help="large files go by Xet")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--kills", type=int, default=0, help="kill a release at so many random requests, too")
    given = parser.parse_args()
    assert "huggingface_hub" not in sys.modules
    few: tuple[Failure, ...] = (503, "drop before", "drop after")
    found = run(given.every, few if given.few else PASSING, ("drop before",) if given.few else few, xet=given.xet)
    if given.kills:  # behind the matrix, which sets the endpoint before the client is imported
        found["killed"] = run_kills(given.kills, xet=given.xet)
    print(json.dumps(found))
    if given.output is not None:
        given.output.write_text(json.dumps(found, indent=1) + "\n")
