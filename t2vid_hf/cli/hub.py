"""`t2vid publish`: cards of a data set and a checkpoint, and both on the Hub, each in one commit."""

from pathlib import Path
from typing import Annotated

import typer


def publish_run(
    dataset: Annotated[Path, typer.Option(help="Folder of the data set.")],
    checkpoint: Annotated[Path, typer.Option(help="Folder of the checkpoint.")],
    scores: Annotated[Path, typer.Option(help="What `t2vid evaluate` wrote about it.")],
    push: Annotated[
        str | None, typer.Option(help="user/name: where both go on the Hub; local only by default.")
    ] = None,
    private: Annotated[bool, typer.Option(help="Make new repositories private.")] = False,
) -> None:
    """Complete repositories in local folders, and on the Hub where asked."""
    from t2vid_hf.hub.cards import write_dataset_card, write_model_card
    from t2vid_hf.hub.publish import publish

    write_dataset_card(dataset, name=push)
    write_model_card(checkpoint, name=push, scores=scores)
    print(f"complete repositories: {dataset}, {checkpoint}")
    if push is not None:
        print(f"data set:   {publish(dataset, push, repo_type='dataset', private=private)}")
        print(f"checkpoint: {publish(checkpoint, push, repo_type='model', private=private)}")
