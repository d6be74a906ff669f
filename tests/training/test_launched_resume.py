"""`accelerate launch recipes/sft.py`, killed in mid-epoch and taken up on as many ranks, fewer or more."""

import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Features, Image, List
from PIL import Image as Picture

from t2vid_hf.data.pages import lazy_features
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.models.trained_with import recorded
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import conversation, features, media_block
from t2vid_hf.sources import SAMPLE, read
from tests.models.families import QWEN_PX, build
from tests.training.launched import PACKED, data_set, finish, history, kill_behind, recipe, start
from tests.video.clips import encode


@pytest.fixture(scope="module")
def rows(clip_file, tmp_path_factory):
    return data_set(tmp_path_factory.mktemp("set") / "set", clip_file.read_bytes())


def check(mine: list[dict], straight: list[dict]) -> None:
    assert [entry["step"] for entry in mine] == [entry["step"] for entry in straight]
    for one, other in zip(mine, straight, strict=True):
        for key in ("loss", "grad_norm", "learning_rate", "visual_token_share", "num_tokens"):
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


def test_unpacked_from_one_rank_to_two(tiny_checkpoint, tmp_path):
    # Some steps are of text alone, which move the tower on no number of ranks.
    rows = data_set(tmp_path / "set", b"", 26, only=("image_sequence", "text"))
    straight, killed = (recipe(tmp_path / name, tiny_checkpoint, rows) for name in ("straight", "killed"))
    whole(straight, 1)
    kill_behind(start(killed, 1), tmp_path / "killed/run/checkpoint-3")
    whole(killed, 2, "--resume_from_checkpoint", "true")
    assert 0 in [entry["visual_token_share"] for entry in history(tmp_path / "straight")]
    check(history(tmp_path / "killed"), history(tmp_path / "straight"))


def qwen_checkpoint(folder: Path) -> Path:
    """A tiny Qwen2.5-VL with pages of 9 tokens."""
    from transformers import AutoProcessor

    build("qwen2_5_vl", folder)
    processor = AutoProcessor.from_pretrained(folder)
    square = QWEN_PX["qwen2_5_vl"] ** 2
    processor.image_processor.size = {"shortest_edge": square, "longest_edge": square}
    processor.save_pretrained(folder)
    return folder


def write(folder: Path, name: str, rows: list[dict], columns=None) -> Path:
    place = folder / name / "data"
    place.mkdir(parents=True)
    Dataset.from_list(rows, features=columns).to_parquet(str(place / "train-00000-of-00001.parquet"))
    return folder / name


def every_kind(folder: Path) -> list[dict]:
    """A part of pages that are drawn as they are read, and of native video, image sequences, text, and TRL's rows."""
    random = np.random.default_rng(0)

    def row(key: str, media: str, blocks: list, **given) -> dict:
        asked = conversation(blocks, f"What is it? {key}", f"A clock. {key}")
        empty = {"images": [], "videos": [], "num_frames": 0}
        return {"id": key, "source": media, "media": media, "messages": asked, **empty, **given}

    def picture(height: int, width: int) -> Picture.Image:
        return Picture.fromarray(random.integers(0, 255, (height, width, 3), np.uint8))

    pages = list(islice(synthesize(read(SAMPLE), RenderConfig.preset("paper"), render="lazy"), 8))
    for kind, gaps in (("even", False), ("uneven", True)):
        (folder / f"{kind}.mp4").write_bytes(encode("mp4", "mpeg4", gaps=gaps))
    videos = [
        row(f"video-{n}", "video", [media_block("video")], num_frames=60,
            videos=[{"bytes": None, "path": str(folder / ("uneven.mp4" if n % 3 else "even.mp4"))}])
        for n in range(8)
    ]  # fmt: skip
    sequences = [
        row(f"sequence-{n}", "image_sequence", [media_block("image")] * 2, num_frames=2,
            images=[picture(84, 84), picture(50 + 9 * n, 90)])
        for n in range(6)
    ]  # fmt: skip
    texts = [row(f"text-{n}", "text", []) for n in range(6)]
    trl = [
        {"prompt": [{"role": "user", "content": f"And this? {n}"}],
         "completion": [{"role": "assistant", "content": f"A bell. {n}"}], "images": [picture(60, 120)]}
        for n in range(6)
    ]  # fmt: skip
    turn = Dataset.from_list([{"prompt": trl[0]["prompt"]}]).features["prompt"]
    columns = Features({"prompt": turn, "completion": turn, "images": List(Image())})
    return [
        {"path": str(write(folder, "pages", pages, lazy_features())), "count": 8},
        {"path": str(write(folder, "video", videos, features())), "count": 8, "video": "native", "fps": 4.0,
         "max_frames": 6, "media_root": str(folder), "over_limit": "thin"},
        {"path": str(write(folder, "sequences", sequences, features())), "count": 6},
        {"path": str(write(folder, "texts", texts, features())), "count": 6},
        {"path": str(write(folder, "trl", trl, columns)), "count": 6},
    ]  # fmt: skip


def test_a_mixture_of_every_kind_from_two_ranks_to_one(tmp_path):
    """Each step's loss, of each source, is that of the run that nothing stopped: no row is lost, none comes twice."""
    from transformers import AutoProcessor

    checkpoint, parts = qwen_checkpoint(tmp_path / "qwen"), every_kind(tmp_path)
    given = {"packing": True, "max_length": 640, "gradient_accumulation_steps": 1, "mixture": parts}
    straight, killed = (recipe(tmp_path / name, checkpoint, tmp_path, **given) for name in ("straight", "killed"))
    whole(straight, 2)
    kill_behind(start(killed, 2), tmp_path / "killed/run/checkpoint-3")
    whole(killed, 1, "--resume_from_checkpoint", "true")
    mine, theirs = history(tmp_path / "killed"), history(tmp_path / "straight")
    check(mine, theirs)
    sources = [{key for key in entry if key.startswith("loss/")} for entry in theirs]
    assert {"loss/video", "loss/image_sequence", "loss/text"} < set.union(*sources) and len(set.union(*sources)) == 5
    for one, other, names in zip(mine, theirs, sources, strict=True):
        assert {key for key in one if key.startswith("loss/")} == names
        for key in names:
            assert one[key] == pytest.approx(other[key], rel=1e-4), (one["step"], key)
    saved = recorded(AutoProcessor.from_pretrained(tmp_path / "killed/run"))
    assert [(way["video"], way["fps"], way["max_frames"]) for way in saved["videos"]] == [("native", 4.0, 6)]
