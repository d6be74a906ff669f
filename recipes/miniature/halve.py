"""Write a checkpoint once more with weights of 16 bits: 2 MB in place of 4 for the bases of the sequence world.

python recipes/miniature/halve.py --checkpoint out/miniature/trained-0 --output out/miniature/base-0
"""

from pathlib import Path
from typing import Annotated

import typer

from t2vid_hf.cli.script import run_command
from t2vid_hf.models.loading import load_checkpoint


def main(
    checkpoint: Annotated[str, typer.Option(help="The checkpoint.")],
    output: Annotated[Path, typer.Option(help="Folder of the new one.")],
) -> None:
    """A checkpoint in float16; a recipe's dtype: float32 trains it in full."""
    model, processor, _ = load_checkpoint(checkpoint, dtype="float16")
    model.save_pretrained(output)
    processor.save_pretrained(output)
    print(f"in 16 bits: {output}")


if __name__ == "__main__":
    run_command(main)
