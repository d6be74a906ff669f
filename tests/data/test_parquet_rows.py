"""Rows written straight to Parquet: the file that `datasets` itself writes, in groups, with media that have a path."""

import io

import pyarrow.parquet as parquet
import pytest
from datasets import Dataset, Features, load_dataset
from PIL import Image

from t2vid_hf.data import parquet_rows
from t2vid_hf.data.page_columns import without_pages
from t2vid_hf.data.pages import lazy_features
from t2vid_hf.data.parquet_rows import write_rows, write_split
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import conversation, features
from t2vid_hf.sources import SAMPLE, read


@pytest.mark.parametrize("render", ["eager", "lazy"])
def test_the_file_is_the_one_that_datasets_writes(tmp_path, render):
    rows = list(synthesize(list(read(SAMPLE))[:12], RenderConfig.preset("dense"), render=render))
    columns = features() if render == "eager" else lazy_features()
    ours, theirs = tmp_path / "ours.parquet", tmp_path / "theirs.parquet"
    assert write_rows(ours, iter(rows), columns) == 12
    without_pages(Dataset.from_list(rows, columns)).to_parquet(str(theirs))
    a, b = parquet.ParquetFile(ours), parquet.ParquetFile(theirs)
    assert a.read().equals(b.read()) and a.schema_arrow.equals(b.schema_arrow, check_metadata=True)
    for place in range(a.metadata.num_columns):
        mine, other = (file.metadata.row_group(0).column(place) for file in (a, b))
        for name in ("path_in_schema", "compression", "encodings", "has_dictionary_page"):
            assert getattr(mine, name) == getattr(other, name), mine.path_in_schema


def test_a_group_is_of_a_size(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_rows, "GROUP_BYTES", 50_000)
    rows = list(synthesize(list(read(SAMPLE))[:40], RenderConfig.preset("dense"), render="lazy"))
    count = write_rows(tmp_path / "rows.parquet", iter(rows), lazy_features())
    file = parquet.ParquetFile(tmp_path / "rows.parquet")
    assert count == file.metadata.num_rows == 40 and file.num_row_groups > 1
    assert file.read()["id"].to_pylist() == [row["id"] for row in rows]


@pytest.mark.parametrize("render", ["eager", "lazy"])
def test_files_of_a_split_are_of_a_size(tmp_path, render):
    rows = list(synthesize(list(read(SAMPLE))[:40], RenderConfig.preset("dense"), render=render))
    columns, most = (features(), 400_000) if render == "eager" else (lazy_features(), 100_000)
    assert write_split(tmp_path, "train", iter(rows), columns, shard_bytes=most) == 40
    files = sorted(tmp_path.iterdir())
    assert len(files) > 2
    assert [file.name for file in files] == [f"train-{n:05d}-of-{len(files):05d}.parquet" for n in range(len(files))]
    tables = [parquet.read_table(file) for file in files]
    assert [name for table in tables for name in table["id"].to_pylist()] == [row["id"] for row in rows]
    assert all(len(table) <= parquet_rows.BATCH_ROWS or table.nbytes < 1.5 * most for table in tables)
    stream = load_dataset("parquet", data_files=[str(file) for file in files], split="train", streaming=True)
    assert stream.num_shards == len(files)


def test_a_split_of_no_row_is_a_file(tmp_path):
    assert write_split(tmp_path, "train", [], features()) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["train-00000-of-00001.parquet"]


def test_an_image_by_its_path_is_read_into_the_file(tmp_path):
    Image.new("L", (3, 2), 7).save(tmp_path / "a.png")
    row = {
        "id": "a", "source": "test", "media": "image_sequence", "messages": conversation([], "?", "!"),
        "images": [{"bytes": None, "path": str(tmp_path / "a.png")}], "videos": [], "num_frames": 1,
    }  # fmt: skip
    write_rows(tmp_path / "rows.parquet", [row], features())
    (tmp_path / "a.png").rename(tmp_path / "moved.png")
    stored = parquet.read_table(tmp_path / "rows.parquet")["images"][0][0].as_py()["bytes"]
    assert Image.open(io.BytesIO(stored)).getpixel((0, 0)) == 7


def test_no_row(tmp_path):
    assert write_rows(tmp_path / "rows.parquet", [], features()) == 0
    empty = parquet.read_table(tmp_path / "rows.parquet")
    assert len(empty) == 0 and Features.from_arrow_schema(empty.schema) == features()


def test_the_size_of_a_table_is_asked_at_most_twice(monkeypatch):
    """Asked again for each table behind it, 57,600 short rows took six minutes in place of ten seconds."""
    asked = []

    class Table:
        @property
        def nbytes(self):
            asked.append(self)
            return 10

    tables = [Table() for _ in range(40)]
    monkeypatch.setattr(parquet_rows, "tables_of", lambda rows, features: iter(tables))
    monkeypatch.setattr(parquet_rows.pa, "concat_tables", len)
    assert list(parquet_rows._groups([], Features(), 100)) == [10, 10, 10, 10]
    assert len(asked) <= 2 * len(tables)
