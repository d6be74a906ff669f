"""Rows of one key are about the same media, taken in the same way."""

import pytest

from t2vid_hf.batches.media_key import media_key
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.schema import conversation, media_block
from tests.conftest import page

POLICY = VideoPolicy("as_frames", num_frames=8)
FILE = {"bytes": None, "path": "a.mp4"}
ROW = {
    "id": "a", "media": "video", "images": [], "videos": [FILE],
    "messages": conversation([media_block("video")], "Why?", "So."),
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"id": "b"},
        {"messages": conversation([media_block("video")], "Who?", "He.")},
        {"take_frames": 8},
        {"videos": [dict(FILE)]},
    ],
)
def test_the_same(change):
    assert media_key(ROW, POLICY) == media_key({**ROW, **change}, POLICY)


@pytest.mark.parametrize(
    "change",
    [
        {"videos": [{"bytes": None, "path": "b.mp4"}]},
        {"videos": [{"bytes": b"a", "path": "a.mp4"}]},
        {"videos": [FILE, FILE]},
        {"take_frames": 7},
        {"take_video": "native"},
        {"media": "image_sequence"},
        {"images": [page(0)]},
        {"messages": conversation([media_block("image"), media_block("video")], "Why?", "So.")},
    ],
)
def test_another(change):
    assert media_key(ROW, POLICY) != media_key({**ROW, **change}, POLICY)


def test_bytes_and_pictures_are_told_by_what_is_in_them():
    named = [{**ROW, "videos": [{"bytes": b"clip", "path": path}]} for path in ("a.mp4", None)]
    assert media_key(named[0], POLICY) == media_key(named[1], POLICY)
    pages = [media_key({**ROW, "videos": [], "images": [page(grey)]}, POLICY) for grey in (0, 0, 90)]
    assert pages[0] == pages[1] != pages[2]


def test_a_damaged_picture_is_told_by_whoever_reads_it():
    import io

    from PIL import Image

    file = io.BytesIO()
    page(0).save(file, "PNG")
    cut = [Image.open(io.BytesIO(file.getvalue()[:60])) for _ in range(2)]
    first, second = (media_key({**ROW, "videos": [], "images": [image]}, POLICY) for image in cut)
    assert first != second


def test_nothing_is_shown():
    assert media_key({**ROW, "videos": [], "images": None}, POLICY) is None
