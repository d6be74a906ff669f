"""`t2vid convert`: a video set in the original's JSON, and the frames of its videos -> a part of a mixture."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from t2vid_hf.cli.script import made_by
from t2vid_hf.data.conversion import FORMATS, read_rows
from t2vid_hf.data.repository import write_config
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.schema import Row, features
from t2vid_hf.video.folders import frame_files

CONFIG = "video"
FRAMES = "frames"
ON_MISSING = ("error", "drop")


def convert_video_qa(
    samples: Annotated[Path, typer.Option(help="A .json list or a .jsonl file.")],
    source: Annotated[str, typer.Option(help="Name of the data set; ids begin with it.")],
    output: Annotated[Path, typer.Option(help="Folder of the data set; its clips are folders in <output>/frames.")],
    format: Annotated[str, typer.Option(help=f"auto, {', '.join(FORMATS)}.")] = "auto",
    on_missing: Annotated[
        str, typer.Option(help="A sample whose clip has no frames: error, or drop and count.")
    ] = "error",
    license: Annotated[str, typer.Option(help="Of the questions and clips, for the card.")] = "other",
) -> None:
    """Samples and folders of frames -> a data set that a mixture can name."""
    import datasets

    from t2vid_hf.hub.cards import write_dataset_card

    if on_missing not in ON_MISSING:
        raise unknown("--on_missing", on_missing, ON_MISSING)
    datasets.disable_progress_bars()
    left_out: Counter[str] = Counter()
    folders: dict[str, int] = {}  # many samples ask about one clip

    def rows() -> Iterator[Row]:
        left_out.clear()
        for row in read_rows(samples, source=source, root=output / FRAMES, format=format):
            if not row["videos"]:
                raise InputError(f"{samples}: row '{row['id']}' has no video; this is for video sets")
            # VideoInstruct names clips without a suffix, ShareGemini its files; folders of frames have none.
            clip = f"{FRAMES}/{row['videos'][0]['path'].removesuffix('.mp4')}"
            if clip not in folders:
                folders[clip] = len(frame_files(output / clip)) if (output / clip).is_dir() else 0
            if folders[clip]:
                yield {**row, "videos": [{"bytes": None, "path": clip}], "num_frames": folders[clip]}
                continue
            if on_missing == "error":
                raise InputError(f"row '{row['id']}': no frames in {output / clip}; extract them, or --on_missing drop")
            left_out[clip] += 1

    stats = {"kind": "video", "sources": [source], "license": license, **made_by()}
    # Plain columns: `Video` would open each path when the file is written, from the current folder.
    videos = datasets.List({"bytes": datasets.Value("binary"), "path": datasets.Value("string")})
    columns = datasets.Features({**features(), "videos": videos})
    written = write_config(output, CONFIG, {"train": rows}, features=columns, stats=stats)
    write_dataset_card(output)  # without it `datasets` would take the folder for a set of images
    clips = sum(count > 0 for count in folders.values())
    print(f"{written['rows']['train']} rows of {clips} clips: {output / CONFIG}")
    if left_out:
        print(f"{sum(left_out.values())} samples left out: {len(left_out)} clips have no frames")
