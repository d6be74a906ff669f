"""Write the card of a checkpoint, and put data set and checkpoint on the Hub, each in one commit.

python recipes/publish.py --dataset out/demo/dataset --checkpoint out/demo/checkpoint --scores out/demo/scores.json
python recipes/publish.py ... --push user/name
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from t2vid_hf.errors import InputError, one_line_errors
from t2vid_hf.hub.cards import write_dataset_card, write_model_card
from t2vid_hf.hub.publish import publish

CARDS = Path(__file__).parents[1] / "model_cards"
KEPT_HERE = ("training_args.bin",)  # a pickle: nobody should have to load one


def main(
    dataset: Annotated[Path, typer.Option(help="Folder of the data set.")],
    checkpoint: Annotated[Path, typer.Option(help="Folder of the checkpoint.")],
    scores: Annotated[Path, typer.Option(help="What recipes/eval_video.py wrote about it.")],
    push: Annotated[
        str | None, typer.Option(help="user/name: where both go on the Hub; local only by default.")
    ] = None,
    private: Annotated[bool, typer.Option(help="Make new repositories private.")] = False,
) -> None:
    """Complete repositories in local folders, and on the Hub where asked."""
    write_dataset_card(dataset, CARDS / "dataset_card.md.jinja", name=push)
    write_model_card(checkpoint, CARDS / "model_card.md.jinja", name=push, facts=facts(checkpoint, scores))
    print(f"complete repositories: {dataset}, {checkpoint}")
    if push is None:
        return
    print(f"data set:   {publish(dataset, push, repo_type='dataset', private=private)}")
    print(f"checkpoint: {publish(checkpoint, push, repo_type='model', private=private, skip=KEPT_HERE)}")


def facts(checkpoint: Path, scores: Path) -> dict[str, Any]:
    """What the run recorded, for the card."""
    made_from, state = read(checkpoint / "run.json"), read(checkpoint / "trainer_state.json")
    return {
        "base_model": made_from["base_model"],
        "parameters": made_from["parameters"],
        "mixture": made_from["mixture"],
        "training": {**made_from["settings"], "steps": state["global_step"]},
        "scores": read(scores),
        "versions": made_from["versions"],
    }


def read(path: Path) -> Any:
    """A JSON file of the run."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; run recipes/sft.py and recipes/eval_video.py first")
    return json.loads(path.read_text("utf-8"))


if __name__ == "__main__":
    with one_line_errors():
        typer.run(main)
