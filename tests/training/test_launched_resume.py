"""`accelerate launch recipes/sft.py`, killed in mid-epoch and taken up on as many ranks, fewer or more."""

import shutil

import pytest

from tests.training.launched import PACKED, data_set, finish, history, kill_behind, recipe, start


@pytest.fixture(scope="module")
def rows(clip_file, tmp_path_factory):
    return data_set(tmp_path_factory.mktemp("set") / "set", clip_file.read_bytes())


def check(mine: list[dict], straight: list[dict]) -> None:
    assert [entry["step"] for entry in mine] == [entry["step"] for entry in straight]
    for one, other in zip(mine, straight, strict=True):
        for key in ("loss", "grad_norm", "learning_rate", "visual_token_share"):
            assert one[key] == pytest.approx(other[key], rel=1e-4), (one["step"], key)


def whole(file, processes: int, *options: str) -> str:
    status, told = finish(file, processes, *options)
    assert status == 0, told
    return told


def test_packed_from_two_ranks_to_two_and_to_one(tiny_checkpoint, rows, tmp_path):
    given = {**PACKED, "gradient_accumulation_steps": 1}
    straight = recipe(tmp_path / "straight", tiny_checkpoint, rows, **given)
    killed = recipe(tmp_path / "killed", tiny_checkpoint, rows, **given)
    whole(straight, 2)
    kill_behind(start(killed, 2), tmp_path / "killed/run/checkpoint-3")
    shutil.copytree(tmp_path / "killed", tmp_path / "copy")
    whole(killed, 2, "--resume_from_checkpoint", "true")
    check(history(tmp_path / "killed"), history(tmp_path / "straight"))
    options = ["--output_dir", str(tmp_path / "copy/run"), "--resume_from_checkpoint", "true"]
    told = whole(killed, 1, *options)
    assert "gradient_accumulation_steps 2, not 1: 1 ranks of per_device_train_batch_size 1 take 2 sequences" in told
    check(history(tmp_path / "copy"), history(tmp_path / "straight"))


def test_unpacked_from_one_rank_to_two(tiny_checkpoint, rows, tmp_path):
    straight, killed = (recipe(tmp_path / name, tiny_checkpoint, rows) for name in ("straight", "killed"))
    whole(straight, 1)
    kill_behind(start(killed, 1), tmp_path / "killed/run/checkpoint-3")
    whole(killed, 2, "--resume_from_checkpoint", "true")
    check(history(tmp_path / "killed"), history(tmp_path / "straight"))
