"""Loading each family's checkpoint, and a LoRA adapter made of it: every weight, and the processor."""

import pytest
import torch
from peft import get_peft_model
from transformers import set_seed

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.pixels import apply_table, normalisation_table, stack_images
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.training.model_parts import part_of
from t2vid_hf.training.tuning import lora_config
from tests.models.families import Family, family

__all__ = ["family"]  # a fixture


def test_a_checkpoint(family: Family):
    model, processor, adapter = load_checkpoint(str(family.folder), dtype="float32")
    assert adapter is family.adapter and not model.training
    assert type(processor) is type(family.processor())
    expected = family.model(dtype=torch.float32).state_dict()
    made = model.state_dict()
    assert made.keys() == expected.keys()
    for name, value in made.items():
        assert torch.equal(value, expected[name]), name
    shapes, _, _ = load_checkpoint(str(family.folder), weights=False, dtype="float32")
    assert all(value.device.type == "meta" for value in shapes.parameters())
    assert {name: value.shape for name, value in shapes.named_parameters()} == {
        name: value.shape for name, value in model.named_parameters()
    }


@pytest.mark.parametrize("vision", [False, True], ids=["connector", "connector and vision tower"])
def test_a_lora_adapter(family: Family, tmp_path, vision):
    """As `sft.py` saves one: what is not in it is the base's, what is in it is what was trained."""
    model = family.model(dtype=torch.float32)
    config = lora_config(model, family.adapter.parts, r=4, alpha=4, dropout=0, tune_vision=vision)
    trained = get_peft_model(model, config)
    set_seed(1)
    with torch.no_grad():
        for parameter in trained.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    trained.save_pretrained(tmp_path)
    family.processor().save_pretrained(tmp_path)
    assert not (tmp_path / "config.json").exists()

    loaded, processor, adapter = load_checkpoint(str(tmp_path), lora=True, dtype="float32")
    assert adapter is family.adapter and not loaded.training
    assert adapter.image_text(processor) == adapter.image_text(family.processor())
    adapter.configure_model(loaded.config)  # an adapter has no configuration of its own
    made = dict(loaded.named_parameters())
    changed = set()
    for name, value in trained.base_model.model.named_parameters():
        assert torch.equal(made.pop(name), value), name
        if "lora" in name or "modules_to_save" in name:
            changed.add(part_of(name, family.adapter.parts))
    assert not made and changed == {"connector", "language", *(["vision"] if vision else [])}
    # Both are still there beside each other, and the trained ones answer: text and page go through each part.
    page = RowEncoder(processor, adapter).dummy()
    inputs = {
        "input_ids": torch.from_numpy(page.input_ids[None]),
        **{
            name: torch.from_numpy(value)
            for name, value in adapter.text_inputs(processor, page.input_ids[None]).items()
        },
        **adapter.model_inputs(apply_table(stack_images([page.pixels]), normalisation_table(processor))),
    }
    with torch.no_grad():
        ours, theirs, untrained = (
            m.eval()(**inputs).logits for m in (loaded, trained, family.model(dtype=torch.float32))
        )
    assert torch.equal(ours, theirs) and not torch.allclose(ours, untrained, atol=0.01)
