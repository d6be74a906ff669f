"""Write a tiny Idefics3 with random weights, to run the recipes without a download.

python recipes/debug/make_model.py --output out/demo/untrained
"""

from pathlib import Path
from typing import Annotated

import typer

from t2vid_hf import sources
from t2vid_hf.cli.script import run_command
from t2vid_hf.clips.shapes import make_clip
from t2vid_hf.models import tiny


def main(
    output: Annotated[Path, typer.Option(help="Folder of the checkpoint.")],
    seed: Annotated[int, typer.Option(help="Of the weights.")] = 0,
) -> None:
    """A tiny Idefics3 with random weights; its vocabulary is learned from the shipped sample and clip questions."""
    rows = list(sources.read(sources.SAMPLE))
    texts = [text for row in rows for text in (row.question, row.answer)]
    texts += dict.fromkeys(row.context for row in rows)
    texts += [question.prompt for index in range(200) for question in make_clip(index).questions]
    tiny.build(output, texts, seed=seed)
    print(f"a tiny Idefics3 with random weights: {output}")


if __name__ == "__main__":
    run_command(main)
