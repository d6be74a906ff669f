"""`recipes/README.md`, "Adding a model family", followed: its code on a tiny LLaVA 1.5, which is not shipped."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.models import ADAPTERS, adapter_for
from t2vid_hf.models.loading import load_checkpoint
from tests.models import families, test_families, test_loading
from tests.models.families import Family
from tests.models.test_families import drawn, one_thread, packed
from tests.training.runs import config, load, ours, parameters

__all__ = ["one_thread", "packed"]  # fixtures

README = Path(__file__).resolve().parents[2] / "recipes/README.md"
SECTION = README.read_text("utf-8").split("\n## Adding a model family\n")[1].split("\n## ")[0]
FILE, LINE = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
# All of the third step's tests that are for every family. `PUBLISHED` is a table there: see the last test here.
FOR_EVERY_FAMILY = {
    name: test
    for module in (test_families, test_loading)
    for name, test in vars(module).items()
    if name.startswith("test_")
    and "family" in test.__code__.co_varnames[: test.__code__.co_argcount]
    and not any(mark.args[0] == "family" for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize")
    and name != "test_tokens_of_a_page_on_published_checkpoints"
}
globals().update(FOR_EVERY_FAMILY)

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['role'] | upper + ': ' }}"
    "{% for block in message['content'] %}"
    "{% if block['type'] == 'image' %}{{ '<image>\n' }}{% else %}{{ block['text'] }}{% endif %}"
    "{% endfor %}{{ '</s>' if message['role'] == 'assistant' else ' ' }}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT: {% endif %}"
)


def llava() -> tuple[Any, Any]:
    """The third step's tiny model: as many layers as are published, of 28 px and 2 x 2 patches."""
    words = families.tokenizer(["<s>", "<image>"], pad="<pad>", eos="</s>")
    words.bos_token = "<s>"
    crop = {"height": 28, "width": 28}
    processor = LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 28}, crop_size=crop),
        words,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=48, intermediate_size=64, num_hidden_layers=24, num_attention_heads=4, image_size=28,
            patch_size=14, projection_dim=48,
        ),
        text_config=LlamaConfig(vocab_size=len(words), pad_token_id=words.pad_token_id, **families.TEXT),
        **families.ids(words, image_token_index="<image>"),
    )  # fmt: skip
    return LlavaForConditionalGeneration(config), processor


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The family, registered as the section says, for the tests of this file alone."""
    folder, patch = tmp_path_factory.mktemp("llava"), pytest.MonkeyPatch()
    (named,) = re.findall(r"in a file of its own, `t2vid_hf/models/(\w+\.py)`", SECTION)
    (folder / named).write_text(FILE)
    spec = spec_from_file_location("llava_adapter", folder / named)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(InputError, match=f"write t2vid_hf/models/{named} and its line in ADAPTERS"):
        adapter_for("llava")
    for model_type, adapter in eval(f"{{{LINE}}}", vars(module)).items():
        patch.setitem(ADAPTERS, model_type, adapter)
    patch.setitem(families.BUILDERS, "llava", llava)
    families.build("llava", folder / "checkpoint")
    yield Family("llava", folder / "checkpoint")
    patch.undo()


def test_the_tests_for_every_family_are_taken():
    assert {
        "test_prices_are_the_lengths_of_what_the_processor_makes",
        "test_packed_rows_are_as_alone",
        "test_pixels_are_the_processors",
        "test_the_parts_cover_every_parameter_once",
        "test_a_lora_adapter",
    } <= set(FOR_EVERY_FAMILY)


def test_one_step_of_training(family: Family, rows, tmp_path):
    given = load(family.folder)
    trainer = ours(family.folder, config(tmp_path, per_device_train_batch_size=3, padding_free=True), rows, given=given)
    before = {name: value.clone() for name, value in parameters(trainer).items()}
    trainer.train()
    moved = {name for name, value in parameters(trainer).items() if not torch.equal(value, before[name])}
    trainable = {name for name, value in trainer.model.named_parameters() if value.requires_grad}
    # AdamW moves what has a gradient, however small: the key's bias has none, because softmax takes it away.
    biases = {name for name in trainable if name.endswith("k_proj.bias")}
    assert trainable - biases <= moved <= trainable
    unused = family.adapter.parts.unused
    assert {name for name in before if name.startswith(unused)} == before.keys() - trainable != set()
    trainer.save_model(str(tmp_path / "saved"))
    saved, processor, adapter = load_checkpoint(str(tmp_path / "saved"), dtype="float32")
    assert adapter is family.adapter
    for name, value in saved.named_parameters():
        assert torch.equal(value, parameters(trainer)[name]), name
    questions = [{**row, "messages": row["messages"][:1]} for row in rows]
    assert len(answer(saved, processor, questions, num_frames=3, max_new_tokens=2)) == len(rows)


def test_what_the_section_says_of_a_page(family: Family):
    processor = family.processor(configured=False)
    px, tokens = map(int, re.findall(r"one square of (\d+) px and (\d+) tokens", FILE)[0])
    processor.image_processor.size, processor.image_processor.crop_size = (
        {"shortest_edge": px},
        {"height": px, "width": px},
    )
    family.adapter.configure(processor)
    assert TokenCost(processor, family.adapter).tokens_per_image == tokens
    made = processor(text=["<image>"], images=[[drawn(np.random.default_rng(0), px, 2 * px, 3)]])
    assert len(made["input_ids"][0]) == tokens


def test_the_files_and_names_that_the_section_names_are_there():
    root = README.parents[1]
    for path in re.findall(r"`((?:t2vid_hf|tests)/[\w/.]+)`", SECTION):
        assert (root / path).exists() or path == "t2vid_hf/models/llava.py", path
    assert {"BUILDERS", "family"} <= vars(families).keys() and "PUBLISHED" in vars(test_families)
    assert "MODELS" in (root / "tests/recipes/test_recipes.py").read_text()
