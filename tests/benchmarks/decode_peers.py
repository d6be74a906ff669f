"""Other readers of the same frames, each on one thread: `load_video` of transformers, torchcodec, the bare decode."""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from t2vid_hf.video.bitstream import SHOWN
from t2vid_hf.video.decoding import ClipInput, open_clip, scan, set_threads
from t2vid_hf.video.packet_kinds import places_to_read
from t2vid_hf.video.pictures import Converter
from t2vid_hf.video.planning import plan_decoding, predict_timeline

LINKED = "T2VID_HF_LINKED_FFMPEG"


def link_ffmpeg() -> None:
    """Start this script again with PyAV's FFmpeg under the names that torchcodec looks for, where there is no other.

    So both decode with the same build of the same libraries. Where PyAV brings none, nothing is done.
    """
    libraries = Path(av.__file__).parents[1] / "av.libs"
    if LINKED in os.environ or not libraries.is_dir():
        return
    folder = Path(tempfile.mkdtemp(prefix="ffmpeg_"))
    for library in libraries.glob("lib*.so.*"):
        name, _, version = library.name.partition(".so.")
        if name.startswith(("libav", "libsw")):
            (folder / f"{name.rpartition('-')[0]}.so.{version.split('.')[0]}").symlink_to(library)
    places = [str(folder), str(libraries), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    environment = os.environ | {"LD_LIBRARY_PATH": ":".join(places), LINKED: "1"}
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def read_with_load_video(path: Path, indices: Sequence[int]) -> np.ndarray:
    """As many frames as there are indices; which, it chooses itself."""
    from transformers.video_utils import load_video

    return load_video(str(path), num_frames=len(indices), backend="pyav")[0]


def read_with_torchcodec(path: Path, indices: Sequence[int]) -> Any:
    """The frames of these indices, in its exact mode and with one thread."""
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(str(path), seek_mode="exact", num_ffmpeg_threads=1)
    return decoder.get_frames_at(list(indices)).data


class BareDecode:
    """What nobody can do without who decodes with PyAV: it is told beforehand which packets the frames need.

    It opens the file, reads all packets up to the last of these, decodes them and converts the frames to RGB. It counts
    nothing, plans nothing and checks nothing. Where no plan is known, it needs all packets.

    Args:
        source ([`~t2vid_hf.video.decoding.ClipInput`]): The clip.
        indices (`Sequence[int]`): The frames.
    """

    def __init__(self, source: ClipInput, indices: Sequence[int]) -> None:
        self.source, self.indices = source, set(indices)
        self.fed: list[bool] = []
        self.total = 0
        with open_clip(source, quick=True) as (container, stream):
            packets, _ = scan(container, stream, source)
            line = predict_timeline(packets)
            unordered = places_to_read(container, stream.codec_context) is not None
            self.told = packets.times.tolist() if unordered else None
            self.total = len(packets.flags)
            if line is None:
                return
            needs = plan_decoding(packets, line.positions[list(indices)])
            self.fed, self.times = needs.fed.tolist(), set(line.times[list(indices)].tolist())
            self.ends = {end for _, end in needs.segments}
            self.total = int((np.frombuffer(packets.flags, np.uint8) & SHOWN != 0).sum())

    def __call__(self) -> list[np.ndarray]:
        convert = Converter()
        if not self.fed:
            with open_clip(self.source, quick=False) as (container, stream):
                set_threads(stream.codec_context, 1)
                frames, made, last = container.decode(stream), [], max(self.indices)
                for number, frame in enumerate(frames):
                    if number in self.indices:
                        made.append(convert(frame).copy())
                    if number == last:
                        break
                return made
        made = []
        with open_clip(self.source, quick=True) as (container, stream):
            context, last = stream.codec_context, max(self.ends)
            set_threads(context, 1)
            for position, packet in enumerate(each for each in container.demux(stream) if each.size):
                if self.told:
                    packet.pts = self.told[position]
                given = context.decode(packet) if self.fed[position] else []
                if position + 1 in self.ends:
                    given += context.decode(None)
                    context.flush_buffers()
                made += [convert(frame).copy() for frame in given if frame.pts in self.times]
                if position + 1 == last:
                    break
        return made
