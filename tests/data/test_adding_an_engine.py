"""`.github/CONTRIBUTING.md`, "Adding an engine": its code, and the builder's rows, bit for bit."""

import importlib
import json
from pathlib import Path

import pytest
from datasets import Dataset, load_dataset

from t2vid_hf.schema import features
from tests.test_contributing import blocks, section


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """The section's code as a module that workers can import."""
    folder, patch = tmp_path_factory.mktemp("engine"), pytest.MonkeyPatch()
    (code,) = blocks(section("Adding an engine"))
    (folder / "engine_of_processes.py").write_text(code)
    patch.syspath_prepend(folder)
    yield importlib.import_module("engine_of_processes")
    patch.undo()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    """Two files; records without ids among them, and two questions about one text."""
    folder = tmp_path_factory.mktemp("files")
    texts = ["The keeper wound the clock. " * 60, "Nobody came.\n\n\tA table\tof two columns\n" * 30, "مرحبا بالعالم"]
    paths = [folder / "a.jsonl", folder / "b.jsonl"]
    for path, chosen in zip(paths, (texts, texts[::-1]), strict=True):
        asked = [{"question": f"{number}?", "answer": f"{path.stem}."} for number in range(2)]
        path.write_text("".join(json.dumps({"context": text, "questions": asked}) + "\n" for text in chosen))
    return paths


@pytest.fixture(scope="module", params=[None, 2], ids=["one process", "two"])
def built(request, files, tmp_path_factory) -> Dataset:
    """What the builder makes of the same files."""
    cache = str(tmp_path_factory.mktemp("cache"))
    given = {"data_files": list(map(str, files)), "render": "eager", "preset": "paper"}
    return load_dataset("t2vid", "long_qa", split="train", num_proc=request.param, cache_dir=cache, **given)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_rows_are_the_builder_s_for_any_number_of_workers(engine, files, built, workers):
    made = Dataset.from_list(list(engine.run(files, workers=workers)), features=features())
    assert made.data.table.combine_chunks().equals(built.data.table.combine_chunks())
    assert len(made) == 12 and len({row["id"] for row in made.select_columns("id")}) == 6


def test_one_page_that_differs_is_seen(engine, files, built):
    rows = list(engine.run(files, workers=1))
    page = rows[3]["images"][0]
    page["bytes"] = page["bytes"][:-1] + bytes([page["bytes"][-1] ^ 1])
    other = Dataset.from_list(rows, features=features())
    assert not other.data.table.combine_chunks().equals(built.data.table.combine_chunks())
