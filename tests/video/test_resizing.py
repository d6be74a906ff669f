"""Frames at the size that is asked for: the pixels of resizing the whole, one frame at a time, in little memory."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.video import reading
from t2vid_hf.video.reading import read_frames
from tests.video.clips import encode, plain_4k

PEAK = """
import sys
from pathlib import Path
from t2vid_hf.video.reading import read_frames

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

read_frames(sys.argv[1], 2, size=(32, 32))
before = peak()
read_frames(sys.argv[2], 24, size=(364, 364))
print(peak() - before)
"""


def bicubic(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.stack([np.asarray(Image.fromarray(frame).resize((width, height), 3)) for frame in frames])


@pytest.mark.parametrize("codec", ["libx264", "mjpeg", "msvideo1"])  # planned, by the index, and decoded in full
@pytest.mark.parametrize("threads", [1, 3])
def test_each_frame_is_resized_as_pillow_does(codec, threads):
    pixels = {"mjpeg": "yuvj420p", "msvideo1": "rgb555le"}.get(codec, "yuv420p")
    clip = encode("avi" if codec == "msvideo1" else "mov", codec, pixels=pixels)
    whole, small = read_frames(clip, 7), read_frames(clip, 7, size=(40, 50), threads=threads)
    assert np.array_equal(small.data, bicubic(whole.data, 40, 50))
    assert np.array_equal(small.timestamps, whole.timestamps) and small.timing == whole.timing
    assert np.array_equal(read_frames(clip, 3, size=(64, 96)).data, read_frames(clip, 3).data)  # as they are


def test_a_folder_and_a_sink(tmp_path, clip_file):
    whole = read_frames(clip_file, 4).data
    for number, frame in enumerate(whole):
        Image.fromarray(frame).save(tmp_path / f"frame_{number}.png")
    assert np.array_equal(read_frames(tmp_path, size=(20, 30)).data, bicubic(whole, 20, 30))
    taken: dict[int, np.ndarray] = {}
    read_frames(clip_file, 4, size=(20, 30), sink=taken.__setitem__)
    assert np.array_equal(np.stack([taken[place] for place in range(4)]), bicubic(whole, 20, 30))


def test_a_function_of_the_callers_resizes_exactly(clip_file):
    whole = read_frames(clip_file, 4).data
    assert np.array_equal(read_frames(clip_file, 4, resize=lambda frame: frame[::2, ::3]).data, whole[:, ::2, ::3])


def test_it_is_within_two_levels_of_torchvision(clip_file):
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    frames = torch.from_numpy(read_frames(clip_file, 4).data).permute(0, 3, 1, 2)
    for size in ((40, 50), (200, 150)):
        expected = functional.resize(frames, size, interpolation=functional.InterpolationMode.BICUBIC, antialias=True)
        made = read_frames(clip_file, 4, size=size).data
        assert np.abs(made.astype(int) - expected.permute(0, 2, 3, 1).numpy()).max() <= 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (0, 5)}, r"size=\(0, 5\): give a height and a width of at least 1 pixel"),
        ({"size": (5, 5), "resize": np.copy}, "give one of them"),
    ],
)
def test_what_cannot_be_asked_for(clip_file, options, message):
    with pytest.raises(InputError, match=message):
        read_frames(clip_file, 2, **options)


def test_large_frames_are_decoded_with_one_thread_where_they_are_resized(clip_file, monkeypatch):
    divided = []
    monkeypatch.setattr(reading, "LARGE_PIXELS", 96 * 96 - 1)

    def note(plan, sizes, *, asked, pixels):
        divided.append(asked)
        return 1, 1

    monkeypatch.setattr(reading, "divide_work", note)
    read_frames(clip_file, 2, size=(10, 10))
    read_frames(clip_file, 2, size=(10, 10), threads=4)
    read_frames(clip_file, 2)
    assert divided == [1, 4, 0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is read from /proc")
def test_24_frames_of_4k_take_little_memory(tmp_path, clip_file):
    """At full size they are 600 MB. The decoder itself takes 55 MB of what is measured."""
    (tmp_path / "4k.mp4").write_bytes(plain_4k())
    command = [sys.executable, "-c", PEAK, str(clip_file), str(tmp_path / "4k.mp4")]
    added = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert added <= 150
