"""What is refused before FFmpeg sees it: names that lead out, addresses, bombs, and things that are no video."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.video.limits import Limits, video_path
from t2vid_hf.video.reading import read_frames
from tests.video.clips import encode


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/../../outside.mp4", "link.mp4", "linked/outside.mp4", ".."]
)
def test_no_name_leads_out_of_its_folder(tmp_path, clip_file, name):
    root, outside = tmp_path / "root", tmp_path / "outside.mp4"
    (root / "a").mkdir(parents=True)
    outside.write_bytes(clip_file.read_bytes())
    (root / "link.mp4").symlink_to(outside)
    (root / "linked").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leads out of the folder"):
        read_frames(name, 2, root=root)


def test_names_and_links_inside_the_folder_are_read(tmp_path, clip_file):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/clip.mp4").write_bytes(clip_file.read_bytes())
    (tmp_path / "link.mp4").symlink_to(tmp_path / "a/clip.mp4")
    for name in ("a/clip.mp4", "a/../link.mp4", tmp_path / "link.mp4", str(tmp_path / "a/clip.mp4")):
        assert read_frames(name, 2, root=tmp_path).total == 16


ADDRESSES = [
    "https://example.org/a.mp4", "http://127.0.0.1/a.mp4", "rtmp:a", "rtsp://a/b", "concat:a.mp4|b.mp4", "pipe:0",
    "data:video/mp4;base64,AAAA", "subfile,,start,0,end,9,,:a.mp4", "crypto:a", "tcp://127.0.0.1:1", "file:a.mp4",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("rooted", [False, True])
def test_no_address_reaches_ffmpeg(tmp_path, monkeypatch, address, rooted):
    av = pytest.importorskip("av")
    monkeypatch.setattr(av, "open", lambda *a, **k: pytest.fail("opened"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="looks like an address, and only files are read"):
        read_frames(address, 2, root=tmp_path if rooted else None)


def test_a_file_that_is_named_like_an_address_is_a_file(tmp_path, monkeypatch, clip_file):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "concat:a.mp4").write_bytes(clip_file.read_bytes())
    assert read_frames("concat:a.mp4", 2).total == 16


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{clip}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{clip}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_playlists_open_nothing(tmp_path, clip_file, playlist, as_bytes):
    """A list of files in the clothes of a video, which FFmpeg would follow."""
    path = tmp_path / "list.mp4"
    path.write_text(playlist.format(clip=clip_file))
    with pytest.raises(InputError, match="after 0 frames"):
        read_frames(path.read_bytes() if as_bytes else path, 2)


def test_what_is_no_video_is_said(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video at all")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    for name, message in (
        ("none.mp4", r"none\.mp4: no such file; give a video file \(\.mp4"),
        ("empty.mp4", "the file is empty"),
        ("text.mp4", "text.mp4: Invalid data found when processing input after 0 frames"),
        ("text.mp4/a.mp4", "no such file"),
        ("folder", "no frames in this folder"),
        ("pipe.mp4", "neither a file nor a folder"),
        ("loop.mp4", "symbolic links"),
        ("a" * 300, "name too long"),
        ("a\0b.mp4", "no such file"),
    ):
        with pytest.raises(InputError, match=message):
            read_frames(tmp_path / name, 4)
    with pytest.raises(InputError, match="it has 0 bytes"):
        read_frames(b"", 4)
    with pytest.raises(InputError, match="no video stream"):
        read_frames(sound(), 4)


def sound() -> bytes:
    """A container without a video stream."""
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mov") as file:
        stream = file.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("limits", "options", "message"),
    [
        ({"max_pixels": 6000}, {}, "6,144 pixels a frame, and at most 6,000 are read.*max_pixels"),
        ({"max_frames": 59}, {}, "60 frames, and at most 59"),
        ({"max_seconds": 2}, {}, "2 seconds, and at most 2"),
        ({"max_bytes": 100_000}, {"num_frames": 6}, "110,592 bytes of frames, and at most 100,000"),
    ],
)
def test_limits(limits, options, message):
    for container in ("mp4", "avi"):  # planned, and decoded in full
        clip = encode(container, "libx264")
        assert len(read_frames(clip, 5, limits=Limits(**{key: 10**6 for key in limits})).data) == 5
        with pytest.raises(InputError, match=message):
            read_frames(clip, **options, limits=Limits(**limits))


def test_a_bomb_is_refused_by_what_it_declares(tmp_path):
    """A hundred bytes that would be 4 gigapixels a frame."""
    Image.new("P", (8, 8)).save(tmp_path / "bomb.gif", save_all=True)
    content = bytearray((tmp_path / "bomb.gif").read_bytes())
    content[6:10] = b"\xff" * 4  # width and height
    with pytest.raises(InputError, match="pixels a frame|after 0 frames"):
        read_frames(bytes(content), 2)


def test_a_clip_that_claims_to_last_for_years_gives_no_million_frames():
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(io.BytesIO(encode("mp4", "mjpeg", frames=2, pixels="yuvj420p"))) as source:
        with av.open(buffer, "w", format="matroska") as target:
            stream = source.streams.video[0]
            copy = target.add_stream_from_template(stream)
            for number, packet in enumerate(packet for packet in source.demux(stream) if packet.size):
                packet.pts = packet.dts = number * 10**8 * stream.time_base.denominator
                packet.stream = copy
                target.mux(packet)
    with pytest.raises(InputError, match="100,000,000 seconds, and at most 43,200 are read"):
        read_frames(buffer.getvalue(), sampling="fps")


def test_video_path_gives_absolute_paths(tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    assert video_path("a.mp4") == tmp_path / "a.mp4"
    assert video_path("a.mp4", root=tmp_path) == (tmp_path / "a.mp4").resolve()
