"""`t2vid clips`: clips of moving shapes, or a folder of real ones, and their questions -> a data set."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from t2vid_hf.cli.script import made_by
from t2vid_hf.clips.rows import clip_features, clip_rows, folder_clips, generate_clips, split_clips
from t2vid_hf.data.repository import write_config


def make_clips(
    output: Annotated[Path, typer.Option(help="Folder of the data set; its other configs stay.")],
    videos: Annotated[Path | None, typer.Option(help="Folder of videos; generated clips by default.")] = None,
    count: Annotated[int, typer.Option(help="How many clips to generate.", min=2)] = 110,
    clips: Annotated[Path | None, typer.Option(help="Where generated clips go; <output>/../clips by default.")] = None,
    test_share: Annotated[float, typer.Option(help="Share of the clips that is held out.", min=0.0, max=1.0)] = 0.3,
    name: Annotated[str, typer.Option(help="Name of the config.")] = "video",
    seed: Annotated[int, typer.Option(help="Of the clips, their questions and the split.")] = 0,
) -> None:
    """Clips and their questions -> a data set with the splits train and test; a share of 0 makes no test."""
    import datasets

    from t2vid_hf.hub.cards import write_dataset_card

    datasets.disable_progress_bars()  # ours says more
    folder = clips or output.parent / "clips"
    asked = folder_clips(videos, seed=seed) if videos else generate_clips(folder, count, seed=seed)
    total = None if videos else count
    splits = split_clips(tqdm(asked, "clips", total, unit=" clips", delay=1), test_share=test_share, seed=seed)
    stats = {
        "kind": "video",
        "sources": sorted({clip.source for part in splits.values() for clip in part}),
        "license": "other" if videos else "cc0-1.0",
        "clips": {split: len(part) for split, part in splits.items()},
        "seed": seed,
        **made_by(),
    }
    written = write_config(
        output,
        name,
        {split: partial(clip_rows, part) for split, part in splits.items()},
        features=clip_features(),
        stats=stats,
    )
    write_dataset_card(output)
    for split, part in splits.items():
        print(f"{split}: {written['rows'][split]} questions about {len(part)} clips: {output / name}")
