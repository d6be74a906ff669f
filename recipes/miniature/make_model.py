"""Write the model of the sequence world with random weights: what a base is trained from.

python recipes/miniature/make_model.py --output out/miniature/untrained-0 --seed 0
"""

from pathlib import Path
from typing import Annotated

import typer

from t2vid_hf.cli.script import run_command
from t2vid_hf.clips.sequence_language import vocabulary
from t2vid_hf.models import tiny


def main(
    output: Annotated[Path, typer.Option(help="Folder of the checkpoint.")],
    seed: Annotated[int, typer.Option(help="Of the weights.")] = 0,
) -> None:
    """An Idefics3 of a million parameters that sees 32 px and knows the words of the sequence world."""
    tiny.build(output, vocabulary(), seed=seed, size=tiny.MINIATURE)
    print(f"an Idefics3 of a million random weights: {output}")


if __name__ == "__main__":
    run_command(main)
