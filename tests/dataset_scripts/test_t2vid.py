"""The script beside the builder: it loads by the builder's name, and what it writes is opened by everyone."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from datasets import load_dataset

from t2vid_hf import with_pages

SCRIPT = Path(__file__).parents[2] / "dataset_scripts/t2vid.py"


def run(folder: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPT), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "texts").mkdir()
    for split, names in (("train", "ab"), ("validation", "c")):
        records = [{"id": name, "context": "The clock. " * 200, "question": "Who?", "answer": "He."} for name in names]
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (tmp_path / f"texts/{split}.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("options", [(), ("--streaming",), ("--render", "eager")])
def test_it_loads_tells_and_writes(folder, options):
    done = run(folder, "--data_files", "texts", "--split", "train", "--output", "rows.parquet", *options)
    assert done.returncode == 0, done.stderr
    assert "long_qa/a: 4 pages; asked: Who?" in done.stdout and "written: rows.parquet" in done.stdout
    assert parquet.read_table(folder / "rows.parquet")["id"].to_pylist() == ["long_qa/a", "long_qa/b"]
    rows = load_dataset("parquet", data_files=str(folder / "rows.parquet"), split="train", cache_dir=str(folder / "c"))
    assert [len(row["images"]) for row in with_pages(rows)] == [4, 4]


def test_the_sample(tmp_path):
    done = run(tmp_path, "--streaming")
    assert done.returncode == 0 and "14 pages; asked: " in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--data_files", "none.jsonl"), "none.jsonl"),
        (("--data_files", "texts", "--split", "none"), "none"),
        (("--data_files", "texts", "--source", "squalid"), "squality"),
        (("--preset", "papre"), "unknown render preset 'papre'"),
    ],
)
def test_an_error_is_one_line(folder, options, told):
    done = run(folder, *options)
    assert done.returncode == 2 and told in done.stderr and done.stderr.count("\n") == 1, done.stderr
