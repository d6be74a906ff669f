"""`.github/CONTRIBUTING.md`, "Adding a source", followed in a copy of the package, with the code of that section."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_contributing import Steps, followed

RECORDS = [
    {
        "article_id": "52845",
        "article": "The ship had been silent for nine days. " * 40,
        "questions": [
            {"question": "For how long was it silent?", "options": ["A day", "Nine days", "A year"], "gold_label": 2},
            {"question": "What was silent?", "options": ["The ship", "The sea"], "gold_label": 1},
        ],
    },
    {
        "article_id": "7",
        "article": "Rain. " * 9,
        "questions": [{"question": "?", "options": ["Rain"], "gold_label": 3}],
    },
]


@pytest.fixture(scope="module")
def steps(tmp_path_factory) -> Steps:
    """The package with the new file, and with its line above the least special shape."""
    steps = followed("Adding a source", tmp_path_factory.mktemp("source"))
    steps.insert("from t2vid_hf.sources import quality\n", before="from t2vid_hf.sources.source ")
    steps.insert(f"{steps.line}\n        ", before="long_qa.SOURCE,")
    return steps


@pytest.fixture
def good(tmp_path) -> Path:
    path = tmp_path / "quality.jsonl"
    path.write_text(json.dumps(RECORDS[0]) + "\n")
    return path


def test_its_records_are_read_and_known_by_their_shape(steps, good):
    script = """
import json, sys
from t2vid_hf import sources
for source in ("quality", "auto"):
    rows = sources.read(sys.argv[1], source=source)
    print(json.dumps([[qa.id, qa.source, qa.context[:8], qa.question, qa.answer] for qa in rows]))
"""
    named, found = map(json.loads, steps.python("-c", script, good).stdout.splitlines())
    assert named == found == [
        ["0-0", "quality", "The ship", "For how long was it silent?", "Nine days"],
        ["0-1", "quality", "The ship", "What was silent?", "The ship"],
    ]  # fmt: skip


def test_the_other_sources_are_found_as_before(steps):
    script = "from t2vid_hf import sources; print({qa.source for qa in sources.read(sources.SAMPLE)}, *sources.SOURCES)"
    here = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.split()
    there = steps.python("-c", script).stdout.split()
    assert there.pop(there.index("quality")) and there == here


def test_a_bad_record_is_named(steps, good):
    good.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    script = "import sys; from t2vid_hf import sources; list(sources.read(sys.argv[1]))"
    done = steps.python("-c", script, good, check=False)
    assert "quality.jsonl:2 questions[0]: 'gold_label' is 3" in done.stderr


def test_the_builder_and_the_command_know_it(steps, good, tmp_path):
    script = """
import sys, t2vid_hf
from datasets import load_dataset
rows = load_dataset("t2vid", "quality", data_files=sys.argv[1], split="train", cache_dir=sys.argv[2])
print(rows["id"][1], len(rows[1]["images"]) == rows[1]["num_frames"] > 1)
"""
    assert steps.python("-c", script, good, tmp_path / "cache").stdout.split() == ["quality/0-1", "True"]
    built = ("-m", "t2vid_hf", "build", "--source", "quality", "--data_files", good, "--output", tmp_path / "set")
    assert "2 rows kept" in steps.python(*built).stdout
    assert "quality" in steps.python("-m", "t2vid_hf", "info").stdout
