"""A model's parts (vision tower, connector, language model): whose a parameter is, and how many of them train."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel
from rich.table import Table
from torch import nn

from t2vid_hf.errors import InputError
from t2vid_hf.models.adapter import ModelParts

PARTS = ("vision", "connector", "language")
# What FSDP, torch.compile and activation checkpointing insert into names, anywhere in them.
_WRAPPERS = ("_fsdp_wrapped_module", "_orig_mod", "_checkpoint_wrapped_module")


def plain_name(name: str) -> str:
    """A parameter's name in the bare model: without what DDP, FSDP, torch.compile and PEFT put before or into it.

    Args:
        name (`str`): A name of `model.named_parameters()` or `model.named_modules()`.

    Example:

    ```python
    >>> from t2vid_hf.training.model_parts import plain_name
    >>> plain_name("module.base_model.model.model.connector.modules_to_save.default.proj.weight")
    'model.connector.proj.weight'

    ```
    """
    name = ".".join(word for word in name.split(".") if word not in _WRAPPERS)
    name = name.removeprefix("module.").removeprefix("base_model.model.")
    return re.sub(r"\.modules_to_save\.[^.]+|\.original_module\b", "", name)


def part_of(name: str, parts: ModelParts) -> str:
    """The part that a parameter belongs to: "vision", "connector" or "language".

    Args:
        name (`str`): The parameter's name, in a bare model or a wrapped one.
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules of the model's parts.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no part, or more than one, has the parameter.

    Example:

    ```python
    >>> from t2vid_hf.models import adapter_for
    >>> from t2vid_hf.training.model_parts import part_of
    >>> part_of("module.model.connector.proj.weight", adapter_for("idefics3").parts)
    'connector'

    ```
    """
    plain = plain_name(name)
    owners = [
        part
        for part, paths in paths_by_part(parts).items()
        if any(plain == path or plain.startswith(f"{path}.") for path in paths)
    ]
    if len(owners) != 1:
        raise InputError(
            f"the parameter '{plain}' is in {' and '.join(owners) or 'no part'}; the adapter's parts must have every "
            f"parameter once"
        )
    return owners[0]


def paths_by_part(parts: ModelParts) -> dict[str, tuple[str, ...]]:
    """The paths of each part's modules, by the part's name in [`PARTS`].

    Args:
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules of a model's parts.
    """
    return {"vision": parts.vision, "connector": parts.connector, "language": parts.language}


def bare_model(model: Any) -> Any:
    """The model in a `PeftModel`, or the model itself."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def check_paths(model: nn.Module, parts: ModelParts) -> None:
    """Refuse parts that are not the model's.

    Args:
        model (`nn.Module`): The bare model.
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules that it should have.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a path is not a module or a parameter of the model.
    """
    # Duplicates too: a head that is tied to the embeddings has a module and no parameter of its own.
    known = {name for name, _ in model.named_modules(remove_duplicate=False)}
    known |= {name for name, _ in model.named_parameters(remove_duplicate=False)}
    for part, paths in paths_by_part(parts).items():
        for path in paths:
            if path not in known:
                top = [name for name, _ in model.named_modules() if name and name.count(".") < 2]
                raise InputError(
                    f"the {part} part has the path '{path}', which {type(model).__name__} lacks; its top modules are "
                    f"{', '.join(top)}"
                )


@dataclass(frozen=True)
class PartSize:
    """How many parameters a part has.

    Args:
        part (`str`): The part, one of [`PARTS`].
        trainable (`int`): Parameters that train.
        total (`int`): Parameters that its forward uses, LoRA's with them.
    """

    part: str
    trainable: int
    total: int


def what_trains(model: nn.Module, parts: ModelParts) -> list[PartSize]:
    """What trains, by part; a part without parameters is left out.

    Args:
        model (`nn.Module`): The model, bare or wrapped. Where PEFT trains a module in full, only the copy that trains
            counts.
        parts ([`~t2vid_hf.models.adapter.ModelParts`]): The modules of the model's parts.

    Returns:
        `list[PartSize]`: in the order of [`PARTS`].
    """
    trainable, total = dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0)
    for name, parameter in model.named_parameters():
        if ".original_module." in name:
            continue
        part = part_of(name, parts)
        total[part] += number_of(parameter)
        trainable[part] += number_of(parameter) * parameter.requires_grad
    return [PartSize(part, trainable[part], total[part]) for part in PARTS if total[part]]


def number_of(parameter: nn.Parameter) -> int:
    """Numbers that a parameter holds; bitsandbytes packs two of 4 bits into a byte."""
    return parameter.numel() * (2 if parameter.dtype == torch.uint8 else 1)


def show_parts(sizes: Sequence[PartSize], show: Callable[[Any], Any]) -> None:
    """Show what trains as a table.

    Args:
        sizes (`Sequence[PartSize]`): What [`what_trains`] gives.
        show (`Callable[[rich.table.Table], Any]`): What the table is given to, such as `rich.console.Console().print`.
    """
    table = Table("part", "trains", "of parameters", "share", title="What trains")
    everything = PartSize("all", sum(size.trainable for size in sizes), sum(size.total for size in sizes))
    for size in (*sizes, everything):
        table.add_row(size.part, f"{size.trainable:,}", f"{size.total:,}", f"{size.trainable / size.total:.2%}")
    show(table)
