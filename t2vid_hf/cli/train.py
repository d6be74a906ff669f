"""`t2vid train`: a recipe's YAML file, and options that win over it. Under accelerate: `-m t2vid_hf train ...`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from t2vid_hf.evaluation.item import Item
    from t2vid_hf.training import T2VidSFTTrainer
    from t2vid_hf.training.arguments import RecipeArguments

# Its options are the fields of two dataclasses, parsed by transformers: typer passes them on as they are.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def train(context: typer.Context) -> None:
    """Fine-tune a vision-language model on a mixture: --config RECIPE.yaml, and options that win over it."""
    run(context.args)


def run(argv: Sequence[str]) -> None:
    """Train what the command line says.

    Args:
        argv (`Sequence[str]`): The options: `--config` with a recipe's file, and fields that win over it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: they cannot be read, or what they say cannot be trained.
    """
    from torch import distributed

    from t2vid_hf.evaluation.runs import load_items
    from t2vid_hf.training.arguments import parse
    from t2vid_hf.training.fine_tuning import fine_tune

    met = distributed.is_available() and distributed.is_initialized()
    recipe, config = parse(argv)  # makes a group of the processes, where there are several
    items: list[Item] = []
    if recipe.ask_dataset:  # read before anything else is, so that a wrong one ends here
        items = load_items(recipe.ask_benchmark, recipe.ask_dataset, at_most=recipe.ask_questions)
    fine_tune(recipe, config, callbacks=lambda trainer: questions(trainer, recipe, items))
    if not met and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()  # or torch warns, and its threads may abort Python's end


def questions(trainer: "T2VidSFTTrainer", recipe: "RecipeArguments", items: "Sequence[Item]") -> list[Any]:
    """What asks the model questions of a benchmark while it trains, and logs how many it answers, if a recipe says so.

    Args:
        trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): The trainer whose model is asked.
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): The recipe: `ask_benchmark` and `ask_every`.
        items (`Sequence[Item]`): What is asked; nothing where the recipe has no `ask_dataset`.

    Returns:
        `list[GenerationCallback]`: one, or none where there is nothing to ask.
    """
    from t2vid_hf.evaluation.runs import accuracy, ask
    from t2vid_hf.training.generation_callback import GenerationCallback

    if not items:
        return []
    policy = trainer.args.video_policy().settled(trainer.adapter)

    def evaluate(model: Any, processor: Any) -> dict[str, float]:
        answers = ask(model, processor, items, policy=policy)
        return {f"{recipe.ask_benchmark}_accuracy": accuracy(answers)}

    return [GenerationCallback(trainer, evaluate, every_steps=recipe.ask_every, at_start=True)]
