"""What a trainer makes of a run's settings, made beforehand of a single weight: what cannot be made ends a run at once.

transformers looks at an optimizer's arguments, a schedule's and the package of either when it makes them, behind the
weights and the first batch. A rehearsal takes a millisecond; only torch's compiler is not called.
"""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers import Trainer, get_scheduler
from transformers.utils import is_liger_kernel_available

from t2vid_hf.errors import InputError

AT_LEAST = {
    "per_device_train_batch_size": 1, "per_device_eval_batch_size": 1, "gradient_accumulation_steps": 1,
    "max_length": 1, "max_images": 1, "pad_to_multiple_of": 1, "dataloader_num_workers": 0, "seed": 0, "data_seed": 0,
    "learning_rate": 0, "vision_learning_rate": 0, "connector_learning_rate": 0, "weight_decay": 0, "max_grad_norm": 0,
    "neftune_noise_alpha": 0, "save_total_limit": 1, "dataloader_prefetch_factor": 1,
}  # fmt: skip
"""The least value of each setting that has one and that is not looked at elsewhere; `None` is none."""


def check_ranges(args: Any) -> None:
    """Refuse numbers that mean nothing, and those that would train or save nothing without a word.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one is out of its range.
    """
    for name, least in AT_LEAST.items():
        value = vars(args)[name]
        if value is not None and not value >= least:
            raise InputError(f"{name} is {value}; give at least {least}")
    if args.max_steps <= 0 and not args.num_train_epochs > 0:
        raise InputError(f"num_train_epochs is {args.num_train_epochs}, which trains nothing; give a number above 0")
    if args.save_strategy == "steps" and not args.save_steps > 0:
        raise InputError(f"save_steps is {args.save_steps}, which saves nothing; give a number above 0, or "
                         f'save_strategy: "no"')  # fmt: skip
    if not 0 <= args.label_smoothing_factor <= 1:
        raise InputError(f"label_smoothing_factor is {args.label_smoothing_factor}; give a number from 0 to 1")
    for name in ("lr_scheduler_kwargs", "gradient_checkpointing_kwargs", "model_init_kwargs", "dataset_kwargs"):
        if isinstance(vars(args)[name], str):
            raise InputError(f"{name} is {vars(args)[name]!r}; give a mapping, or JSON of one")


def rehearse(args: Any) -> list[str]:
    """Make what the trainer will make.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.

    Returns:
        `list[str]`: what this machine lacks for them, such as a package; nothing where the run can begin.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a value that cannot be taken on any machine.
    """
    lacking = []
    with _told(f"optim={args.optim}, optim_args={args.optim_args}, learning_rate={args.learning_rate}, "
               f"adam_beta1={args.adam_beta1}, adam_beta2={args.adam_beta2}"):  # fmt: skip
        try:
            _rehearse_optimizer(args)
        except ImportError as error:
            lacking.append(f"optim: {error}")
    if args.gradient_checkpointing and args.gradient_checkpointing_kwargs:
        with _told(f"gradient_checkpointing_kwargs={args.gradient_checkpointing_kwargs}"):
            checkpoint(torch.clone, torch.zeros(1), **{"use_reentrant": False, **args.gradient_checkpointing_kwargs})
    if args.torch_compile:
        with _told(f"torch_compile_backend={args.torch_compile_backend}, torch_compile_mode={args.torch_compile_mode}"):
            torch.compile(nn.Identity(), backend=args.torch_compile_backend, mode=args.torch_compile_mode)
    if args.use_liger_kernel and not is_liger_kernel_available():
        lacking.append("use_liger_kernel needs the package liger-kernel: pip install liger-kernel")
    if args.activation_offloading and not torch.cuda.is_available():
        lacking.append("activation_offloading needs a GPU")
    if args.fsdp and args.world_size == 1:
        lacking.append("fsdp divides a model among several processes: start them with accelerate launch")
    return lacking


def _rehearse_optimizer(args: Any) -> None:
    """Make the optimizer and its schedule; of one that needs the model only the package is looked for."""
    if any(name in str(args.optim) for name in ("galore", "apollo", "lomo")):
        with contextlib.suppress(ValueError):  # without the model
            Trainer.get_optimizer_cls_and_kwargs(args)
        return
    made, settings = Trainer.get_optimizer_cls_and_kwargs(args)
    optimizer = made([nn.Parameter(torch.zeros(1))], **settings)
    with _told(f"lr_scheduler_type={args.lr_scheduler_type}, lr_scheduler_kwargs={args.lr_scheduler_kwargs}"):
        get_scheduler(
            args.lr_scheduler_type,
            optimizer,
            num_warmup_steps=1,
            num_training_steps=2,
            scheduler_specific_kwargs=args.lr_scheduler_kwargs,
        )


@contextmanager
def _told(settings: str) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{settings}: {error}") from None
