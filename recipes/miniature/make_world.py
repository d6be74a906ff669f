"""Write the sequence world: its pictures, pools of rows and questions.

python recipes/miniature/make_world.py --output out/miniature/world
"""

from pathlib import Path
from typing import Annotated

import typer

from t2vid_hf.cli.script import run_command
from t2vid_hf.clips.sequence_world import write_world


def main(
    output: Annotated[Path, typer.Option(help="Folder of the data set.")],
    seed: Annotated[int, typer.Option(help="Of pictures, rows and questions.")] = 0,
) -> None:
    """Shapes one a frame, words one a page, and questions about their order."""
    for name, rows in write_world(output, seed=seed).items():
        print(f"{rows} rows: {output / name}")


if __name__ == "__main__":
    run_command(main)
