"""An adapter merged into its base: a checkpoint of its own, with the processor as it was set in training.

Who serves a checkpoint needs neither peft nor the base model, and no layer has two more to compute. The merge is done
in the type that the base is loaded in, so that it takes the memory of the base alone: in bfloat16 each merged weight
is rounded once more, which may turn a token; in float32 the answers are the adapter's. An adapter that was trained
over 4 bits is merged into the weights as they were before, which it has not seen: closer to the model that was meant
than the same weights rounded to 4 bits again.

A folder is written whole or not at all. What cannot be merged without a change of what the model says is refused:
prompts, weights that are not the adapter's, a base of 4 bits, a layer that the base shares with another.
"""

import json
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from peft import (
    PeftConfig,
    PeftModel,
    get_peft_model,
    get_peft_model_state_dict,
    load_peft_weights,
    set_peft_model_state_dict,
)
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from torch import nn
from transformers import PreTrainedConfig

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.models.loaded_weights import check_loaded
from t2vid_hf.models.loading import load_checkpoint

DTYPES = ("auto", "float32", "bfloat16", "float16")
"""Types of the merged weights; "auto" is the base's own."""

# What a run wrote beside the adapter, and the cards of `t2vid push` read.
_RUN, _RECIPE, _STATE = "run.json", "recipe.yaml", "trainer_state.json"


def merge(adapter: str, output: Path, *, dtype: str = "auto") -> list[str]:
    """Merge an adapter into its base, and write the checkpoint.

    Args:
        adapter (`str`): Folder of the adapter, or its name on the Hub.
        output (`Path`): The checkpoint's folder; it must not be there, or be empty.
        dtype (`str`, *optional*, defaults to `"auto"`): Type to merge and to write in, one of `DTYPES`.

    Returns:
        `list[str]`: names of the files of the adapter's run that were carried along; none where it has none.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the folder holds something, the type is unknown, there is no such adapter, or
            it cannot be merged.
    """
    if dtype not in DTYPES:
        raise unknown("dtype", dtype, DTYPES)
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise InputError(f"{output}: there is something already; give a folder that is not there, or is empty")
    config = _config(adapter)
    base, processor, family = load_checkpoint(adapter, only_base=True, dtype=dtype)
    merged = _merged(base, adapter, config)
    family.configure_model(merged.config)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as temporary:
        built = Path(temporary) / "checkpoint"  # with the rights of any folder; the temporary one is private
        merged.save_pretrained(built)
        processor.save_pretrained(built)
        carried = _carry_records(adapter, built, config, merged)
        if output.exists():
            output.rmdir()
        built.rename(output)
    return carried


def _config(adapter: str) -> PeftConfig:
    """The adapter's configuration, if it is one that can be merged."""
    what = f"adapter '{adapter}'"
    try:
        config = PeftConfig.from_pretrained(adapter)
        if config.is_prompt_learning or config.is_adaption_prompt:
            raise InputError("it learned prompts, not weights, and cannot be merged; serve it with peft")
        what += f", its base '{config.base_model_name_or_path}'"
        described, _ = PreTrainedConfig.get_config_dict(str(config.base_model_name_or_path), revision=config.revision)
        if "quantization_config" in described:
            raise InputError(
                "the base is quantised, and what is merged into it would be rounded to its few bits: put the model "
                "that it was quantised from into base_model_name_or_path of adapter_config.json"
            )
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{what}: {error}") from None
    return config


def _merged(base: nn.Module, adapter: str, config: PeftConfig) -> Any:
    """The base with the adapter's weights in it."""
    weights = load_peft_weights(adapter, device="cpu")
    times = Counter(id(value) for _, value in base.named_parameters(remove_duplicate=False))
    tied = {value for value, count in times.items() if count > 1}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is tied: it is refused below
            tuned = get_peft_model(base, config)
        check_loaded(_differences(weights, get_peft_model_state_dict(tuned)))
        shared = [name for name, module in _touched(tuned) if tied & {id(value) for value in module.parameters()}]
        if shared:
            raise InputError(
                f"it changes '{shared[0]}', whose weights the base shares with another layer, which would change with "
                f"it; serve it with peft, or train it on a base whose embeddings and head are not tied"
            )
        set_peft_model_state_dict(tuned, weights)
        return tuned.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise InputError(f"adapter '{adapter}': {error}") from None


def _differences(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Which weights of an adapter's file are not those that its configuration makes."""
    other = [name for name in given if name in wanted and given[name].shape != wanted[name].shape]
    return {
        "missing_keys": set(wanted) - set(given),
        "unexpected_keys": set(given) - set(wanted),
        "mismatched_keys": {(name, given[name].shape, wanted[name].shape) for name in other},
    }


def _touched(tuned: PeftModel) -> Iterator[tuple[str, nn.Module]]:
    """The base's modules that an adapter stands before or replaces, by name."""
    for name, module in tuned.base_model.model.named_modules():
        if isinstance(module, BaseTunerLayer):
            yield name, module.get_base_layer()
        elif isinstance(module, AuxiliaryTrainingWrapper):
            yield name, module.original_module


def _carry_records(adapter: str, folder: Path, config: PeftConfig, merged: Any) -> list[str]:
    """Copy what the adapter's run wrote of itself, with a note of the adapter in each that a person reads."""
    note = {
        "adapter": adapter,
        "base_model": config.base_model_name_or_path,
        "base_revision": config.revision,
        "dtype": str(merged.dtype).removeprefix("torch."),
    }
    beside = ((name, _beside(adapter, name)) for name in (_RUN, _RECIPE, _STATE))
    carried = {name: path for name, path in beside if path is not None}
    for name, path in carried.items():
        shutil.copyfile(path, folder / name)
    if _RUN in carried:
        record = json.loads((folder / _RUN).read_text("utf-8"))
        record |= {"parameters": sum(value.numel() for value in merged.parameters()), "merged": note}
        (folder / _RUN).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if _RECIPE in carried:
        told = f"# Of the adapter {json.dumps(adapter)}, which is merged into its base here.\n"
        (folder / _RECIPE).write_text(told + (folder / _RECIPE).read_text("utf-8"), encoding="utf-8")
    return list(carried)


def _beside(adapter: str, name: str) -> Path | None:
    """A file of the adapter's folder, or of its repository; `None` where it has none."""
    if Path(adapter).is_dir():
        path = Path(adapter) / name
        return path if path.is_file() else None
    try:
        return Path(hf_hub_download(adapter, name))
    except EntryNotFoundError:
        return None
