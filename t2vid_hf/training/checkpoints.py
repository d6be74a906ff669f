"""Checkpoints of a run: which is the last whole one, what it holds, and whether this run can take it up.

`Trainer` takes the folder of the highest number, also one that was being written when the run was killed, and trains
without the state of the optimizer where there is none. Here both are told.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError

STATE = "trainer_state.json"
RECORD = "RowsTaken"
_NAME = re.compile(r"checkpoint-(\d+)")
_LAST = ("true", "last")


def checkpoints_in(folder: Path) -> list[Path]:
    """The `checkpoint-N` folders, the last one first."""
    found = [(int(match[1]), path) for path in folder.glob("checkpoint-*") if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found, reverse=True) if path.is_dir()]


def asked_for(given: str | bool | None) -> str | None:
    """What `resume_from_checkpoint` asks for: "true" for the last checkpoint, a path, or `None`."""
    if given is None or given is False or str(given).strip().lower() in ("", "false", "none", "no"):
        return None
    return "true" if str(given).strip().lower() in _LAST else str(given)


def find_checkpoint(given: str | bool | None, output_dir: str, *, show: Callable[[str], Any] = print) -> Path | None:
    """The checkpoint that `resume_from_checkpoint` means.

    Args:
        given (`str`, `bool` or `None`): A checkpoint's folder; a run's folder, for its last checkpoint; `true` or
            `"last"` for the last one in `output_dir`.
        output_dir (`str`): The run's folder.
        show (`Callable[[str], Any]`, *optional*, defaults to `print`): Told of a checkpoint that was cut short.

    Returns:
        `Path` or `None`: `None` where nothing was asked for, and where `true` finds no checkpoint.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such folder, it is no checkpoint, or it was cut short.
    """
    asked = asked_for(given)
    if asked is None:
        return None
    folder = Path(output_dir if asked == "true" else asked)
    if asked != "true" and not folder.is_dir():
        there = ", ".join(str(path) for path in checkpoints_in(Path(output_dir))) or "none"
        raise InputError(
            f"resume_from_checkpoint: there is no folder {folder}; in {output_dir} there are: {there}. Give one of "
            f"those, or true for the last"
        )
    if asked != "true" and not checkpoints_in(folder):
        missing = lacks(folder)
        if missing:
            raise InputError(f"resume_from_checkpoint: {folder} cannot be taken up: it has no {missing}")
        return folder
    skipped: list[tuple[Path, str]] = []
    for path in checkpoints_in(folder):
        missing = lacks(path)
        if not missing:
            for cut, what in skipped:
                show(f"{cut} was cut short (it has no {what}); the run goes on from {path}")
            return path
        skipped.append((path, missing))
    if skipped:
        raise InputError(
            f"resume_from_checkpoint: no checkpoint in {folder} is whole: "
            + "; ".join(f"{path.name} has no {what}" for path, what in skipped)
        )
    if asked != "true":
        raise InputError(f"resume_from_checkpoint: {folder} is no checkpoint, and has none")
    return None


def lacks(checkpoint: Path) -> str | None:
    """What a checkpoint would need to be taken up and does not have, or `None`."""
    names = {path.name for path in checkpoint.iterdir()}
    sharded = any(name.startswith(("global_step", "pytorch_model_fsdp")) for name in names)
    weights = any(re.fullmatch(r"(adapter_)?(pytorch_)?model.*\.(safetensors|bin)", name) for name in names)
    if not weights and not sharded:
        return "weights"
    if not sharded and not {"optimizer.pt", "optimizer.bin"} & names:
        return "optimizer.pt (save_only_model leaves it out; the weights can begin a new run as model_name_or_path)"
    if not any(name.startswith("rng_state") for name in names):
        return "rng_state.pth"
    try:
        json.loads((checkpoint / STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return f"readable {STATE}, which is written last"
    return None


def read_record(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint keeps of its run: see [`~t2vid_hf.training.rows_taken.RowsTaken`].

    Raises:
        [`~t2vid_hf.errors.InputError`]: it keeps nothing of the kind.
    """
    state = json.loads((checkpoint / STATE).read_text("utf-8"))
    kept = (state.get("stateful_callbacks") or {}).get(RECORD)
    record = (kept[-1] if isinstance(kept, list) else kept or {}).get("args", {}).get("record")
    if not record:
        raise InputError(
            f"{checkpoint} does not say which rows it has taken, so that no run can go on from it exactly: it was not "
            f"written by T2VidSFTTrainer, or by an older one. Its weights can begin a new run, as model_name_or_path"
        )
    return {**record, "global_step": state["global_step"], "epoch": state["epoch"]}


def written_by(checkpoint: Path) -> str:
    """What wrote the state of the optimizer, and so must read it: "DeepSpeed", "FSDP", or "one process"."""
    names = [path.name for path in checkpoint.iterdir()]
    if any(name.startswith("global_step") for name in names):
        return "DeepSpeed"
    return "FSDP" if any(name.startswith("pytorch_model_fsdp") for name in names) else "one process"
