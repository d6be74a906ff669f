"""`t2vid merge`: an adapter and its base become one checkpoint, which transformers and vLLM serve."""

from pathlib import Path
from typing import Annotated

import typer


def merge_adapter(
    adapter: Annotated[str, typer.Option(help="Folder of the adapter, or its name on the Hub.")],
    output: Annotated[Path, typer.Option(help="Folder of the checkpoint; must not be there, or be empty.")],
    dtype: Annotated[
        str, typer.Option(help="Type of the weights: float32, bfloat16, float16, or auto: the base's own.")
    ] = "auto",
) -> None:
    """Merge an adapter into its base model and write a checkpoint with the trained processor."""
    from t2vid_hf.training.merging import merge

    carried = merge(adapter, output, dtype=dtype)
    print(f"checkpoint: {output}")
    print(f"of the adapter's run: {', '.join(carried) or 'nothing, as no file of it lies beside the adapter'}")
