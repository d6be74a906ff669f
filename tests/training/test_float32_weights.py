"""Float32 weights are a run's: in its checkpoints, not behind it, not in what is saved for others; and a switch."""

import gc
import io
import pickle
import weakref
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoProcessor, TrainerCallback

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.models import adapter_for
from t2vid_hf.training.float32_weights import Float32Weights, check_float32
from t2vid_hf.training.tuning import lora_config
from tests.training.runs import config, losses, make_rows, ours

PARTS = adapter_for("idefics3").parts
HALF = {"bf16": True, "max_steps": 2, "gradient_checkpointing": True, "learning_rate": 1e-3}


@pytest.fixture
def given(tiny_checkpoint):
    torch.set_num_threads(1)
    model = AutoModelForImageTextToText.from_pretrained(tiny_checkpoint, dtype="bfloat16")
    return model, AutoProcessor.from_pretrained(tiny_checkpoint)


@pytest.fixture
def rows():
    return make_rows(3, b"")


def types(model) -> set[torch.dtype]:
    return {weight.dtype for weight in model.parameters()}


def saved(folder, name="model") -> dict[str, torch.Tensor]:
    return load_file(folder / f"{name}.safetensors")


class During(TrainerCallback):
    """Looks at the weights in a step."""

    def __init__(self) -> None:
        self.types = []

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self.types.append({(weight.requires_grad, weight.dtype) for weight in model.parameters()})


def test_checkpoints_have_float32_and_the_final_model_what_was_loaded(given, rows, tmp_path):
    during = During()
    settings = config(tmp_path, save_strategy="steps", save_steps=1, **HALF)
    run = ours(None, settings, rows, given=given, callbacks=[during])
    assert types(run.model) == {torch.bfloat16}  # nothing before the run either
    run.train()
    assert len(during.types) == 2 and all((True, torch.bfloat16) not in seen for seen in during.types)
    assert types(given[0]) == {torch.bfloat16} and given[0].config.dtype == torch.bfloat16
    run.save_model()
    final, kept = saved(tmp_path), saved(tmp_path / "checkpoint-2")
    assert {value.dtype for value in final.values()} == {torch.bfloat16}
    assert {value.dtype for value in kept.values()} == {torch.float32}
    assert final.keys() == kept.keys()
    assert all(torch.equal(final[name], kept[name].bfloat16()) for name in final)
    # the float32 weights hold more than what was rounded off
    assert any(not torch.equal(kept[name], final[name].float()) for name in final)
    assert AutoModelForImageTextToText.from_pretrained(tmp_path).dtype == torch.bfloat16


def test_without_float32_weights_nothing_is_float32(given, rows, tmp_path):
    during = During()
    settings = config(tmp_path, float32_weights=False, save_strategy="steps", save_steps=2, **HALF)
    run = ours(None, settings, rows, given=given, callbacks=[during])
    run.train()
    assert {dtype for seen in during.types for _, dtype in seen} == {torch.bfloat16} and len(losses(run)) == 2
    assert {value.dtype for value in saved(tmp_path / "checkpoint-2").values()} == {torch.bfloat16}


def test_float32_stays_where_it_is_asked_for(given, rows, tmp_path):
    run = ours(None, config(tmp_path, keep_float32=True, tune_vision=False, **HALF), rows, given=given)
    run.train()
    run.save_model()
    assert types(given[0]) == {torch.float32}
    assert {value.dtype for value in saved(tmp_path).values()} == {torch.float32}
    assert AutoModelForImageTextToText.from_pretrained(tmp_path).dtype == torch.float32


def test_a_float32_model_stays_float32(tiny_checkpoint, rows, tmp_path):
    run = ours(tiny_checkpoint, config(tmp_path, **HALF), rows)
    run.train()
    run.save_model()
    assert types(run.model) == {torch.float32} == {value.dtype for value in saved(tmp_path).values()}


@pytest.mark.parametrize("keep", [False, True])
def test_an_adapter_is_saved_as_its_base_is(given, rows, tmp_path, keep):
    settings = config(tmp_path, save_strategy="steps", save_steps=2, keep_float32=keep, **HALF)
    lora = lora_config(given[0], PARTS, r=2, alpha=4, dropout=0.0)
    run = ours(None, settings, rows, given=given, peft_config=lora)
    run.train()
    run.save_model()
    final, kept = (saved(folder, "adapter_model") for folder in (tmp_path, tmp_path / "checkpoint-2"))
    assert {value.dtype for value in final.values()} == {torch.float32 if keep else torch.bfloat16}
    assert {value.dtype for value in kept.values()} == {torch.float32}
    assert all(torch.equal(final[name], kept[name].to(final[name].dtype)) for name in final)
    asked = [{**row, "messages": row["messages"][:1]} for row in rows]
    assert len(answer(run.model, given[1], asked, num_frames=2, max_new_tokens=2)) == 3


def test_a_second_run_is_in_float32_again(given, rows, tmp_path):
    during = During()
    lora = lora_config(given[0], PARTS, r=2, alpha=4, dropout=0.0)
    run = ours(None, config(tmp_path, **HALF), rows, given=given, peft_config=lora, callbacks=[during])
    run.train()
    run.train()
    assert len(during.types) == 4 and all((True, torch.bfloat16) not in seen for seen in during.types)


def test_inside_of_a_run_a_released_model_is_of_16_bits_and_nothing_is_lost(given):
    model, _ = given
    weights = Float32Weights(model, on=True)
    with weights.train():
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(1e-6)
        before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
        with weights.release():
            assert types(model) == {torch.bfloat16}
        assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())


@pytest.mark.parametrize("changes", [{"bf16": False}, {"float32_weights": False, "bf16": True}])
def test_a_switch_without_effect_is_refused(tmp_path, changes):
    with pytest.raises(InputError, match="keep_float32=True keeps what a bf16 or fp16 run"):
        config(tmp_path, keep_float32=True, **changes)


def test_sharded_runs_have_their_own():
    settings = {"bf16": True, "fp16": False, "fsdp_plugin_args": None, "float32_weights": True, "keep_float32": False}
    check_float32(SimpleNamespace(**settings, deepspeed_plugin=object()))
    for wrong in ({"float32_weights": False}, {"keep_float32": True}):
        with pytest.raises(InputError, match="DeepSpeed and FSDP keep float32"):
            check_float32(SimpleNamespace(**{**settings, **wrong}, deepspeed_plugin=object()))
    fp16 = {**settings, "fp16": True, "bf16": False, "float32_weights": False}
    with pytest.raises(InputError, match="fp16 needs float32 weights"):
        check_float32(SimpleNamespace(**fp16, deepspeed_plugin=None))


def hooks(model) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


class Fails(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        raise RuntimeError("interrupted")


@pytest.mark.parametrize("way", ["full", "lora"])
@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_as_it_came_and_the_trainer_goes(given, rows, tmp_path, way, fails):
    """Hooks, checkpointing, types; the trainer and its optimizer die, and the model can be pickled."""
    model, _ = given
    lora = lora_config(model, PARTS, r=2, alpha=4, dropout=0.0) if way == "lora" else None
    settings = config(tmp_path, neftune_noise_alpha=5, **HALF)
    run = ours(None, settings, rows, given=given, peft_config=lora, callbacks=[Fails()] if fails else [])
    assert hooks(model) == 0
    try:
        run.train()
    except RuntimeError as error:
        assert fails and "interrupted" in str(error)
    assert hooks(model) == 0 and not model.is_activation_checkpointing and types(model) == {torch.bfloat16}
    assert not [name for module in model.modules() for name in vars(module) if "require_grads" in name]
    torch.save(model, io.BytesIO())
    pickle.dumps(model)
    gone = [weakref.ref(run), weakref.ref(run.optimizer), weakref.ref(run.lr_scheduler)]
    del run
    gc.collect()
    assert [each() for each in gone] == [None] * 3
    assert model.config.model_type == "idefics3"  # still there


def test_a_hook_of_the_user_s_own_stays(given, rows, tmp_path):
    model, _ = given
    called = []

    class Watches(TrainerCallback):
        def on_train_begin(self, args, state, control, **kwargs):
            model.model.connector.register_forward_hook(lambda *given: called.append(1))

    args = config(tmp_path, per_device_train_batch_size=3, **HALF)
    ours(None, args, rows, given=given, callbacks=[Watches()]).train()
    assert called and hooks(model) == 1
