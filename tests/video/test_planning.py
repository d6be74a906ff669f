"""What packets say of themselves, and which of them the wanted frames need."""

from array import array

import numpy as np
import pytest

from t2vid_hf.video.bitstream import DISPOSABLE, LAYER, PARAMETERS, SHOWN, START, UNREADABLE, reader
from t2vid_hf.video.decoding import ClipInput, open_clip, scan
from t2vid_hf.video.limits import Limits
from t2vid_hf.video.planning import DecodePlan, Packets, plan_decoding, predict_timeline
from t2vid_hf.video.segments import divide_work
from tests.video.clips import encode

KEY, REFERENCE, LOOSE, HIDDEN = SHOWN | START, SHOWN, SHOWN | DISPOSABLE, 0


def packets(*entries: tuple[int, int]) -> Packets:
    return Packets(array("q", [time for time, _ in entries]), bytearray(flag for _, flag in entries))


def fed(stream: Packets, *positions: int) -> list[int]:
    return [position for position, each in enumerate(plan_decoding(stream, positions).fed) if each]


CLOSED = packets((0, KEY), (3, REFERENCE), (1, LOOSE), (2, LOOSE), (4, KEY), (6, REFERENCE), (5, LOOSE), (7, REFERENCE))
# as HEVC's CRA: frame 3 follows the second start and is shown before it
OPEN = packets((0, KEY), (1, REFERENCE), (2, LOOSE), (4, KEY), (3, REFERENCE), (5, REFERENCE))


def test_references_are_fed_and_loose_frames_only_where_they_are_wanted():
    assert fed(CLOSED, 2) == [0, 1, 2]
    assert fed(CLOSED, 1) == [0, 1]
    assert fed(CLOSED, 7) == [4, 5, 7]
    assert fed(CLOSED, 3, 6) == [0, 1, 3, 4, 5, 6]


def test_a_frame_shown_before_its_start_needs_what_lies_before_that():
    assert fed(OPEN, 5) == [3, 5]
    assert fed(OPEN, 4) == [0, 1, 3, 4]


def test_segments_decode_by_themselves():
    assert plan_decoding(CLOSED, [0, 6]).segments == [(0, 4), (4, 7)]
    assert plan_decoding(CLOSED, [7]).segments == [(4, 8)]
    assert plan_decoding(OPEN, [1, 5]).segments == [(0, 3), (3, 6)]
    assert plan_decoding(OPEN, [4]).segments == [(0, 5)]  # 4 needs both


def test_frames_are_expected_in_the_order_shown():
    needs = plan_decoding(CLOSED, [3, 6])
    assert [needs.expected_times(*segment) for segment in needs.segments] == [[0, 2, 3], [4, 5, 6]]


def test_hidden_packets_are_fed_and_give_no_frame():
    stream = packets((0, KEY), (1, HIDDEN), (1, REFERENCE), (2, REFERENCE))
    assert predict_timeline(stream).positions.tolist() == [0, 2, 3]
    assert fed(stream, 3) == [0, 1, 2, 3] and plan_decoding(stream, [3]).expected_times(0, 4) == [0, 1, 2]


def test_only_the_top_layer_s_loose_frames_are_loose():
    upper = 1 << LAYER
    stream = packets((0, KEY), (2, LOOSE), (1, LOOSE | upper), (3, REFERENCE))
    assert fed(stream, 3) == [0, 1, 3]


def test_parameters_in_a_packet_make_it_needed():
    stream = packets((0, KEY | PARAMETERS), (1, REFERENCE), (2, KEY), (3, REFERENCE))
    assert fed(stream, 3) == [0, 1, 2, 3]  # the second start may need parameters that came before it


def test_work_is_divided_by_segments_first():
    def divided(*lengths: int, threads: int = 4, pixels: int = 10**6) -> tuple[int, int]:
        ends = np.cumsum(lengths).tolist()
        needs = DecodePlan(np.ones(ends[-1], bool), list(zip([0, *ends], ends, strict=False)), np.arange(ends[-1]))
        return divide_work(needs, np.ones(ends[-1]), asked=threads, pixels=pixels)

    assert divided(9, 9, 9, 9, 9, 9, 9, 9) == (4, 1)
    assert divided(9, 9, 9, 9) == (4, 1)
    assert divided(36) == (1, 5)
    assert divided(30, 6) == (2, 3)  # one is far longer: its frames are divided too
    assert divided(9, 9, threads=1) == (1, 1)
    assert divided(3, 3, threads=0, pixels=100) == (1, 1)  # too little to start threads for


@pytest.mark.parametrize(
    "stream",
    [
        packets(),
        packets((0, REFERENCE), (1, KEY)),  # does not begin with a start
        packets((1, KEY), (0, REFERENCE)),  # shown before the first packet
        packets((0, KEY), (1, REFERENCE), (1, REFERENCE)),  # two at a time
        packets((0, KEY), (1, UNREADABLE)),
    ],
)
def test_what_cannot_be_predicted_is_not(stream):
    assert predict_timeline(stream) is None


# how many packets of each kind: counted with an independent walk over the units
COUNTS = {
    "mdn/bug_video_640.mp4": ("h264", 203, 1, 101),
    "mdn/flower.mp4": ("h264", 150, 2, 68),
    "mdn/rabbit320.mp4": ("h264", 234, 2, 0),
    "torchcodec/h265_10bits.mp4": ("hevc", 30, 1, 17),
    "torchcodec/h265_video.mp4": ("hevc", 10, 5, 3),
    "mdn/flower.webm": ("vp8", 150, 2, 0),
    "torchcodec/av1_video.mkv": ("av1", 125, 1, 0),
}


@pytest.mark.parametrize("name", COUNTS)
def test_the_kinds_of_packets_in_real_clips(shared, name):
    _, total, starts, loose = COUNTS[name]
    source = ClipInput(shared / "data/videos" / name, name, Limits())
    with open_clip(source, quick=True) as (container, stream):
        flags = scan(container, stream, source)[0].flags
    assert len(flags) == total and all(flag & SHOWN for flag in flags)
    assert sum(flag & START != 0 for flag in flags) == starts
    assert sum(flag & DISPOSABLE != 0 for flag in flags) == loose


def test_vp9_packets():
    source = ClipInput(encode("webm", "libvpx-vp9", g="15", cpu_used="8", lag_in_frames="16"), "clip", Limits())
    with open_clip(source, quick=True) as (container, stream):
        flags = scan(container, stream, source)[0].flags
    assert [number for number, flag in enumerate(flags) if flag & START] == [0, 15, 30, 45]
    assert sum(flag & SHOWN for flag in flags) == 60


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        ("hevc", b"\0\0\1\x40\1\2\3\4"),
        ("vp9", b"\0"),
        ("hevc", b"\0\0\1\x02\x09\2\3\4"),
        ("av1", b"\x12\0"),
        ("av1", b""),
    ],
)
def test_packets_without_a_picture_or_of_another_layer_are_not_read(codec, data):
    assert reader(codec, b"")(data) == UNREADABLE


def test_a_codec_without_a_reader_gets_no_shortcut():
    assert reader("mpeg4", b"") is None
