"""What the tests of cards share: tiny checkpoints as a trainer saves them, their cards, and the snippets in these."""

import re
from pathlib import Path
from typing import Any

from peft import LoraConfig

from tests.training.runs import config, load, make_rows, ours


def save_trained(
    checkpoint: Path, folder: Path, clip: bytes, *, lora: bool = False, steps: int = 0, **args: Any
) -> Any:
    """Save a model as its trainer does, after some steps on rows of pages, text and video; returns the trainer."""
    peft = {"peft_config": LoraConfig(r=2, target_modules=["q_proj"])} if lora else {}
    settings = config(folder, max_steps=max(1, steps), **{"num_frames": 3, **args})
    trainer = ours(checkpoint, settings, make_rows(2, clip), given=load(checkpoint), **peft)
    if steps:
        trainer.train()
    trainer.save_model()
    return trainer


def snippets(folder: Path) -> list[str]:
    """The Python of a card, in order."""
    return re.findall(r"^```python\n(.*?)^```$", (folder / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
