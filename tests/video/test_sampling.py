"""The index functions, against golden tables, the paper's code and FFmpeg's own filter."""

import io

import numpy as np
import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.video.sampling import choose_frames, fps, mid_segment, uniform
from tests.video.clips import encode

MID_SEGMENT = {
    (1, 24): [0],
    (2, 1): [0],
    (7, 3): [1, 3, 5],
    (11, 4): [1, 3, 6, 9],
    (24, 24): list(range(24)),
    (25, 24): list(range(24)),
    (30, 24): [0, 1, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 15, 16, 17, 18, 20, 21, 22, 23, 24, 26, 27, 28],
    (150, 24): [3, 9, 15, 22, 28, 34, 40, 46, 53, 59, 65, 71, 77, 84, 90, 96, 102, 109, 115, 121, 127, 133, 140, 146],
    (1691, 8): [105, 316, 528, 739, 950, 1162, 1373, 1584],
}
UNIFORM = {(1, 4): [0], (2, 1): [0], (7, 3): [0, 3, 6], (11, 4): [0, 3, 7, 10], (150, 4): [0, 50, 99, 149]}
FPS = [
    ([0, 0.04, 0.5, 1.1, 5.0, 5.2], 5.4, 1.0, [1, 3, 3, 3, 3]),  # frames of very different length
    (np.arange(130) / 25, 5.2, 1.0, [12, 37, 62, 87, 112]),
    (np.arange(10) / 25, 0.4, 25.0, list(range(10))),
    (np.arange(5) / 10, 0.5, 30.0, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]),  # more than there are
    (np.arange(3) / 30, 0.1, 1.0, [2]),  # shorter than half a tick
    (7 + np.arange(130) / 25, 12.2, 1.0, [12, 37, 62, 87, 112]),  # a clip that does not start at 0
]


@pytest.mark.parametrize(("given", "expected"), MID_SEGMENT.items())
def test_mid_segment(given, expected):
    assert mid_segment(*given) == expected


@pytest.mark.parametrize("total", [24, 25, 49, 150, 151, 1000, 1691])
def test_mid_segment_is_the_paper_s_rule(total):
    """Its code, which rounds as NumPy does: half to even."""
    wanted, step = 24, (total - 1) / 24
    expected = [(int(np.round(step * i)) + int(np.round(step * (i + 1)))) // 2 for i in range(wanted)]
    assert mid_segment(total, wanted) == (expected if total > wanted else list(range(total)))


@pytest.mark.parametrize(("given", "expected"), UNIFORM.items())
def test_uniform(given, expected):
    assert uniform(*given) == expected


@pytest.mark.parametrize(("times", "end", "rate", "expected"), FPS)
def test_fps(times, end, rate, expected):
    assert fps(times, end, rate=rate) == expected


def test_fps_with_a_ceiling_takes_the_middles():
    times = np.arange(300) / 30
    assert fps(times, 10.0, max_frames=4) == [fps(times, 10.0)[index] for index in mid_segment(10, 4)]


@pytest.mark.parametrize("rate", ["1", "2", "7", "60", "1/3"])
@pytest.mark.parametrize("gaps", [False, True])
def test_fps_is_ffmpeg_s_filter(rate, gaps):
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(encode("mp4", "libx264", frames=90, gaps=gaps))) as container:
        stream = container.streams.video[0]
        graph = av.filter.Graph()
        nodes = graph.add_buffer(template=stream), graph.add("fps", f"fps={rate}"), graph.add("buffersink")
        graph.link_nodes(*nodes).configure()
        numbers, times, taken = {}, [], []
        for frame in [*container.decode(stream), None]:
            if frame is not None:
                numbers[bytes(frame.planes[0])] = len(times)
                times.append(frame.time)
                end = frame.time + float(frame.duration * frame.time_base)
            nodes[0].push(frame)
            while True:
                try:
                    taken.append(numbers[bytes(nodes[2].pull().planes[0])])
                except (av.BlockingIOError, av.EOFError):
                    break
    over, _, under = rate.partition("/")
    assert len(numbers) == 90 and len(taken) >= 1
    assert fps(times, end, rate=float(over) / float(under or 1)) == taken


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mid_segment(0, 4), "4 of 0 frames"),
        (lambda: uniform(4, 0), "0 of 4 frames"),
        (lambda: fps([0.0], 1.0, rate=0), "fps=0: give a number above 0"),
        (lambda: fps([0.0], 1.0, rate=float("nan")), "fps=nan"),
        (lambda: choose_frames([0.0], 1.0, sampling="random", num_frames=1), "known: fps, mid_segment, uniform"),
    ],
)
def test_what_cannot_be_sampled_is_said(call, message):
    with pytest.raises(InputError, match=message):
        call()


SECOND_OF_A_MINUTE = [frame / 20 for frame in range(20)] + [1.0, 20.0, 40.0, 50.0]


def test_a_rate_that_varies_is_sampled_in_time():
    """Twenty of the twenty-four frames are of the first of sixty seconds."""
    taken = choose_frames(SECOND_OF_A_MINUTE, 60.0, sampling="mid_segment", num_frames=12)
    assert taken == [20, 20, 20, 20, 21, 21, 21, 21, 22, 22, 23, 23]
    assert choose_frames(SECOND_OF_A_MINUTE, 60.0, sampling="uniform", num_frames=4) == [0, 20, 21, 23]
    # no fewer than there are: all of them
    assert choose_frames(SECOND_OF_A_MINUTE, 60.0, sampling="mid_segment", num_frames=24) == list(range(24))


@pytest.mark.parametrize("wanted", [1, 5, 24])
@pytest.mark.parametrize("total", [30, 150, 1691])
def test_a_constant_rate_is_sampled_as_in_the_paper(wanted, total):
    for times in (np.arange(total) / 29.97, np.round(np.arange(total) / 29.97, 3), 7 + np.arange(total) / 5):
        assert choose_frames(times, times[-1] + 0.01, sampling="mid_segment", num_frames=wanted) == mid_segment(
            total, wanted
        )
    dropped = np.delete(np.arange(total + 1), total // 2) / 29.97
    assert choose_frames(dropped, dropped[-1], sampling="mid_segment", num_frames=wanted) == mid_segment(total, wanted)
