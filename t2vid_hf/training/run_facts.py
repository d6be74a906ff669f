"""What a run was, as `run.json` beside its weights tells it and their card repeats it: from, on, with, by, how long.

Kept by the trainer, so that a run of three lines of Python has a record as one of a recipe has; a recipe adds what it
alone knows. Time is that of training, evaluations in it included, and goes on where a run is taken up.
"""

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import TrainerCallback

from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.mixtures.mixing import Mixture
from t2vid_hf.models.trained_with import recorded
from t2vid_hf.training.model_parts import bare_model, what_trains

RECORD = "run.json"
_SETTINGS = (
    "learning_rate", "vision_learning_rate", "connector_learning_rate", "lr_scheduler_type",
    "warmup_steps", "optim", "weight_decay", "per_device_train_batch_size", "gradient_accumulation_steps", "bf16",
    "frame_size", "image_max_pixels", "video_max_pixels", "max_length", "packing", "labels", "seed",
)  # fmt: skip
_VERSIONS = ("t2vid-hf", "transformers", "trl", "peft", "datasets", "accelerate", "torch", "Pillow")


class RunFacts(TrainerCallback):
    """Keeps what `run.json` holds.

    Args:
        base_model (`str`): The folder or the name on the Hub that the model was loaded from; empty for a new one.
        revision (`str`, *optional*): Its revision on the Hub; `None` is the main branch.

    Attributes:
        of_recipe (`dict[str, Any]`): What a recipe alone knows: "mixture", "evaluation" and "cost".
    """

    def __init__(self, base_model: str, revision: str | None = None) -> None:
        self.base_model, self.revision = base_model, revision
        self.base_on_hub = bool(base_model) and not Path(base_model).exists()  # asked now: folders go
        self.of_recipe: dict[str, Any] = {}
        self._before = 0.0
        self._since: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._since = time.perf_counter()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop the clock."""
        self._before, self._since = self.seconds(), None

    def seconds(self) -> float:
        """How long the run has trained, with what it was taken up from."""
        return self._before + (0.0 if self._since is None else time.perf_counter() - self._since)

    def take_up(self, seconds: float) -> None:
        """Count the time of the run that is taken up.

        Args:
            seconds (`float`): What its checkpoint keeps.
        """
        self._before = seconds

    def write(self, trainer: Any, folder: Path) -> None:
        """Write `run.json`.

        Args:
            trainer ([`~t2vid_hf.training.T2VidSFTTrainer`]): The run's.
            folder (`Path`): The folder of the weights.
        """
        sizes = what_trains(trainer.model, trainer.adapter.parts)
        adapter, processor = trainer.adapter, trainer.processing_class
        policies = [VideoPolicy(**way) for way in recorded(processor)["videos"]]
        squeezed = adapter.keeps_proportions and adapter.frame_size(processor) == "square"
        record = {
            "base_model": self.base_model or None,
            "base_revision": self.revision,
            "base_on_hub": self.base_on_hub,
            "model_type": bare_model(trainer.model).config.model_type,
            "adapter": isinstance(trainer.model, PeftModel),
            "parameters": sum(size.total for size in sizes),
            "trained": {size.part: size.trainable for size in sizes},
            "mixture": rows_given(trainer.train_dataset),
            "evaluation": None,
            "cost": None,
            **self.of_recipe,
            "settings": {**settings_of(trainer.args), **adapter_settings(trainer.model)},
            "steps": trainer.state.global_step,
            "hardware": hardware(trainer.args),
            "seconds": round(self.seconds(), 3),
            "video": [str(policy) for policy in policies],
            "video_ways": [{**asdict(policy), "most": policy.most, "told": str(policy)} for policy in policies],
            # what a reader has to squeeze frames to, where the processor alone would not
            "frame_px": adapter.page_px(processor) if squeezed else None,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in _VERSIONS}},
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def settings_of(args: Any) -> dict[str, Any]:
    """The settings of a run that decide what it learns, those left out where they are not set."""
    length = ("max_steps",) if args.max_steps > 0 else ("num_train_epochs",)  # the other has no effect
    given = {name: getattr(args, name) for name in length + _SETTINGS}
    return {name: str(getattr(value, "value", value)) if isinstance(value, str) else value
            for name, value in given.items() if value is not None}  # fmt: skip


def adapter_settings(model: Any) -> dict[str, Any]:
    """Rank and scale of the LoRA adapter that a model trains, or nothing."""
    if not isinstance(model, PeftModel):
        return {}
    config = model.peft_config[model.active_adapter]
    known = {"lora_r": getattr(config, "r", None), "lora_alpha": getattr(config, "lora_alpha", None)}
    quantised = bool(getattr(bare_model(model), "is_loaded_in_4bit", False))
    return {**{name: value for name, value in known.items() if value is not None}, "load_in_4bit": quantised}


def hardware(args: Any) -> dict[str, Any]:
    """What a run is on: the name of its devices, and how many."""
    if args.device.type == "cuda":
        return {"device": torch.cuda.get_device_name(args.device), "count": max(args.world_size, args.n_gpu)}
    return {"device": f"{args.device.type.upper()} ({platform.machine()})", "count": args.world_size}


def rows_given(dataset: Any) -> list[dict[str, Any]]:
    """The rows of a trainer that no recipe has mixed, in the form of a mixture's counts; of a stream none is known."""
    if dataset is None:
        return []
    rows = len(dataset) if hasattr(dataset, "__len__") else None
    return [{"part": "train_dataset", "rows": rows, "sampled": rows, "dropped": {}}]


def rows_mixed(mixture: Mixture) -> list[dict[str, Any]]:
    """What became of the rows of each part of a mixture, and where those are that are on the Hub.

    Args:
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The mixture.
    """
    counts: Sequence[Mapping[str, Any]] = [asdict(count) for count in mixture.counts]
    parts = [part for part, _ in mixture.parts]
    return [
        {**count, "dataset": None if Path(part.path).exists() else part.path, "revision": part.revision}
        for count, part in zip(counts, parts, strict=True)
    ]
