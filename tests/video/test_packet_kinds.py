"""Codecs of which no header is read: each that is named decodes from any place that its packets promise."""

import numpy as np
import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.video import packet_index, reading
from t2vid_hf.video.bitstream import DISPOSABLE, SHOWN, START, UNREADABLE
from t2vid_hf.video.decoding import ClipInput, open_clip, scan
from t2vid_hf.video.limits import Limits
from t2vid_hf.video.packet_index import PacketIndex
from t2vid_hf.video.packet_kinds import ALONE, BY_KEY_FRAMES
from t2vid_hf.video.picture_headers import READERS, cineform, flash_screen, h263
from t2vid_hf.video.reading import read_frames
from t2vid_hf.video.sampling import mid_segment
from t2vid_hf.video.start_codes import mpeg_2, mpeg_4
from tests.video.clips import encode, full_decode, remux

# What a codec takes that does not take 4:2:0 of any size in AVI
PIXELS = {
    "amv": "yuvj420p", "avrp": "gbrp10le", "cfhd": "yuv422p10le", "cljr": "yuv411p", "dnxhd": "yuv422p",
    "dpx": "rgb24", "dxv": "rgba", "exr": "gbrpf32le", "flashsv": "bgr24", "flv": "yuv420p", "huffyuv": "yuv422p",
    "jpeg2000": "rgb24", "jpegls": "rgb24", "mjpeg": "yuvj420p", "png": "rgb24", "prores": "yuv422p10le",
    "r10k": "gbrp10le", "r210": "gbrp10le", "sgi": "rgb24", "svq1": "yuv410p", "targa": "bgr24", "tiff": "rgb24",
    "v210": "yuv422p10le", "y41p": "yuv411p", "zlib": "bgr24", "zmbv": "bgr0",
}  # fmt: skip
SIZES = {"dvvideo": (720, 576), "dnxhd": (1280, 720), "h263": (176, 144)}
IN_MOV = frozenset(
    ("avrp", "cfhd", "dnxhd", "dpx", "dvvideo", "dxv", "exr", "h263", "jpeg2000", "magicyuv", "mjpeg", "msmpeg4", "png",
     "prores", "r10k", "r210", "sgi", "svq1", "targa", "tiff", "v210", "y41p", "yuv4")
)  # fmt: skip


def clip_of(codec: str) -> bytes:
    options = {"g": "6"} if codec in BY_KEY_FRAMES or codec in READERS else {}
    if codec == "dnxhd":
        options["b"] = "60M"
    container = "mov" if codec in IN_MOV else "avi"
    return encode(
        container, codec, frames=24, pixels=PIXELS.get(codec, "yuv420p"), size=SIZES.get(codec, (96, 64)), **options
    )


@pytest.mark.parametrize("codec", sorted(ALONE | BY_KEY_FRAMES | READERS.keys()))
def test_every_codec_that_is_named(codec, monkeypatch):
    """Each frame alone, so that each packet is tried as the first; and without a full decode."""
    monkeypatch.setattr(reading, "_read_in_full", lambda *_: pytest.fail("decoded in full"))
    clip = clip_of(codec)
    frames, times = full_decode(clip)
    assert len(frames) == 24
    for count in (1, 2, 3, 5, 7, 24):
        read, taken = read_frames(clip, count), mid_segment(24, count)
        assert (read.total, read.timestamps.tolist()) == (24, [times[index] for index in taken])
        assert np.array_equal(read.data, np.stack([frames[index] for index in taken]))


def test_what_the_index_lists_is_what_the_packets_say(monkeypatch):
    for clip in (clip_of("mjpeg"), clip_of("prores"), clip_of("huffyuv")):
        listed, held = scanned(clip)
        assert isinstance(held, PacketIndex)
        monkeypatch.setattr("t2vid_hf.video.decoding.read_index", lambda *_: None)
        read, packets = scanned(clip)
        monkeypatch.undo()
        assert isinstance(packets, list) and held.sizes.tolist() == [packet.size for packet in packets]
        assert (listed.times, listed.flags, listed.duration) == (read.times, read.flags, read.duration)


def scanned(clip: bytes):
    source = ClipInput(clip, "clip", Limits())
    with open_clip(source, quick=True) as (container, stream):
        return scan(container, stream, source)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("held", [2**25, 0])
def test_more_bytes_than_are_held_and_threads_change_nothing(threads, held, monkeypatch):
    clip = clip_of("mjpeg")
    expected = read_frames(clip, 7).data
    monkeypatch.setattr("t2vid_hf.video.segments.HELD_BYTES", held)
    monkeypatch.setattr(reading, "_read_in_full", lambda *_: pytest.fail("decoded in full"))
    assert np.array_equal(read_frames(clip, 7, threads=threads).data, expected)


def test_an_index_that_leads_elsewhere_is_not_believed(monkeypatch):
    clip, noted, slow = clip_of("mjpeg"), [], reading._read_in_full
    expected = read_frames(clip, 5).data
    monkeypatch.setattr(reading, "_read_in_full", lambda *given: noted.append(1) or slow(*given))
    fetch, asked = PacketIndex.fetch, []

    def astray(index, positions):
        asked.append(positions)
        return fetch(index, positions) if len(asked) == 1 else None  # the last packet, then those that are wanted

    monkeypatch.setattr(packet_index.PacketIndex, "fetch", astray)
    assert np.array_equal(read_frames(clip, 5).data, expected) and noted


def test_an_edit_list_hides_frames_of_an_index():
    clip = remux(clip_of("mjpeg"), "mov", shift=5, avoid_negative_ts="disabled")
    frames, _ = full_decode(clip)
    read = read_frames(clip, 6)
    assert read.total == len(frames)
    assert np.array_equal(read.data, np.stack([frames[index] for index in mid_segment(len(frames), 6)]))


def test_the_limit_of_frames_holds_for_an_index():
    with pytest.raises(InputError, match="24 frames, and at most 10"):
        read_frames(clip_of("mjpeg"), 2, limits=Limits(max_frames=10))


def test_a_start_needs_the_headers_of_the_first_packet():
    """A decoder keeps what earlier headers said: where they differ, decoding from there is not what a full one is."""
    picture = b"\0\0\1\xb6\x10" + 40 * b"\xff"
    read = mpeg_4(b"")
    assert [read(header + picture) & START for header in (b"a", b"a", b"b", b"")] == [START, START, 0, 0]
    picture = b"\0\0\1\0\x00\x08\xff\xf8"
    read = mpeg_2(b"")
    assert [read(header + picture) & START for header in (b"a", b"a", b"b")] == [START, START, 0]


def test_pictures_that_are_not_frames_are_not_read():
    i_picture = b"\0\0\1\0\x00\x08\xff\xf8"
    top, bottom = (b"\0\0\1\xb5\x8f\xff" + bytes([0xF0 | structure]) + b"\xff" for structure in (1, 2))
    assert mpeg_2(b"")(i_picture + top + i_picture + bottom) & SHOWN
    assert mpeg_2(b"")(i_picture + top) == UNREADABLE  # a field alone
    assert mpeg_2(b"")(i_picture + i_picture) == UNREADABLE  # two frames
    b_picture = b"\0\0\1\xb6\x90" + 40 * b"\xff"
    assert mpeg_4(b"")(b_picture) == SHOWN | DISPOSABLE
    assert mpeg_4(b"")(b_picture + b_picture) == UNREADABLE  # a packed bitstream
    assert mpeg_4(b"")(b_picture[:12]) == UNREADABLE  # a picture that was left out


def test_key_frames_that_a_container_invents_are_not_believed():
    """AVI calls every packet of the extended H.263 a key frame."""
    clip = encode("avi", "h263p", frames=24, g="6", size=(176, 144))
    packets, held = scanned(clip)
    assert all(packet.is_keyframe for packet in held)
    starts = [number for number, flag in enumerate(packets.flags) if flag & START]
    assert starts[:3] == [0, 6, 12] and len(starts) < 8


def test_what_is_rare_is_not_read():
    plain, extended = b"\0\0\x80\2\x08" + bytes(8), b"\0\0\x80\2\x1c\x80" + bytes(8)
    read = h263(176, 144)
    assert [read(data) for data in (plain, extended, plain)] == [SHOWN | START, SHOWN, SHOWN | START]
    assert read(b"\0\0\x84" + plain[3:]) == UNREADABLE == read(b"")
    group = b"\0\1\0\2" + bytes(40)  # CineForm's pictures that refer to each other
    assert cineform(64, 64)(group) == UNREADABLE == cineform(64, 64)(b"")
    header = b"\x10\x40\x10\x20"  # 64 x 32 in blocks of 32: two
    read = flash_screen(64, 32)
    assert read(header + b"\0\1a\0\1b") == SHOWN | START
    assert read(header + b"\0\1a\0\0") == SHOWN
    assert read(header + b"\0\1a") == UNREADABLE == read(header + b"\0\1a\0\1bc")
