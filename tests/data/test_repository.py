"""A data set on disk: plain `load_dataset` reads it, a failed build loses nothing, a rebuilt one is read again."""

import json

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


@pytest.mark.parametrize("name", ["texts", None])
@pytest.mark.parametrize("card", [True, False])
def test_a_rebuilt_set_is_read_again_by_whatever_name(tmp_path, name, card):
    """The default config is what every recipe with a path alone takes."""
    for names in (("a",), ("b", "c"), ("d",)):
        write_config(tmp_path, "texts", {"train": rows_named(*names)}, features=features(), stats=STATS)
        if card:
            (tmp_path / "README.md").write_text(
                "---\nconfigs:\n- config_name: texts\n  default: true\n  data_files:\n"
                "  - split: train\n    path: texts/train-*.parquet\n---\n"
            )
        assert list(read_split(str(tmp_path), name, "train")["id"]) == list(names)


def test_a_rebuilt_set_of_json_lines_is_read_again(tmp_path):
    for names in (("a",), ("b", "c")):
        lines = [json.dumps({"id": name, "messages": []}) for name in names]
        (tmp_path / "train.jsonl").write_text("\n".join(lines) + "\n")
        assert list(read_split(str(tmp_path), None, "train")["id"]) == list(names)


def test_files_by_size(tmp_path):
    names = [f"row-{number}" for number in range(40)]
    rows = {"train": rows_named(*names)}
    stats = write_config(tmp_path, "texts", rows, features=features(), stats=STATS, shard_bytes=2000)
    assert stats["rows"] == {"train": 40} and len(list(tmp_path.glob("texts/train-*-of-*.parquet"))) > 1
    assert list(read_split(str(tmp_path), "texts", "train")["id"]) == names


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
