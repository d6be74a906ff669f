"""Frames squeezed one by one as they are decoded: to the bit what the processor makes of all, and little memory."""

import subprocess
import sys

import numpy as np
import pytest

from t2vid_hf.batches import fitting
from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.fitting import Fitter
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.models import tiny
from t2vid_hf.models.trained_with import set_frame_size
from t2vid_hf.schema import conversation, media_block
from tests.models.families import FAMILIES, Family, family
from tests.video.clips import encode, plain_4k

__all__ = ["family"]  # a fixture
VIDEO = media_block("video")
SHAPES = [(96, 64), (640, 360), (64, 128)]

PEAK = """
import sys
from pathlib import Path
from transformers import AutoProcessor
from t2vid_hf.batches import fitting
from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.models import adapter_for
from tests.batches.test_frame_fit import make_row

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

encoder = RowEncoder(AutoProcessor.from_pretrained(sys.argv[1]), adapter_for("idefics3"), threads=1)
encoder.encode(make_row([sys.argv[2]]))
Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of what was imported
before = peak()
encoder.encode(make_row([sys.argv[3]]))
print(peak() - before)
"""


def make_row(clips) -> dict:
    return {
        "id": "a", "source": "s", "media": "video", "images": [], "num_frames": 0,
        "messages": conversation([VIDEO] * len(clips), "What is it?", "A clock."),
        "videos": [{"bytes": None, "path": str(path)} for path in clips],
    }  # fmt: skip


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    paths = []
    for number, size in enumerate(SHAPES):
        paths.append(tmp_path_factory.mktemp("clips") / f"{number}.mp4")
        paths[-1].write_bytes(encode("mp4", "mpeg4", size=size, frames=12))
    return paths


@pytest.mark.parametrize("way", ["native", "as_frames"])
@pytest.mark.parametrize("family", FAMILIES, indirect=True)
def test_a_frame_alone_becomes_what_it_does_among_others(family: Family, clips, way, monkeypatch):
    monkeypatch.setattr(fitting, "ALONE_PIXELS", 0)
    processor, adapter = family.processor(), family.adapter
    if adapter.keeps_proportions:
        set_frame_size(processor, adapter, "square")
    if way == "native" and not adapter.takes_video:
        pytest.skip("it takes no video")
    page_px = adapter.page_px(processor)
    square = clips[0].with_name("square.mp4")
    square.write_bytes(encode("mp4", "mpeg4", size=(page_px // 2 * 2, page_px // 2 * 2), frames=6))
    encoder, row = RowEncoder(processor, adapter, policy=VideoPolicy(way, num_frames=5)), make_row([*clips, square])
    fitted = encoder.encode(row)
    monkeypatch.setattr(Fitter, "frame_fit", lambda self, native: None)
    monkeypatch.setattr(Fitter, "video", lambda self, frames: self._fit_video(frames.data))
    together = encoder.encode(row)
    assert np.array_equal(fitted.pixels, together.pixels) and len(fitted.videos) == len(together.videos)
    assert all(np.array_equal(one, other) for one, other in zip(fitted.videos, together.videos, strict=True))
    assert np.array_equal(fitted.input_ids, together.input_ids)


@pytest.mark.parametrize("family", FAMILIES, indirect=True)
def test_frames_that_keep_their_proportions_are_fitted_together(family: Family):
    fitter = RowEncoder(family.processor(), family.adapter).layout.fitter
    squeezed = family.adapter.frame_size(family.processor()) == "square"
    assert [fitter.frame_fit(native) is not None for native in (True, False)] == [squeezed] * 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
def test_24_frames_of_4k_take_little_memory(tmp_path, clip_file):
    """Together they are 600 MB, and twice that while they are squeezed."""
    tiny.build(tmp_path / "model", ["What is it? A clock."])
    (tmp_path / "4k.mp4").write_bytes(plain_4k())
    command = [sys.executable, "-c", PEAK, str(tmp_path / "model"), str(clip_file), str(tmp_path / "4k.mp4")]
    added = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert added <= 200
