"""Counting frames: the number that reading finds, for files, bytes, folders and clips whose packets do not tell."""

from pathlib import Path

import pytest
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.video.counting import count_frames
from t2vid_hf.video.reading import VIDEO_SUFFIXES, read_frames


def test_files_and_bytes(clip_file):
    assert count_frames(clip_file) == count_frames(str(clip_file)) == count_frames(clip_file.read_bytes()) == 16


def test_it_agrees_with_reading_on_real_videos(shared):
    files = sorted(path for path in (shared / "data").rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    whole = [path for path in files if path.stem != "corrupted"]
    assert whole
    for path in whole[:12]:
        assert count_frames(path) == read_frames(path, 1).total, path.name


def test_a_gif_is_decoded_to_be_counted(tmp_path):
    frames = [Image.new("L", (48, 48), shade) for shade in range(0, 250, 50)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    assert count_frames(tmp_path / "a.gif") == read_frames(tmp_path / "a.gif", 1).total == 5


def test_a_folder_of_frames(tmp_path):
    for number in range(3):
        Image.new("L", (48, 48)).save(tmp_path / f"frame_{number}.png")
    assert count_frames(tmp_path) == 3


def test_a_file_that_changes_is_counted_again(tmp_path, clip_file):
    from t2vid_hf.clips.shapes import make_clip, write_clip

    path = tmp_path / "clip.mp4"
    path.write_bytes(clip_file.read_bytes())
    assert count_frames(path) == 16
    write_clip(make_clip(1, num_frames=9), path)
    assert count_frames(path) == 9


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "0 bytes"), (b"no video", "row 'a': "), ("missing.mp4", "no such file")]
)
def test_what_is_no_video(content, message):
    with pytest.raises(InputError, match=message):
        count_frames(content, name="row 'a'")


def test_an_empty_folder(tmp_path: Path):
    with pytest.raises(InputError, match="no frames in this folder"):
        count_frames(tmp_path)
