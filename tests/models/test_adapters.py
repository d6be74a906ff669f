"""Adapters: one block of tokens a page, priced as the processor counts it."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from t2vid_hf.data.token_cost import TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.models import ADAPTERS, adapter_for
from t2vid_hf.models.pixels import levels, looked_up
from tests.conftest import page
from tests.data.test_token_cost import smolvlm


def test_unknown_families_list_the_known_ones():
    with pytest.raises(InputError, match="model_type 'bert'; known: idefics3, smolvlm"):
        adapter_for("bert")


@pytest.mark.parametrize("images", [1, 3])
def test_tokens_of_an_image(tiny_checkpoint, images):
    processor, adapter = AutoProcessor.from_pretrained(tiny_checkpoint), ADAPTERS["idefics3"]
    processor.image_processor.do_image_splitting = True
    adapter.configure(processor)
    without = len(processor(text=["x"])["input_ids"][0])
    with_images = processor(text=["x" + "<image>" * images], images=[[page(0)] * images])["input_ids"][0]
    tokens_per_image = TokenCost(processor, adapter).tokens_per_image
    assert len(with_images) - without == images * tokens_per_image
    media = set(adapter.media_token_ids(processor))
    assert sum(token in media for token in with_images) == images * tokens_per_image


@pytest.mark.parametrize("family", sorted(ADAPTERS))
def test_the_text_of_an_image_is_what_the_processor_writes(family, tiny_checkpoint, monkeypatch):
    processor, adapter = AutoProcessor.from_pretrained(tiny_checkpoint), ADAPTERS[family]
    if family == "smolvlm":
        processor = smolvlm(processor.tokenizer, monkeypatch)
    image = adapter.image_text(processor)
    written = processor(text=f"x{image.placeholder}y", images=[[page(0)]])["input_ids"][0]
    assert written == processor.tokenizer(f"x{image.text()}y")["input_ids"]
    media = set(adapter.media_token_ids(processor))
    assert sum(token in media for token in written) == TokenCost(processor, adapter).tokens_per_image
    processor.image_processor.do_image_splitting = True
    with pytest.raises(InputError, match="call adapter.configure"):
        adapter.image_text(processor)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (90, 200), (96, 96), (31, 17)])
def test_pixels_are_the_processors(tiny_checkpoint, width, height):
    processor, adapter = AutoProcessor.from_pretrained(tiny_checkpoint), ADAPTERS["idefics3"]
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 3, height, width), np.uint8))
    expected = processor.image_processor([list(frames)], return_tensors="pt")["pixel_values"]
    fitted = adapter.fitted(processor, frames)
    assert fitted.dtype == torch.uint8 and fitted.shape[-1] == adapter.page_px(processor)
    made = adapter.model_inputs(looked_up(fitted, levels(processor)))["pixel_values"]
    assert torch.equal(made, expected)


def test_a_grey_page_is_looked_up_as_its_three_channels(tiny_checkpoint):
    table = torch.stack([levels(AutoProcessor.from_pretrained(tiny_checkpoint))[0] * factor for factor in (1, 2, 3)])
    grey = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    for each in (table, table[:1].expand(3, 256)):
        assert torch.equal(looked_up(grey, each), looked_up(grey.expand(1, 3, 16, 16), each))


def test_the_parts_cover_every_parameter_once(tiny_checkpoint):
    model, parts = AutoModelForImageTextToText.from_pretrained(tiny_checkpoint), ADAPTERS["idefics3"].parts
    prefixes = [f"{path}." for path in (*parts.vision, *parts.connector, *parts.language)]
    for name, _ in model.named_parameters(remove_duplicate=False):
        assert sum(name.startswith(prefix) for prefix in prefixes) == 1, name
    assert {name.rpartition(".")[2] for name, _ in model.model.text_model.named_modules()} >= set(parts.lora)
