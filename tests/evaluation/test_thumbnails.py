"""Small pictures of what was fed: which frames, how large, and a file that is read back."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.clips.shapes import make_clip, write_clip
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.fed_media import feed_videos
from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.thumbnails import read_sheets, sheet_of, write_sheets
from t2vid_hf.video.reading import read_frames


def opened(sheet):
    return Image.open(io.BytesIO(base64.b64decode(sheet.picture)))


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 48, 64, 3), (160, 120)),
        ((3, 90, 160, 3), (484, 90)),
        ((24, 90, 160, 3), (646, 182)),
        ((6, 160, 90, 3), (366, 322)),
        ((2, 1, 4000, 3), (322, 1)),
        ((1, 48, 64), (160, 120)),
    ],
)
def test_the_sheet_has_the_frames_form(shape, size):
    sheet = sheet_of(np.zeros(shape, np.uint8), range(len(np.zeros(shape[0]))))
    assert opened(sheet).size == size and sheet.fed == shape[0]
    assert sheet.seconds[0] == 0 and sheet.seconds[-1] == shape[0] - 1 and len(sheet.seconds) == min(8, shape[0])


def test_what_is_on_it_is_what_was_fed(tmp_path):
    clip = tmp_path / "a.mp4"
    write_clip(make_clip(0), clip)
    fed = read_frames(clip, 5)
    sheet = sheet_of(fed.data, fed.timing.seconds)
    assert sheet.seconds == fed.timing.seconds
    shown = np.asarray(opened(sheet).convert("RGB"), int)
    for number, frame in enumerate(fed.data):
        row, column = divmod(number, 4)
        cell = shown[row * 162 : row * 162 + 160, column * 162 : column * 162 + 160]
        small = np.asarray(Image.fromarray(frame).resize((160, 160), Image.Resampling.BOX), int)
        assert np.abs(cell - small).mean() < 4


def row(video, **more):
    return {"videos": [] if video is None else [{"bytes": video, "path": "a.mp4"}], "images": [], **more}


def test_rows_that_hold_their_video(tmp_path):
    clip = tmp_path / "a.mp4"
    write_clip(make_clip(0), clip)
    rows = [row(clip.read_bytes()), row(clip.read_bytes()), row(clip.read_bytes(), take_frames=2), row(None)]
    items = [Item(str(n), each, "?", ("a", "b"), "A", "g", "a") for n, each in enumerate(rows)]
    fed = feed_videos(items, VideoPolicy("as_frames", num_frames=4))
    assert {name: len(each.seconds) for name, each in fed.items()} == {"0": 4, "1": 4, "2": 2}
    assert fed["0"] is fed["1"]  # decoded once


def test_the_file_is_read_back(tmp_path):
    one, two = (sheet_of(np.full((2, 8, 8, 3), value, np.uint8), (0.0, 0.5)) for value in (0, 255))
    path = tmp_path / "frames.jsonl"
    write_sheets(path, {"a": {"1": one, "2": one, "3": two}, "b": {"1": two}})
    assert len(path.read_text().splitlines()) == 2
    assert read_sheets(path, "a") == {"1": one, "2": one, "3": two} and read_sheets(path, "b") == {"1": two}
    assert read_sheets(path, None) == {}  # of two models: whose?
    write_sheets(path, {"a": {"1": one}})
    assert read_sheets(path, None) == {"1": one}
    assert read_sheets(tmp_path / "none", "a") == {}
    for text in ("{", '{"questions": {"a": ["1"]}}', "[]", '{"questions": 1, "picture": "", "seconds": [], "fed": 1}'):
        path.write_text(text + "\n")
        with pytest.raises(InputError, match="no file of frames that `t2vid evaluate` wrote"):
            read_sheets(path, "a")
