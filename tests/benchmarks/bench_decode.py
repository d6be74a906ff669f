"""24 frames of each real video: our reader against `transformers.video_utils.load_video` and against the bare decode.

python tests/benchmarks/bench_decode.py
python tests/benchmarks/bench_decode.py --output tests/benchmarks/results/decode.json

Three ways to the same number of frames, in turn, file by file and round by round; the table shows medians:

- ours: `read_frames(path, 24)`, which does not know the clip before;
- load_video: with its PyAV backend. It decodes every packet up to the last frame taken. Files that declare no frames
  (webm, mkv, fragmented mp4) it refuses, and clips shorter than 24 frames too: of these it is asked for all there are,
  and `min_ratio_short` is theirs. It does not turn clips that are to be turned;
- floor: what nobody can do without who decodes with PyAV and these threads: open the file, demux, decode exactly the
  packets that these frames need, which it is told beforehand, and convert these frames to upright RGB. It counts
  nothing, plans nothing and checks nothing.

`ratio` is load_video / ours, more is better; `floor ratio` is ours / floor, 1.0 is the least. Each is the median over
the rounds of the quotient within a round, so that a busy machine slows both sides. The memory is measured in a process
of its own: the peak while reading 24 frames of a clip repeated 2 and 20 times. The last line is JSON.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import av
import numpy as np

from t2vid_hf.video.decoding import ClipInput, Mispredicted, open_clip, scan, set_threads
from t2vid_hf.video.limits import Limits
from t2vid_hf.video.pictures import Canvas, Converter
from t2vid_hf.video.planning import DecodePlan, plan_decoding, predict_timeline
from t2vid_hf.video.reading import read_frames
from t2vid_hf.video.sampling import mid_segment
from t2vid_hf.video.segments import decode_plan, divide_work

ROOT = Path(__file__).parents[2]
VIDEOS = ROOT.parent / "shared/data/videos"
NUM_FRAMES = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=VIDEOS, help="A folder of videos, with folders.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.memory_of:
        read_frames(given.memory_of, NUM_FRAMES)
        # not getrusage: Linux counts there what the process was before it became Python
        status = Path("/proc/self/status").read_text()
        print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
        return
    files = [path for path in sorted(given.videos.rglob("*")) if path.suffix in (".mp4", ".mov", ".webm", ".mkv")]
    print(f"{'file':44} {'frames':>6} {'fed':>5} {'ours':>8} {'load_video':>10} {'floor':>8}  ratio  floor ratio")
    table = [row for path in files if (row := measure(path, given.videos, given.rounds)) is not None]
    result = {
        "benchmark": "decode",
        "num_frames": NUM_FRAMES,
        "rounds": given.rounds,
        "min_ratio": min(row["ratio"] for row in table if row["ratio"] and row["frames"] == NUM_FRAMES),
        "min_ratio_short": min(row["ratio"] for row in table if row["ratio"] and row["frames"] < NUM_FRAMES),
        "max_floor_ratio": max(row["floor_ratio"] for row in table),
        **about(),
        "peak_megabytes": memory(),
        "files": table,
    }
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def measure(path: Path, folder: Path, rounds: int) -> dict[str, Any] | None:
    """A row of the table, or `None` for a file that is broken."""
    source = ClipInput(path, path.name, Limits())
    with open_clip(source, quick=True) as (container, stream):
        try:
            packets, held = scan(container, stream, source)
        except Mispredicted:
            print(f"{path.relative_to(folder)!s:44} left out: it is damaged")
            return None
        line = predict_timeline(packets)
        indices = mid_segment(len(line.times), NUM_FRAMES)
        needs, wanted = plan_decoding(packets, line.positions[indices]), set(line.times[indices].tolist())
        pixels = stream.codec_context.width * stream.codec_context.height
        sizes = None if held is None else np.array([packet.size for packet in held])
    at_once, threads = divide_work(needs, sizes, asked=0, pixels=pixels)
    tasks: dict[str, Callable[[], Any]] = {
        "ours": lambda: read_frames(path, NUM_FRAMES).data,
        "floor": lambda: bare(source, needs, wanted, at_once=at_once, threads=threads),
        "load_video": lambda: load(path, len(indices)),
    }
    try:
        tasks["load_video"]()
    except ValueError:
        del tasks["load_video"]
    gc.freeze()  # what torch and transformers left is not searched for garbage in the middle of a reading
    if not np.array_equal(tasks["ours"](), tasks["floor"]()):
        raise SystemExit(f"{path}: the two readers differ")
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    start = time.perf_counter()
    tasks["ours"]()
    # a clip of a millisecond needs more rounds than one of a second for a median that holds still
    for number in range(max(rounds, min(20 * rounds, int(0.5 / (time.perf_counter() - start))))):
        names = list(tasks) if number % 2 else list(tasks)[::-1]
        for name in names:
            start = time.perf_counter()
            tasks[name]()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: round(1000 * statistics.median(each), 2) for name, each in seconds.items()}
    row = {
        "file": str(path.relative_to(folder)),
        "total": len(line.times),
        "frames": len(indices),
        "fed": int(needs.fed.sum()),
        "segments_at_once": at_once,
        "threads_each": threads,
        **{f"{name}_ms": medians.get(name) for name in ("ours", "floor", "load_video")},
        "ratio": quotient(seconds["load_video"], seconds["ours"]) if "load_video" in tasks else None,
        "floor_ratio": quotient(seconds["ours"], seconds["floor"]),
    }
    other = row["load_video_ms"] or "refuses"
    print(
        f"{row['file']:44} {row['total']:6} {row['fed']:5} {row['ours_ms']:8.2f} {other:>10} {row['floor_ms']:8.2f}  "
        f"{row['ratio'] or '':5}  {row['floor_ratio']:5}",
        flush=True,
    )
    return row


def bare(source: ClipInput, needs: DecodePlan, wanted: set[int], *, at_once: int, threads: int) -> np.ndarray:
    """The floor: what the frames need, and no more. Segments at a time: as we decode them, told all beforehand."""
    places = {time: [place] for place, time in enumerate(sorted(wanted))}
    canvas, own = Canvas(len(wanted), source.label, limits=source.limits), Converter()

    def keep(frame: av.VideoFrame, convert: Converter = own) -> None:
        if frame.pts in places:
            canvas.put(places[frame.pts], convert(frame))

    with open_clip(source, quick=True) as (container, stream):
        if at_once > 1:
            held = [packet for packet in container.demux(stream) if packet.size]
            decode_plan(source, stream, needs, keep, held=held, at_once=at_once, threads=threads)
            return canvas.data
        context, fed, ends = stream.codec_context, needs.fed.tolist(), {end for _, end in needs.segments}
        set_threads(context, threads)
        for position, packet in enumerate(container.demux(stream)):
            if fed[position]:
                for frame in context.decode(packet):
                    keep(frame)
            if position + 1 in ends:
                for frame in context.decode(None):
                    keep(frame)
                context.flush_buffers()
                if position + 1 == needs.segments[-1][1]:
                    break
    return canvas.data


def load(path: Path, num_frames: int) -> np.ndarray:
    from transformers.video_utils import load_video

    return load_video(str(path), num_frames=num_frames, backend="pyav")[0]


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


def about() -> dict[str, Any]:
    """What a number depends on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    processors = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": commit.stdout.strip(),
        "versions": {name: version(name) for name in ("av", "numpy", "transformers")}
        | {"ffmpeg": av.ffmpeg_version_info},
        "python": platform.python_version(),
        "processor": processors[0].split(": ")[1] if processors else platform.machine(),
        "processors": len(processors),
        "load": [round(each, 2) for each in os.getloadavg()],
    }


if __name__ == "__main__":
    main()
