"""Files that were cut off say so, at whatever byte, and whole ones do not."""

import io
import json

import numpy as np
import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.video.counting import count_frames
from t2vid_hf.video.extraction import extract
from t2vid_hf.video.probing import probe
from t2vid_hf.video.reading import VIDEO_SUFFIXES, read_frames
from t2vid_hf.video.truncation import missing_bytes
from tests.video.clips import encode, full_decode, remux

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
CLIPS = {
    "mkv": lambda: encode("matroska", "libx264", g="12", bf="0"),
    "mkv decoded in full": lambda: encode("matroska", "mpeg4"),
    "webm": lambda: encode("webm", "libvpx", g="15", cpu_used="8"),
    "avi": lambda: encode("avi", "mpeg4", g="12"),
    "avi planned": lambda: encode("avi", "mjpeg", pixels="yuvj420p"),
    "fragments": lambda: remux(encode("mp4", "libx264", g="12", bf="0"), **FRAGMENTS),
}


def ends_of_packets(clip: bytes) -> list[int]:
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(clip)) as container:
        return [packet.pos + packet.size for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_cut_between_two_frames_is_damaged(name, tmp_path):
    clip = CLIPS[name]()
    frames, _ = full_decode(clip)
    cut = clip[: ends_of_packets(clip)[27]]
    for read in (lambda: read_frames(cut, 5), lambda: read_frames(cut, 1), lambda: count_frames(cut)):
        with pytest.raises(InputError, match=r"Cut off.*: the file lacks [0-9,]+ bytes after 2[6-8] frames; .*'keep'"):
            read()
    kept = read_frames(cut, on_damage="keep")
    assert kept.damaged.startswith("Cut off") and 26 <= kept.total <= 28
    assert np.array_equal(kept.data, np.stack(frames[: kept.total]))
    assert kept.lost == (60 - kept.total if name != "fragments" else 0)  # nothing in their header counts frames
    assert probe(cut, 5).timing == read_frames(cut, 5, on_damage="keep").timing
    (tmp_path / "a.mkv").write_bytes(cut)
    assert missing_bytes(tmp_path / "a.mkv") == missing_bytes(cut) > 0
    failed = extract(tmp_path / "a.mkv", tmp_path / "frames", name="a", fps=5.0)
    assert failed.status == "failed" and failed.reason.startswith("Cut off")
    made = extract(tmp_path / "a.mkv", tmp_path / "frames", name="a", fps=5.0, on_damage="keep")
    assert (made.status, made.reason) == ("made", f"{kept.damaged}; {kept.lost} frames lost")
    assert json.loads((tmp_path / "frames/frames.json").read_text())["damaged"] == kept.damaged


def test_an_mkv_without_its_last_frame_is_damaged():
    clip = CLIPS["mkv"]()
    kept = read_frames(clip[: ends_of_packets(clip)[-1] - 40], 5, on_damage="keep")
    assert (kept.total, kept.lost) == (59, 1) and kept.damaged.startswith("Cut off at 2.4 of 2.4 seconds")


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.97])
def test_an_mkv_cut_anywhere_is_damaged(share):
    clip = CLIPS["mkv"]()
    with pytest.raises(InputError, match="after [0-9]+ frames"):
        read_frames(clip[: int(len(clip) * share)], 5)


def test_an_mkv_says_until_when():
    clip = CLIPS["mkv"]()
    kept = read_frames(clip[: ends_of_packets(clip)[24]], on_damage="keep")
    assert kept.damaged.startswith("Cut off at 1.0 of 2.4 seconds: the file lacks ")
    assert (kept.total, kept.lost) == (24, 36)  # the last block is cut: its position counts from its data


@pytest.mark.parametrize("name", CLIPS)
def test_a_whole_clip_lacks_nothing(name, tmp_path):
    clip = CLIPS[name]()
    assert missing_bytes(clip) == 0 and read_frames(clip, 5).damaged is None
    (tmp_path / "a").write_bytes(clip + b"what follows is no part of it")
    assert missing_bytes(tmp_path / "a") == 0 and missing_bytes(clip[:-5]) == (
        5 if name != "fragments" else 0
    )  # an index


@pytest.mark.parametrize("name", ["mkv", "avi"])
def test_without_the_index_behind_the_frames_a_clip_is_whole(name):
    clip = CLIPS[name]()
    last = ends_of_packets(clip)[-1]
    assert last < len(clip) - 40
    kept = read_frames(clip[: last + 20], 5)
    assert missing_bytes(clip[: last + 20]) > 0
    assert (kept.total, kept.damaged) == (60, None)


def test_a_live_recording_promises_nothing():
    live = remux(CLIPS["mkv"](), "matroska", live="1")
    assert missing_bytes(live) == missing_bytes(live[:-900]) == 0
    assert read_frames(live[: ends_of_packets(live)[27]], 5).total in (27, 28)


@pytest.mark.parametrize("head", [b"", b"\x1a\x45", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\x00" + bytes(20)])
@pytest.mark.parametrize("rest", [b"", bytes(9), b"\xff" * 40])
def test_rubbish_promises_nothing(head, rest):
    assert missing_bytes(head + rest) == 0
    assert missing_bytes(b"RIFF" + bytes(4) + b"AVI " + rest) == 0
    assert missing_bytes(bytes(4) + b"ftyp" + rest) == 0


def test_no_real_video_is_taken_for_cut_off(shared):
    files = [path for path in (shared / "data").rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES]
    assert files and all(missing_bytes(path) == 0 for path in files)
