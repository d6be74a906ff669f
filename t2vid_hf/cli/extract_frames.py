"""`t2vid frames`: a folder of videos -> a folder of frames for each, at 1 fps: the paper's preprocessing."""

import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from t2vid_hf._processors import available_processors
from t2vid_hf.errors import unknown
from t2vid_hf.video.extraction import SUFFIXES, Extraction, extract, find_videos, folder_names
from t2vid_hf.video.reading import ON_DAMAGE


def extract_frames(
    videos: Annotated[Path, typer.Option(help="Folder of videos; folders in it are searched.")],
    output: Annotated[Path, typer.Option(help="Where the folders of frames go, named like the videos.")],
    fps: Annotated[float, typer.Option(help="Frames a second.", min=1e-6)] = 1.0,
    workers: Annotated[int, typer.Option(help="Videos at a time; one a processor by default.", min=0)] = 0,
    on_damage: Annotated[str, typer.Option(help="Damaged videos: error, or keep the frames that decode.")] = "error",
    suffix: Annotated[str, typer.Option(help="Of the frames: jpg or png.")] = "jpg",
) -> None:
    """Videos -> folders of frames."""
    if on_damage not in ON_DAMAGE:
        raise unknown("--on_damage", on_damage, ON_DAMAGE)
    if suffix not in SUFFIXES:
        raise unknown("--suffix", suffix, SUFFIXES)
    # frames are pictures, not videos, but a folder of them may hold clips of its own later: never read our output
    found = [path for path in find_videos(videos) if not path.resolve().is_relative_to(output.resolve())]
    paths = {path.relative_to(videos).as_posix(): path for path in found}
    folders = folder_names(paths)
    results: list[Extraction] = []
    # threads, as FFmpeg and Pillow let go of the interpreter while they work
    with ThreadPoolExecutor(workers or available_processors()) as pool:
        options: dict[str, Any] = {"fps": fps, "suffix": suffix, "on_damage": on_damage}
        jobs = [
            pool.submit(extract, path, output / folders[name], name=name, **options) for name, path in paths.items()
        ]
        try:
            for job in tqdm(as_completed(jobs), "videos", len(jobs), unit=" videos", delay=1):
                results.append(job.result())
        except BaseException:  # Ctrl-C: finish what is being written, start no more
            pool.shutdown(cancel_futures=True)
            raise
    _report(sorted(results, key=lambda result: result.video), output)


def _report(results: list[Extraction], output: Path) -> None:
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
