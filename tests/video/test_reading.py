"""Frames of real and broken videos."""

import json

import numpy as np
import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.video.measured import measured_questions
from t2vid_hf.video.reading import Frames, read_frames
from t2vid_hf.video.sampling import mid_segment, uniform
from t2vid_hf.video.shapes import make_clip, render_clip


def test_a_generated_clip_reads_back(clip_file):
    frames, drawn = read_frames(clip_file, 16), render_clip(make_clip(0))
    assert frames.total == 16
    assert frames.timestamps.tolist() == [index / 8 for index in range(16)]
    assert np.abs(frames.data.astype(int) - drawn).mean() < 4


def test_bytes_and_path_give_the_same_frames(clip_file):
    assert np.array_equal(read_frames(clip_file, 5).data, read_frames(clip_file.read_bytes(), 5).data)


@pytest.mark.parametrize("total", [1, 2, 7, 23, 24, 25, 150, 1691])
def test_mid_segment_is_the_paper_s_rule(total):
    wanted = 24
    step = (total - 1) / wanted
    expected = [(int(np.round(step * i)) + int(np.round(step * (i + 1)))) // 2 for i in range(wanted)]
    assert mid_segment(total, wanted) == (expected if total > wanted else list(range(total)))


def test_uniform_holds_both_ends():
    assert uniform(10, 3) == [0, 4, 9]


def test_every_real_video_decodes_to_its_declared_number_of_frames(shared):
    report = json.loads((shared / "data/videos/decode_report.json").read_text())
    checked = 0
    for entry in report:
        path = shared / "data/videos" / entry["file"]
        # nasa_13013.mp4 has two video streams; which one is read is settled with the exact reader.
        if entry["error"] or not path.exists() or path.name == "nasa_13013.mp4":
            continue
        frames = read_frames(path, 2)
        assert frames.total == entry["decoded"], path
        size = (entry["h"], entry["w"]) if entry["rotation"] in (0, 180, -180) else (entry["w"], entry["h"])
        assert frames.data.shape[1:3] == size, path
        checked += 1
    assert checked >= 20


def test_broken_videos(tmp_path, shared):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video at all")
    for path, message in (
        (tmp_path / "none.mp4", "no such file"),
        (tmp_path / "empty.mp4", "the file is empty"),
        (tmp_path / "text.mp4", "after 0 frames"),
        (shared / "data/videos/decord/corrupted.mp4", "after 28 frames"),
    ):
        with pytest.raises(InputError, match=message):
            read_frames(path, 4)
    with pytest.raises(InputError, match="0 bytes"):
        read_frames(b"", 4)
    with pytest.raises(InputError, match="unknown sampling 'random'; known: fps, mid_segment, uniform"):
        read_frames(tmp_path / "none.mp4", 4, sampling="random")


def fading(levels: list[int]) -> Frames:
    data = np.stack([np.full((8, 8, 3), level, np.uint8) for level in levels])
    return Frames(data, np.arange(len(levels)) * 1.0, len(levels))


def test_measured_answers_are_true():
    asked = {
        question.kind: question for question in measured_questions(fading([0, 10, 20, 30, 100, 170, 240, 255]), "a")
    }
    assert asked["attribute_change"].answer_text == "it is brighter"
    assert asked["speed"].answer_text == "the second half"
    assert asked["order"].answer_text == "the darkest moment"
    assert asked["duration"].answer_text == "about 7 seconds"


def test_nothing_is_asked_where_nothing_is_clear():
    still = {question.kind for question in measured_questions(fading([100] * 8), "a")}
    assert still == {"attribute_change", "duration"}
    assert measured_questions(fading([0, 255]), "a") == ()
