"""What trains: freezing by part, LoRA on the language model, and a learning rate for each part.

Pure functions over a model and its [`~t2vid_hf.models.ModelParts`]. A part is a set of module paths, so that no name is
searched for: "q_proj" stands in vision towers too, and LoRA by last names alone would adapt them unasked. The price is
that a new family must say where its parts are; a path that matches nothing is an error.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

import torch
from peft import LoraConfig
from torch import nn

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import ModelParts
from t2vid_hf.training.model_parts import PARTS, check_paths, part_of, plain_name


def freeze(model: nn.Module, parts: ModelParts, *, vision: bool, connector: bool, language: bool) -> None:
    """Choose which parts train, by `requires_grad`.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model, not yet wrapped by PEFT, DDP or FSDP.
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules of the model's parts.
        vision (`bool`): Whether the vision tower trains.
        connector (`bool`): Whether the connector trains.
        language (`bool`): Whether the language model trains.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a path of a part matches nothing, nothing is left to train, or weights that
            are to train are quantised.
    """
    check_paths(model, parts)
    trains = {"vision": vision, "connector": connector, "language": language}
    if not any(trains.values()):
        raise InputError("nothing is left to train: set one of tune_vision, tune_connector and tune_llm")
    for name, parameter in model.named_parameters():
        train = trains[part_of(name, parts)]
        if train and not parameter.is_floating_point():
            raise InputError(
                f"'{name}' is quantised and cannot train: use LoRA, or load the model without load_in_4bit"
            )
        parameter.requires_grad_(train)
    freeze_unused(model, parts)


def freeze_unused(model: nn.Module, parts: ModelParts) -> None:
    """Freeze what no forward uses (`parts.unused`): DDP would wait for its gradients. Also for a `PeftModel`.

    Args:
        model (`nn.Module`): The model, bare or wrapped.
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules of the model's parts.
    """
    for name, parameter in model.named_parameters():
        if any(f"{plain_name(name)}.".startswith(f"{path}.") for path in parts.unused):
            parameter.requires_grad_(False)


def lora_config(
    model: nn.Module,
    parts: ModelParts,
    *,
    r: int,
    alpha: float,
    dropout: float,
    tune_vision: bool = False,
    tune_connector: bool = True,
) -> LoraConfig:
    """LoRA on the language model's linear layers; connector and vision tower in full where they are to train.

    The adapter that is saved holds those in full too, and `PeftModel.from_pretrained(base, folder)` restores all. PEFT
    saves modules only: a bare parameter of a part (LLaVA-OneVision's `image_newline`) stays as it is.

    Args:
        model ([`~transformers.PreTrainedModel`]): The base model; its weights may be quantised.
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules of the model's parts; `parts.lora` names the
            layers.
        r (`int`): The adapter's rank, at least 1.
        alpha (`float`): The adapter's scale, over its rank; above 0.
        dropout (`float`): The share of the adapter's inputs that is set to 0, from 0 to below 1.
        tune_vision (`bool`, *optional*, defaults to `False`): Whether the vision tower trains, in full.
        tune_connector (`bool`, *optional*, defaults to `True`): Whether the connector trains, in full.

    Returns:
        [`~peft.LoraConfig`]

    Raises:
        [`~t2vid_hf.errors.InputError`]: a path of a part matches nothing, no layer is found, or a number is out of
            its range.
    """
    check_paths(model, parts)
    if r < 1 or alpha <= 0 or not 0 <= dropout < 1:
        raise InputError(f"lora_r={r}, lora_alpha={alpha}, lora_dropout={dropout}: r >= 1, alpha > 0, 0 <= dropout < 1")
    # One pattern for whole names: last names alone, PEFT's usual form, would match the vision tower's layers.
    below = "|".join(map(re.escape, parts.language))
    pattern = rf"(?:{below})\.(?:.*\.)?(?:{'|'.join(map(re.escape, parts.lora))})"
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not any(re.fullmatch(pattern, name) for name in linear):
        there = sorted({name.rpartition(".")[2] for name in linear if part_of(name, parts) == "language"})
        raise InputError(
            f"no linear layer of the language model is called {', '.join(parts.lora)}; there are {', '.join(there)}"
        )
    saved = (*(parts.vision if tune_vision else ()), *(parts.connector if tune_connector else ()))
    return LoraConfig(
        r=r,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=pattern,
        modules_to_save=[name for path in saved for name in _callable_paths(dict(model.named_modules()), path)] or None,
    )


def _callable_paths(modules: Mapping[str, nn.Module], path: str) -> list[str]:
    """The module, or those in it where it is a list: models iterate over a list and never call it."""
    if path not in modules:
        return []  # a bare parameter
    if isinstance(modules[path], nn.ModuleList | nn.ModuleDict):
        return [f"{path}.{name}" for name, _ in modules[path].named_children()]
    return [path]


def quantization_config(parts: ModelParts) -> Any:
    """4-bit weights of the language model, as in QLoRA (arXiv 2305.14314): NF4, double quantisation, bfloat16 compute.

    Vision tower, connector and head keep their precision: they are small, train in full, and TRL's fused head reads
    the head's weight itself.

    Args:
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules of the model's parts.

    Returns:
        [`~transformers.BitsAndBytesConfig`]: for `from_pretrained(..., quantization_config=...)`; the package
        bitsandbytes is needed there.
    """
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=_kept_whole(parts),  # for 4 bits too, in spite of its name
    )


def _kept_whole(parts: ModelParts) -> list[str]:
    return [*parts.vision, *parts.connector, *(path for path in parts.language if path.endswith("head"))]


def shape_4bit(model: nn.Module, parts: ModelParts) -> None:
    """Give a model on `meta` the weights that it would have in 4 bits, so that a dry run counts them as a run would.

    Args:
        model ([`~transformers.PreTrainedModel`]): The base model, shapes without values.
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules of the model's parts.
    """
    kept = tuple(f"{path}." for path in _kept_whole(parts))
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not f"{name}.".startswith(kept):
            packed = torch.empty((module.weight.numel() + 1) // 2, 1, dtype=torch.uint8, device="meta")
            module.weight = nn.Parameter(packed, requires_grad=False)


def parameter_groups(
    model: nn.Module,
    parts: ModelParts,
    *,
    learning_rate: float,
    vision_learning_rate: float | None = None,
    connector_learning_rate: float | None = None,
    weight_decay: float,
    decay_names: Collection[str],
) -> list[dict[str, Any]]:
    """Groups of an optimizer: what trains, by part and by whether it decays.

    Args:
        model (`nn.Module`): The model as the trainer has it: bare, or wrapped by PEFT, DDP or FSDP.
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules of the model's parts.
        learning_rate (`float`): The learning rate of every part that has none of its own.
        vision_learning_rate (`float`, *optional*): The vision tower's learning rate; `None` takes `learning_rate`.
        connector_learning_rate (`float`, *optional*): The connector's learning rate; `None` takes `learning_rate`.
        weight_decay (`float`): The weight decay of the parameters in `decay_names`; others have none.
        decay_names (`Collection[str]`): Names of the parameters that decay:
            `Trainer.get_decay_parameter_names(model)`.

    Returns:
        `list[dict]`: each with "params", "lr" and "weight_decay"; none is empty. The language model's come first,
        whose rate is the one that `Trainer` logs.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a learning rate is given for a part that does not train.
    """
    own = {"vision": vision_learning_rate, "connector": connector_learning_rate}
    decaying = set(decay_names)
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((part_of(name, parts), name in decaying), []).append(parameter)
    for part, rate in own.items():
        if rate is not None and part not in {trained for trained, _ in groups}:
            raise InputError(f"{part}_learning_rate is {rate}, and the {part} part does not train: set tune_{part}")
    return [
        {
            "params": members,
            "lr": learning_rate if own.get(part) is None else own[part],
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (part, decays), members in sorted(groups.items(), key=lambda each: -PARTS.index(each[0][0]))
    ]


def frozen_vision(model: nn.Module, parts: ModelParts) -> list[nn.Module]:
    """The modules of a vision tower that is frozen whole; none where some of it trains.

    Args:
        model (`nn.Module`): The model, bare or a `PeftModel`; before DDP or FSDP wraps it.
        parts ([`~t2vid_hf.models.ModelParts`]): The modules of the model's parts.

    Returns:
        `list[nn.Module]`: those that are called, such as an encoder; not a list of modules, which never is.
    """
    if any(p.requires_grad and part_of(name, parts) == "vision" for name, p in model.named_parameters()):
        return []
    modules = {plain_name(name): module for name, module in model.named_modules()}
    return [modules[name] for path in parts.vision for name in _callable_paths(modules, path)]
