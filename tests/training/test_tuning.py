"""What trains: every part alone and together, LoRA and what it saves, a learning rate for each part."""

import re
from itertools import product

import pytest
import torch
from peft import PeftModel, get_peft_model
from transformers import AutoModelForImageTextToText, Trainer, TrainingArguments

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.pixels import apply_table, normalisation_table
from t2vid_hf.errors import InputError
from t2vid_hf.models import adapter_for
from t2vid_hf.models.adapter import ModelParts
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
from t2vid_hf.training.float32_weights import Float32Weights
from t2vid_hf.training.forward_patches import run_without_grad
from t2vid_hf.training.model_parts import PARTS, PartSize, part_of, plain_name, show_parts, what_trains
from t2vid_hf.training.tuning import (
    freeze,
    freeze_unused,
    frozen_vision,
    lora_config,
    parameter_groups,
    quantization_config,
    shape_4bit,
)
from tests.models.families import family

__all__ = ["family"]  # a fixture
IDEFICS3 = adapter_for("idefics3").parts
LORA = {"r": 4, "alpha": 8, "dropout": 0.0}
SWITCHES = [switches for switches in product((True, False), repeat=3) if any(switches)]


def load(folder, **settings):
    torch.set_num_threads(1)  # a second gains nothing on a model this small
    return AutoModelForImageTextToText.from_pretrained(folder, **{"dtype": "float32", **settings})


@pytest.fixture
def model(tiny_checkpoint):
    return load(tiny_checkpoint).train()


@pytest.fixture
def batch(model):
    """Two images and a few words, all supervised."""
    ids = torch.arange(10, 60)[None]
    ids[0, 2:34] = model.config.image_token_id
    pixels = torch.rand(1, 2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    return {"input_ids": ids, "pixel_values": pixels, "labels": ids.clone()}


def step(model, batch, groups=None) -> tuple[set[str], set[str]]:
    """Take a step; returns the names of what trains and of what moved."""
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.AdamW(
        groups or [p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.0
    )
    model(**batch).loss.backward()
    optimizer.step()
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    return {name for name, value in model.named_parameters() if value.requires_grad}, moved


@pytest.mark.parametrize(("vision", "connector", "language"), SWITCHES)
def test_every_trainable_parameter_moves_and_no_frozen_one_does(model, batch, vision, connector, language):
    freeze(model, IDEFICS3, vision=vision, connector=connector, language=language)
    trains, moved = step(model, batch)
    assert moved == trains
    chosen = {part for part, on in zip(PARTS, (vision, connector, language), strict=True) if on}
    assert {part_of(name, IDEFICS3) for name in trains} == chosen


def test_tied_embeddings_and_head_go_together(model):
    assert model.lm_head.weight is model.model.text_model.embed_tokens.weight
    freeze(model, IDEFICS3, vision=True, connector=True, language=False)
    assert not model.lm_head.weight.requires_grad


def test_the_order_of_calls_does_not_matter(model):
    freeze(model, IDEFICS3, vision=False, connector=True, language=False)
    freeze(model, IDEFICS3, vision=True, connector=False, language=True)
    assert {part_of(n, IDEFICS3) for n, p in model.named_parameters() if p.requires_grad} == {"vision", "language"}


def test_a_path_that_matches_nothing_is_named(model):
    wrong = ModelParts(vision=("model.vision_model",), connector=("model.projector",), language=("model.text_model",))
    expected = "connector part has the path 'model.projector'.*model.vision_model, model.connector, model.text_model"
    for call in (
        lambda: freeze(model, wrong, vision=True, connector=True, language=True),
        lambda: lora_config(model, wrong, **LORA),
    ):
        with pytest.raises(InputError, match=expected):
            call()


def test_nothing_left_to_train_is_refused(model):
    with pytest.raises(InputError, match="nothing is left to train"):
        freeze(model, IDEFICS3, vision=False, connector=False, language=False)


def test_parts_that_overlap_or_leave_a_parameter_out_are_refused(model):
    missing = ModelParts(vision=("model.vision_model",), connector=("model.connector",), language=("lm_head",))
    twice = ModelParts(vision=("model",), connector=("model.connector",), language=("model.text_model", "lm_head"))
    for parts, message in ((missing, "is in no part"), (twice, "vision and connector")):
        with pytest.raises(InputError, match=message):
            freeze(model, parts, vision=True, connector=True, language=True)


def test_what_no_forward_uses_does_not_train(model):
    layer = "model.vision_model.encoder.layers.1"
    parts = ModelParts(IDEFICS3.vision, IDEFICS3.connector, IDEFICS3.language, unused=(layer,))
    freeze(model, parts, vision=True, connector=True, language=True)
    frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
    assert frozen and all(name.startswith(f"{layer}.") for name in frozen)
    tuned = get_peft_model(load(model.name_or_path), lora_config(model, parts, **LORA, tune_vision=True))
    freeze_unused(tuned, parts)
    assert not [n for n, p in tuned.named_parameters() if p.requires_grad and plain_name(n).startswith(f"{layer}.")]


@pytest.mark.parametrize(("vision", "connector"), list(product((False, True), repeat=2)))
def test_lora_adapts_the_language_model_alone(model, batch, vision, connector):
    config = lora_config(model, IDEFICS3, **LORA, tune_vision=vision, tune_connector=connector)
    tuned = get_peft_model(model, config)
    adapted = [plain_name(name) for name, module in tuned.named_modules() if "lora_A" in dict(module.named_children())]
    # Seven layers in each of three blocks; the vision tower's q_proj, k_proj and v_proj are not among them.
    assert len(adapted) == 3 * 7 and all(name.startswith("model.text_model.layers.") for name in adapted)
    # B starts at 0, so that A does not move before the second step.
    step(tuned, batch)
    tuned.zero_grad()
    trains, moved = step(tuned, batch)
    assert moved == trains
    in_full = {part_of(name, IDEFICS3) for name in trains if "lora_" not in name}
    assert in_full == {part for part, on in (("vision", vision), ("connector", connector)) if on}


def test_an_adapter_holds_what_trained_in_full_and_loads_back(tiny_checkpoint, model, batch, tmp_path):
    tuned = get_peft_model(model, lora_config(model, IDEFICS3, **LORA, tune_vision=True))
    for _ in range(2):
        step(tuned, batch)
        tuned.zero_grad()
    tuned.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(load(tiny_checkpoint), tmp_path)
    with torch.no_grad():
        wanted, got, untuned = (each.eval()(**batch).logits for each in (tuned, loaded, load(tiny_checkpoint)))
    assert torch.equal(wanted, got) and not torch.equal(wanted, untuned)
    merged = loaded.merge_and_unload()
    with torch.no_grad():
        torch.testing.assert_close(merged(**batch).logits, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("reentrant", [False, True])
def test_gradient_checkpointing_changes_no_gradient_of_an_adapter(tiny_checkpoint, model, batch, reentrant):
    def gradients(checkpointing: bool) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        base = load(tiny_checkpoint).train()
        tuned = get_peft_model(base, lora_config(base, IDEFICS3, **LORA, tune_vision=True))
        if checkpointing:
            tuned.enable_input_require_grads()
            tuned.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": reentrant})
        tuned(**batch).loss.backward()
        return {name: value.grad for name, value in tuned.named_parameters() if value.requires_grad}

    plain, checkpointed = gradients(False), gradients(True)
    assert plain.keys() == checkpointed.keys()
    for name in plain:
        torch.testing.assert_close(checkpointed[name], plain[name], msg=name)


def test_a_list_of_blocks_is_saved_block_by_block(model):
    vision = ("model.vision_model.embeddings", "model.vision_model.encoder.layers", "model.vision_model.post_layernorm")
    parts = ModelParts(vision, IDEFICS3.connector, IDEFICS3.language)
    config = lora_config(model, parts, **LORA, tune_vision=True, tune_connector=False)
    blocks = [f"model.vision_model.encoder.layers.{number}" for number in (0, 1)]
    assert sorted(config.modules_to_save) == sorted([vision[0], *blocks, vision[2]])
    assert {part_of(n, parts) for n, p in get_peft_model(model, config).named_parameters() if p.requires_grad} == {
        "vision",
        "language",
    }


def test_lora_layers_that_are_not_there_are_named(model):
    parts = ModelParts(IDEFICS3.vision, IDEFICS3.connector, IDEFICS3.language, lora=("wq", "out_proj"))
    with pytest.raises(InputError, match="called wq, out_proj; there are down_proj, gate_proj, k_proj, lm_head"):
        lora_config(model, parts, **LORA)
    with pytest.raises(InputError, match="lora_r=0"):
        lora_config(model, IDEFICS3, r=0, alpha=8, dropout=0.0)


def test_four_bit_weights_are_the_language_model_s():
    config = quantization_config(IDEFICS3)
    assert config.load_in_4bit and config.bnb_4bit_quant_type == "nf4" and config.bnb_4bit_use_double_quant
    assert config.bnb_4bit_compute_dtype == torch.bfloat16
    assert config.llm_int8_skip_modules == ["model.vision_model", "model.connector", "lm_head"]


def test_a_dry_run_counts_four_bits_without_bitsandbytes(tiny_checkpoint):
    model, _, _ = load_checkpoint(str(tiny_checkpoint), weights=False, dtype="bfloat16")
    before = what_trains(model, IDEFICS3)
    shape_4bit(model, IDEFICS3)
    packed = {name for name, value in model.named_parameters() if value.dtype == torch.uint8}
    assert len(packed) == 3 * 7 and all(name.startswith("model.text_model.layers.") for name in packed)
    after = what_trains(get_peft_model(model, lora_config(model, IDEFICS3, **LORA)), IDEFICS3)
    assert [size.total for size in after][:2] == [size.total for size in before][:2]
    assert after[2].total == before[2].total + after[2].trainable


def test_qlora_trains_and_loads_back(tiny_checkpoint, batch, tmp_path):
    pytest.importorskip("bitsandbytes", reason="QLoRA needs bitsandbytes")
    settings = {"quantization_config": quantization_config(IDEFICS3), "dtype": "bfloat16"}
    model = load(tiny_checkpoint, **settings)
    quantised = {name for name, value in model.named_parameters() if type(value).__name__ == "Params4bit"}
    assert len(quantised) == 3 * 7 and all(name.startswith("model.text_model.layers.") for name in quantised)
    assert {size.part: size.total for size in what_trains(model, IDEFICS3)} == {
        size.part: size.total for size in what_trains(load(tiny_checkpoint), IDEFICS3)
    }
    with pytest.raises(InputError, match="quantised and cannot train"):
        freeze(model, IDEFICS3, vision=True, connector=True, language=True)
    tuned = get_peft_model(model, lora_config(model, IDEFICS3, **LORA, tune_vision=True))
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):  # one for each step: it keeps the weights that it has cast
            trains, moved = step(tuned, batch)
        tuned.zero_grad()
    assert moved == trains
    tuned.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(load(tiny_checkpoint, **settings), tmp_path)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(tuned.eval()(**batch).logits, loaded.eval()(**batch).logits)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("model.connector.proj.weight", "model.connector.proj.weight"),
        ("module.model.connector.proj.weight", "model.connector.proj.weight"),
        ("_fsdp_wrapped_module.model._fsdp_wrapped_module.connector.weight", "model.connector.weight"),
        ("_orig_mod.model.layers.0._checkpoint_wrapped_module.weight", "model.layers.0.weight"),
        ("module.base_model.model.lm_head.modules_to_save.default.weight", "lm_head.weight"),
        ("base_model.model.model.connector.original_module.proj.weight", "model.connector.proj.weight"),
    ],
)
def test_names_without_what_wraps_them(name, plain):
    assert plain_name(name) == plain


class WithRates(Trainer):
    """The override that a trainer needs."""

    rates = {"vision_learning_rate": 1e-4, "connector_learning_rate": 3e-4}

    def create_optimizer(self, model=None):
        if self.optimizer is None:
            model = self.model if model is None else model
            kind, kwargs = self.get_optimizer_cls_and_kwargs(self.args, model)
            groups = parameter_groups(
                model,
                IDEFICS3,
                learning_rate=self.args.learning_rate,
                weight_decay=self.args.weight_decay,
                decay_names=self.get_decay_parameter_names(model),
                **self.rates,
            )
            self.optimizer_cls_and_kwargs = kind, {**kwargs, "params": groups}
        return super().create_optimizer(model)


def arguments(folder, **changes):
    settings = {"use_cpu": True, "report_to": "none", "learning_rate": 1e-3, "weight_decay": 0.1, "warmup_steps": 2}
    return TrainingArguments(str(folder), **{**settings, **changes})


@pytest.mark.parametrize("wrapped", [False, True])
def test_each_part_has_its_rate_and_norms_do_not_decay(model, tmp_path, wrapped):
    if wrapped:
        model = get_peft_model(model, lora_config(model, IDEFICS3, **LORA, tune_vision=True))
    trainer = WithRates(model, arguments(tmp_path))
    trainer.create_optimizer_and_scheduler(num_training_steps=10)
    names = {id(value): plain_name(name) for name, value in model.named_parameters()}
    rates = {"vision": 1e-4, "connector": 3e-4, "language": 1e-3}
    seen = []
    for group in trainer.optimizer.param_groups:
        assert isinstance(trainer.optimizer, torch.optim.AdamW) and group["betas"] == (0.9, 0.999)
        for parameter in group["params"]:
            name = names[id(parameter)]
            seen.append(id(parameter))
            assert group["initial_lr"] == rates[part_of(name, IDEFICS3)], name
            assert group["weight_decay"] == (0.0 if re.search(r"bias|norm", name) else 0.1), name
    # Each that trains once.
    assert sorted(seen) == sorted(id(value) for value in model.parameters() if value.requires_grad)


def test_groups_without_rates_are_those_of_transformers(model, tmp_path):
    stock, ours = Trainer(model, arguments(tmp_path)), WithRates(model, arguments(tmp_path))
    ours.rates = {}
    expected, got = (
        {id(p): (group["lr"], group["weight_decay"]) for group in each.create_optimizer().param_groups
         for p in group["params"]}
        for each in (stock, ours)
    )  # fmt: skip
    assert expected == got


def test_a_rate_for_a_frozen_part_is_refused(model, tmp_path):
    freeze(model, IDEFICS3, vision=False, connector=True, language=True)
    with pytest.raises(InputError, match="vision_learning_rate is 0.0001, and the vision part does not train"):
        WithRates(model, arguments(tmp_path)).create_optimizer()


def test_what_trains_in_numbers(model):
    sizes = {size.part: size for size in what_trains(model, IDEFICS3)}
    assert sum(size.total for size in sizes.values()) == model.num_parameters()
    assert all(size.trainable == size.total for size in sizes.values())
    connector, language = sizes["connector"].total, sizes["language"].total
    assert connector == 128 * 384
    tuned = get_peft_model(model, lora_config(model, IDEFICS3, **LORA))
    # A and B of the four attention layers, of two layers 128 -> 256 and one 256 -> 128, in three blocks
    lora = 3 * LORA["r"] * (4 * (128 + 128) + 3 * (128 + 256))
    assert what_trains(tuned, IDEFICS3) == [
        PartSize("vision", 0, sizes["vision"].total),
        PartSize("connector", connector, connector),
        PartSize("language", lora, language + lora),
    ]
    shown = []
    show_parts(what_trains(tuned, IDEFICS3), shown.append)
    assert list(shown[0].columns[0].cells) == ["vision", "connector", "language", "all"]
    assert list(shown[0].columns[1].cells) == ["0", f"{connector:,}", f"{lora:,}", f"{connector + lora:,}"]


def test_the_paper_s_learning_rate_moves_nothing_in_bfloat16(tiny_checkpoint):
    def moved(model) -> float:
        weight = model.model.text_model.layers[0].mlp.up_proj.weight
        before = weight.detach().clone()
        weight.grad = torch.randn_like(weight)
        torch.optim.AdamW([weight], lr=5e-6, weight_decay=0.0).step()
        large = before.abs() > 2**-9  # at it, the step below is half as large
        return (weight != before)[large].float().mean().item()

    model = load(tiny_checkpoint, dtype="bfloat16")
    assert moved(model) == 0
    model = load(tiny_checkpoint, dtype="bfloat16")
    freeze(model, IDEFICS3, vision=False, connector=True, language=True)
    with Float32Weights(model, on=True).train():
        assert {(p.requires_grad, p.dtype) for p in model.parameters()} >= {
            (True, torch.float32),
            (False, torch.bfloat16),
        }
        assert moved(model) == 1
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}


def test_a_frozen_tower_runs_without_gradients(model, batch):
    freeze(model, IDEFICS3, vision=False, connector=True, language=True)
    model.activation_checkpointing_enable()  # makes the embeddings' outputs require gradients
    seen: list[bool] = []
    model.model.vision_model.post_layernorm.register_forward_hook(lambda *given: seen.append(given[2].requires_grad))
    model(**batch).loss.backward()
    wanted = {name: value.grad.clone() for name, value in model.named_parameters() if value.requires_grad}
    model.zero_grad()
    with run_without_grad(frozen_vision(model, IDEFICS3)).in_place():
        model(**batch).loss.backward()
    assert seen == [True, False]
    for name, value in model.named_parameters():
        assert not value.requires_grad or torch.equal(value.grad, wanted[name]), name


def test_a_tower_that_trains_keeps_its_gradients(model, batch):
    freeze(model, IDEFICS3, vision=True, connector=False, language=False)
    assert frozen_vision(model, IDEFICS3) == []
    trains, moved = step(model, batch)
    assert moved == trains


def test_lora_with_a_frozen_tower_runs_without_gradients_too(model, batch):
    tuned = get_peft_model(model, lora_config(model, IDEFICS3, **LORA))
    with run_without_grad(frozen_vision(tuned, IDEFICS3)).in_place():
        seen = tuned.base_model.model.model.vision_model(torch.rand(1, 3, 96, 96)).last_hidden_state
    assert not seen.requires_grad


@pytest.mark.parametrize("tune_vision", [True, False])
def test_an_adapter_of_every_family_trains_what_it_says_and_loads_back(family, rows, tmp_path, tune_vision):
    parts, processor = family.adapter.parts, family.processor()
    collate = DataCollatorForVideoLanguageModeling(RowEncoder(processor, family.adapter, num_frames=2))
    batch = collate(rows[1:2])
    batch = {name: batch[name] for name in ("input_ids", "position_ids", "pixels")}
    # All is supervised, because Qwen3-VL's tiny model adds features to the image tokens behind its last layer.
    batch["labels"] = batch["input_ids"].clone()
    batch.update(
        family.adapter.model_inputs(apply_table(batch.pop("pixels"), normalisation_table(processor))), use_cache=False
    )
    model = family.model(dtype="float32").train()
    tuned = get_peft_model(model, lora_config(model, parts, **LORA, tune_vision=tune_vision))
    freeze_unused(tuned, parts)
    tower = frozen_vision(tuned, parts)
    assert bool(tower) != tune_vision
    with run_without_grad(tower).in_place():
        step(tuned, batch)
        tuned.zero_grad()
        trains, moved = step(tuned, batch)
    # A parameter may stay where its gradient is exactly 0: a bias of keys shifts every score alike.
    assert moved <= trains
    assert [name for name in trains - moved if "k_proj.bias" not in name] == []
    trained = {part_of(name, parts) for name in trains}
    assert trained == {"connector", "language"} | ({"vision"} if tune_vision else set())
    tuned.save_pretrained(tmp_path)
    loaded = PeftModel.from_pretrained(family.model(dtype="float32"), tmp_path)
    with torch.no_grad():
        assert torch.equal(tuned.eval()(**batch).logits, loaded.eval()(**batch).logits)
