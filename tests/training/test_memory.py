"""Estimated memory: exact for what a model holds, within a stated factor for what its forward keeps."""

import gc

import numpy as np
import pytest
import torch
from peft import get_peft_model
from torch.profiler import ProfilerActivity, profile
from transformers import AutoModelForImageTextToText

from t2vid_hf.data.packing import plan
from t2vid_hf.data.token_cost import Prices
from t2vid_hf.errors import InputError
from t2vid_hf.models import adapter_for
from t2vid_hf.training.memory import Memory, estimated_memory, largest_batch, patches_of_image
from t2vid_hf.training.tuning import freeze, lora_config, run_frozen_without_grad

PARTS = adapter_for("idefics3").parts
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
    run_frozen_without_grad(model, PARTS)
    if checkpointing:
        model.activation_checkpointing_enable()
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
    shared = estimated_memory(model, PARTS, **SHORT, num_shards=8, optimizer_bytes=12)
    count = model.num_parameters()
    assert (whole.gradients, whole.optimizer) == (2 * count, 4 * count)
    assert (shared.weights, shared.optimizer) == (whole.weights // 8, 12 * count // 8)
    assert shared.activations == whole.activations
    stage_2 = estimated_memory(model, PARTS, **SHORT, num_shards=8, shard_weights=False)
    assert (stage_2.weights, stage_2.gradients) == (whole.weights, whole.gradients // 8)
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
    packed = plan(prices, max_tokens=100)
    bins = [rows for step in packed.steps(0) for rows in step]
    assert largest_batch(prices, packed, batch_size=1) == (100, max(int(images[rows].sum()) for rows in bins))


def test_it_reads_as_a_line():
    gib = 2**30
    assert str(Memory(16 * gib, 2 * gib, 4 * gib, gib // 2)) == (
        "22.5 GiB: weights 16.0, gradients 2.0, optimizer 4.0, activations about 0.5"
    )
    assert str(Memory(2**20, 0, 0, 0)).startswith("1.0 MiB: weights 1.0")
