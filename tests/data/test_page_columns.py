"""A lazy set on disk: everyone opens it, and with this package its pages are those of the eager set."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pyarrow.parquet as parquet
import pytest
from datasets import Dataset, DatasetDict, IterableDataset, concatenate_datasets, interleave_datasets, load_dataset

from t2vid_hf import with_pages, without_pages
from t2vid_hf.data.page_columns import PAGE_COLUMNS
from t2vid_hf.data.pages import Pages, lazy_features
from t2vid_hf.data.repository import read_split, write_config
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import LongTextQA, features

PAPER = RenderConfig.preset("paper")
TEXTS = ["The keeper wound the clock. " * 60, "Nobody came to the harbour.\n\n" * 40, "One page only."]
QUESTIONS = [LongTextQA(f"d{n}-{k}", "long_qa", text, f"{k}?", "An answer.") for n, text in enumerate(TEXTS)
             for k in range(2)]  # fmt: skip


@pytest.fixture(scope="module")
def eager() -> Dataset:
    return Dataset.from_list(list(synthesize(QUESTIONS, PAPER)), features=features())


@pytest.fixture
def lazy() -> Dataset:
    return Dataset.from_list(list(synthesize(QUESTIONS, PAPER, render="lazy")), features=lazy_features())


@pytest.fixture
def built(tmp_path) -> Path:
    """A lazy config with two splits, as `t2vid build --render lazy` writes it."""
    rows = {split: lambda: synthesize(QUESTIONS, PAPER, render="lazy") for split in ("train", "test")}
    write_config(tmp_path / "set", "texts", rows, features=lazy_features(), stats={"kind": "synthetic"})
    return tmp_path / "set"


def stock(built: Path, cache: Path, **options) -> Dataset:
    files = {split: str(built / f"texts/{split}-*.parquet") for split in ("train", "test")}
    return load_dataset("parquet", data_files=files, cache_dir=str(cache / "cache"), **options)


def assert_same(lazy, eager) -> None:
    lazy, eager = list(lazy), list(eager)
    assert [row["id"] for row in lazy] == [row["id"] for row in eager]
    for one, other in zip(lazy, eager, strict=True):
        assert {**one, "images": None} == {**other, "images": None}
        assert len(one["images"]) == len(other["images"]) == one["num_frames"]
        for a, b in zip(one["images"], other["images"], strict=True):
            assert a.mode == b.mode and np.array_equal(a, b)


# --- Without this package ---------------------------------------------------------------------------------------------

STOCK = """
import json, sys
sys.modules["t2vid_hf"] = None  # importing it is an ImportError
import datasets
rows = datasets.load_dataset("parquet", data_files=sys.argv[1], split="train", cache_dir=sys.argv[2])
stream = datasets.load_dataset("parquet", data_files=sys.argv[1], split="train", streaming=True)
assert [row["id"] for row in stream] == rows["id"][:]
try:
    import t2vid_hf
except ImportError:
    print(json.dumps([rows.column_names, rows[0]]))
"""


def test_stock_datasets_opens_it(built, tmp_path):
    command = [sys.executable, "-c", STOCK, str(built / "texts/train-*.parquet"), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ}, timeout=60)
    assert done.returncode == 0, done.stderr
    names, row = json.loads(done.stdout)
    assert set(names) == {*features(), *PAGE_COLUMNS}
    assert row["page_text"] == TEXTS[0] and row["num_pages"] == row["num_frames"] == 3 and row["images"] == []
    assert row["messages"][0]["content"][-1]["text"] == "0?"
    assert RenderConfig.from_json(row["render_config"]) == PAPER


def test_pandas_and_pyarrow_open_it(built):
    (file,) = built.glob("texts/train-*.parquet")
    frame = pandas.read_parquet(file)
    assert list(frame["page_text"].unique()) == TEXTS and set(frame["num_pages"]) == {3, 2, 1}
    table = parquet.read_table(file, columns=["page_text", "renderer_version"])
    assert table.column("page_text").null_count == 0 and str(table.schema.field("renderer_version").type) == "int32"
    assert b"Pages" not in parquet.read_schema(file).metadata[b"huggingface"]


# --- With it ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
def test_one_call_on_a_loaded_set(built, eager, tmp_path, streaming):
    loaded = stock(built, tmp_path, streaming=streaming)
    rows = with_pages(loaded)
    assert type(rows) is type(loaded) and set(rows) == {"train", "test"}
    assert rows["train"].features == lazy_features()
    assert_same(rows["train"], eager)
    assert_same(with_pages(loaded["test"]), eager)
    assert with_pages(rows["train"]) is rows["train"]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("split", [None, "train"])
def test_the_builder_knows_it(built, eager, tmp_path, streaming, split):
    given = {"data_files": str(built / "texts/train-*.parquet"), "cache_dir": str(tmp_path / "cache")}
    rows = load_dataset("t2vid", split=split, streaming=streaming, **given)
    rows = rows if split else rows["train"]
    assert rows.features == lazy_features() and isinstance(rows, IterableDataset if streaming else Dataset)
    assert_same(rows, eager)


@pytest.mark.parametrize("name", ["texts", None])
def test_read_split_gives_pages(built, eager, name):
    rows = read_split(str(built if name else built / "texts"), name, "test")
    assert rows.features == lazy_features()
    assert_same(rows, eager)


def test_both_ways_of_a_set_in_memory(lazy, eager):
    plain = without_pages(DatasetDict({"train": lazy}))["train"]
    assert not isinstance(plain.features["images"], Pages) and list(plain["page_text"]) == [
        q.context for q in QUESTIONS
    ]
    back = with_pages(plain)
    assert back.data.table.equals(lazy.data.table)
    assert_same(back, eager)
    assert without_pages(eager) is eager and with_pages(eager) is eager
    stream = without_pages(lazy.to_iterable_dataset())
    assert next(iter(stream))["page_text"] == TEXTS[0]
    assert_same(with_pages(stream), eager)


def test_selected_rows_columns_of_ones_own_and_a_format_stay(lazy, eager):
    more = lazy.add_column("mark", list("abcdef")).select([4, 0, 4])
    back = with_pages(without_pages(more))
    assert list(back["mark"]) == ["e", "a", "e"]
    assert_same(back.remove_columns("mark"), eager.select([4, 0, 4]))
    plain = without_pages(lazy).with_format("numpy", columns=["images", "num_frames"])
    assert with_pages(plain)[0]["images"].shape == (3, 448, 448) and set(with_pages(plain)[0]) == {
        "images",
        "num_frames",
    }


def test_a_set_without_rows(lazy):
    plain = without_pages(lazy.select([]))
    assert len(plain) == 0 and set(PAGE_COLUMNS) <= set(plain.features)
    assert with_pages(plain).features == lazy_features()


def test_a_stream_resumes_row_for_row(built, tmp_path):
    rows = with_pages(stock(built, tmp_path, streaming=True)["train"])
    seen = [row["id"] for _, row in zip(range(3), rows, strict=False)]
    resumed = with_pages(stock(built, tmp_path, streaming=True)["train"])
    resumed.load_state_dict(rows.state_dict())
    assert seen + [row["id"] for row in resumed] == [f"long_qa/{qa.id}" for qa in QUESTIONS]


def test_rows_with_images_of_their_own(lazy, eager, tmp_path):
    video = {**eager[0], "id": "video", "media": "video", "images": [], "num_frames": 16}
    others = concatenate_datasets([eager.select([3]), Dataset.from_list([video], features=features())])
    joined = concatenate_datasets([others.cast(lazy_features()), lazy])
    without_pages(joined).to_parquet(str(tmp_path / "rows.parquet"))
    kept = parquet.read_table(tmp_path / "rows.parquet")
    assert [len(images) for images in kept["images"].to_pylist()[:3]] == [eager[3]["num_frames"], 0, 0]
    assert kept["page_text"].null_count == 2
    back = load_dataset("t2vid", data_files=str(tmp_path / "rows.parquet"), split="train", cache_dir=str(tmp_path))
    assert_same(back.select([0, 2, 3]), concatenate_datasets([eager.select([3, 0, 1])]))
    assert back[1]["images"] == [] and back[1]["media"] == "video"


def test_lazy_and_eager_concatenate_as_they_are_kept(lazy, eager):
    joined = concatenate_datasets([without_pages(lazy), eager.select([5])])
    assert_same(with_pages(joined), concatenate_datasets([eager, eager.select([5])]))


def test_lazy_and_eager_files_of_a_split_join(built, lazy, eager, tmp_path):
    eager.to_parquet(str(tmp_path / "eager.parquet"))
    lazy.to_parquet(str(tmp_path / "old.parquet"))  # the type `Pages` in its metadata, as sets were written before
    (tmp_path / "more.jsonl").write_text(json.dumps({"context": TEXTS[2], "question": "?", "answer": "!"}) + "\n")
    files = [str(tmp_path / "eager.parquet"), str(built / "texts/train-*.parquet"), str(tmp_path / "old.parquet")]
    rows = load_dataset("t2vid", data_files=files, split="train", cache_dir=str(tmp_path))
    assert rows.features == lazy_features()
    assert_same(rows, concatenate_datasets([eager] * 3))
    more = load_dataset("t2vid", data_files=[str(tmp_path / "more.jsonl"), files[0]], split="train",
                        cache_dir=str(tmp_path), num_proc=2)  # fmt: skip
    assert len(more) == 7 and more.features == lazy_features() and len(more[0]["images"]) == 1
    only = load_dataset("t2vid", data_files=files[0], split="train", cache_dir=str(tmp_path))
    assert only.features == features()
    assert_same(only, eager)


def test_old_lazy_files_still_open(lazy, eager, tmp_path):
    lazy.to_parquet(str(tmp_path / "old.parquet"))
    for kind in ("parquet", "t2vid"):
        old = load_dataset(kind, data_files=str(tmp_path / "old.parquet"), split="train", cache_dir=str(tmp_path))
        assert isinstance(old.features["images"], Pages)
        assert_same(old, eager)
    (tmp_path / "set/texts").mkdir(parents=True)
    lazy.to_parquet(str(tmp_path / "set/texts/train-00000-of-00001.parquet"))
    assert_same(read_split(str(tmp_path / "set"), "texts", "train"), eager)


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        (None, {"preset": "dense"}, "preset='dense'"),
        (None, {"render": "eager"}, "render='eager'"),
        ("squality", {}, "the source 'squality'"),
    ],
)
def test_what_would_change_nothing_of_rows_that_are_made(built, tmp_path, name, options, told):
    files = str(built / "texts/train-*.parquet")
    with pytest.raises(InputError, match=f"holds rows of pages already, of which {told} would change nothing"):
        load_dataset("t2vid", name, data_files=files, cache_dir=str(tmp_path), **options)


def test_what_has_no_pages_to_change(lazy):
    with pytest.raises(InputError, match="pages of a list: give a Dataset"):
        with_pages([1])
    with pytest.raises(InputError, match="columns are not known"):
        with_pages(lazy.to_iterable_dataset().map(lambda row: {"id": row["id"]}))
    with pytest.raises(InputError, match="the columns num_pages are written with the pages' text"):
        without_pages(lazy.add_column("num_pages", [1] * len(lazy)))


def test_what_comes_behind_a_stream_gets_pages(built, eager, tmp_path):
    """As behind a stock stream of images: functions see what a reader sees, not how Arrow holds it."""
    rows = with_pages(stock(built, tmp_path, streaming=True)["train"])
    count = len(eager[0]["images"])
    assert next(iter(rows.map(lambda row: {"pages": len(row["images"])})))["pages"] == count
    assert next(iter(rows.filter(lambda row: row["images"][0].size[0] > 0)))["num_frames"] == count
    assert len(next(iter(interleave_datasets([rows, rows])))["images"]) == count
