"""A score as a log of inspect_ai; read by inspect_ai itself where it is installed."""

import importlib.util
import json

import pytest

from t2vid_hf.metrics.inspect_log import inspect_log
from t2vid_hf.metrics.score_file import score_file
from tests.metrics.prediction_files import lines, write


@pytest.fixture
def log(tmp_path):
    path = write(tmp_path / "p.jsonl", lines(["B", "A", "none"]))
    return json.loads(json.dumps(inspect_log(score_file("mlvu", path, mode="official"), "tuned")))


def test_a_log(log):
    assert (log["version"], log["status"], log["eval"]["task"], log["eval"]["model"]) == (2, "success", "mlvu", "tuned")
    assert log["results"]["scores"][0]["metrics"]["accuracy"]["value"] == pytest.approx(1 / 3)
    assert [sample["scores"]["mlvu/official"]["value"] for sample in log["samples"]] == ["C", "I", "I"]
    first = log["samples"][0]
    assert (first["id"], first["target"], first["choices"]) == ("0", "B", ["slow", "fast", "still"])
    assert first["output"]["completion"] == "B" and first["metadata"]["group"] == "speed"


@pytest.mark.skipif(importlib.util.find_spec("inspect_ai") is None, reason="inspect_ai is not installed")
def test_inspect_reads_it(log, tmp_path):
    from inspect_ai.log import read_eval_log

    read = read_eval_log(write(tmp_path / "log.json", log))
    assert read.samples[1].scores["mlvu/official"].value == "I" and read.samples[2].output.completion == "none"
    assert read.results.scores[0].metrics["M-Avg"].value == pytest.approx(1 / 3)
