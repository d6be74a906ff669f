"""Load a set as `load_dataset("t2vid", ...)` does, look at its first row, and keep it as Parquet that everyone opens.

python dataset_scripts/t2vid.py
python dataset_scripts/t2vid.py --source squality --data_files v1-3_txt_dev.jsonl --preset dense --output dev.parquet
python dataset_scripts/t2vid.py --data_files hf://datasets/user/squality-pages/squality --split validation --streaming

`datasets` >= 4 runs no dataset scripts, and gives the builder no other place than its name: after `import t2vid_hf`,
`load_dataset("t2vid", ...)` is there.
"""

from pathlib import Path
from typing import Annotated

import datasets
import typer
from datasets import load_dataset

from t2vid_hf import without_pages
from t2vid_hf.cli.script import run_command
from t2vid_hf.data.synthesis import RENDER
from t2vid_hf.errors import InputError
from t2vid_hf.rendering.config import PRESETS
from t2vid_hf.sources import SOURCES


def load(
    data_files: Annotated[
        list[str] | None, typer.Option(help="File, folder, pattern or URL, repeated; the sample by default.")
    ] = None,
    source: Annotated[str, typer.Option(help=f"Shape of the files: auto, {', '.join(SOURCES)}.")] = "auto",
    split: Annotated[str, typer.Option(help="Which split.")] = "train",
    preset: Annotated[str, typer.Option(help=f"How pages look: {', '.join(PRESETS)}.")] = "paper",
    render: Annotated[str, typer.Option(help=f"When pages are drawn: {', '.join(RENDER)}.")] = "lazy",
    streaming: Annotated[bool, typer.Option(help="Read what is needed, and keep nothing.")] = False,
    output: Annotated[Path | None, typer.Option(help="A Parquet file to write the rows to.")] = None,
) -> None:
    """Load a set of pages, and tell what is in it."""
    datasets.disable_progress_bars()
    files = data_files[0] if data_files and len(data_files) == 1 else data_files  # one may be a folder
    looks = {"preset": preset, "render": render}
    try:
        rows = load_dataset("t2vid", source, data_files=files or None, split=split, streaming=streaming, **looks)
    except (FileNotFoundError, ValueError) as error:  # a file that is not there, an unknown source or split
        raise InputError(f"{files or 'the sample'}: {error}") from None
    first = next(iter(rows), None)
    if first is None:
        raise InputError(f"{files}: the split '{split}' has no rows")
    print(rows)
    print(f"{first['id']}: {first['num_frames']} pages; asked: {first['messages'][0]['content'][-1]['text']}")
    if output is not None:
        without_pages(rows).to_parquet(output)
        print(f"written: {output}")


if __name__ == "__main__":
    run_command(load)
