"""`load_dataset("t2vid", ...)`: every source, every way to load, and a cache that is right."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset, IterableDataset, load_dataset, load_dataset_builder

from t2vid_hf import sources
from t2vid_hf.data.builder import T2VidBuilder
from t2vid_hf.data.pages import Pages
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import features

ROOT = Path(__file__).parents[2]


def write(path: Path, *names: str) -> str:
    def record(name: str) -> dict[str, str]:
        text = f"{name.upper()}. " + "The keeper wound the clock. " * 40
        return {"id": name, "context": text, "question": "Who?", "answer": "He."}

    path.write_text("".join(json.dumps(record(name)) + "\n" for name in names), encoding="utf-8")
    return str(path)


@pytest.fixture
def file(tmp_path) -> str:
    return write(tmp_path / "questions.jsonl", "a", "b", "c")


@pytest.fixture
def load(tmp_path):
    def load(name: str | None = "long_qa", *, split: Any = "train", **options: Any) -> Any:
        return load_dataset("t2vid", name, split=split, cache_dir=str(tmp_path / "cache"), **options)

    return load


def assert_same(rows, others) -> None:
    rows, others = list(rows), list(others)
    assert [row["id"] for row in rows] == [row["id"] for row in others]
    for one, other in zip(rows, others, strict=True):
        assert {**one, "images": None} == {**other, "images": None}
        assert len(one["images"]) == len(other["images"]) == one["num_frames"]
        for a, b in zip(one["images"], other["images"], strict=True):
            assert a.mode == b.mode and np.array_equal(a, b)


def by_hand(file: str, source: str, preset: str = "paper") -> Dataset:
    rows = list(synthesize(sources.read(file, source=source), RenderConfig.preset(preset)))
    return Dataset.from_list(rows, features=features())


@pytest.mark.parametrize("render", ["lazy", "eager"])
@pytest.mark.parametrize("streaming", [False, True])
def test_rows_are_those_of_synthesis(load, file, render, streaming):
    dataset = load(data_files=file, render=render, streaming=streaming, preset="dense")
    assert isinstance(dataset, IterableDataset if streaming else Dataset)
    assert isinstance(dataset.features["images"], Pages) == (render == "lazy")
    assert_same(dataset, by_hand(file, "long_qa", "dense"))


def test_lazy_is_the_default_and_the_sample_too(load):
    sample = load(None)
    assert isinstance(sample.features["images"], Pages)
    picked = range(0, len(sample), 17)
    assert_same(sample.select(picked), by_hand(str(sources.SAMPLE), "auto").select(picked))


def test_files_say_themselves_what_they_are(load, file):
    assert_same(load(None, data_files=file), load("long_qa", data_files=file))


def test_the_sample_needs_no_files_around_it(tmp_path, monkeypatch, load):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert len(list(load("sample", streaming=True).take(2))) == 2


def test_one_configuration_a_source():
    assert set(T2VidBuilder.builder_configs) == {"auto", "sample", *sources.SOURCES}


@pytest.mark.parametrize(
    ("source", "path"),
    [("squality", "data/longqa/squality/v1-3_txt_dev.jsonl"), ("squad", "data/longqa/xquad/xquad.en.json")],
)
def test_real_files_stream(load, shared, source, path):
    first = next(iter(load(source, data_files=str(shared / path), streaming=True)))
    assert first["source"] == source and len(first["images"]) == first["num_frames"] > 0


def test_files_are_splits_and_shards(load, tmp_path):
    files = {
        "train": [write(tmp_path / f"{n}.jsonl", f"{n}a", f"{n}b") for n in range(3)],
        "validation": write(tmp_path / "v.jsonl", "v"),
    }
    alone, together = load(data_files=files, split=None), load(data_files=files, split=None, num_proc=2)
    assert {split: len(rows) for split, rows in alone.items()} == {"train": 6, "validation": 1}
    assert_same(alone["train"], together["train"])
    stream = load(data_files=files, streaming=True)
    assert stream.num_shards == 3
    assert_same(stream.shard(3, 1), alone["train"].select([2, 3]))


def test_num_proc_writes_what_one_process_writes(tmp_path):
    files = [write(tmp_path / f"{n}.jsonl", f"{n}a", f"{n}b") for n in range(2)]
    one, two = (
        load_dataset("t2vid", "long_qa", data_files=files, split="train", num_proc=n, cache_dir=str(tmp_path / f"c{n}"))
        for n in (None, 2)
    )
    assert len(two.cache_files) == 2
    assert_same(one, two)


def test_options_of_reading(load, tmp_path, caplog):
    table = tmp_path / "questions.csv"
    table.write_bytes(
        "nr;Text;Frage;Antwort\n1;Ein Käse.;Was?;Käse\n2;;Was?;Nichts\n".replace(";", ",").encode("latin-1")
    )
    columns = {"id": "nr", "context": "Text", "question": "Frage", "answer": "Antwort"}
    read = {"data_files": str(table), "encoding": "latin-1", "columns": columns, "answers": "all"}
    dataset = load(on_error="skip", **read)
    assert list(dataset["id"]) == ["long_qa/1"] and dataset[0]["messages"][1]["content"][0]["text"] == "Käse"
    assert "1 questions read; dropped: 1 " in caplog.text
    with pytest.raises(InputError, match="questions.csv"):
        load(on_error="raise", **read)


# --- The cache --------------------------------------------------------------------------------------------------------


def place(dataset: Dataset) -> tuple[str, int]:
    """Where the rows are cached, and when they were written."""
    path = dataset.cache_files[0]["filename"]
    return path, os.stat(path).st_mtime_ns


def test_a_hit_on_the_same_rows(load, file, tmp_path):
    made = place(load(data_files=file))
    assert place(load(data_files=file)) == made
    assert place(load(data_files=file, preset="paper", render="lazy")) == made
    assert place(load(data_files=file, render_config={"font_px": 20})) == made  # what the preset has
    assert place(load(data_files={"train": [file]}, num_proc=2)) == made
    os.utime(file, (time.time() + 9, time.time() + 9))
    assert place(load(data_files=file)) == made
    (tmp_path / "copy").mkdir()
    assert place(load(data_files=write(tmp_path / "copy/questions.jsonl", "a", "b", "c"))) == made


@pytest.mark.parametrize(
    "other",
    [
        {"preset": "dense"},
        {"render_config": {"margin_px": 21}},
        {"render_config": {"styles": ["dark"]}},
        {"render": "eager"},
    ],
)
def test_a_miss_on_another_configuration(load, file, other):
    assert place(load(data_files=file))[0] != place(load(data_files=file, **other))[0]


def test_a_miss_on_another_content_of_the_same_size_and_time(load, file):
    before, times = load(data_files=file), (os.stat(file).st_atime_ns, os.stat(file).st_mtime_ns)
    assert list(before["id"]) == ["long_qa/a", "long_qa/b", "long_qa/c"]
    write(Path(file), "a", "d", "c")
    os.utime(file, ns=times)
    assert list(load(data_files=file)["id"]) == ["long_qa/a", "long_qa/d", "long_qa/c"]


def test_a_miss_on_another_version_of_what_draws(load, file, monkeypatch):
    made = place(load(data_files=file))[0]
    monkeypatch.setattr("t2vid_hf.data.builder._version", lambda name: "0")
    drawn_by_others = place(load(data_files=file))[0]
    monkeypatch.setattr("t2vid_hf.data.builder.code_digest", lambda: "other code")
    assert len({made, drawn_by_others, place(load(data_files=file))[0]}) == 3


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("long_qa", {}, "needs data_files"),
        ("sample", {"data_files": "{file}"}, "takes no data_files; leave its name out, or give 'auto'"),
        ("long_qa", {"data_files": "{file}", "preset": "papre"}, "unknown render preset 'papre'"),
        ("long_qa", {"data_files": "{file}", "render": "later"}, "unknown way to render 'later'; known: eager, lazy"),
        ("long_qa", {"data_files": "{file}", "render_config": {"font": 3}}, "unknown field.*'font'; known: .*font_px"),
        ("long_qa", {"data_files": "{file}", "render_config": {"font_px": 0}}, "font_px=0"),
    ],
)
def test_options_that_cannot_be_taken(load, file, name, options, message):
    given = {key: file if value == "{file}" else value for key, value in options.items()}
    with pytest.raises(InputError, match=message):
        load(name, **given)


@pytest.mark.parametrize("num_proc", [None, 2])
def test_a_bad_record_is_named_and_leaves_no_cache(load, file, tmp_path, num_proc):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"context": "A text.", "question": "Who?"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"bad.jsonl:1: the field 'answer' is missing"):
        load(data_files=[file, str(bad)], num_proc=num_proc)
    assert not list((tmp_path / "cache").rglob("*.arrow"))


def test_an_unknown_source_lists_the_known(load, file):
    with pytest.raises(ValueError, match="squality"):
        load("squalid", data_files=file)


def test_info_without_loading(file, tmp_path):
    builder = load_dataset_builder("t2vid", "long_qa", data_files=file, cache_dir=str(tmp_path))
    assert builder.info.features["images"] == Pages() and builder.info.builder_name == "builder"


# --- Importing --------------------------------------------------------------------------------------------------------


def test_importing_the_package_stays_light(tmp_path):
    code = (
        "import time; start = time.perf_counter(); import t2vid_hf; took = time.perf_counter() - start\n"
        "import sys, json; heavy = ('torch', 'transformers', 'PIL', 'fontTools', 'icu4py', 'numba')\n"
        "print(json.dumps([took, [name for name in heavy if name in sys.modules]]))"
    )
    runs = []
    for _ in range(2):  # the second finds the files in the page cache
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        runs.append(json.loads(done.stdout))
    assert runs[-1][1] == []
    assert min(took for took, _ in runs) < 1.5
