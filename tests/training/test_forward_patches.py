"""After a run, an exception, or with the trainer gone, the model has the forwards and hooks that it came with."""

import io
import pickle

import pytest
import torch
from peft import get_peft_model
from torch import nn
from transformers import TrainerCallback

from t2vid_hf.models import adapter_for
from t2vid_hf.training.forward_patches import ForwardPatches
from t2vid_hf.training.supervised_head import scored_alone
from t2vid_hf.training.tuning import lora_config
from tests.training.runs import assert_close, config, load, losses, make_rows, ours, parameters


@pytest.fixture
def rows(clip_file) -> list[dict]:
    return make_rows(6, clip_file.read_bytes())


def patched(model: nn.Module) -> list[str]:
    """Modules with a forward, or what accelerate keeps of one, that is not their class's; and modules with hooks."""
    found = []
    for name, module in model.named_modules():
        hooks = len(module._forward_hooks) + len(module._forward_pre_hooks)
        if hooks or {"forward", "_original_forward"} & module.__dict__.keys():
            found.append(name or "the model")
    return found


class Interrupt(TrainerCallback):
    """Stops a run by an exception in its second step."""

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == 1:
            raise RuntimeError("interrupted")


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("tune_vision", [False, True])
def test_the_model_is_as_it_was_found(tiny_checkpoint, rows, tmp_path, bf16, tune_vision):
    model, processor = load(tiny_checkpoint)
    settings = config(tmp_path, max_steps=2, tune_vision=tune_vision, bf16=bf16)
    run = ours(tiny_checkpoint, settings, rows, given=(model, processor), eval_dataset=None)
    assert patched(model) == []
    run.train()
    assert len(losses(run)) == 2 and patched(model) == []
    torch.save(model, io.BytesIO())
    pickle.dumps(model)
    run.add_callback(Interrupt())
    with pytest.raises(RuntimeError, match="interrupted"):
        run.train()
    assert patched(model) == []


def test_inside_of_a_run_the_tower_is_without_gradients_and_outside_with(tiny_checkpoint, rows, tmp_path):
    """Stage 2 of a training in stages: what was frozen trains, with every gradient."""
    model, processor = load(tiny_checkpoint)
    ours(tiny_checkpoint, config(tmp_path, tune_vision=False), rows, given=(model, processor)).train()
    tower = [name for name in dict(model.named_parameters()) if name.startswith("model.vision_model.")]
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    again = ours(
        tiny_checkpoint,
        config(tmp_path, tune_vision=True, per_device_train_batch_size=6),
        rows,
        given=(model, processor),
    )
    again.train()
    still = [name for name in tower if torch.equal(dict(model.named_parameters())[name], before[name])]
    # The tower's own pooling head is not on the way to the features that Idefics3 reads.
    assert len(tower) > 20 and not [name for name in still if "head" not in name], still


def test_a_run_goes_on_as_if_its_forwards_had_stayed(tiny_checkpoint, rows, tmp_path):
    """Training in two calls, with an evaluation of the model between them, is training in one."""
    straight = ours(tiny_checkpoint, config(tmp_path, max_steps=4), rows)
    straight.train()
    model, processor = load(tiny_checkpoint)
    run = ours(tiny_checkpoint, config(tmp_path, max_steps=4), rows, given=(model, processor))
    loader = run.get_train_dataloader()
    batch = next(iter(loader))
    inputs = {"input_ids": batch["input_ids"], "position_ids": batch["position_ids"], "use_cache": False}
    assert model(**inputs).logits.shape[-1] == model.config.text_config.vocab_size  # transformers' own forward
    run.train()
    assert losses(run) == losses(straight)
    assert_close(parameters(run), parameters(straight), atol=0)


def test_a_forward_of_the_user_s_own_is_used_and_stays(tiny_checkpoint, rows, tmp_path):
    model, processor = load(tiny_checkpoint)
    called, connector = [], model.model.connector
    original = connector.forward

    def forward(*args, **kwargs):
        called.append(1)
        return original(*args, **kwargs)

    connector.forward = forward
    ours(tiny_checkpoint, config(tmp_path, max_steps=6), rows, given=(model, processor)).train()
    assert called and connector.forward is forward


def test_lora_leaves_no_forward_behind(tiny_checkpoint, rows, tmp_path):
    model, processor = load(tiny_checkpoint)
    tuned = get_peft_model(model, lora_config(model, adapter_for("idefics3").parts, r=2, alpha=4, dropout=0.0))
    before = patched(tuned)
    run = ours(tiny_checkpoint, config(tmp_path, max_steps=2, bf16=True), rows, given=(tuned, processor))
    run.train()
    assert patched(tuned) == before == []


def test_a_trainer_that_cannot_be_made_leaves_nothing(tiny_checkpoint, rows, tmp_path):
    model, processor = load(tiny_checkpoint)
    with pytest.raises(TypeError):
        ours(tiny_checkpoint, config(tmp_path), rows, given=(model, processor), compute_loss_function=None)
    assert patched(model) == []


def test_blocks_nest_and_an_exception_ends_them():
    layer = nn.Linear(2, 2)
    patches = ForwardPatches([layer, layer])
    with patches.in_place(), patches.in_place():
        layer.forward = abs
    assert layer.__dict__.keys() & {"forward"} == set()
    with pytest.raises(ZeroDivisionError), patches.in_place():
        assert layer.forward is abs
        _ = 1 / 0
    assert layer.__dict__.keys() & {"forward"} == set()


def test_hooks_of_a_forward_go_with_an_exception(tiny_checkpoint):
    model, _ = load(tiny_checkpoint)
    with pytest.raises(ZeroDivisionError), scored_alone(model, torch.ones(1, 1, dtype=torch.bool)):
        _ = 1 / 0
    assert patched(model) == []
