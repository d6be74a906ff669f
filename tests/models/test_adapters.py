"""Adapters: one block of tokens a page, priced as the processor counts it."""

import pytest
from transformers import AutoProcessor

from t2vid_hf.errors import InputError
from t2vid_hf.models import ADAPTERS, adapter_for
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
    assert len(with_images) - without == images * adapter.tokens_per_image(processor)
    media = set(adapter.media_token_ids(processor))
    assert sum(token in media for token in with_images) == images * adapter.tokens_per_image(processor)


@pytest.mark.parametrize("family", sorted(ADAPTERS))
def test_the_text_of_an_image_is_what_the_processor_writes(family, tiny_checkpoint, monkeypatch):
    processor, adapter = AutoProcessor.from_pretrained(tiny_checkpoint), ADAPTERS[family]
    if family == "smolvlm":
        processor = smolvlm(processor.tokenizer, monkeypatch)
    image = adapter.image_text(processor)
    written = processor(text=f"x{image.placeholder}y", images=[[page(0)]])["input_ids"][0]
    assert written == processor.tokenizer(f"x{image.text()}y")["input_ids"]
    assert sum(token in adapter.media_token_ids(processor) for token in written) == adapter.tokens_per_image(processor)
    processor.image_processor.do_image_splitting = True
    with pytest.raises(InputError, match="call adapter.configure"):
        adapter.image_text(processor)
