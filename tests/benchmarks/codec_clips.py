"""Ten seconds of a moving picture in every video codec that PyAV can write, and in the odd forms that clips come in.

python tests/benchmarks/codec_clips.py FOLDER

A file is made once: a second run keeps what is there. A codec is left out where this build of FFmpeg cannot open its
encoder (it needs a device), where no container that `read_frames` opens takes it, or where not every frame that was
written is read back by a plain decode.
"""

import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT, RATE, FRAMES = 320, 240, 25, 250
# The first that takes the codec: those that say how many frames they hold come first, since load_video wants to know.
CONTAINERS = ("mov", "avi", "mkv")
DEVICES = ("_amf", "_nvenc", "_qsv", "_v4l2m2m", "_vaapi", "_videotoolbox")
# What a codec takes that does not take 320 x 240 at 25 frames a second.
SHAPES = {
    "dvvideo": (720, 576),
    "h261": (352, 288),
    "h263": (352, 288),
    "roqvideo": (256, 256),
    "dnxhd": (1280, 720),
}
OPTIONS = {
    "dnxhd": {"b": "60M"},
    "libx265": {"x265-params": "log-level=none"},
    "libvpx": {"cpu-used": "8", "deadline": "realtime"},
    "libvpx-vp9": {"cpu-used": "8", "deadline": "realtime"},
    "libsvtav1": {"preset": "12", "svtav1-params": "keyint=50"},
    "vc2": {"strict": "-1"},
}
# name: container, encoder, options. What one codec in one container does not show.
FORMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "mpeg4_b_frames_avi": ("avi", "mpeg4", {"bf": "2", "g": "60"}),
    "mpeg4_b_frames_mp4": ("mp4", "mpeg4", {"bf": "2", "g": "60"}),
    "mpeg4_long_groups_avi": ("avi", "mpeg4", {"g": "300"}),
    "mpeg2_b_frames_ts": ("ts", "mpeg2video", {"bf": "2", "g": "15"}),
    "mpeg2_b_frames_mpg": ("mpg", "mpeg2video", {"bf": "2", "g": "15"}),
    "mpeg1_b_frames_mpg": ("mpg", "mpeg1video", {"bf": "2", "g": "15"}),
    "h264_interlaced": ("mp4", "libx264", {"flags": "+ilme+ildct", "x264-params": "tff=1"}),
    "h264_interlaced_ts": ("ts", "libx264", {"flags": "+ilme+ildct", "x264-params": "tff=1"}),
    "h264_avi": ("avi", "libx264", {}),
    "h264_mkv": ("mkv", "libx264", {}),
    "hevc_mkv": ("mkv", "libx265", {}),
    "mjpeg_avi": ("avi", "mjpeg", {}),
    "ffv1_groups_mkv": ("mkv", "ffv1", {"g": "25", "level": "3"}),
    "wmv2_asf": ("asf", "wmv2", {}),
    "flv1_flv": ("flv", "flv", {}),
    "vp8_webm": ("webm", "libvpx", {}),
    "vp9_webm": ("webm", "libvpx-vp9", {}),
}


def main() -> None:
    for path in make_clips(Path(sys.argv[1])):
        print(path)


def make_clips(folder: Path) -> Iterator[Path]:
    """Write the clips that are not there yet; give all of them.

    Args:
        folder (`Path`): Where to.
    """
    av.logging.set_level(None)
    folder.mkdir(parents=True, exist_ok=True)
    left_out = folder / "left_out.txt"
    known = set(left_out.read_text("utf-8").split()) if left_out.exists() else set()
    for name in sorted(each for each in av.codecs_available if is_video_encoder(each)):
        if name not in known:
            places = sorted((folder / f"{name}.{end}" for end in CONTAINERS), key=lambda place: not place.exists())
            path = next((found for place in places if (found := write(place, name, {}))), None)
            if path is not None:
                yield path
                continue
            known.add(name)
            left_out.write_text("\n".join(sorted(known)) + "\n", encoding="utf-8")
    for name, (end, codec, options) in FORMS.items():
        if path := write(folder / f"{name}.{end}", codec, options):
            yield path


def is_video_encoder(name: str) -> bool:
    """Whether PyAV can write a codec of this name without a device."""
    try:
        codec = av.Codec(name, "w")
    except ValueError:
        return False
    return codec.type == "video" and not name.endswith(DEVICES)


def write(path: Path, codec: str, options: dict[str, str]) -> Path | None:
    """Write a clip, or keep the one there; `None` where it cannot be written or does not read back."""
    if path.exists():
        return path
    begun = path.with_name(f"begun_{path.name}")
    for pixels in pixel_formats(codec):
        try:
            encode(begun, codec, pixels, OPTIONS.get(codec, {}) | options)
            if reads_back(begun):
                return begun.rename(path)
        except (av.FFmpegError, ValueError, TypeError, OverflowError):
            continue
    begun.unlink(missing_ok=True)
    return None


def pixel_formats(codec: str) -> list[str]:
    """Those of a codec, the usual one first."""
    names = [each.name for each in av.Codec(codec, "w").video_formats or []] or ["yuv420p"]
    return sorted(names, key=lambda name: name != "yuv420p")[:4]


def encode(path: Path, codec: str, pixels: str, options: dict[str, str]) -> None:
    """Write the clip in one codec and format of pixels."""
    forms = {"mpg": "mpeg", "mkv": "matroska", "ts": "mpegts"}
    width, height = SHAPES.get(codec, (WIDTH, HEIGHT))
    with av.open(str(path), "w", format=forms.get(path.suffix[1:], path.suffix[1:])) as file:
        stream: Any = file.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.thread_count = 1
        for index, picture in enumerate(pictures(width, height)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def pictures(width: int, height: int) -> Iterator[np.ndarray]:
    """A soft texture that drifts, with a square that crosses it: what codecs expect of video."""
    coarse = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    texture = av.VideoFrame.from_ndarray(coarse, format="rgb24")
    texture = texture.reformat(2 * width, 2 * height, interpolation="BICUBIC").to_ndarray(format="rgb24")
    for index in range(FRAMES):
        top, left = index * height // FRAMES, index * width // FRAMES
        picture = texture[top : top + height, left : left + width].copy()
        place = 7 * index % (width - 40)
        picture[height // 3 : height // 3 + 40, place : place + 40] = 255 - index % 200
        yield picture


def reads_back(path: Path) -> bool:
    """Whether a plain decode gives every frame that was written."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0)) == FRAMES


if __name__ == "__main__":
    main()
