"""Videos to folders of frames: whole or not at all, and once."""

import json
import os
import socket

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.video import extraction
from t2vid_hf.video.extraction import extract, find_videos, folder_names
from t2vid_hf.video.reading import read_frames
from tests.video.clips import encode


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(encode("mp4", "libx264", frames=130))
    return path


def test_a_folder_reads_as_the_video_it_was_made_of(video, tmp_path):
    made = extract(video, tmp_path / "frames", name="clip.mp4", suffix="png")
    assert (made.status, made.frames, made.reason) == ("made", 5, "")
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == [
        *(f"frame_{number:05d}.png" for number in range(1, 6)),
        "frames.json",
    ]
    assert np.array_equal(read_frames(tmp_path / "frames").data, read_frames(video, sampling="fps").data)
    said = json.loads((tmp_path / "frames/frames.json").read_text())
    assert (said["fps"], said["total"], said["timestamps"]) == (1.0, 130, [0.48, 1.48, 2.48, 3.48, 4.48])


def test_jpegs_are_close(video, tmp_path):
    extract(video, tmp_path / "frames", name="clip.mp4", fps=2.0)
    read = read_frames(tmp_path / "frames", fps=2.0)
    expected = read_frames(video, sampling="fps", fps=2.0)
    assert np.abs(read.data.astype(int) - expected.data).mean() < 20 and read.total == 10


def test_a_finished_folder_is_kept_and_another_is_not_overwritten(video, tmp_path):
    target = tmp_path / "frames"
    extract(video, target, name="a")
    before = {path: path.stat().st_mtime_ns for path in target.iterdir()}
    assert extract(video, target, name="a").status == "kept"
    other = extract(video, target, name="a", fps=2.0)
    assert other.status == "failed" and "was made with fps=1.0; remove it" in other.reason
    (target / "frames.json").unlink()
    assert "not ours; remove or rename it" in extract(video, target, name="a").reason
    assert {path: path.stat().st_mtime_ns for path in target.iterdir()}.items() <= before.items()


@pytest.mark.parametrize("failure", [InputError("clip.mp4: broken"), KeyboardInterrupt(), OSError("disk full")])
def test_what_fails_leaves_nothing(video, tmp_path, monkeypatch, failure):
    def fail(*arguments, sink, **options):
        sink(0, np.zeros((8, 8, 3), np.uint8))
        raise failure

    monkeypatch.setattr(extraction, "read_frames", fail)
    if isinstance(failure, InputError):
        assert extract(video, tmp_path / "frames", name="clip.mp4").reason == "broken"
    else:
        with pytest.raises(type(failure)):
            extract(video, tmp_path / "frames", name="clip.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_frames_of_a_reading_that_did_not_count_are_removed(video, tmp_path, monkeypatch):
    def twice(*arguments, sink, **options):
        for place in range(9):
            sink(place, np.full((8, 8, 3), 255, np.uint8))
        return read_frames(*arguments, sink=sink, **options)

    monkeypatch.setattr(extraction, "read_frames", twice)
    assert extract(video, tmp_path / "frames", name="clip.mp4").frames == 5
    assert len(list((tmp_path / "frames").glob("*.jpg"))) == 5
    with Image.open(tmp_path / "frames/frame_00001.jpg") as image:
        assert image.size == (96, 64)


def test_what_a_killed_run_left_is_removed(video, tmp_path):
    here = socket.gethostname()
    dead, running = (tmp_path / f".frames.{here}.{process}.tmp" for process in (2**22 - 1, os.getppid()))
    elsewhere = tmp_path / ".frames.elsewhere.1.tmp"
    for folder in (dead, running, elsewhere):
        folder.mkdir()
    extract(video, tmp_path / "frames", name="clip.mp4")
    assert not dead.exists() and running.exists() and elsewhere.exists()


def test_videos_are_found_in_folders_and_named_apart(tmp_path):
    for name in ("b/clip.mp4", "b/clip.webm", "a.MOV", ".hidden/c.mp4", "b/.d.mp4", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in find_videos(tmp_path)]
    assert found == ["a.MOV", "b/clip.mp4", "b/clip.webm"]
    assert folder_names(found) == {"a.MOV": "a", "b/clip.mp4": "b/clip.mp4", "b/clip.webm": "b/clip.webm"}
    with pytest.raises(InputError, match="no such folder"):
        find_videos(tmp_path / "none")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match="no video in it; known suffixes: .mp4"):
        find_videos(tmp_path / "nothing")
