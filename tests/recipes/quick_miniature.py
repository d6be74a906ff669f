"""What `make miniature QUICK=1` left behind holds: `.ci/run` asks for it by name, behind that command.

Two seeds are too few for a verdict, and the report says so. What must hold of any machine's run: pages of the same
questions and clips of the same questions both help, and every file of the report is whole.
"""

import json
from pathlib import Path

import pytest
from PIL import Image

from t2vid_hf.experiments.verdicts import BETTER, NOT_SENSITIVE, NOT_SHOWN

FOLDER = Path("out/miniature/experiment-quick")


@pytest.fixture(scope="module")
def report() -> dict:
    return json.loads((FOLDER / "report.json").read_text("utf-8"))


def test_the_positive_control_rises(report):
    assert report["control"]["mean"] > 0.05 and report["control"]["gains"] == report["control"]["runs"] == 2


def test_all_runs_are_there(report):
    assert report["missing"] == [] and report["seeds"] == [10, 11] and report["questions"] == 600
    assert set(report["arms"]) == {"zero_shot", "video_small", "pages", "text", "read", "oracle"}
    assert {tuple(arm["rows"]) for name, arm in report["arms"].items() if name != "zero_shot"} == {(5760, 5760)}


def test_the_base_passed_its_gate(report):
    (base,) = report["bases"]
    assert min(base["gate"].values()) >= 0.8


def test_no_arm_holds_a_wording_or_an_order_of_the_test(report):
    for arm in report["arms"].values():
        assert all(arm["leaks"][column]["questions"] == 0 for column in ("wording", "order", "clips"))


def test_verdicts_and_files_are_well_formed(report):
    assert report["primary"]["verdict"] in (BETTER, NOT_SHOWN, NOT_SENSITIVE)
    assert report["sentence"].endswith(report["primary"]["verdict"])
    assert report["primary"]["crossed"][0] < report["primary"]["mean"] < report["primary"]["crossed"][1]
    assert report["sentence"] in (FOLDER / "report.md").read_text("utf-8")
    for name in ("differences.png", "scores.png"):
        with Image.open(FOLDER / name) as picture:
            assert min(picture.size) > 200
    assert "<html" in (FOLDER / "report.html").read_text("utf-8")
