"""Frames of real, generated and broken videos: bit for bit those of a full decode."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.clips.shapes import make_clip, render_clip
from t2vid_hf.errors import InputError
from t2vid_hf.video import decoding, reading, segments
from t2vid_hf.video.planning import NO_TIME
from t2vid_hf.video.reading import read_frames
from t2vid_hf.video.sampling import fps, mid_segment
from tests.video.clips import encode, full_decode, remux

VIDEOS = Path(__file__).resolve().parents[3] / "shared/data/videos"
NAMES = sorted(path.relative_to(VIDEOS).as_posix() for path in VIDEOS.glob("*/*.*")) or ["absent"]
CORRUPTED = "decord/corrupted.mp4"


@pytest.fixture
def in_full(monkeypatch) -> list[str]:
    """Notes each clip that was decoded in full because its packets' headers did not say enough."""
    noted, slow = [], reading._read_in_full

    def note(source, *arguments):
        noted.append(source.label)
        return slow(source, *arguments)

    monkeypatch.setattr(reading, "_read_in_full", note)
    return noted


def same(video, *, counts=(1, 5, 24), **options) -> int:
    """Compare readings of several lengths with a full decode; gives the number of frames."""
    frames, times = full_decode(video)
    for count in counts:
        read, taken = read_frames(video, count, **options), mid_segment(len(frames), count)
        assert read.total == len(frames)
        assert read.data.dtype == np.uint8 and np.array_equal(read.data, np.stack([frames[index] for index in taken]))
        if None not in times:
            assert read.timestamps.tolist() == [sorted(times)[index] for index in taken]
    return len(frames)


@pytest.mark.parametrize("name", NAMES)
def test_every_real_video(shared, name, in_full):
    """The number of frames, the size and the stream of the report; the frames of a full decode; and without one."""
    report = {entry["file"]: entry for entry in json.loads((shared / "data/videos/decode_report.json").read_text())}
    path, entry = shared / "data/videos" / name, report[name]
    damage = {"on_damage": "keep"} if name == CORRUPTED else {}
    assert same(path, counts=(3, 24), **damage) == entry["decoded"]
    turned = entry["rotation"] in (90, -90)
    size = (entry["w"], entry["h"]) if turned else (entry["h"], entry["w"])
    assert read_frames(path, 1, **damage).data.shape[1:3] == size
    assert bool(in_full) == (name == CORRUPTED)


def test_the_first_of_two_video_streams_is_read(shared):
    frames = read_frames(shared / "data/videos/torchcodec/nasa_13013.mp4", 1)
    assert frames.total == 325 and frames.data.shape == (1, 180, 320, 3)  # the other: 390 frames of 480 x 270


@pytest.mark.parametrize(("threads", "held"), [(1, 2**25), (2, 2**25), (5, 2**25), (2, 0)])
def test_threads_and_a_second_pass_over_the_file_change_nothing(shared, threads, held, monkeypatch, in_full):
    monkeypatch.setattr(decoding, "HELD_BYTES", held)
    for name in ("mdn/friday.mp4", "mdn/rabbit320.mp4", "decord/video_90.mov", "torchcodec/h265_video.mp4"):
        same(shared / "data/videos" / name, counts=(7,), threads=threads)
    assert not in_full


ENCODINGS = {
    "open groups": ("mp4", "libx264", {"g": "12", "x264_params": "open-gop=1:b-pyramid=strict"}),
    "short groups": ("mp4", "libx264", {"g": "5", "bf": "0"}),
    "many references": ("mp4", "libx264", {"g": "250", "bf": "4", "refs": "5"}),
    "slices": ("mp4", "libx264", {"g": "12", "x264_params": "slices=4"}),
    "intra refresh": ("mp4", "libx264", {"g": "12", "x264_params": "intra-refresh=1"}),
    "uneven": ("mp4", "libx264", {"g": "12", "gaps": True}),
    "transport": ("mpegts", "libx264", {"g": "12"}),
    "hevc open": ("mp4", "libx265", {"x265_params": "keyint=12:open-gop=1:log-level=none"}),
    "hevc layers": ("mp4", "libx265", {"x265_params": "keyint=12:temporal-layers=1:bframes=4:log-level=none"}),
    "hevc mkv": ("matroska", "libx265", {"x265_params": "keyint=5:open-gop=0:log-level=none"}),
    "vp9 hidden frames": (
        "webm",
        "libvpx-vp9",
        {"g": "15", "auto_alt_ref": "1", "lag_in_frames": "16", "cpu_used": "8"},
    ),
    "vp8 hidden frames": ("webm", "libvpx", {"g": "15", "auto_alt_ref": "1", "lag_in_frames": "16", "cpu_used": "8"}),
    "pictures": ("mov", "mjpeg", {"pixels": "yuvj420p"}),
    "mpeg-4 in avi": ("avi", "mpeg4", {"g": "12", "bf": "2"}),
    "mpeg-4 in mp4": ("mp4", "mpeg4", {"g": "12", "bf": "2"}),
    "mpeg-4 long groups": ("avi", "mpeg4", {"g": "300"}),
    "mpeg-2 transport": ("mpegts", "mpeg2video", {"g": "12", "bf": "2"}),
    "mpeg-2 programme": ("mpeg", "mpeg2video", {"g": "12", "bf": "2"}),
    "mpeg-2 interlaced": ("mov", "mpeg2video", {"g": "12", "bf": "2", "flags": "+ilme+ildct"}),
    "mpeg-1": ("mpeg", "mpeg1video", {"g": "12", "bf": "2"}),
    "interlaced": ("mp4", "libx264", {"g": "12", "flags": "+ilme+ildct", "x264_params": "tff=1"}),
    "interlaced transport": ("mpegts", "libx264", {"g": "12", "flags": "+ilme+ildct", "x264_params": "bff=1"}),
    "h264 in avi": ("avi", "libx264", {"g": "12"}),
    "pyramid in avi": ("avi", "libx264", {"g": "30", "bf": "4", "x264_params": "b-pyramid=strict"}),
    "long groups in avi": ("avi", "libx264", {"g": "250", "bf": "3", "frames": 90}),
    "no order in avi": ("avi", "libx264", {"g": "12", "bf": "0"}),
    "interlaced in avi": ("avi", "libx264", {"g": "12", "flags": "+ilme+ildct", "x264_params": "tff=1"}),
    "windows media": ("asf", "wmv2", {"g": "12"}),
    "gif": ("gif", "gif", {"pixels": "rgb8", "frames": 30}),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_encodings_that_are_planned(name, in_full):
    container, codec, options = ENCODINGS[name]
    assert same(encode(container, codec, **options), counts=(1, 2, 5, 24, 99)) == options.get("frames", 60)
    assert not in_full


@pytest.mark.parametrize(
    ("container", "codec", "options"),
    [
        ("avi", "msvideo1", {"pixels": "rgb555le"}),  # its packets do not say what they refer to
        ("h264", "libx264", {"g": "12"}),  # packets without times
    ],
)
def test_what_cannot_be_planned_is_decoded_in_full(container, codec, options, in_full):
    assert same(encode(container, codec, **options), counts=(5, 24)) == 60
    assert len(in_full) == 2


@pytest.mark.parametrize("name", ["interlaced", "h264 in avi", "windows media"])
def test_a_plan_decodes_less_than_all_and_nothing_twice(name, in_full, monkeypatch):
    container, codec, options = ENCODINGS[name]
    clip, decoded, decode = encode(container, codec, **options), [], segments._decode_packets

    def note(context, packets):
        return decode(context, (decoded.append(packet) or packet for packet in packets))

    monkeypatch.setattr(segments, "_decode_packets", note)
    read_frames(clip, 5)
    assert len(decoded) == len(set(map(id, decoded))) < 50 and not in_full


def test_h264_in_avi_that_is_read_twice_is_decoded_in_full(in_full, monkeypatch):
    """The second pass over a clip too long to be held would find the times of the container again."""
    monkeypatch.setattr(decoding, "HELD_BYTES", 0)
    assert same(encode("avi", "libx264", g="12"), counts=(5,)) == 60 and len(in_full) == 1


@pytest.mark.parametrize("shift", [1, 5, 13, 30])
def test_frames_that_an_edit_list_hides_are_not_counted(shift, in_full):
    clip = remux(encode("mp4", "libx264", g="12"), shift=shift, avoid_negative_ts="disabled")
    assert same(clip, counts=(1, 5, 24, 99)) == 60 - shift
    assert not in_full


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("wrong", ["count", "time"])
def test_a_wrong_plan_is_noticed(wrong, threads, shared, in_full, monkeypatch):
    """The guard of all of the above can fail: headers that lie are found out, and the result is right all the same."""
    path, planned = shared / "data/videos/mdn/flower.mp4", reading.plan_decoding

    def lie(packets, positions):
        plan = planned(packets, positions)
        third = np.flatnonzero(plan.fed)[2]
        if wrong == "count":
            plan.times[third] = NO_TIME
        else:
            plan.times[third] += 1
        return plan

    monkeypatch.setattr(reading, "plan_decoding", lie)
    same(path, counts=(5,), threads=threads)
    assert len(in_full) == 1


def test_a_generated_clip_reads_back(clip_file):
    frames, drawn = read_frames(clip_file, 16), render_clip(make_clip(0))
    assert frames.total == 16
    assert frames.timestamps.tolist() == [index / 8 for index in range(16)]
    assert np.abs(frames.data.astype(int) - drawn).mean() < 4


def test_bytes_path_and_name_in_a_folder_give_the_same_frames(clip_file):
    expected = read_frames(clip_file, 5).data
    assert np.array_equal(read_frames(clip_file.read_bytes(), 5).data, expected)
    assert np.array_equal(read_frames(clip_file.name, 5, root=clip_file.parent).data, expected)
    assert np.array_equal(read_frames(str(clip_file), 5).data, expected)


def test_fps_sampling(shared):
    path = shared / "data/videos/mdn/flower.webm"
    frames, times = full_decode(path)
    taken = fps(times, times[-1] + 0.034)
    read = read_frames(path, sampling="fps")
    assert len(taken) == 5 and np.array_equal(read.data, np.stack([frames[index] for index in taken]))
    assert np.array_equal(read_frames(path, 2, sampling="fps").data, read.data[mid_segment(5, 2)])
    slow = read_frames(path, sampling="fps", fps=60.0)
    assert len(slow.data) > slow.total and (np.diff(slow.timestamps) == 0).any()  # frames are repeated


def test_all_frames_are_taken_by_default(clip_file):
    assert len(read_frames(clip_file).data) == 16
    assert np.array_equal(read_frames(clip_file, sampling="uniform").data, read_frames(clip_file).data)


def test_a_sink_takes_the_frames_one_by_one(shared):
    for name in ("mdn/rabbit320.mp4", "decord/video_90.mov"):
        path, taken = shared / "data/videos" / name, {}
        kept, handed = read_frames(path, 3), read_frames(path, 3, sink=taken.__setitem__)
        assert np.array_equal(np.stack([taken[place] for place in range(3)]), kept.data) and len(handed.data) == 0
        assert handed.timestamps.tolist() == kept.timestamps.tolist()


def test_a_gif_shows_what_pillow_shows(tmp_path):
    shades = [0, 60, 120, 180, 240]
    images = [Image.new("RGB", (40, 30), (shade, 0, 255 - shade)) for shade in shades]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=200, loop=0)
    frames = read_frames(tmp_path / "a.gif", 5)
    with Image.open(tmp_path / "a.gif") as image:
        for index in range(5):
            image.seek(index)
            assert np.array_equal(frames.data[index], np.asarray(image.convert("RGB")))
    assert frames.timestamps.tolist() == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_damage_is_an_error_that_names_file_frame_and_cause(shared):
    path = shared / "data/videos" / CORRUPTED
    with pytest.raises(InputError, match=r"corrupted\.mp4: Invalid data found .* after 28 frames; .*on_damage='keep'"):
        read_frames(path, 4)
    with pytest.raises(InputError, match="^row 7: Invalid data"):
        read_frames(path.read_bytes(), 4, name="row 7")


def test_damage_can_be_kept_and_is_counted(shared):
    frames = read_frames(shared / "data/videos" / CORRUPTED, 4, on_damage="keep")
    assert (frames.total, frames.lost) == (28, 22) and "Invalid data" in frames.damaged  # 50 packets
    whole = read_frames(shared / "data/videos/mdn/flower.mp4", 4, on_damage="keep")
    assert (whole.damaged, whole.lost) == (None, 0)


def test_frames_after_the_next_key_frame_are_kept(tmp_path):
    clip = bytearray(encode("mp4", "libx264", g="20", bf="0"))
    frames, _ = full_decode(bytes(clip))
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(bytes(clip))) as container:
        broken = [packet for packet in container.demux(video=0) if packet.size][25]
    clip[broken.pos : broken.pos + broken.size] = b"\xff" * broken.size
    with pytest.raises(InputError, match="after 2[0-9] frames"):
        read_frames(bytes(clip), 60)
    kept = read_frames(bytes(clip), 60, on_damage="keep")
    assert kept.total + kept.lost == 60 and 40 <= kept.total <= 45
    assert np.array_equal(kept.data[-20:], np.stack(frames[40:]))
    assert all(any(np.array_equal(picture, frame) for frame in frames) for picture in kept.data)


def test_a_file_that_was_cut_off(shared):
    clip = (shared / "data/videos/mdn/flower.mp4").read_bytes()
    with pytest.raises(InputError, match="after [0-9]+ frames"):
        read_frames(clip[: len(clip) // 2], 8)
    kept = read_frames(clip[: len(clip) // 2], 8, on_damage="keep")
    frames, _ = full_decode(clip)
    assert kept.total + kept.lost == 150 and 40 < kept.total < 110
    assert all(np.array_equal(kept.data[n], frames[index]) for n, index in enumerate(mid_segment(kept.total, 8)))


def test_a_picture_that_changes_size_is_an_error():
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as target:
        for number, size in enumerate([(96, 64), (64, 48)]):
            part = io.BytesIO()
            with av.open(part, "w", format="ivf") as file:
                stream = file.add_stream("libvpx", rate=25)
                (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
                for _ in range(10):
                    file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((*size[::-1], 3), np.uint8))))
                file.mux(stream.encode(None))
            with av.open(io.BytesIO(part.getvalue())) as source:
                if number == 0:
                    copy = target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.pts, packet.dts, packet.stream = packet.pts + 10 * number, packet.dts + 10 * number, copy
                        target.mux(packet)
    with pytest.raises(InputError, match="size changes from 96 x 64 to 64 x 48 pixels"):
        read_frames(buffer.getvalue(), 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling": "random"}, "unknown sampling 'random'; known: fps, mid_segment, uniform"),
        ({"on_damage": "skip"}, "unknown on_damage 'skip'; known: error, keep"),
        ({"num_frames": 0}, "0 of 16 frames"),
    ],
)
def test_options_are_checked(clip_file, options, message):
    with pytest.raises(InputError, match=message):
        read_frames(clip_file, **options)
