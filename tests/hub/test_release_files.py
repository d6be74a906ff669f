"""What is released of a folder, and what it takes the place of."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.hub.release_files import files_to_release, superseded


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    return folder


def index(folder: Path, *shards: str) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {s: s for s in shards}}))


def rows(folder: Path, name: str, videos: list[dict] | None = None) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    kind = pa.list_(pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    given = [[video] for video in videos or []]
    parquet.write_table(pa.table({"id": [str(n) for n in range(len(given))], "videos": pa.array(given, kind)}),
                        folder / name)  # fmt: skip


def test_a_checkpoint_without_what_the_run_left(tmp_path):
    kept = (
        "README.md card/pages.png .eval_results/t2vid.yaml LICENSE config.json generation_config.json "
        "model.safetensors tokenizer.json tokenizer_config.json special_tokens_map.json chat_template.jinja "
        "vocab.json merges.txt "
        "additional_chat_templates/tools.jinja preprocessor_config.json processor_config.json "
        "video_preprocessor_config.json run.json recipe.yaml trainer_state.json scores.json answers.jsonl"
    ).split()
    left = (
        "checkpoint-5/optimizer.pt checkpoint-5/model.safetensors rng_state.pth training_args.bin rejects.jsonl "
        "optimizer.bin .env notes.txt runs/events.out.tfevents pytorch_model.bin .cache/huggingface/x"
    ).split()
    write(tmp_path, *kept, *left)
    assert sorted(files_to_release(tmp_path, "model")) == sorted(kept)


def test_a_data_set_with_the_media_that_its_rows_name(tmp_path):
    write(tmp_path, "README.md", "texts/stats.json", "texts/rejects.jsonl", "rejects.jsonl", "card/pages.png")
    write(tmp_path, "frames/a/1.jpg", "frames/a/2.jpg", "frames/b/1.jpg", "clips/c.mp4", "mine/data.parquet")
    here = [{"bytes": None, "path": "frames/a"}, {"bytes": None, "path": "clips/c.mp4"}]
    rows(tmp_path, "texts/train-00000-of-00002.parquet", here)
    rows(tmp_path, "texts/train-00001-of-00002.parquet", [{"bytes": b"held", "path": "frames/none"}])
    assert list(files_to_release(tmp_path, "dataset")) == [
        "README.md", "card/pages.png", "clips/c.mp4", "frames/a/1.jpg", "frames/a/2.jpg", "texts/stats.json",
        "texts/train-00000-of-00002.parquet", "texts/train-00001-of-00002.parquet",
    ]  # fmt: skip
    (tmp_path / "clips/c.mp4").unlink()
    with pytest.raises(InputError, match=r"1 media that rows name by path are not there, the first clips/c\.mp4"):
        files_to_release(tmp_path, "dataset")


@pytest.mark.parametrize(
    ("names", "listed", "match"),
    [
        (["config.json", "model.safetensors"], None, r"no README\.md"),
        (["README.md", "config.json"], None, "no weights in safetensors"),
        (["README.md", "config.json", "pytorch_model.bin"], None, "no weights in safetensors"),
        (["README.md", "model.safetensors"], None, r"no config\.json"),
        (["README.md", "adapter_model.safetensors"], None, r"no adapter_config\.json"),
        (["README.md", "config.json", "model.safetensors", "adapter_config.json", "adapter_model.safetensors"], None,
         "the weights of a whole model"),
        (["README.md", "config.json", "model-00001-of-00002.safetensors"], ["model-00001-of-00002.safetensors",
         "model-00002-of-00002.safetensors"], "model-00002-of-00002.safetensors is missing"),
        (["README.md", "config.json", "model-00001-of-00002.safetensors"], None, "is missing"),
        (["README.md", "config.json", "model.safetensors", "model-00001-of-00001.safetensors"], None, "shards of a"),
        (["README.md", "config.json", "model-00001-of-00001.safetensors", "model-00001-of-00002.safetensors",
          "model-00002-of-00002.safetensors"], None, "shards of 2 saves"),
    ],
)  # fmt: skip
def test_what_is_not_whole_is_refused(tmp_path, names, listed, match):
    write(tmp_path, *names)
    if listed:
        index(tmp_path, *listed)
    with pytest.raises(InputError, match=match):
        files_to_release(tmp_path, "model")


def test_a_data_set_of_no_config_or_of_half_its_shards(tmp_path):
    write(tmp_path, "README.md")
    with pytest.raises(InputError, match="no config of a data set"):
        files_to_release(tmp_path, "dataset")
    write(tmp_path, "texts/stats.json")
    rows(tmp_path, "texts/train-00000-of-00002.parquet")
    with pytest.raises(InputError, match=r"texts/train-00001-of-00002\.parquet is missing"):
        files_to_release(tmp_path, "dataset")


def test_what_a_release_takes_the_place_of():
    old = ["model.safetensors", "adapter_config.json", "pytorch_model.bin", "config.json", "vocab.json", "notes.txt",
           "model-00001-of-00003.safetensors", "plots/loss.png", ".gitattributes", "handler.py"]  # fmt: skip
    new = ["README.md", "config.json", "model-00001-of-00001.safetensors", "model.safetensors.index.json"]
    assert superseded(old, new, "model") == [
        "adapter_config.json", "model-00001-of-00003.safetensors", "model.safetensors", "pytorch_model.bin",
        "vocab.json",
    ]  # fmt: skip
    old = ["texts/stats.json", "texts/train-00001-of-00002.parquet", "gone/stats.json", "mine/x.parquet",
           "gone/train-00000-of-00001.parquet", "mine/train-00000-of-00001.parquet", "frames/a/1.jpg"]  # fmt: skip
    new = ["README.md", "texts/stats.json", "texts/train-00000-of-00001.parquet"]
    assert superseded(old, new, "dataset") == [
        "gone/stats.json", "gone/train-00000-of-00001.parquet", "texts/train-00001-of-00002.parquet",
    ]  # fmt: skip


def test_media_have_the_names_that_rows_give_them_links_or_not(tmp_path):
    """What is sent under the name that a link leads to, nobody finds by the name in the row."""
    write(tmp_path / "set", "README.md", "texts/stats.json", "real/a/1.jpg", "real/c.mp4")
    (tmp_path / "set/frames").symlink_to("real")
    (tmp_path / "set/c.mp4").symlink_to("real/c.mp4")
    named = [{"bytes": None, "path": path} for path in ("frames/a", "./c.mp4")]
    rows(tmp_path / "set", "texts/train-00000-of-00001.parquet", named)
    found = files_to_release(tmp_path / "set", "dataset")
    assert {"frames/a/1.jpg", "c.mp4"} <= set(found) and not [name for name in found if name.startswith("real")]
    assert all(path.is_file() for path in found.values())


def test_media_by_absolute_paths_are_refused(tmp_path):
    """They are below the folder here, and nowhere for a reader."""
    write(tmp_path, "README.md", "texts/stats.json", "c.mp4")
    rows(tmp_path, "texts/train-00000-of-00001.parquet", [{"bytes": None, "path": str(tmp_path / "c.mp4")}])
    with pytest.raises(InputError, match="rows name media by absolute paths"):
        files_to_release(tmp_path, "dataset")
