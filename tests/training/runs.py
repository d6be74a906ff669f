"""What the tests of training share: settings of a short run on a CPU, rows of many lengths, stock TRL beside ours."""

import contextlib
import shutil
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, TrainerCallback
from trl import SFTConfig, SFTTrainer
from trl.chat_template_utils import idefics3_chat_template

from t2vid_hf.models import register
from t2vid_hf.schema import conversation, features, media_block
from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer

SETTINGS = {
    "max_steps": 1, "per_device_train_batch_size": 1, "learning_rate": 1e-2, "use_cpu": True, "bf16": False,
    "gradient_checkpointing": False, "report_to": "none", "save_strategy": "no", "dataloader_pin_memory": False,
    "disable_tqdm": True, "logging_steps": 1, "dataloader_num_workers": 0, "lr_scheduler_type": "constant",
}  # fmt: skip


def config(folder: Path, **changes: Any) -> T2VidSFTConfig:
    return T2VidSFTConfig(**{**SETTINGS, "num_frames": 3, "output_dir": str(folder), **changes})


def load(checkpoint: Path, attention: str = "sdpa", dtype: str = "float32") -> tuple[Any, Any]:
    """A model, the same each time, and its processor."""
    # A second thread gains nothing on a model this small, and beside another busy process costs 75 times as much.
    torch.set_num_threads(1)
    register()
    model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=dtype, attn_implementation=attention)
    return model, AutoProcessor.from_pretrained(checkpoint)


def as_published(tiny: Path, folder: Path) -> Path:
    """The tiny model with the chat template of Idefics3-8B, which TRL knows."""
    shutil.copytree(tiny, folder, dirs_exist_ok=True)
    processor = AutoProcessor.from_pretrained(folder)
    processor.chat_template = idefics3_chat_template
    processor.save_pretrained(folder)
    return folder


def ours(
    checkpoint: Path, args: T2VidSFTConfig, rows: Any, *, attention: str = "sdpa", given: Any = None, **kwargs: Any
) -> T2VidSFTTrainer:
    """Our trainer of rows, or of a data set; of a checkpoint, or of a model and a processor that are given."""
    model, processor = given or load(checkpoint, attention)
    rows = Dataset.from_list(rows, features=features()) if isinstance(rows, list) else rows
    return T2VidSFTTrainer(model, args=args, train_dataset=rows, processing_class=processor, **kwargs)


def stock(checkpoint: Path, folder: Path, dataset: Any, *, given: Any = None, **changes: Any) -> SFTTrainer:
    """TRL's own trainer, with its own defaults but for what makes a short run on a CPU."""
    args = SFTConfig(**{**SETTINGS, "output_dir": str(folder), **changes})
    model, processor = given or load(checkpoint)
    return SFTTrainer(model, args=args, train_dataset=dataset, processing_class=processor)


def only_trl_1_16(limit: str) -> None:
    """End a test whose first half has passed: another TRL may have mended the limit that its second half shows."""
    if not version("trl").startswith("1.16."):
        pytest.skip(f"{limit}: ours is right; stock TRL is only looked at in version 1.16, not {version('trl')}")


def mended(limit: str) -> str:
    return f"TRL has mended {limit}: drop our override"


@contextlib.contextmanager
def trl_fails(limit: str, error: type[Exception], message: str) -> Iterator[None]:
    """Stock TRL raises this error within; that it does not is news."""
    try:
        with pytest.raises(error, match=message):
            yield
    except pytest.fail.Exception as not_raised:
        if "DID NOT RAISE" in str(not_raised):
            pytest.fail(mended(limit))
        raise


class Reports(TrainerCallback):
    """Stands where a logging service stands: told of what is logged, and at which step."""

    def __init__(self) -> None:
        self.told: list[tuple[int, dict]] = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        self.told.append((state.global_step, dict(logs)))


class Recorder(TrainerCallback):
    """Keeps the gradients of each step as they come to the optimizer."""

    def __init__(self) -> None:
        self.gradients: list[dict[str, torch.Tensor]] = []

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        found = ((name, parameter.grad) for name, parameter in model.named_parameters())
        self.gradients.append({name: grad.clone() for name, grad in found if grad is not None})


def seen_rows(trainer: Any) -> list[list[int]]:
    """The rows of each batch that the trainer takes from now on, known by their numbers of tokens."""
    prices, batches = trainer.prices.tokens.tolist(), []
    assert len(set(prices)) == len(prices)
    take = trainer.compute_loss

    def spy(model, inputs, *args, **kwargs):
        batches.append([prices.index(length) for length in inputs["row_lengths"]])
        return take(model, inputs, *args, **kwargs)

    trainer.compute_loss = spy
    return batches


def losses(trainer: Any) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def parameters(trainer: Any) -> dict[str, torch.Tensor]:
    return {name: parameter.detach() for name, parameter in trainer.model.named_parameters()}


def assert_close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], *, atol: float = 1e-5) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=atol, msg=partial(_told, name))


def _told(name: str, message: str) -> str:
    return f"{name}: {message}"


def make_rows(count: int, clip: bytes) -> list[dict]:
    """Rows of text, of one to three pages, and of video in turn; no two have the same text or length."""
    image, rows = media_block("image"), []
    for number in range(count):
        answer = f"It is {' '.join(['so'] * (number + 1))}, number {number}."
        row = {"id": f"row-{number}", "source": "test", "media": "text", "images": [], "videos": [], "num_frames": 0}
        media: list = []
        if number % 3 == 1:
            pages = number // 3 % 3 + 1
            media = [image] * pages
            row |= {"media": "image_sequence", "num_frames": pages}
            row["images"] = [picture(number * 10 + page) for page in range(pages)]
        elif number % 6 == 5:
            media = [media_block("video")]
            row |= {"media": "video", "num_frames": 16, "videos": [{"bytes": clip, "path": "clip.mp4"}]}
        rows.append({**row, "messages": conversation(media, f"What is number {number}?", answer)})
    return rows


def picture(seed: int, side: int = 96) -> Image.Image:
    """Noise of a seed, in colours; no two are alike."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))
