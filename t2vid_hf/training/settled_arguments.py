"""What `T2VidSFTTrainer` is called with -> a model, its processor and a `T2VidSFTConfig` that does not contradict it.

As in TRL a model may be a name, arguments may be left out, and a plain `SFTConfig` will do. What TRL has a setting for
and there is one way here (nothing is truncated, every row is a conversation) is an error where it is set otherwise.
"""

from dataclasses import fields
from typing import Any

from transformers import AutoProcessor, ProcessorMixin, TrainingArguments
from transformers.utils import is_torch_bf16_gpu_available

from t2vid_hf.errors import InputError
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.training.sft_config import T2VidSFTConfig


def settle(model: Any, args: Any, processor: Any, others: dict[str, Any]) -> tuple[Any, T2VidSFTConfig, Any]:
    """Model, arguments and processor, loaded and made where they were not given.

    Args:
        model (`str` or [`~transformers.PreTrainedModel`]): A model, or where it is.
        args ([`~transformers.TrainingArguments`] or `None`): Ours, TRL's or plain ones; `None` for the defaults.
        processor ([`~transformers.ProcessorMixin`] or `None`): `None` takes the checkpoint's.
        others (`dict`): The other arguments of the trainer; those that are used up here are taken out.

    Returns:
        `tuple[PreTrainedModel, T2VidSFTConfig, ProcessorMixin]`

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such checkpoint, no processor, or a setting contradicts.
    """
    config = _config(args, model if isinstance(model, str) else model.config._name_or_path)
    settings = dict(config.model_init_kwargs or {})
    quantization = others.pop("quantization_config", None)
    if quantization is not None:
        if "quantization_config" in settings:
            raise InputError("quantization_config is given twice, also in args.model_init_kwargs; keep one of them")
        settings["quantization_config"] = quantization
    revision = settings.pop("revision", None)
    if isinstance(model, str):
        settings.setdefault("dtype", "float32")  # TRL's default
        model, loaded, _ = load_checkpoint(model, revision=revision, **settings)
        processor = loaded if processor is None else processor
    elif settings or revision:
        raise InputError(
            f"{', '.join([*settings, *(['revision'] if revision else [])])}: the model is loaded already; give its "
            f"name, or load it with these and leave model_init_kwargs and quantization_config out"
        )
    if processor is None:
        processor = _processor_of(model.config._name_or_path)
    if not isinstance(processor, ProcessorMixin):
        raise InputError(
            f"processing_class is a {type(processor).__name__}; give the model's processor, from "
            f"AutoProcessor.from_pretrained"
        )
    return model, config, processor


def _config(args: Any, model: str) -> T2VidSFTConfig:
    if isinstance(args, T2VidSFTConfig):
        return args
    if args is None:
        # TRL's default is bfloat16, which a machine may not have; who writes arguments is told so by transformers.
        folder = f"{model.rstrip('/').split('/')[-1] or 'model'}-SFT"
        return T2VidSFTConfig(folder, bf16=is_torch_bf16_gpu_available())
    if not isinstance(args, TrainingArguments):
        raise InputError(f"args is of type {type(args).__name__}; give a T2VidSFTConfig")
    known = {item.name for item in fields(T2VidSFTConfig) if item.init}
    # Read field by field: `to_dict` writes "<PAD_TOKEN>" for every name that ends in "_token".
    given = {item.name: getattr(args, item.name) for item in fields(args) if item.name in known}
    # A plain one has True by default, which would drop the videos of a row.
    return T2VidSFTConfig(**{**given, "remove_unused_columns": False})


def _processor_of(path: str) -> Any:
    try:
        return AutoProcessor.from_pretrained(path, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no processing_class is given, and none is found where the model is from, '{path}': {error}; give one, "
            f"from AutoProcessor.from_pretrained"
        ) from None
