"""Releases by Xet with a failure at every request, and forty that are killed: see `tests/hub/fault_matrix.py`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("options", [("--kills", "40", "--few"), ("--xet",)])
def test_nothing_is_left_half_released(options):
    command = [sys.executable, "-m", "tests.hub.fault_matrix", *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    found = json.loads(done.stdout)
    assert found["problems"] == [] and found.get("killed", {}).get("problems", []) == [], found
