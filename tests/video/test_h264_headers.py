"""H.264's headers, written bit by bit: which packets are frames, and in which order they are shown."""

import pytest

from t2vid_hf.video.bitstream import DISPOSABLE, PARAMETERS, SHOWN, START, UNREADABLE
from t2vid_hf.video.h264_headers import h264

KEY, REFERRED, LOOSE = 0x65, 0x41, 0x01  # the first byte of a slice


def number(value: int) -> str:
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def unit(head: int, *parts: str) -> bytes:
    bits = "".join(parts) + "1"
    bits += "0" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big")
    for place in range(len(body) - 2, 0, -1):  # no start code may stand in it
        if body[place - 1 : place + 1] == b"\0\0" and body[place + 1] < 4:
            body = body[: place + 1] + b"\3" + body[place + 1 :]
    return b"\0\0\1" + bytes([head]) + body


def parameters(*, interlaced: bool, order: int = 0, profile: int = 77) -> bytes:
    chroma = [number(1), number(0), number(0), "0", "1", "1", number(0) * 16, "0" * 7] if profile == 100 else []
    orders = [number(order), number(0)] if order == 0 else [number(order)]
    sizes = [number(1), "0", number(5), number(3), "0" if interlaced else "1"]
    sequence = unit(0x67, f"{profile:08b}", "0" * 16, number(0), *chroma, number(0), *orders, *sizes)
    return sequence + unit(0x68, number(0), number(0))


def picture(head: int, order: int, *, part: str = "") -> bytes:
    """A slice: `part` is "" for a progressive frame, "0" for a whole one, "10" and "11" for the fields."""
    key = number(0) if head == KEY else ""
    return unit(head, number(0), number(7), number(0), "0000", part, key, f"{order % 16:04b}", "10" * 20)


@pytest.mark.parametrize("profile", [77, 100])
def test_whole_frames_and_both_fields_are_frames_and_a_field_alone_is_not(profile):
    read = h264(parameters(interlaced=True, profile=profile))
    assert read(picture(KEY, 0, part="0")) == SHOWN | START
    assert read(picture(KEY, 0, part="10") + picture(REFERRED, 1, part="11")) == SHOWN | START
    assert read(picture(LOOSE, 2, part="10") + picture(LOOSE, 3, part="11")) == SHOWN | DISPOSABLE
    assert read(picture(REFERRED, 2, part="10") + picture(LOOSE, 3, part="11")) == SHOWN
    assert read(picture(LOOSE, 2, part="10")) == UNREADABLE == read(picture(LOOSE, 3, part="11"))
    assert read(picture(LOOSE, 2, part="0") + picture(LOOSE, 4, part="10")) == UNREADABLE


def test_parameters_may_come_in_packets_and_change():
    read = h264(b"")
    assert read(picture(KEY, 0)) == UNREADABLE
    assert read(parameters(interlaced=False) + picture(KEY, 0)) == SHOWN | START | PARAMETERS
    assert read(picture(LOOSE, 0)[:5]) == SHOWN | DISPOSABLE  # of a progressive clip two bytes are read
    assert read(parameters(interlaced=True) + picture(KEY, 0, part="0")) == SHOWN | START | PARAMETERS
    assert read(picture(LOOSE, 2, part="10")) == UNREADABLE


def test_places_follow_the_count_of_each_picture_past_its_end():
    places: list[tuple[int, int]] = []
    read = h264(parameters(interlaced=False), places)
    for head, order in ((KEY, 0), (REFERRED, 6), (LOOSE, 2), (LOOSE, 4), (REFERRED, 12), (LOOSE, 8), (REFERRED, 18)):
        assert read(picture(head, order)) & SHOWN
    assert read(picture(LOOSE, 14)) & read(picture(KEY, 0)) & SHOWN
    assert places == [(1, 0), (1, 6), (1, 2), (1, 4), (1, 12), (1, 8), (1, 18), (1, 14), (2, 0)]


def test_pictures_may_be_shown_as_they_are_decoded():
    places: list[tuple[int, int]] = []
    read = h264(parameters(interlaced=False, order=2), places)
    for head in (KEY, REFERRED, LOOSE, KEY):
        read(picture(head, 0))
    assert places == sorted(places) and len(set(places)) == 4


@pytest.mark.parametrize(
    "data",
    [b"\0\0\1\x67\1\2\3\4", b"\0\0\1\x75\1\2\3\4", b"", b"\0\0\1\x65\0", parameters(interlaced=False, order=1)],
)
def test_what_is_cut_off_or_of_another_layer_is_not_read(data):
    assert h264(b"")(data) == UNREADABLE
    assert h264(b"\1\x4d\0\x1e\xff\xe1\0\x09\x67")(b"\0\0\0\2\x65\x80") == UNREADABLE
