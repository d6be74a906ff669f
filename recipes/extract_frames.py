"""Write the frames of a folder of videos, one a second, to a folder for each: the paper's preprocessing.

python recipes/extract_frames.py --videos my_videos/ --output out/frames --workers 4

Start it again after an interruption: finished folders are kept. `read_frames` takes such a folder for a video.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from t2vid_hf.errors import one_line_errors, unknown
from t2vid_hf.video.extraction import SUFFIXES, Extracted, extract, find_videos, folder_names
from t2vid_hf.video.reading import ON_DAMAGE


def main(
    videos: Annotated[Path, typer.Option(help="Folder of videos; folders in it are searched.")],
    output: Annotated[Path, typer.Option(help="Where the folders of frames go, named like the videos.")],
    fps: Annotated[float, typer.Option(help="Frames a second.", min=1e-6)] = 1.0,
    workers: Annotated[int, typer.Option(help="Videos at a time; one a processor by default.", min=0)] = 0,
    on_damage: Annotated[
        str, typer.Option("--on-damage", "--on_damage", help="Damaged videos: error, or keep the frames that decode.")
    ] = "error",
    suffix: Annotated[str, typer.Option(help="Of the frames: jpg or png.")] = "jpg",
) -> None:
    """Videos -> folders of frames."""
    if on_damage not in ON_DAMAGE:
        raise unknown("--on-damage", on_damage, ON_DAMAGE)
    if suffix not in SUFFIXES:
        raise unknown("--suffix", suffix, SUFFIXES)
    # frames are pictures, not videos, but a folder of them may hold clips of its own later: never read our output
    found = [path for path in find_videos(videos) if not path.resolve().is_relative_to(output.resolve())]
    paths = {path.relative_to(videos).as_posix(): path for path in found}
    folders = folder_names(paths)
    results: list[Extracted] = []
    # threads, as FFmpeg and Pillow let go of the interpreter while they work
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        options = {"fps": fps, "suffix": suffix, "on_damage": on_damage}
        jobs = [
            pool.submit(extract, path, output / folders[name], name=name, **options) for name, path in paths.items()
        ]
        try:
            for job in tqdm(as_completed(jobs), "videos", len(jobs), unit=" videos", delay=1):
                results.append(job.result())
        except BaseException:  # Ctrl-C: finish what is being written, start no more
            pool.shutdown(cancel_futures=True)
            raise
    report(sorted(results, key=lambda result: result.video), output)


def report(results: list[Extracted], output: Path) -> None:
    """Say and save what became of each video; status 1 where one failed."""
    by_status = {status: [each for each in results if each.status == status] for status in ("made", "kept", "failed")}
    for result in results:
        if result.reason:
            print(f"{result.status}: {result.video}: {result.reason}")
    output.mkdir(parents=True, exist_ok=True)
    saved = {status: len(part) for status, part in by_status.items()}
    reasons = {each.video: each.reason for each in results if each.reason}
    (output / "extract_frames.json").write_text(json.dumps({**saved, "reasons": reasons}, indent=1) + "\n", "utf-8")
    frames = sum(each.frames for each in by_status["made"])
    kept, failed = saved["kept"], saved["failed"]
    print(f"{saved['made']} folders made ({frames} frames), {kept} kept from before, {failed} failed: {output}")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    with one_line_errors():
        typer.run(main)
