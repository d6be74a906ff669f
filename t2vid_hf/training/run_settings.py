"""What makes a run the run that it is: every setting that decides its rows or its losses.

All fields count but those that are named here as harmless, so that a field which TRL adds tomorrow is compared, and a
run that goes on differently in silence cannot be had. The price: a new harmless field stops a resume until it is named.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any

from transformers import SchedulerType

from t2vid_hf.errors import InputError
from t2vid_hf.training.sft_config import T2VidSFTConfig

# What is written, told, evaluated or moved, and how; never what is learned.
_HARMLESS_PREFIXES = (
    "dataloader_", "ddp_", "deepspeed", "do_", "eval_", "fsdp", "gradient_checkpointing", "activation_", "hub_",
    "include_", "log_", "logging_", "save_", "torch_", "trackio_",
)  # fmt: skip
_HARMLESS = {
    "output_dir", "bf16_full_eval", "fp16_full_eval", "use_cache", "disable_tqdm", "report_to", "run_name", "project",
    "per_device_eval_batch_size", "prediction_loss_only", "batch_eval_metrics", "enable_jit_checkpoint", "push_to_hub",
    "load_best_model_at_end", "metric_for_best_model", "greater_is_better", "ignore_data_skip", "full_determinism",
    "restore_callback_states_from_checkpoint", "use_cpu", "accelerator_config", "parallelism_config", "debug",
    "skip_memory_metrics", "resume_from_checkpoint", "local_rank", "dataset_num_proc", "use_liger_kernel",
    "liger_kernel_config", "auto_find_batch_size", "on_bad_row", "max_bad_share",
    "vision_feature_cache", "vision_feature_cache_gb",
    # these two make a step together, and that is compared: `t2vid_hf.training.rows_taken`
    "per_device_train_batch_size", "gradient_accumulation_steps",
}  # fmt: skip
_COUNTS = {"dataloader_drop_last"}
_HARMLESS_OF_A_RECIPE = {
    "attn_implementation", "dry_run", "overwrite_output_dir", "ask_dataset", "ask_benchmark", "ask_every",
    "ask_questions",
}  # fmt: skip


def run_settings(config: T2VidSFTConfig, recipe: Any = None) -> dict[str, Any]:
    """The settings that two halves of one run must have in common.

    Args:
        config ([`T2VidSFTConfig`]): The trainer's.
        recipe ([`~t2vid_hf.training.arguments.RecipeArguments`], *optional*): Where the run has one.
    """
    given = config.to_dict()
    settings = {item.name: given[item.name] for item in fields(config) if item.init and not _is_harmless(item.name)}
    if _length_is_free(config):
        settings = {name: value for name, value in settings.items() if name not in ("max_steps", "num_train_epochs")}
    if recipe is not None:
        unused = () if recipe.lora else ("lora_r", "lora_alpha", "lora_dropout")
        settings |= {
            item.name: getattr(recipe, item.name)
            for item in fields(recipe)
            if item.name not in _HARMLESS_OF_A_RECIPE and item.name not in unused
        }
    return dict(json.loads(json.dumps(settings, default=str, sort_keys=True)))


def check_same_run(now: Mapping[str, Any], then: Mapping[str, Any], where: Any) -> None:
    """Refuse to go on with other settings.

    Args:
        now (`Mapping[str, Any]`): See [`run_settings`].
        then (`Mapping[str, Any]`): Those of the run that wrote the checkpoint. A setting of the trainer that it did not
            know counts as left at its default; one that had no part in it, or is known no more, is passed over.
        where (`Any`): The checkpoint, for the error.

    Raises:
        [`~t2vid_hf.errors.InputError`]: settings differ; it names them.
    """
    before = {**_defaults(), **then}
    changed = [
        f"{name} is {_short(value)} and was {_short(before[name])}"
        for name, value in now.items()
        if name in before and value != before[name]
    ]
    if changed:
        raise InputError(
            f"{where} is of another run: {'; '.join(changed)}. Give what that run was given, or begin a new run in "
            f"another output_dir"
        )


def _is_harmless(name: str) -> bool:
    return name not in _COUNTS and (name in _HARMLESS or name.startswith(_HARMLESS_PREFIXES))


def _length_is_free(config: T2VidSFTConfig) -> bool:
    """Whether a run may be made longer: no learning rate of it depends on where it ends."""
    kind = SchedulerType(config.lr_scheduler_type).value
    warmup_is_a_share = 0 < config.warmup_steps < 1
    return kind == "constant" or (kind == "constant_with_warmup" and not warmup_is_a_share)


def _defaults() -> dict[str, Any]:
    found = {item.name: item.default for item in fields(T2VidSFTConfig) if item.default is not MISSING}
    return {name: value.value if isinstance(value, Enum) else value for name, value in found.items()}


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
