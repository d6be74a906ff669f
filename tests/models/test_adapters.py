"""Adapters: the registry, and pixels by table. What holds of every family is in test_families.py."""

import pytest
import torch
from transformers import AutoProcessor

from t2vid_hf.batches.pixels import apply_table, normalisation_table
from t2vid_hf.errors import InputError
from t2vid_hf.models import ADAPTERS, adapter_for


def test_unknown_families_list_the_known_ones():
    with pytest.raises(InputError, match=f"model_type 'bert'; known: {', '.join(sorted(ADAPTERS))}"):
        adapter_for("bert")


def test_splitting_is_switched_off(tiny_checkpoint):
    processor, adapter = AutoProcessor.from_pretrained(tiny_checkpoint), ADAPTERS["idefics3"]
    processor.image_processor.do_image_splitting = True
    with pytest.raises(InputError, match="call adapter.configure"):
        adapter.image_text(processor)
    adapter.configure(processor)
    assert adapter.image_text(processor).repeats == processor.image_seq_len


def test_a_grey_page_is_looked_up_as_its_three_channels(tiny_checkpoint):
    table = torch.stack(
        [normalisation_table(AutoProcessor.from_pretrained(tiny_checkpoint))[0] * factor for factor in (1, 2, 3)]
    )
    grey = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    for each in (table, table[:1].expand(3, 256)):
        assert torch.equal(apply_table(grey, each), apply_table(grey.expand(1, 3, 16, 16), each))
