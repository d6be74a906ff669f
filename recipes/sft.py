"""Fine-tune a vision-language model on a mixture of pages, video and text.

    accelerate launch recipes/sft.py --config recipes/debug/sft_cpu.yaml

Options on the command line win over the YAML file: --model_name_or_path my/checkpoint --learning_rate 1e-5
"""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import datasets
import yaml
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForImageTextToText, AutoProcessor

from t2vid_hf.data.mixture import Mixture, load_mixture
from t2vid_hf.errors import InputError, one_line_errors
from t2vid_hf.models import adapter_for
from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer
from t2vid_hf.training.arguments import RecipeArguments, parse

REPORTED = (
    "num_train_epochs",
    "learning_rate",
    "lr_scheduler_type",
    "weight_decay",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "num_frames",
    "seed",
)
VERSIONS = ("t2vid-hf", "transformers", "trl", "datasets", "accelerate", "torch", "Pillow")


def main() -> None:
    recipe, config = parse()
    datasets.disable_progress_bars()
    mixture = load_mixture(recipe.parts(), seed=recipe.mixture_seed)
    if config.local_process_index == 0:
        show_mixture(mixture)
    model, processor = load_model(recipe)
    trainable = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    steps = -(-len(mixture.dataset) // config.train_batch_size // config.gradient_accumulation_steps)
    print(f"{recipe.model_name_or_path}: {trainable:,} trainable parameters; about {steps} steps an epoch")
    if recipe.dry_run:
        return
    trainer = T2VidSFTTrainer(model, args=config, train_dataset=mixture.dataset, processing_class=processor)
    trainer.train()
    trainer.save_model()  # weights and processor
    trainer.save_state()  # trainer_state.json, with the loss curve
    if trainer.is_world_process_zero():
        write_records(Path(config.output_dir), recipe, config, mixture, model)


def load_model(recipe: RecipeArguments):
    """The model and its processor."""
    try:
        model = AutoModelForImageTextToText.from_pretrained(
            recipe.model_name_or_path,
            revision=recipe.model_revision,
            dtype=recipe.dtype,
            attn_implementation=recipe.attn_implementation,
        )
        processor = AutoProcessor.from_pretrained(recipe.model_name_or_path, revision=recipe.model_revision)
    except (OSError, ValueError) as error:
        raise InputError(f"model '{recipe.model_name_or_path}': {error}") from None
    adapter_for(model.config.model_type)  # an unknown family ends here, before anything is trained
    return model, processor


def show_mixture(mixture: Mixture) -> None:
    """Print what became of each part's rows."""
    table = Table("part", "rows", "drawn", "left out, by reason", title="Mixture")
    for part in mixture.drawn:
        reasons = "; ".join(f"{count} {reason}" for reason, count in part.dropped.items()) or "0"
        table.add_row(part.part, str(part.rows), str(part.drawn), reasons)
    Console().print(table)


def write_records(folder: Path, recipe: RecipeArguments, config: T2VidSFTConfig, mixture: Mixture, model) -> None:
    """Write beside the weights what they were made from."""
    records = {
        "base_model": recipe.model_name_or_path,
        "parameters": model.num_parameters(),
        "mixture": [asdict(part) for part in mixture.drawn],
        "settings": {name: getattr(config, name) for name in REPORTED},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS}},
    }
    (folder / "run.json").write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    merged = {**asdict(recipe), **{key: value for key, value in config.to_dict().items() if "token" not in key}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(merged, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    with one_line_errors():
        main()
