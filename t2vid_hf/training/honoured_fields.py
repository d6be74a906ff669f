"""Every field of TRL's `SFTConfig`: who honours it here, or why another value than its default is refused.

A setting that is accepted and has no effect is the worst of errors: the run goes on and is another one. A test walks
over the fields of the installed TRL and transformers, so that a new one is looked at before it is let in.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from t2vid_hf.errors import InputError

HONOURED: dict[str, list[str]] = {
    "t2vid_hf": (
        "assistant_only_loss completion_only_loss model_init_kwargs auto_find_batch_size "
        "ddp_find_unused_parameters eval_packing max_length neftune_noise_alpha packing pad_to_multiple_of "
        "padding_free remove_unused_columns resume_from_checkpoint shuffle_dataset train_sampling_strategy "
        "data_seed dataloader_num_workers parallelism_config gradient_checkpointing activation_checkpointing "
        "push_to_hub hub_model_id hub_private_repo hub_revision hub_strategy"
    ).split(),
    "trl": (
        "activation_offloading bf16 eos_token loss_type router_aux_loss_coef use_liger_kernel liger_kernel_config "
        "label_smoothing_factor activation_checkpointing_kwargs gradient_checkpointing_kwargs"
    ).split(),
    "accelerate": (
        "accelerator_config ddp_backend ddp_broadcast_buffers ddp_bucket_cap_mb ddp_static_graph ddp_timeout deepspeed "
        "fp16 fsdp fsdp_config gradient_accumulation_steps local_rank use_cpu max_grad_norm"
    ).split(),
    "transformers": (
        "adam_beta1 adam_beta2 adam_epsilon average_tokens_across_devices batch_eval_metrics bf16_full_eval "
        "dataloader_drop_last dataloader_in_order dataloader_multiprocessing_context dataloader_persistent_workers "
        "dataloader_pin_memory dataloader_prefetch_factor debug disable_tqdm do_eval enable_jit_checkpoint "
        "eval_accumulation_steps eval_delay eval_do_concat_batches eval_on_start eval_steps eval_strategy "
        "eval_use_gather_object fp16_full_eval full_determinism greater_is_better ignore_data_skip include_for_metrics "
        "include_num_input_tokens_seen label_names learning_rate load_best_model_at_end log_level log_level_replica "
        "log_on_each_node logging_first_step logging_nan_inf_filter logging_steps logging_strategy lr_scheduler_kwargs "
        "lr_scheduler_type max_steps metric_for_best_model num_train_epochs optim optim_args optim_target_modules "
        "output_dir per_device_eval_batch_size per_device_train_batch_size prediction_loss_only project "
        "report_to restore_callback_states_from_checkpoint run_name save_on_each_node save_only_model save_steps "
        "save_strategy save_total_limit seed skip_memory_metrics tf32 torch_compile torch_compile_backend "
        "torch_compile_mode torch_empty_cache_steps trackio_bucket_id trackio_space_id trackio_static_space_id "
        "use_cache warmup_steps weight_decay"
    ).split(),
}
"""Names of the fields by the package that honours them."""

_ROWS = "rows are conversations with their media, see t2vid_hf.schema.Row"
REFUSED: dict[str, tuple[Any, str]] = {
    "trust_remote_code": (False, "no code of a checkpoint's own is run here; take a checkpoint made for transformers"),
    "chat_template_path": (None, "set the processor's chat_template before the trainer is made"),
    "pad_token": (None, "set the processor's tokenizer.pad_token before the trainer is made"),
    "dataset_text_field": ("text", f"{_ROWS}; put the text into messages"),
    "dataset_kwargs": (None, f"nothing is prepared ahead: {_ROWS}"),
    "dataset_num_proc": (None, "rows are made while training; set dataloader_num_workers"),
    "truncation_mode": ("keep_start", "nothing is truncated, because that cuts image tokens; a part of a mixture says "
                                      "by over_limit what becomes of a long row"),
    "packing_strategy": ("bfd", "rows are packed whole, by a plan of the epoch; leave it out"),
    "length_column_name": ("length", "rows are measured by what they cost; give the trainer prices="),
    "hub_token": (None, "a token in settings ends up in files; set HF_TOKEN, or run `hf auth login`"),
    "hub_always_push": (False, "nothing is pushed before the end of training; leave it out"),
    "do_train": (False, "it has no effect on a trainer: a run trains; leave it out"),
    "do_predict": (False, "a run predicts nothing; ask the model with `t2vid evaluate`"),
}  # fmt: skip
"""The fields of which any value but the first is refused, and what to do instead."""

_Check = tuple[Callable[[Any], bool], str]
_TOGETHER: tuple[_Check, ...] = (
    (
        lambda args: args.push_to_hub and args.hub_strategy != "end",
        "push_to_hub publishes one release, whole, when the run is done: set hub_strategy='end' (an SFTConfig has "
        "'every_save', a T2VidSFTConfig 'end'), and push a checkpoint of the way with `t2vid push`",
    ),
    (
        lambda args: args.completion_only_loss is False,
        "completion_only_loss=False: what is learned is set by labels; set labels='all_text'",
    ),
    (
        lambda args: args.completion_only_loss and args.labels == "all_text",
        "completion_only_loss=True contradicts labels='all_text'; leave out the one that you do not want",
    ),
    (
        lambda args: args.assistant_only_loss and args.labels != "assistant",
        "assistant_only_loss=True contradicts labels='all_text'; leave out the one that you do not want",
    ),
    (
        lambda args: args.auto_find_batch_size and (args.packing or args.train_sampling_strategy == "batch_rebalance"),
        "auto_find_batch_size cannot make smaller the batches of packing, or of batch_rebalance, which are planned: "
        "set max_length or per_device_train_batch_size lower, by the estimate that --dry_run prints",
    ),
    (
        lambda args: args.packing and args.train_sampling_strategy in ("group_by_length", "batch_rebalance"),
        "with packing a plan says which rows share a sequence; leave train_sampling_strategy out",
    ),
)


def check_fields(args: Any) -> None:
    """Refuse what would have no effect.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a field has a value that nobody here honours.
    """
    for name, (default, message) in REFUSED.items():
        value = vars(args)[name]
        if value != default:
            told = "..." if name == "hub_token" else repr(value)
            raise InputError(f"{name}={told}: {message}")
    for applies, message in _TOGETHER:
        if applies(args):
            raise InputError(message)


def check_parallelism(parallelism: Any, args: Any) -> None:
    """Refuse to divide a sequence among devices where rows share it; TRL's guard, from which our packing is hidden.

    Args:
        parallelism ([`~accelerate.ParallelismConfig`] or `None`): The accelerator's settings.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.

    Raises:
        [`~t2vid_hf.errors.InputError`]: context or sequence parallelism is on and cannot be had.
    """
    if parallelism is None:
        return
    if parallelism.cp_enabled and (args.packing or args.padding_free):
        raise InputError("context parallelism drops the attention mask that keeps rows of a sequence apart; set "
                         "packing=False and padding_free=False, or cp_size=1")  # fmt: skip
    if parallelism.sp_enabled:
        raise InputError("sequence parallelism divides a row's image tokens from its images; set sp_size=1")


def check_arguments(given: dict[str, Any]) -> None:
    """Refuse arguments of `SFTTrainer` that would have no effect.

    Args:
        given (`dict[str, Any]`): The keyword arguments that are passed on to it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one of them is given.
    """
    for name, message in (
        ("formatting_func", f"{_ROWS}; map the data set before the trainer is made"),
        ("data_collator", "the trainer's own makes batches of pages, video and text"),
    ):
        if given.get(name) is not None:
            raise InputError(f"{name}= has no effect here: {message}")


def shuffle_rows(args: Any, dataset: Any) -> Any:
    """Shuffle rows where `shuffle_dataset` says so, as TRL does with rows that it prepares.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
        dataset (`Any`): Rows, or a mapping of names to rows, or `None`.

    Returns:
        `Any`: as given, the rows in an order of `seed`.
    """
    if not args.shuffle_dataset or dataset is None:
        return dataset
    if isinstance(dataset, dict):
        return {name: shuffle_rows(args, rows) for name, rows in dataset.items()}
    return dataset.shuffle(seed=args.seed)


@contextlib.contextmanager
def hide_packing(args: Any) -> Iterator[None]:
    """Hide from TRL what it refuses or changes templates for, because its own collator cannot.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments; as they were behind the block.
    """
    wanted = args.packing, args.padding_free, args.assistant_only_loss, args.model_init_kwargs
    args.packing = args.padding_free = args.assistant_only_loss = False
    args.model_init_kwargs = None  # TRL warns of it where the model is loaded
    try:
        yield
    finally:
        args.packing, args.padding_free, args.assistant_only_loss, args.model_init_kwargs = wanted
