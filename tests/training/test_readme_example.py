"""The README's example of training runs as it is written, with every family."""

import re
from pathlib import Path

from datasets import Dataset

from t2vid_hf.schema import features
from tests.models.families import Family, family
from tests.training.runs import make_rows

__all__ = ["family"]  # a fixture
README = Path(__file__).resolve().parents[2] / "README.md"


def test_it_trains_and_saves(family: Family, clip_file, tmp_path, monkeypatch):
    (block,) = [
        block
        for block in re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        if "def train(checkpoint, rows)" in block
    ]
    # The one thing that a machine without a GPU must be told, as transformers' error says.
    assert block.count('T2VidSFTConfig("out/tuned", ') == 1
    example: dict = {}
    exec(block.replace('T2VidSFTConfig("out/tuned", ', 'T2VidSFTConfig("out/tuned", use_cpu=True, '), example)
    monkeypatch.chdir(tmp_path)
    rows = make_rows(6, clip_file.read_bytes())  # of every kind
    example["train"](str(family.folder), Dataset.from_list(rows, features=features()))
    assert list((tmp_path / "out/tuned").glob("checkpoint-*/model.safetensors"))
