"""A checkpoint -> model, processor and adapter, or one line that says why not.

transformers warns of weights that a checkpoint lacks and trains them from noise, asks at the terminal whether to run a
checkpoint's own code, and gives a traceback for files that are cut short. Here each is an `InputError`, and what the
configuration and the processor tell is told before any weights are fetched.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.models import ADAPTERS, Adapter, adapter_for, register
from t2vid_hf.models.adapter import ModelParts
from t2vid_hf.models.loaded_weights import check_loaded


def load_checkpoint(
    path: str,
    *,
    revision: str | None = None,
    weights: bool = True,
    lora: bool = False,
    only_base: bool = False,
    quantization: Callable[[ModelParts], Any] | None = None,
    **settings: Any,
) -> tuple[Any, Any, Adapter]:
    """Load a checkpoint of a known family, every weight of it and no other.

    Args:
        path (`str`): A folder, or a name on the Hub.
        revision (`str`, *optional*): Branch, tag or commit on the Hub; `None` takes the main branch.
        weights (`bool`, *optional*, defaults to `True`): Whether to read the weights; else the model is built on the
            device "meta", shapes without values.
        lora (`bool`, *optional*, defaults to `False`): Whether `path` may be a LoRA adapter; its base model is loaded
            with it, in the revision that the adapter names.
        only_base (`bool`, *optional*, defaults to `False`): `path` must be a LoRA adapter; its base model is loaded
            without it, with the adapter's processor.
        quantization (`Callable[[ModelParts], Any]`, *optional*): Makes the `quantization_config` for the family's
            parts; `None` quantises nothing.
        **settings (`Any`): Arguments of `from_pretrained`: `dtype`, `attn_implementation`.

    Returns:
        `tuple[PreTrainedModel, ProcessorMixin, Adapter]`: the processor is not yet configured by the adapter.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such checkpoint; its family is unknown or text only; it needs code
            of its own; weights are missing, left over or of another shape; its processor is none or has no chat
            template.

    Example:

    ```python
    >>> import tempfile
    >>> from t2vid_hf.models import tiny
    >>> from t2vid_hf.models.loading import load_checkpoint
    >>> folder = tempfile.mkdtemp()
    >>> tiny.build(folder, ["What is it? A clock."])
    >>> model, processor, adapter = load_checkpoint(folder, weights=False, dtype="float32")
    >>> model.device.type, type(processor).__name__, adapter.page_px(processor)
    ('meta', 'Idefics3Processor', 96)

    ```
    """
    with _one_line(path) as names:
        base, source = _source_of(path, revision, lora=lora or only_base)
        if base is None and only_base:
            raise InputError("it is no LoRA adapter: a folder or a repository with an adapter_config.json is needed")
        names += [f"a LoRA adapter of '{base}'"] if base else []
        processor, adapter = _describe(path, revision, source)
        if quantization is not None:
            settings["quantization_config"] = quantization(adapter.parts)
        if weights:
            with _silence_report():
                model = _load_weights(source, settings)
                if base is not None and not only_base:
                    check_loaded(model.load_adapter(path, adapter_kwargs={"revision": revision}).to_dict())
        else:
            model = _build_without_weights(source, settings)
    return model, processor, adapter


def load_processor(path: str, *, revision: str | None = None) -> tuple[Any, Adapter]:
    """Load the processor of a checkpoint alone: what rows are checked and priced with before any weights are read.

    Args:
        path (`str`): A folder, or a name on the Hub.
        revision (`str`, *optional*): Branch, tag or commit on the Hub; `None` takes the main branch.

    Returns:
        `tuple[ProcessorMixin, Adapter]`: the processor is not yet configured by the adapter.

    Raises:
        [`~t2vid_hf.errors.InputError`]: as [`load_checkpoint`], but for what the weights tell.
    """
    with _one_line(path):
        _, source = _source_of(path, revision, lora=False)
        return _describe(path, revision, source)


@contextmanager
def _one_line(path: str) -> Iterator[list[str]]:
    """Name the checkpoint in what transformers and the Hub's client say of it; what is found out may be added."""
    from safetensors import SafetensorError

    register()
    names = [f"model '{path}'"]
    try:
        yield names
    except SafetensorError as error:
        raise InputError(f"{', '.join(names)}: a file of weights is damaged or cut short: {error}") from None
    except (OSError, ValueError) as error:
        # There is no such option here, which is what transformers asks for.
        told = _OWN_CODE if "trust_remote_code" in str(error) else error
        raise InputError(f"{', '.join(names)}: {told}") from None


def _source_of(path: str, revision: str | None, *, lora: bool) -> tuple[str | None, dict[str, Any]]:
    """The base of a LoRA adapter, or `None`, and what `from_pretrained` takes of the weights."""
    base, base_revision = _base_of(path, revision)
    if base is not None and not lora:
        raise InputError(
            f"it is a LoRA adapter of '{base}', and a whole model is needed: give '{base}', or merge them with "
            f"`t2vid merge`"
        )
    # The revision is that of what was asked for.
    return base, {"pretrained_model_name_or_path": base or path, "revision": base_revision if base else revision}


def _describe(path: str, revision: str | None, source: Mapping[str, Any]) -> tuple[Any, Adapter]:
    from transformers import AutoProcessor

    adapter = _adapter_of(source)
    # A LoRA adapter's folder has the processor too, as it was set in training.
    processor = AutoProcessor.from_pretrained(path, revision=revision, trust_remote_code=False)
    _check_processor(processor)
    return processor, adapter


_OWN_CODE = (
    "it needs Python code of its own (auto_map), which is not run here; give a checkpoint that was converted for "
    "transformers, '-hf' in many names"
)


def _load_weights(source: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    from transformers import AutoModelForImageTextToText

    model, info = AutoModelForImageTextToText.from_pretrained(
        **source,
        # Or transformers asks at the terminal, or its error does not name the key.
        trust_remote_code=False,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        **settings,
    )
    check_loaded(info)
    return model


def _build_without_weights(source: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    with torch.device("meta"):
        config = AutoConfig.from_pretrained(**source, trust_remote_code=False)
        return AutoModelForImageTextToText.from_config(config, **settings)


def _base_of(path: str, revision: str | None) -> tuple[str | None, str | None]:
    """The model that a LoRA adapter belongs to, and its revision; `None` where `path` is a model itself."""
    from transformers.utils import CONFIG_NAME, find_adapter_config_file

    found = find_adapter_config_file(path, revision=revision)
    if found is None or (Path(path) / CONFIG_NAME).exists():
        return None, None
    config = json.loads(Path(found).read_text("utf-8"))
    base = config.get("base_model_name_or_path")
    if not base:
        raise InputError(f"it is a LoRA adapter, and {found} names no base_model_name_or_path")
    return str(base), config.get("revision")


def _adapter_of(source: Mapping[str, Any]) -> Adapter:
    """The adapter of a checkpoint's family, from its configuration as it is written: no class of it is looked for."""
    from transformers import PreTrainedConfig
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    )

    described, _ = PreTrainedConfig.get_config_dict(**source)
    model_type, known = described.get("model_type"), ", ".join(sorted(ADAPTERS))
    if model_type is None:
        raise InputError(f"there is no config.json with a model_type in it; give a checkpoint of a family of {known}")
    if model_type not in ADAPTERS:
        text = model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
        if text and model_type not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
            raise InputError(
                f"its model_type '{model_type}' is a text model, which takes no pages or frames; give a "
                f"vision-language model; known: {known}"
            )
        if "auto_map" in described:
            raise InputError(f"its model_type '{model_type}' is not known ({known}), and {_OWN_CODE}")
    return adapter_for(model_type)


def _check_processor(processor: Any) -> None:
    from transformers import ProcessorMixin

    if not isinstance(processor, ProcessorMixin):
        raise InputError(
            f"its processor is {type(processor).__name__} alone; a vision-language model's has a tokenizer and an "
            f"image processor: put processor_config.json and what it names beside the weights"
        )
    if processor.chat_template is None:
        raise InputError(
            f"its {type(processor).__name__} has no chat template; give a chat model, not a base model, or put a "
            f"chat_template.jinja beside the weights"
        )


@contextmanager
def _silence_report() -> Iterator[None]:
    """Keep transformers' table of missing weights off the terminal: `check_loaded` says it in a line."""
    logger = logging.getLogger("transformers.modeling_utils")
    logger.addFilter(_is_no_report)
    try:
        yield
    finally:
        logger.removeFilter(_is_no_report)


def _is_no_report(record: logging.LogRecord) -> bool:
    return "LOAD REPORT" not in record.getMessage()
