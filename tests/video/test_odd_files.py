"""Files that are whole and odd: blocks without a picture, titles that are not UTF-8, times of the order of decoding."""

import io

import numpy as np
import pytest
from PIL import Image

from t2vid_hf.video.bitstream import SHOWN, START, UNREADABLE, reader
from t2vid_hf.video.counting import count_frames
from t2vid_hf.video.extraction import extract
from t2vid_hf.video.probing import probe
from t2vid_hf.video.reading import read_frames
from tests.video.clips import RATE, encode, full_decode

PACKET = b'<?xpacket begin="\xef\xbb\xbf"?><x:xmpmeta xmlns:x="adobe:ns:meta/"/><?xpacket end="r"?>'
# The text is no chain of blocks; the bytes behind it lead a reader who takes it for one to the end, from any length.
XMP = b"\x21\xff\x0bXMP DataXMP" + PACKET + b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
COMMENT = b"\x21\xfe\x05hello\x00"
GIF_FRAMES = 24


def gif(*, behind_header: bytes = b"", at_end: bytes = b"") -> bytes:
    """A GIF of 24 shades with blocks before the first picture and after the last."""
    pictures = [Image.new("RGB", (40, 30), (10 * number, 0, 255 - 10 * number)) for number in range(GIF_FRAMES)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, "GIF", save_all=True, append_images=pictures[1:], duration=100, loop=0)
    plain, mark = buffer.getvalue(), b"NETSCAPE2.0\x03\x01\x00\x00\x00"
    start = plain.index(mark) + len(mark)
    return plain[:start] + behind_header + plain[start:-1] + at_end + plain[-1:]


@pytest.mark.parametrize("blocks", [{"at_end": XMP}, {"behind_header": XMP}, {"at_end": COMMENT + XMP}])
def test_blocks_of_a_gif_are_no_frames(blocks, tmp_path):
    clip, plain = gif(**blocks), read_frames(gif())
    assert count_frames(clip) == read_frames(clip, 1).total == len(full_decode(clip)[0]) == GIF_FRAMES
    for options in ({}, {"num_frames": 12}, {"num_frames": 5}, {"sampling": "fps", "fps": 5.0}):
        read, expected = read_frames(clip, **options), read_frames(gif(), **options)
        assert np.array_equal(read.data, expected.data) and read.timing == expected.timing
        assert probe(clip, **options).timing == read.timing
    assert np.array_equal(read_frames(clip, sampling="fps", fps=10.0).data, plain.data)  # the end is that of the last
    (tmp_path / "a.gif").write_bytes(clip)
    assert extract(tmp_path / "a.gif", tmp_path / "frames", name="a", fps=10.0, suffix="png").frames == GIF_FRAMES
    assert np.array_equal(read_frames(tmp_path / "frames").data, plain.data)


def test_what_the_blocks_of_a_gif_say():
    read = reader("gif", b"")
    header = b"GIF89a" + bytes(4) + b"\x80\x00\x00" + bytes(6)
    assert read(header + COMMENT + b"\x2c") == SHOWN | START
    assert (read(COMMENT + b"\x2c"), read(COMMENT + b"\x3b"), read(XMP), read(b"\x3b")) == (SHOWN, 0, 0, 0)
    assert (read(b"\x00"), read(COMMENT[:4])) == (UNREADABLE, UNREADABLE)
    assert reader("gif", b"")(COMMENT) == UNREADABLE


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi", "mov"])
def test_a_title_that_is_not_utf_8(container, tmp_path):
    av = pytest.importorskip("av")
    clip, buffer = encode(container, "mpeg4"), io.BytesIO()
    with av.open(io.BytesIO(clip)) as source, av.open(buffer, "w", format=container) as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        target.metadata["title"], copy.metadata["title"] = "Etude", "Etude"
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    titled = buffer.getvalue().replace(b"Etude", b"\xc9tude")  # as Latin-1 has it
    assert titled.count(b"\xc9tude") == 2
    assert np.array_equal(read_frames(titled, 5).data, read_frames(clip, 5).data)
    assert count_frames(titled) == 60 and probe(titled, 5).timing == read_frames(clip, 5).timing
    (tmp_path / "a.mp4").write_bytes(titled)
    assert extract(tmp_path / "a.mp4", tmp_path / "frames", name="a").status == "made"


AVI_CODECS = {
    "H.264": ("libx264", {"g": "12", "bf": "2"}),
    "H.264 pyramid": ("libx264", {"g": "30", "bf": "4", "x264_params": "b-pyramid=strict"}),
    "MPEG-4": ("mpeg4", {"g": "12", "bf": "2"}),
    "MPEG-2": ("mpeg2video", {"g": "12", "bf": "2"}),
}


@pytest.mark.parametrize("name", AVI_CODECS)
def test_avi_with_b_frames_gives_the_frames_that_mp4_does(name, tmp_path):
    """AVI has one time a packet, of the order of decoding: in the order shown they stand on other frames."""
    codec, options = AVI_CODECS[name]
    clip, other = encode("avi", codec, **options), encode("mp4", codec, **options)
    frames, _ = full_decode(clip)  # not those of the MP4: x264 does not write the same twice on every machine

    def shown(fps: float) -> np.ndarray:
        times = read_frames(other, sampling="fps", fps=fps).timestamps
        return np.stack([frames[number] for number in np.round(RATE * times).astype(int)])

    for fps in (3.0, 5.0, 7.0, float(RATE)):
        read = read_frames(clip, sampling="fps", fps=fps)
        expected = read_frames(other, sampling="fps", fps=fps)
        assert np.array_equal(read.data, shown(fps))
        assert np.allclose(np.diff(read.timestamps), np.diff(expected.timestamps))
        assert probe(clip, sampling="fps", fps=fps).timing == read.timing
    assert (np.diff(read_frames(clip).timestamps) > 0).all()
    (tmp_path / "a.avi").write_bytes(clip)
    extract(tmp_path / "a.avi", tmp_path / "frames", name="a", fps=5.0, suffix="png")
    assert np.array_equal(read_frames(tmp_path / "frames").data, shown(5.0))
