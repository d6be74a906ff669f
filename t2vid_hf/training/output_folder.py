"""The folder that a run writes to: never on top of another run, unless it is told to.

A folder of weights, adapters, checkpoints and records that two runs have written to looks like one run's and is
none's: a LoRA adapter beside the weights of a whole model, the last checkpoint of another recipe. So a run begins where
there is none, or goes on where it was, or is told to overwrite.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.training.checkpoints import asked_for, find_checkpoint

# What a run writes and another one would leave behind. Other files (logs, scores, a card) are nobody's business.
_WRITTEN = re.compile(
    r"checkpoint-\d+|run\.json|recipe\.yaml|trainer_state\.json|training_args\.bin|config\.json"
    r"|generation_config\.json|adapter_config\.json|(adapter_|pytorch_)?model.*\.(safetensors|bin)(\.index\.json)?"
)
_BEGUN = "recipe.yaml"  # written when a run begins; alone it is of one that has come to nothing


def what_is_there(folder: Path) -> list[Path]:
    """What another run has written into a folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _WRITTEN.fullmatch(path.name))


def open_output(recipe: Any, config: Any, *, show: Callable[[str], Any] = print) -> Path | None:
    """Where a run goes on from, or `None` where it begins.

    Args:
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`]): `overwrite_output_dir`, and the model's folder.
        config ([`T2VidSFTConfig`]): `output_dir` and `resume_from_checkpoint`.
        show (`Callable[[str], Any]`, *optional*, defaults to `print`): Told what is begun or passed over.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the folder holds another run, or the checkpoint is none.
    """
    folder, asked = Path(config.output_dir), asked_for(config.resume_from_checkpoint)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"output_dir: {folder} is a file")
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise InputError(f"output_dir: {folder} cannot be written: {nearest} is no folder, or none of yours")
    if recipe.overwrite_output_dir:
        if Path(recipe.model_name_or_path).resolve().is_relative_to(folder.resolve()):
            raise InputError(f"overwrite_output_dir would delete the model {recipe.model_name_or_path}, which is in "
                             f"output_dir {folder}: give another output_dir")  # fmt: skip
        if asked == "true" or (asked and Path(asked).resolve().is_relative_to(folder.resolve())):
            raise InputError("overwrite_output_dir deletes the checkpoint that resume_from_checkpoint asks for: give "
                             "one of them")  # fmt: skip
    checkpoint = find_checkpoint(config.resume_from_checkpoint, config.output_dir, show=show)
    there = [path.name for path in what_is_there(folder)]
    goes_on_here = checkpoint is not None and checkpoint.resolve().is_relative_to(folder.resolve())
    if there not in ([], [_BEGUN]) and not goes_on_here and not recipe.overwrite_output_dir:
        also = " It has no checkpoint to go on from." if asked == "true" else ""
        raise InputError(
            f"output_dir {folder} holds a run already ({', '.join(there[:4])}{', ...' if there[4:] else ''}).{also} "
            f"Give another output_dir; or, to go on with that run, resume_from_checkpoint true; or, to delete it, "
            f"overwrite_output_dir true"
        )
    if asked == "true" and checkpoint is None:
        show(f"resume_from_checkpoint: {folder} has no checkpoint yet; the run begins at step 1")
    return checkpoint


def clear(folder: Path) -> None:
    """Delete what another run has written, and nothing else.

    Args:
        folder (`Path`): `output_dir` of a run that overwrites.
    """
    for path in what_is_there(folder):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
