"""Estimated memory: exact for what a model holds, within a stated factor for what its forward keeps."""

import gc
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from accelerate import DeepSpeedPlugin
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import (
    prepare_deepspeed_cmd_env,
    prepare_multi_gpu_env,
    prepare_simple_launcher_cmd_env,
)
from peft import get_peft_model
from torch.profiler import ProfilerActivity, profile
from transformers import AutoModelForImageTextToText, AutoProcessor, Trainer, TrainingArguments

from t2vid_hf.batches.packing import plan_packing
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.models import adapter_for
from t2vid_hf.training.float32_weights import Float32Weights
from t2vid_hf.training.forward_patches import run_without_grad
from t2vid_hf.training.memory import Memory, estimated_memory, largest_batch, largest_step, patches_of_image
from t2vid_hf.training.sharding import Sharding, sharding_of
from t2vid_hf.training.step_memory import mask_bytes, state_bytes
from t2vid_hf.training.tuning import freeze, frozen_vision, lora_config

PARTS = adapter_for("idefics3").parts
LAUNCH = sorted((Path(__file__).resolve().parents[2] / "recipes/accelerate").glob("*.yaml"))
SHORT = {"tokens": 10, "gradient_checkpointing": False}


def load(folder, dtype="float32"):
    torch.set_num_threads(1)
    return AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype).train()


def size(tensors) -> int:
    return sum(each.untyped_storage().nbytes() for each in tensors)


def inputs(model, tokens: int, images: int) -> dict:
    ids = torch.full((1, tokens), 5)
    ids[0, : 16 * images] = model.config.image_token_id
    return {"input_ids": ids, "pixel_values": torch.rand(1, images, 3, 96, 96), "use_cache": False}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("way", ["full", "frozen tower", "lora"])
def test_weights_gradients_and_optimizer_are_those_of_the_tensors(tiny_checkpoint, dtype, way):
    model = load(tiny_checkpoint, dtype)
    if way == "lora":
        model = get_peft_model(model, lora_config(model, PARTS, r=4, alpha=8, dropout=0.0))
    else:
        freeze(model, PARTS, vision=way == "full", connector=True, language=True)
    memory = estimated_memory(model, PARTS, **SHORT)
    assert memory.weights == size([*model.parameters(), *model.buffers()])
    trainable = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trainable)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
        model(**inputs(model, 60, 2)).logits.sum().backward()
    assert memory.gradients == size(each.grad for each in trainable)
    optimizer.step()
    moments = [state[name] for state in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")]
    assert memory.optimizer == size(moments)
    assert memory.total == memory.weights + memory.gradients + memory.optimizer + memory.activations


def peak_of_a_step(model, batch: dict) -> int:
    """Bytes above those held before a forward and backward, gradients left out."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    gc.collect()
    gc.disable()  # what it frees would be counted against the step
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            model.model(**batch).last_hidden_state.sum().backward()
    finally:
        gc.enable()
    events = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = np.cumsum([event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())])
    return int(held.max())


@pytest.mark.parametrize(("vision", "checkpointing"), [(True, False), (False, False), (True, True), (False, True)])
def test_activations_are_most_of_the_measured_peak(tiny_checkpoint, vision, checkpointing):
    model = load(tiny_checkpoint)
    freeze(model, PARTS, vision=vision, connector=True, language=True)
    if checkpointing:
        model.activation_checkpointing_enable()
    with run_without_grad(frozen_vision(model, PARTS)).in_place():
        measured = peak_of_a_step(model, inputs(model, 400, 8))
    patches = 8 * patches_of_image(model, PARTS, page_px=96)
    estimated = estimated_memory(
        model, PARTS, tokens=400, patches=patches, gradient_checkpointing=checkpointing, activation_bytes=4
    ).activations
    assert 0.7 < estimated / measured < 1.0


def test_patches_are_those_that_the_tower_makes(tiny_checkpoint):
    model = load(tiny_checkpoint)
    assert (
        patches_of_image(model, PARTS, page_px=96)
        == model.model.vision_model(torch.rand(1, 3, 96, 96)).last_hidden_state.shape[1]
    )


def test_shards_and_a_float32_copy(tiny_checkpoint):
    model = load(tiny_checkpoint, "bfloat16")
    whole = estimated_memory(model, PARTS, **SHORT)
    count, buffers = model.num_parameters(), size(model.buffers())
    assert (whole.gradients, whole.optimizer) == (2 * count, 4 * count)
    mixed = estimated_memory(model, PARTS, **SHORT, float32_weights=True)
    assert (mixed.weights, mixed.gradients, mixed.optimizer) == (4 * count + buffers, 4 * count, 8 * count)
    zero3 = Sharding(num_devices=8, weights=True, gradients=True, optimizer=True, float32_copy=True)
    shared = estimated_memory(model, PARTS, **SHORT, float32_weights=True, sharding=zero3)
    assert (shared.weights, shared.optimizer) == (whole.weights // 8, 12 * count // 8)
    assert shared.activations == whole.activations
    zero2 = replace(zero3, weights=False)
    stage_2 = estimated_memory(model, PARTS, **SHORT, sharding=zero2)
    assert (stage_2.weights, stage_2.gradients) == (whole.weights, whole.gradients // 8)
    host = replace(zero3, host_weights=True, host_optimizer=True)
    offloaded = estimated_memory(model, PARTS, **SHORT, float32_weights=True, sharding=host)
    assert (offloaded.weights, offloaded.gradients, offloaded.optimizer) == (0, 0, 0)


def launched(path: Path) -> dict[str, str]:
    """What `accelerate launch` sets in the environment for a launch file."""
    given = launch_command_parser().parse_args(["--config_file", str(path), "sft.py"])
    args, defaults, _ = _validate_launch_command(given)
    if args.use_deepspeed:
        args.deepspeed_fields_from_accelerate_config = ",".join(defaults.deepspeed_config)
        return prepare_deepspeed_cmd_env(args)[1]
    if args.use_fsdp or args.multi_gpu:
        return prepare_multi_gpu_env(args)
    return prepare_simple_launcher_cmd_env(args)[1]


SHARDINGS = {
    "cpu": Sharding(),
    "single_gpu": Sharding(),
    "ddp": Sharding(num_devices=8),
    "zero2": Sharding(num_devices=8, gradients=True, optimizer=True, float32_copy=True),
    "zero3_offload": Sharding(
        num_devices=8, weights=True, gradients=True, optimizer=True, host_weights=True, host_optimizer=True,
        float32_copy=True,
    ),
    "fsdp2": Sharding(num_devices=8, weights=True, gradients=True, optimizer=True),
}  # fmt: skip


@pytest.mark.parametrize("path", LAUNCH, ids=lambda path: path.stem)
def test_every_launch_file_has_one_estimate(path, monkeypatch, tiny_checkpoint):
    """The dry run and the trainer ask one function; it knows of a launch file what accelerate makes of it."""
    for name, value in launched(path).items():
        monkeypatch.setenv(name, value)
    args = SimpleNamespace(
        world_size=yaml.safe_load(path.read_text())["num_processes"],
        deepspeed_plugin=DeepSpeedPlugin() if path.stem.startswith("zero") else None,
        fsdp_plugin_args=None, bf16=path.stem != "cpu", fp16=False, per_device_train_batch_size=1, packing=False,
        padding_free=True, gradient_checkpointing=True, float32_weights=True,
        optim="adamw_torch_fused",
    )  # fmt: skip
    assert sharding_of(args) == SHARDINGS[path.stem]
    model, processor = load(tiny_checkpoint, "bfloat16"), AutoProcessor.from_pretrained(tiny_checkpoint)
    prices = Prices(np.array([60, 90]), np.array([1, 2]), np.zeros(2, int), tokens_per_image=5)
    adapter = adapter_for("idefics3")
    estimate = partial(largest_step, adapter=adapter, processor=processor, args=args, prices=prices, packing_plan=None)
    before = estimate(model)
    count, buffers, devices = model.num_parameters(), size(model.buffers()), args.world_size
    weights, states = (2, 12) if args.deepspeed_plugin else (4, 8) if args.bf16 else (2, 4)
    held = {
        "cpu": (weights * count + buffers, weights * count, states * count),
        "single_gpu": (weights * count + buffers, weights * count, states * count),
        "ddp": (weights * count + buffers, weights * count, states * count),
        "zero2": (2 * count + buffers, 2 * count // devices, 12 * count // devices),
        "zero3_offload": (0, 0, 0),
        "fsdp2": ((4 * count + buffers) // devices, 4 * count // devices, 8 * count // devices),
    }[path.stem]
    assert (before.memory.weights, before.memory.gradients, before.memory.optimizer) == held
    if args.bf16 and not args.deepspeed_plugin:
        # The trainer asks when what trains is float32 already, the dry run before.
        with Float32Weights(model, on=True).train():
            assert estimate(model) == before


def test_fsdp_by_its_other_settings(monkeypatch):
    for name, value in launched(LAUNCH[-1].with_name("fsdp2.yaml")).items():
        monkeypatch.setenv(name, value)
    args = SimpleNamespace(world_size=4, deepspeed_plugin=None, fsdp_plugin_args=None)
    monkeypatch.setenv("FSDP_RESHARD_AFTER_FORWARD", "false")
    assert sharding_of(args) == Sharding(num_devices=4, gradients=True, optimizer=True)
    monkeypatch.setenv("FSDP_OFFLOAD_PARAMS", "true")
    assert sharding_of(args).host_weights and sharding_of(args).host_optimizer
    monkeypatch.setenv("FSDP_VERSION", "1")
    monkeypatch.setenv("FSDP_SHARDING_STRATEGY", "SHARD_GRAD_OP")
    assert not sharding_of(args).weights and sharding_of(args).gradients


def test_a_run_has_no_tokens():
    model = torch.nn.Linear(2, 2)
    with pytest.raises(InputError, match="tokens=0"):
        estimated_memory(model, PARTS, tokens=0, gradient_checkpointing=True)


def test_a_model_without_weights_is_enough(tiny_checkpoint):
    model = load(tiny_checkpoint)
    with torch.device("meta"):
        empty = AutoModelForImageTextToText.from_config(model.config, dtype="float32")
    assert estimated_memory(empty, PARTS, **SHORT) == estimated_memory(model, PARTS, **SHORT)


def test_the_largest_batch_of_a_plan():
    tokens = np.array([60, 50, 40, 50, 30, 70])
    images = np.array([1, 2, 3, 4, 5, 6])
    prices = Prices(tokens, images, np.zeros(6, int), tokens_per_image=5)
    packed = plan_packing(prices, max_tokens=100)
    bins = [rows for step in packed.steps(0) for rows in step]
    assert largest_batch(prices, packed, batch_size=1) == (100, max(int(images[rows].sum()) for rows in bins))


def test_it_reads_as_a_line():
    gib = 2**30
    assert str(Memory(16 * gib, 2 * gib, 4 * gib, gib // 2)) == (
        "22.5 GiB: weights 16.0, gradients 2.0, optimizer 4.0, activations about 0.5"
    )
    assert str(Memory(2**20, 0, 0, 0)).startswith("1.0 MiB: weights 1.0")


@pytest.mark.parametrize("optim", ["adamw_torch", "adafactor", "adagrad", "rmsprop", "sgd"])
def test_what_an_optimizer_keeps_is_counted_by_its_kind(tiny_checkpoint, tmp_path, optim):
    model = load(tiny_checkpoint)
    estimated = estimated_memory(model, PARTS, **SHORT, optim=optim).optimizer
    kind, settings = Trainer.get_optimizer_cls_and_kwargs(TrainingArguments(str(tmp_path), optim=optim, use_cpu=True))
    optimizer = kind(model.parameters(), **settings)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    kept = [value for state in optimizer.state.values() for value in state.values() if isinstance(value, torch.Tensor)]
    assert estimated == size(value for value in kept if value.numel() > 1)


def test_eight_bits_keep_embeddings_and_small_weights_whole():
    large = 1024 * 256
    assert state_bytes("adamw_8bit", (1024, 256), moment=4) == 2 * (large + 4 * large // 256)
    assert state_bytes("lion_8bit", (1024, 256), moment=4) == large + 4 * large // 256
    assert state_bytes("adamw_8bit", (1024, 256), moment=4, embedding=True) == 8 * large
    assert state_bytes("paged_adamw_8bit", (64,), moment=4) == 8 * 64
    assert state_bytes("paged_lion_32bit", (1024, 256), moment=4) == 4 * large


def test_a_packed_sequence_has_a_mask_that_sdpa_is_given(tiny_checkpoint):
    """What transformers makes of the positions of rows in a sequence, and what the estimate says it takes."""
    model = load(tiny_checkpoint)
    seen = []

    def look(module, args, kwargs):
        seen.append(kwargs["attention_mask"])

    layer = model.model.text_model.layers[0].self_attn
    layer.register_forward_pre_hook(look, with_kwargs=True)
    positions = torch.cat([torch.arange(30), torch.arange(70)])[None]
    model(input_ids=torch.full((1, 100), 5), position_ids=positions, use_cache=False)
    made = seen[0].numel() * seen[0].element_size()
    assert seen[0].dtype == torch.bool and made == 100**2
    assert mask_bytes("sdpa", tokens=100, lines=1, activation_bytes=2) == made + 2 * made
    assert mask_bytes("sdpa", tokens=100, lines=4, activation_bytes=4) == 5 * 4 * 25**2
    assert mask_bytes("flash_attention_2", tokens=100, lines=1, activation_bytes=2) == 0
