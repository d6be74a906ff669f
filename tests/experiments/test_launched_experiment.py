"""An experiment under `accelerate launch`: two ranks do each run together, and what comes of it is whole."""

import json
import os
import socket
import subprocess
import sys

from tests.experiments.designs import write_design, write_world


def test_two_ranks(tmp_path):
    write_world(tmp_path)
    arms = {"nothing": {}, "small": {"all": 8}, "some": {"taught": 8}}
    config = write_design(
        tmp_path, seeds=[3], rotate={"S": [["first"]]}, arms=arms,
        primary={"compare": ["some", "nothing"], "group": "S", "margin": 0.1}, control=None, quick=None,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--main_process_port", str(port), "--multi_gpu", "-m", "t2vid_hf", "experiment", "--config", config]
    done = subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", *launch],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    records = {path.parent.name.split("-")[0]: path for path in tmp_path.glob("out/runs/*/run.json")}
    assert set(records) == {"nothing", "small", "some"}
    for record in records.values():
        assert json.loads(record.read_text())["questions"] == 16
        lines = [json.loads(line)["id"] for line in (record.parent / "answers.jsonl").read_text().splitlines()]
        asked = [json.loads(line)["id"] for line in (tmp_path / "out/questions.jsonl").read_text().splitlines()]
        assert lines == asked
        assert not [path for path in record.parent.iterdir() if path.name.startswith("answers-")]
    # 8 rows, 4 to a device, on two of them
    assert json.loads(records["small"].read_text())["steps"] == 1
    assert (tmp_path / "out/report.md").is_file()
