"""24 frames of each clip: our reader, `transformers.video_utils.load_video`, torchcodec, and the bare decode.

python tests/benchmarks/bench_decode.py
python tests/benchmarks/bench_decode.py --output tests/benchmarks/results/decode.json

The clips are the real ones of `--videos`, and ten seconds in every codec that PyAV can write (`codec_clips.py`, kept in
`--clips`). The readers take turns, clip by clip and round by round:

- ours: `read_frames(path, 24, threads=1)`, which does not know the clip before;
- load_video: with its PyAV backend. It decodes every packet up to the last frame taken. Files that declare no frames
  (webm, mkv, fragmented mp4) it refuses, and clips shorter than 24 frames too: of these it is asked for all there are;
- torchcodec: in its exact mode, with one thread, the same frames as ours. Where it gives others (it believes the times
  of AVI, which are in the order of decoding), it has not read the clip; nor has load_video where it does not turn it;
- bare: what nobody can do without who decodes with PyAV: see `decode_peers.BareDecode`. Where each packet is a picture
  by itself, ours may be quicker: it reads only the packets that it needs;
- default: `read_frames(path, 24)` on all processors, in seconds that pass.

The others are bound to one core and measured in processor time, which a busy machine lengthens for all of them alike;
a clip's time is the median over the rounds, and a ratio is the median of the quotients within a round. One line of JSON
a clip; `ratio` is that to the quicker of the two others, more is better. The last line is about all of them. Memory is
measured in a process of its own: the peak while reading 24 frames of a clip repeated 2 and 20 times.
"""

import argparse
import gc
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import codec_clips
import decode_peers
import numpy as np
from machine import about

from t2vid_hf.errors import InputError
from t2vid_hf.video.decoding import ClipInput
from t2vid_hf.video.limits import Limits
from t2vid_hf.video.reading import read_frames
from t2vid_hf.video.sampling import mid_segment

ROOT = Path(__file__).parents[2]
VIDEOS = ROOT.parent / "shared/data/videos"
CLIPS = Path(tempfile.gettempdir()) / "t2vid_hf_codec_clips"
NUM_FRAMES = 24
PEERS = ("load_video", "torchcodec")
# FFmpeg's filters, which torchcodec takes for some formats of pixels, convert them 0 to 6 levels apart from PyAV.
SAME_LEVELS = 8
ALL_CORES = os.sched_getaffinity(0)
ONE_CORE = {max(ALL_CORES)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=VIDEOS, help="A folder of videos, with folders.")
    parser.add_argument("--clips", type=Path, default=CLIPS, help="Where the generated clips are kept: 1.5 GB.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory_of:
        read_frames(given.memory_of, NUM_FRAMES)
        # not getrusage: Linux counts there what the process was before it became Python
        status = Path("/proc/self/status").read_text()
        print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
        return
    decode_peers.link_ffmpeg()
    av.logging.set_level(None)
    suffixes = (".mp4", ".mov", ".webm", ".mkv", ".avi")
    real = [path for path in sorted(given.videos.rglob("*")) if path.suffix in suffixes]
    table = []
    for kind, paths in (("real", real), ("generated", codec_clips.make_clips(given.clips))):
        for path in paths:
            row = measure(path, kind, given.rounds)
            print(json.dumps(row), flush=True)
            table.append(row)
    result = {
        "benchmark": "decode",
        "num_frames": NUM_FRAMES,
        "rounds": given.rounds,
        **{f"{kind}_{name}": value for kind in ("real", "generated") for name, value in summary(table, kind).items()},
        **about("av", "numpy", "transformers", "torchcodec", "torch"),
        "ffmpeg": av.ffmpeg_version_info,
        "peak_megabytes": memory(),
    }
    if given.output is not None:
        given.output.write_text(json.dumps({**result, "files": table}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def measure(path: Path, kind: str, rounds: int) -> dict[str, Any]:
    """A row of the table."""
    row: dict[str, Any] = {"file": path.name, "kind": kind}
    try:
        total = read_frames(path, 1).total
    except InputError as error:
        return {**row, "left_out": str(error).removeprefix(f"{path}: ")[:100]}
    indices = mid_segment(total, NUM_FRAMES)
    bare = decode_peers.BareDecode(ClipInput(path, path.name, Limits()), indices)
    tasks: dict[str, Callable[[], Any]] = {
        "ours": lambda: read_frames(path, NUM_FRAMES, threads=1).data,
        "load_video": lambda: decode_peers.read_with_load_video(path, indices),
        "torchcodec": lambda: decode_peers.read_with_torchcodec(path, indices),
        "bare": bare,
        "default": lambda: read_frames(path, NUM_FRAMES).data,
    }
    frames = tasks["ours"]()
    for name in PEERS:
        try:
            check_read(tasks[name](), frames, chosen=name == "torchcodec")
        except (ValueError, RuntimeError, IndexError, ImportError, av.FFmpegError) as error:
            del tasks[name]
            row[f"{name}_refuses"] = str(error).partition("\n")[0][:100]
    gc.freeze()  # what torch and transformers left is not searched for garbage in the middle of a reading
    if bare.fed and not same(frames, bare()):
        bare.fed = []  # the plan did not hold, and `read_frames` has decoded in full
    if not same(frames, bare()):
        raise SystemExit(f"{path}: the frames differ from those of a bare decode")
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    chance = random.Random(0)
    for _ in range(rounds):
        for name in chance.sample(list(tasks), len(tasks)):  # what runs after another finds that one's caches
            seconds[name].append(timed(tasks[name], one_core=name != "default"))
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context.name
    ratios = {f"over_{name}": quotient(seconds[name], seconds["ours"]) for name in PEERS if name in tasks}
    return {
        **row,
        "codec": codec,
        "total": total,
        "planned": bool(bare.fed),
        "fed": sum(bare.fed) or total,
        **{f"{name}_ms": round(1000 * statistics.median(each), 2) for name, each in seconds.items()},
        **ratios,
        "ratio": min(ratios.values(), default=None),
        "over_bare": quotient(seconds["ours"], seconds["bare"]),
    }


def check_read(read: Any, frames: np.ndarray, *, chosen: bool) -> None:
    """Raise where a peer has not read the clip: with a peer that gives other frames nothing can be compared.

    Args:
        read (`np.ndarray` or `torch.Tensor`): Its frames.
        frames (`np.ndarray`): Ours, which are those of a bare decode.
        chosen (`bool`): Whether it was told which frames to take, channels first.
    """
    given = np.asarray(read)
    given = given.transpose(0, 2, 3, 1) if chosen else given
    if given.shape != frames.shape:
        raise ValueError("it takes another of the file's streams, or does not turn the frames")
    apart = [np.abs(one.astype(np.int16) - other).mean() for one, other in zip(given, frames, strict=True)]
    if chosen and np.median(apart) > SAME_LEVELS:
        raise ValueError(f"its frames are others: {np.median(apart):.0f} levels from those asked for")


def same(frames: np.ndarray, others: list[np.ndarray]) -> bool:
    """Whether two readings gave the same frames."""
    return len(frames) == len(others) and np.array_equal(frames, np.stack(others))


def timed(task: Callable[[], Any], *, one_core: bool) -> float:
    """Seconds of the processor on one core, or seconds that pass on all."""
    os.sched_setaffinity(0, ONE_CORE if one_core else ALL_CORES)
    clock = time.process_time if one_core else time.perf_counter
    start = clock()
    task()
    return clock() - start


def summary(table: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Medians and worst ratios of the clips of a kind, over each of the others and over the quicker of them."""
    found = {}
    for name in ("ratio", *(f"over_{peer}" for peer in PEERS), "over_bare"):
        values = {row["file"]: row[name] for row in table if row["kind"] == kind and row.get(name)}
        if values:
            worst = (max if name == "over_bare" else min)(values, key=values.__getitem__)
            found[name] = {
                "clips": len(values),
                "median": round(statistics.median(values.values()), 2),
                "worst": values[worst],
                "worst_clip": worst,
                "below_0.95": sum(value < 0.95 for value in values.values()),
            }
    return found


def quotient(slower: list[float], faster: list[float]) -> float:
    return round(statistics.median(one / other for one, other in zip(slower, faster, strict=True)), 2)


def memory() -> dict[str, int]:
    """Peak memory of a process that reads 24 frames of a clip repeated 2 and 20 times."""
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for repeats in (2, 20):
            clip = Path(folder) / f"{repeats}.mp4"
            repeat(VIDEOS / "mdn/flower.mp4", clip, repeats)
            command = [sys.executable, __file__, "--memory-of", str(clip)]
            peaks[f"{150 * repeats}_frames"] = int(subprocess.run(command, capture_output=True, check=True).stdout)
    return peaks


def repeat(clip: Path, target: Path, times: int) -> None:
    """Write a clip several times in a row, without decoding it."""
    with av.open(str(target), "w") as output:
        stream, shift = None, 0
        for _ in range(times):
            with av.open(str(clip)) as container:
                source = container.streams.video[0]
                stream = stream or output.add_stream_from_template(source)
                for packet in container.demux(source):
                    if packet.size:
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        output.mux(packet)
                shift += source.duration


if __name__ == "__main__":
    main()
