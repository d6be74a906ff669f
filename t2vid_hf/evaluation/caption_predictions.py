"""Captions for TempCompass's judge: `predictions/MODEL/captioning.json`, in its authors' form. No rule scores them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from t2vid_hf.evaluation.runs import Answer


def write_captions(folder: Path, model: str, answers: Sequence[Answer]) -> Path:
    """Write captions where the authors' `eval_captioning.py` looks for them.

    Args:
        folder (`Path`): The folder of the run.
        model (`str`): The model's name.
        answers (`Sequence[Answer]`): What it said.
    """
    said: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for answer in answers:
        line = answer.item.line
        record = {"question": line["question"], "answer": line["expected"], "prediction": answer.reply}
        said.setdefault(line["clip"], {}).setdefault(line["kind"], []).append(record)
    path = folder / "predictions" / model / "captioning.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
