"""The hash that ties scores to weights: of every file that a loader takes, and of nothing else."""

import shutil

import pytest
from transformers import AutoModelForImageTextToText

from t2vid_hf.errors import InputError
from t2vid_hf.models.weights_hash import weight_files, weights_hash


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    return shutil.copytree(tiny_checkpoint, tmp_path / "model")


def test_weights_alone_count(folder):
    before = weights_hash(folder)
    (folder / "README.md").write_text("a card")
    (folder / "optimizer.pt").write_bytes(b"state")
    assert weights_hash(folder) == before
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    assert weights_hash(folder) != before


def test_each_shard_counts_and_must_be_there(folder, tmp_path):
    sharded = tmp_path / "sharded"
    AutoModelForImageTextToText.from_pretrained(folder).save_pretrained(sharded, max_shard_size="1MB")
    files = weight_files(sharded)
    assert len(files) > 1 and files == sorted(sharded.glob("model-*.safetensors"))
    before = weights_hash(sharded)
    with files[-1].open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    assert weights_hash(sharded) != before
    files[0].unlink()
    with pytest.raises(InputError, match="names model-00001-of-.*, which is not there"):
        weights_hash(sharded)


def test_an_adapter_s_are_its_own(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"whole")
    with pytest.raises(InputError, match="no weights in it; give the folder of a checkpoint or an adapter"):
        weights_hash(tmp_path)
    (tmp_path / "adapter_model.safetensors").write_bytes(b"adapter")
    assert [file.name for file in weight_files(tmp_path)] == ["adapter_model.safetensors"]
