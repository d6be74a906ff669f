"""A data set on disk: plain `load_dataset` reads it, a failed build loses nothing, a rebuilt one is read again."""

import pytest
from datasets import load_dataset

from t2vid_hf.data.repository import configs, read_split, write_config
from t2vid_hf.errors import InputError
from t2vid_hf.schema import conversation, features

STATS = {"kind": "synthetic", "license": "other"}


def rows_named(*names: str):
    def rows():
        for name in names:
            yield {
                "id": name, "source": "test", "media": "text", "messages": conversation([], "?", "!"),
                "images": [], "videos": [], "num_frames": 0,
            }  # fmt: skip

    return rows


def test_written_and_read(tmp_path):
    stats = write_config(tmp_path, "texts", {"train": rows_named("a", "b")}, features=features(), stats=STATS)
    assert stats["rows"] == {"train": 2}
    assert configs(tmp_path) == {"texts": stats}
    assert list(read_split(str(tmp_path), "texts", "train")["id"]) == ["a", "b"]
    files = {"train": str(tmp_path / "texts/train-*.parquet")}
    plain = load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert plain.features == features()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_rebuilt_set_is_read_again(tmp_path):
    for names in (("a",), ("b", "c"), ("d", "e")):
        write_config(tmp_path, "texts", {"train": rows_named(*names)}, features=features(), stats=STATS)
        assert list(read_split(str(tmp_path), "texts", "train")["id"]) == list(names)


def test_a_failed_build_leaves_the_earlier_one(tmp_path):
    def broken():
        yield from rows_named("new")()
        raise InputError("row 2 is bad")

    write_config(tmp_path, "texts", {"train": rows_named("old")}, features=features(), stats=STATS)
    with pytest.raises(InputError, match="row 2 is bad"):
        write_config(tmp_path, "texts", {"train": broken}, features=features(), stats=STATS)
    assert list(read_split(str(tmp_path), "texts", "train")["id"]) == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["texts"]


@pytest.mark.parametrize(("name", "split"), [("none", "train"), ("texts", "none")])
def test_an_unknown_config_or_split(tmp_path, name, split):
    write_config(tmp_path, "texts", {"train": rows_named("a")}, features=features(), stats=STATS)
    with pytest.raises(InputError, match="none"):
        read_split(str(tmp_path), name, split)


def test_no_such_repository(tmp_path):
    with pytest.raises(InputError, match="give a folder that holds one"):
        read_split(str(tmp_path / "none"), "texts", "train")
