"""`Pages`: pixel-identical to drawn pages through everything that `datasets` does to a column, or an error."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset, Features, IterableDataset, concatenate_datasets, load_dataset, load_from_disk
from PIL import Image, ImageDraw

from t2vid_hf.data import pages
from t2vid_hf.data.pages import Pages, describe, lazy_features
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, RenderedPages, TextRenderer
from t2vid_hf.schema import LongTextQA, features

PAPER = RenderConfig.preset("paper")
TEXTS = ["The keeper wound the clock. " * 60, "Nobody came to the harbour.\n\n" * 40, "One page only."]
QUESTIONS = [
    LongTextQA(f"d{document}-{number}", "long_qa", text, f"Question {number}?", "An answer.")
    for document, text in enumerate(TEXTS)
    for number in range(3)
]


@pytest.fixture(scope="module")
def eager() -> Dataset:
    return Dataset.from_list(list(synthesize(QUESTIONS, PAPER)), features=features())


@pytest.fixture
def lazy() -> Dataset:
    return Dataset.from_list(list(synthesize(QUESTIONS, PAPER, render="lazy")), features=lazy_features())


def pixels(row: dict) -> list[np.ndarray]:
    return [np.asarray(image) for image in row["images"]]


def assert_same(lazy, eager) -> None:
    lazy, eager = list(lazy), list(eager)
    assert [row["id"] for row in lazy] == [row["id"] for row in eager]
    for one, other in zip(lazy, eager, strict=True):
        assert {**one, "images": None} == {**other, "images": None}
        assert [image.mode for image in one["images"]] == [image.mode for image in other["images"]]
        assert len(pixels(one)) == len(pixels(other)) == one["num_frames"]
        assert all(np.array_equal(a, b) for a, b in zip(pixels(one), pixels(other), strict=True))


def test_rows_are_those_of_the_eager_form(lazy, eager):
    assert isinstance(lazy.features["images"], Pages)
    assert_same(lazy, eager)
    assert_same([lazy[4]], [eager[4]])
    assert len(lazy[2:5]["images"]) == 3 and len(lazy["images"][0]) == lazy[0]["num_frames"]


def saved(dataset: Dataset, folder: Path) -> Dataset:
    dataset.save_to_disk(str(folder / "saved"))
    return load_from_disk(str(folder / "saved"))


def through_parquet(dataset: Dataset, folder: Path) -> Dataset:
    dataset.to_parquet(str(folder / "pages.parquet"))
    return load_dataset(
        "parquet", data_files=str(folder / "pages.parquet"), cache_dir=str(folder / "cache"), split="train"
    )


def streamed_parquet(dataset: Dataset, folder: Path) -> IterableDataset:
    dataset.to_parquet(str(folder / "pages.parquet"))
    return load_dataset(
        "parquet", data_files=str(folder / "pages.parquet"), streaming=True, split="train", cache_dir=str(folder)
    )


WAYS = {
    "save_to_disk": saved,
    "parquet": through_parquet,
    "streamed parquet": streamed_parquet,
    "stream": lambda dataset, _: dataset.to_iterable_dataset(num_shards=2),
    "stream, map": lambda dataset, _: dataset.to_iterable_dataset().map(lambda row: {"id": row["id"]}),
    "select": lambda dataset, _: dataset.select([4, 0, 8, 4]),
    "shuffle": lambda dataset, _: dataset.shuffle(seed=3),
    "flatten_indices": lambda dataset, _: dataset.shuffle(seed=3).flatten_indices(),
    "concatenate": lambda dataset, _: concatenate_datasets([dataset, dataset.select([1])]),
    "map": lambda dataset, _: dataset.map(lambda row: {"id": row["id"] + "!"}),
    "batched map": lambda dataset, _: dataset.map(lambda rows: {"id": rows["id"]}, batched=True, batch_size=2),
    "filter": lambda dataset, _: dataset.filter(lambda row: row["num_frames"] > 1),
    "sort": lambda dataset, _: dataset.sort("id", reverse=True),
    "split": lambda dataset, _: dataset.train_test_split(test_size=0.3, seed=1)["test"],
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_pages_in_whatever_way_rows_go(lazy, eager, way, tmp_path):
    (tmp_path / "lazy").mkdir(), (tmp_path / "eager").mkdir()
    moved = WAYS[way](lazy, tmp_path / "lazy")
    assert moved.features is None or isinstance(moved.features["images"], Pages)
    assert_same(moved, WAYS[way](eager, tmp_path / "eager"))


def count_pages(images: list) -> dict:
    return {"pages": len(images)}


def stored_as_text(dataset: Dataset) -> bool:
    return dataset.data.column("images").combine_chunks().field("drawn").null_count == len(dataset)


def test_map_in_processes_keeps_the_text_where_columns_are_named(lazy, eager):
    moved = lazy.map(count_pages, input_columns="images", num_proc=2)
    assert list(moved["pages"]) == list(lazy["num_frames"])
    assert stored_as_text(moved)
    assert_same(moved.remove_columns("pages"), eager)


@pytest.mark.parametrize("options", [{}, {"batched": True, "batch_size": 2}, {"num_proc": 2}])
def test_map_that_looks_at_other_columns_keeps_the_text(lazy, eager, options):
    for moved in (
        lazy.map(lambda row: {"asked": row["messages"]}, **options).remove_columns("asked"),
        lazy.map(lambda row: {"num_frames": row["num_frames"]}, **options),
        lazy.filter(lambda row: [True] * len(row["id"]) if "batched" in options else True, **options),
    ):
        assert stored_as_text(moved)
        assert_same(moved, eager)


def test_map_stores_the_pages_that_its_function_looked_at(lazy, eager):
    moved = lazy.map(lambda row: count_pages(row["images"]), num_proc=2)
    assert isinstance(moved.features["images"], Pages) and not stored_as_text(moved)
    assert_same(moved.remove_columns("pages"), eager)


def test_map_that_returns_other_pages_stores_those(lazy):
    half = lazy.map(lambda row: {"images": [image.resize((224, 224)) for image in row["images"]]})
    assert isinstance(half.features["images"], Pages)
    assert half[0]["images"][1].size == (224, 224) and len(half[0]["images"]) == half[0]["num_frames"]
    assert half.with_format("arrow")[0]["images"][0].as_py()["text"] is None


def test_all_pages_drawn_for_readers_without_us(lazy, eager):
    drawn = lazy.map(lambda row: {"images": row["images"]}, features=features())
    assert drawn.features == eager.features
    assert_same(drawn, eager)


def test_rows_with_images_of_their_own_join_a_lazy_set(lazy, eager):
    video = {**eager[0], "id": "video", "media": "video", "images": [], "num_frames": 16}
    others = concatenate_datasets([eager.select([3]), Dataset.from_list([video], features=features())])
    joined = concatenate_datasets([lazy, others.cast(lazy_features())])
    assert_same(joined.select([0, 9]), eager.select([0, 3]))
    assert joined[10]["images"] == []


def test_undecoded_rows_and_flattening(lazy):
    raw = lazy.cast_column("images", Pages(decode=False))
    assert raw[0]["images"] == describe(TEXTS[0], PAPER)
    assert set(Pages(decode=False).flatten()) == set(raw[0]["images"])
    assert "images" in lazy.flatten().column_names
    assert "images.text" in raw.flatten().column_names


def test_the_features_survive_json_and_yaml():
    assert Features.from_dict(json.loads(json.dumps(lazy_features().to_dict()))) == lazy_features()
    assert Features._from_yaml_list(lazy_features()._to_yaml_list())["images"] == Pages()


def test_numpy_format(lazy):
    assert lazy.with_format("numpy")[0]["images"].shape == (lazy[0]["num_frames"], 448, 448)


def test_questions_about_one_text_draw_it_once(lazy, monkeypatch):
    drawn = []

    def draw(renderer: TextRenderer, text: str) -> RenderedPages:
        drawn.append(text)
        return render(renderer, text)

    render = TextRenderer.render
    monkeypatch.setattr(TextRenderer, "render", draw)
    pages._render.cache_clear()
    for row in lazy:
        assert row["images"]
    assert drawn == TEXTS


def test_paint_on_a_page_stays_on_that_page(lazy, eager):
    page = lazy[0]["images"][0]
    ImageDraw.Draw(page).rectangle((0, 0, 448, 448), fill=7)
    assert np.asarray(page).max() == 7
    assert_same([lazy[0]], [eager[0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [({"renderer": -1}, "version -1 of the renderer"), ({"num_pages": 99}, "took 99"), ({"config": "{}x"}, "render")],
)
def test_pages_that_would_be_others_are_refused(lazy, change, message):
    raw = {**describe(TEXTS[0], PAPER), **change}
    with pytest.raises(InputError, match=message):
        Pages().decode_example(raw)


def test_a_null_row_and_arrow_types(tmp_path):
    nulls = Pages().cast_storage(pa.nulls(2))
    assert nulls.type == Pages.pa_type and nulls.null_count == 2
    some = pa.array([None, {"text": "x"}, {"text": "y"}]).slice(1)
    assert [row["text"] for row in Pages().cast_storage(some).to_pylist()] == ["x", "y"]
    with pytest.raises(TypeError, match="int64"):
        Pages().cast_storage(pa.array([1]))
    Image.new("L", (3, 2), 5).save(tmp_path / "a.png")
    stored = Pages().encode_example([{"bytes": None, "path": str(tmp_path / "a.png")}, Image.new("RGB", (2, 2))])
    assert [image.size for image in Pages().decode_example(stored)] == [(3, 2), (2, 2)]


def test_a_text_that_cannot_be_drawn_names_its_row():
    with pytest.raises(InputError, match="row 'q0' of source 'long_qa'"):
        list(synthesize([LongTextQA("q0", "long_qa", "glyph \U0001fbff", "?", "!")], PAPER, render="lazy"))


def test_a_reader_without_the_package_is_told(lazy, tmp_path):
    lazy.to_parquet(str(tmp_path / "pages.parquet"))
    code = "import sys, datasets; datasets.load_dataset('parquet', data_files=sys.argv[1], cache_dir=sys.argv[2])"
    command = [sys.executable, "-c", code, str(tmp_path / "pages.parquet"), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ}, timeout=60)
    assert done.returncode != 0 and "Feature type 'Pages' not found" in done.stderr
