"""What a probe tells of a clip is what reading it gives, at a constant frame rate transformers' own numbers."""

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.video.probing import probe
from t2vid_hf.video.reading import read_frames
from tests.video.clips import HEIGHT, RATE, WIDTH, encode

CLIPS = {
    "constant": ("mp4", "mpeg4", {}),
    "milliseconds": ("matroska", "mpeg4", {}),
    "gaps": ("mp4", "mpeg4", {"gaps": True}),
    "unreadable": ("mp4", "mjpeg", {"pixels": "yuvj420p"}),
}


@pytest.mark.parametrize("policy", [{"num_frames": 7}, {"sampling": "fps", "fps": 4.0}])
@pytest.mark.parametrize("clip", CLIPS)
def test_a_probe_is_what_reading_gives(clip, policy):
    container, codec, options = CLIPS[clip]
    video = encode(container, codec, **options)
    found, read = probe(video, **policy), read_frames(video, **policy)
    assert found.timing == read.timing
    assert (len(found.timing.seconds), found.height, found.width) == read.data.shape[:3] == (
        len(read.timestamps), HEIGHT, WIDTH
    )  # fmt: skip
    if clip != "gaps":
        assert found.timing.fps == RATE and found.timing.total == 60
        numbers = [round(second * RATE) for second in found.timing.seconds]
        assert found.timing.seconds == tuple(number / RATE for number in numbers)
    else:
        assert found.timing.seconds == tuple(read.timestamps - 0.0)


def test_seconds_are_what_pyav_and_transformers_make_of_indices(tmp_path):
    from transformers.video_utils import load_video

    (tmp_path / "clip.mp4").write_bytes(encode("mp4", "mpeg4"))
    read = read_frames(tmp_path / "clip.mp4", 7)
    indices = [round(second * RATE) for second in read.timing.seconds]
    frames, metadata = load_video(
        str(tmp_path / "clip.mp4"), backend="pyav", sample_indices_fn=lambda metadata, **_: indices
    )
    assert np.array_equal(frames, read.data)
    assert list(read.timing.seconds) == metadata.timestamps
    assert (read.timing.total, read.timing.fps) == (metadata.total_num_frames, metadata.fps)


def test_a_folder_of_frames(tmp_path):
    for number in range(6):
        Image.new("RGB", (30, 20), (number, 0, 0)).save(tmp_path / f"frame_{number}.png")
    found = probe(tmp_path, 3, folder_fps=2.0)
    assert found.timing == read_frames(tmp_path, 3, folder_fps=2.0).timing
    assert (found.height, found.width, found.timing.total, found.timing.fps) == (20, 30, 6, 2.0)
    (tmp_path / "frames.json").write_text('{"fps": 4.0}')
    assert probe(tmp_path, 6).timing.seconds == (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
    # what sampling asks for is not what the folder was made with
    assert len(read_frames(tmp_path, sampling="fps", fps=2.0).data) == 3


def test_a_folder_is_as_large_as_the_frames_that_are_taken(tmp_path):
    for number in range(6):
        size = (30, 20) if number == 0 else (50, 40)
        Image.new("RGB", size).save(tmp_path / f"frame_{number}.png")
    found, read = probe(tmp_path, 2, folder_fps=1.0), read_frames(tmp_path, 2, folder_fps=1.0)
    assert (found.height, found.width) == read.data.shape[1:3] == (40, 50)
    for tell in (probe, read_frames):
        with pytest.raises(InputError, match="size changes from 30 x 20 to 50 x 40 pixels; give clips of one size"):
            tell(tmp_path, 6)


def test_what_cannot_be_probed():
    with pytest.raises(InputError, match="0 bytes"):
        probe(b"")
    with pytest.raises(InputError, match="after 0 frames"):
        probe(b"no video at all")
