"""MiniCPM-Llama3-V-2.5's processor, loaded from files as published, and its adapter."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.pixels import apply_table, normalisation_table
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.models import ADAPTERS
from t2vid_hf.models.minicpm_llama3_v25 import register
from t2vid_hf.models.minicpm_llama3_v25.image_processing import MiniCPMVImageProcessor
from t2vid_hf.models.trained_with import set_frame_size
from t2vid_hf.schema import conversation, media_block
from tests.models.minicpm_checkpoint import write_checkpoint, write_processor

register()

ADAPTER = ADAPTERS["minicpmv"]
ONE = "<image>" + "<unk>" * 8 + "</image>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("minicpm")
    write_checkpoint(folder)
    return folder


@pytest.fixture
def published(folder):
    return AutoProcessor.from_pretrained(folder, trust_remote_code=False)


@pytest.fixture
def processor(published):
    ADAPTER.configure(published)
    return published


def picture(seed: int, width: int, height: int, *, grey: bool = False) -> Image.Image:
    shape = (height, width) if grey else (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def row(images: list[Image.Image], answer: str = "A clock.") -> dict:
    messages = conversation([media_block("image")] * len(images), "What is it?", answer)
    return {"id": "a", "source": "s", "media": "image_sequence" if images else "text", "messages": messages,
            "images": images, "videos": [], "num_frames": len(images)}  # fmt: skip


def test_blocks_of_a_chat_are_joined_as_the_published_chat_joins_them(published):
    blocks = [media_block("image"), media_block("image"), {"type": "text", "text": " What is it?  "}]
    messages = [{"role": "user", "content": blocks}, {"role": "assistant", "content": "A clock."}]
    expected = (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n"
        "(<image>./</image>)\n(<image>./</image>)\n What is it?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    assert published.apply_chat_template(messages[:1], add_generation_prompt=True) == expected
    assert published.apply_chat_template(messages) == expected + "A clock.<|eot_id|>"


def test_what_is_saved_names_no_files_of_the_published_repository(folder, published, tmp_path):
    AutoModelForImageTextToText.from_pretrained(folder).save_pretrained(tmp_path)
    published.save_pretrained(tmp_path)
    assert "auto_map" in (folder / "config.json").read_text()
    saved = [file.name for file in tmp_path.iterdir() if file.suffix == ".json" and "auto_map" in file.read_text()]
    assert saved == []
    assert type(AutoProcessor.from_pretrained(tmp_path, trust_remote_code=False)) is type(published)


def test_slices_are_written_in_rows_and_fed_in_order(published):
    large, small = picture(0, 150, 100), picture(1, 30, 60)
    assert published.image_processor.max_slice_nums == 9
    text = "a(<image>./</image>)b(<image>./</image>)"
    made = published(text=[text, "c"], images=[[large, small], []], padding=True, return_tensors="pt")
    grid = "<slice>" + "\n".join([ONE * 3] * 2) + "</slice>"
    assert made["input_ids"][0].tolist() == published.tokenizer(f"a{ONE}{grid}b{ONE}")["input_ids"]
    assert sorted(made) == ["attention_mask", "input_ids", "pixel_values", "target_sizes"]
    assert len(made["pixel_values"]) == len(made["target_sizes"]) == 1 + 6 + 1
    # The slices laid side by side are the resized picture.
    height, width = (14 * side for side in made["target_sizes"][1].tolist())
    pieces = made["pixel_values"][1:7, :, :height, :width].unflatten(0, (2, 3))
    whole = pieces.permute(2, 0, 3, 1, 4).reshape(3, 2 * height, 3 * width)
    expected = np.asarray(large.resize((3 * width, 2 * height), Image.Resampling.BICUBIC), np.float32) / 127.5 - 1
    np.testing.assert_allclose(whole.permute(1, 2, 0), expected, atol=1e-6)


def test_the_model_takes_what_the_processor_makes(folder, published):
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    texts = ["a(<image>./</image>)b(<image>./</image>)", "c", "(<image>./</image>)d"]
    images = [[picture(0, 150, 100), picture(1, 30, 60)], [], [picture(2, 56, 56)]]
    made = published(text=texts, images=images, padding=True, padding_side="right", return_tensors="pt")
    with torch.inference_mode():
        logits = model(**made).logits
    assert logits.shape[:2] == made["input_ids"].shape and bool(logits.isfinite().all())


def test_a_processor_comes_back_as_it_was_saved(processor, tmp_path):
    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path, trust_remote_code=False)
    assert type(again) is type(processor) and again.chat_template == processor.chat_template
    assert again.image_processor.to_dict() == processor.image_processor.to_dict()
    assert ADAPTER.image_text(again) == ADAPTER.image_text(processor)
    assert again.tokenizer("a<unk>b")["input_ids"] == processor.tokenizer("a<unk>b")["input_ids"]


def test_the_text_of_an_image_is_what_the_processor_writes(processor):
    image = ADAPTER.image_text(processor)
    assert image.text() == ONE
    written = processor(text=f"x{image.placeholder}y", images=[[picture(0, 300, 40)]])["input_ids"][0]
    assert written == processor.tokenizer(f"x{ONE}y")["input_ids"]
    media = set(ADAPTER.media_token_ids(processor))
    assert sum(token in media for token in written) == TokenCost(processor, ADAPTER).tokens_per_image == 10


def test_a_processor_that_is_not_configured_is_an_error(published):
    for change in ({"keep_aspect_ratio": False}, {}):
        ADAPTER.configure(published)
        published.image_processor.max_slice_nums, published.image_processor.keep_aspect_ratio = 9, True
        for name, value in change.items():
            setattr(published.image_processor, name, value)
        with pytest.raises(InputError, match="call adapter.configure"):
            ADAPTER.image_text(published)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (90, 200), (56, 56), (31, 17)])
def test_pixels_are_the_processors(processor, width, height):
    set_frame_size(processor, ADAPTER, "square")
    ADAPTER.configure(processor)
    frames = [picture(seed, width, height) for seed in range(3)]
    expected = processor.image_processor(frames, return_tensors="pt")["pixel_values"]
    stacked = torch.from_numpy(np.stack([np.asarray(frame) for frame in frames])).permute(0, 3, 1, 2)
    fitted = ADAPTER.resize(processor, stacked)
    assert fitted.dtype == torch.uint8 and fitted.shape == (3, 3, 56, 56) and ADAPTER.page_px(processor) == 56
    assert torch.equal(
        ADAPTER.model_inputs(apply_table(fitted, normalisation_table(processor)))["pixel_values"], expected
    )
    resized = np.asarray(frames[0].resize((56, 56), Image.Resampling.BICUBIC))
    assert np.array_equal(fitted[0].permute(1, 2, 0), resized)  # Pillow's, to the bit


def test_encoded_rows_are_the_processors(processor):
    for images in ([], [picture(0, 56, 56, grey=True)] * 2, [picture(1, 90, 40)]):
        sample = row(images)
        encoded = RowEncoder(processor, ADAPTER).encode(sample)
        text = processor.apply_chat_template(sample["messages"])
        made = processor(text=[text], images=[images] if images else None, add_special_tokens=False)
        assert encoded.input_ids.tolist() == made["input_ids"][0]
        assert processor.decode(encoded.labels[encoded.labels >= 0]) == "A clock.<|eot_id|>"
        if images:
            values = apply_table(torch.from_numpy(encoded.pixels), normalisation_table(processor))
            assert torch.equal(values, made["pixel_values"])
            assert images[0].size == (56, 56) or values.shape[-1] > values.shape[-2]  # in its proportions


def test_the_parts_cover_every_parameter_once(folder):
    model, parts = AutoModelForImageTextToText.from_pretrained(folder), ADAPTER.parts
    prefixes = [f"{path}." for path in (*parts.vision, *parts.connector, *parts.language)]
    for name, _ in model.named_parameters(remove_duplicate=False):
        assert sum(name.startswith(prefix) for prefix in prefixes) == 1, name
    assert {name.rpartition(".")[2] for name, _ in model.model.llm.named_modules()} >= set(parts.lora)


def test_replies_do_not_depend_on_the_batch(folder, processor):
    model = AutoModelForImageTextToText.from_pretrained(folder)
    rows = [row([picture(number, 56, 56)] * number) for number in range(3)]
    for sample in rows:
        sample["messages"].pop()
    one, many = (answer(model, processor, rows, num_frames=4, max_new_tokens=5, batch_size=size) for size in (1, 3))
    assert one == many and any(one)


def test_processors_of_other_versions_are_refused(tmp_path):
    write_processor(tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 2.6}))
    with pytest.raises(InputError, match="MiniCPM-V 2.6: only version 2.5"):
        AutoProcessor.from_pretrained(tmp_path, trust_remote_code=False)


def test_squares_have_no_slices():
    with pytest.raises(InputError, match="keep_aspect_ratio=False needs max_slice_nums=1"):
        MiniCPMVImageProcessor(keep_aspect_ratio=False)([picture(0, 20, 20)])
