"""Weights of a checkpoint go back into the model, whatever names they have in its files.

A checkpoint is saved under the names that its family was published with. `from_pretrained` turns them into those of the
model's modules, and `Trainer` does not (huggingface/transformers#43701, 5.24): of a Qwen2.5-VL it loads nothing, warns
of missing keys, and goes on from the first weights with the optimizer of later ones.
"""

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME

from t2vid_hf.errors import InputError
from t2vid_hf.models.loaded_weights import check_loaded
from t2vid_hf.training.model_parts import bare_model


def load_weights(model: Any, folder: str | Path) -> None:
    """Load the weights of a checkpoint into a model of its class, in place; their types become those of the model.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model.
        folder (`str` or `Path`): The checkpoint.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a weight is missing, left over, or of another shape.
    """
    loaded, info = type(model).from_pretrained(
        folder,
        dtype=torch.float32,  # exact for what is kept in 16 bits
        attn_implementation="eager",  # it is never run
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    try:
        check_loaded(info)
    except InputError as error:
        raise InputError(f"checkpoint {folder}: {error}") from None
    model.load_state_dict(loaded.state_dict())


class LoadsPublishedNames:
    """What a trainer of transformers does otherwise: it resumes, and takes its best model, under published names."""

    def _load_from_checkpoint(self: Any, resume_from_checkpoint: str, model: Any = None) -> None:
        if _is_whole(self, resume_from_checkpoint):
            load_weights(bare_model(self.model if model is None else model), resume_from_checkpoint)
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]

    def _load_best_model(self: Any) -> None:
        if _is_whole(self, self.state.best_model_checkpoint):
            load_weights(bare_model(self.model), self.state.best_model_checkpoint)
        else:
            super()._load_best_model()  # type: ignore[misc]


def _is_whole(trainer: Any, folder: str) -> bool:
    """Whether a checkpoint holds a whole model by itself: no adapter's, and not what FSDP or DeepSpeed have written."""
    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    files = (Path(folder) / name for name in (SAFE_WEIGHTS_NAME, SAFE_WEIGHTS_INDEX_NAME))
    return not sharded and not isinstance(trainer.model, PeftModel) and any(file.is_file() for file in files)
