"""A small experiment on generated rows, for tests of how experiments are read, run and reported."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from datasets import Features, Value
from PIL import Image

from t2vid_hf.data.repository import write_config
from t2vid_hf.models import tiny
from t2vid_hf.schema import conversation, features, media_block

SHAPES = ("circle", "square", "star", "ring")
KINDS = ("first", "last")
TRAIN = {
    "attn_implementation": "sdpa", "dtype": "float32", "per_device_train_batch_size": 4, "learning_rate": 1e-3,
    "num_train_epochs": 1,
    "use_cpu": True, "bf16": False, "activation_checkpointing": False, "dataloader_num_workers": 0,
    "dataloader_pin_memory": False, "save_strategy": "no", "report_to": "none",
}  # fmt: skip


def picture(shape: str, number: int) -> dict[str, Any]:
    """A grey square, as bytes of a PNG file."""
    import io

    shade = 40 * SHAPES.index(shape) + number % 37
    buffer = io.BytesIO()
    Image.fromarray(np.full((24, 24), shade, np.uint8)).save(buffer, format="PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def row(number: int, kind: str, *, test: bool = False) -> dict[str, Any]:
    """Two pictures, and which was first or last."""
    first, last = SHAPES[number % 4], SHAPES[(number + 1 + number // 4 % 3) % 4]
    answer = first if kind == "first" else last
    words = f"Which is {kind}?" if not test else f"Name the {kind} one."
    shown = [picture(shape, number + 20 * test) for shape in (first, last)]
    made = {
        "id": f"{'test' if test else 'train'}-{kind}-{number}", "source": "made", "media": "image_sequence",
        "messages": conversation([media_block("image")] * 2, words, answer), "images": shown, "videos": [],
        "num_frames": 2, "kind": kind, "wording": words,
    }  # fmt: skip
    return {**made, "options": list(SHAPES), "frames": 2 + number % 2} if test else made


def write_world(folder: Path, *, rows: int = 24, questions: int = 8) -> None:
    """A set to train on, a set of questions, and a tiny model, below a folder."""
    more = {"kind": Value("string"), "wording": Value("string")}
    train = Features({**features(), **more})
    asked = Features({**train, "options": [Value("string")], "frames": Value("int32")})
    made = [row(number, kind) for kind in KINDS for number in range(rows)]
    tests = [row(number, kind, test=True) for kind in KINDS for number in range(questions)]
    write_config(folder / "set", "rows", {"train": lambda: iter(made)}, features=train, stats={})
    write_config(folder / "set", "questions", {"test": lambda: iter(tests)}, features=asked, stats={})
    tiny.build(folder / "model", ["Which is first? Which is last? Name the one. circle square star ring"] * 4)
    (folder / "sft.yaml").write_text(yaml.safe_dump(TRAIN))


def design(folder: Path, **changes: Any) -> dict[str, Any]:
    """An experiment on it; `None` takes a key out."""
    data = str(folder / "set")
    given = {
        "output_dir": str(folder / "out"),
        "base": {"checkpoints": [str(folder / "model")]},
        "train": str(folder / "sft.yaml"),
        "seeds": [3, 4],
        "rotate": {"S": [["first"], ["last"]]},
        "pools": {
            "all": {"path": data, "name": "rows"},
            "taught": {"path": data, "name": "rows", "where": {"kind": "$S"}},
        },
        "arms": {"nothing": {}, "large": {"all": 24}, "small": {"all": 8}, "some": {"taught": 8}},
        "test": {
            "path": data, "name": "questions", "groups": {"S": {"kind": "$S"}, "every": {}}, "by": "frames",
            "leaks": ["kind", "wording"],
        },
        "primary": {"compare": ["some", "large"], "group": "S", "margin": 0.02},
        "control": {"compare": ["some", "small"], "group": "S"},
        "quick": {"seeds": [3], "arms": {"large": None}, "primary": {"compare": ["some", "small"]}},
    }  # fmt: skip
    return {key: value for key, value in {**given, **changes}.items() if value is not None}


def write_design(folder: Path, **changes: Any) -> str:
    """It as a file."""
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(design(folder, **changes), sort_keys=False))
    return str(path)
