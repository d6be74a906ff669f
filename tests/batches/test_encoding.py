"""Encoded rows: the processor's own token ids and pixels, and labels on the assistant's turns."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor

from t2vid_hf.batches.encoding import IGNORED, RowEncoder
from t2vid_hf.batches.labels import assistant_spans
from t2vid_hf.batches.media import media_inputs
from t2vid_hf.batches.pixels import apply_table, normalisation_table, stack_images
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.models import ADAPTERS, tiny
from t2vid_hf.schema import conversation, media_block
from tests.batches.test_token_cost import (
    BETWEEN_IMAGES,
    BLANKS,
    NUM_FRAMES,
    PlainDelimiters,
    processed,
    random_rows,
    sentence_piece_like,
    smolvlm,
)

ADAPTER = ADAPTERS["idefics3"]


@pytest.fixture
def processor(tiny_checkpoint):
    return AutoProcessor.from_pretrained(tiny_checkpoint)


@pytest.fixture(scope="module")
def clip(clip_file) -> bytes:
    return clip_file.read_bytes()


def moved(spans: Sequence[tuple[int, int]], replacements: Sequence[dict]) -> list[tuple[int, int]]:
    """Spans of a rendered text, where they stand once the processor has written its images out."""

    def place(position: int) -> int:
        return position + sum(
            len(range(*item["new_span"])) - len(range(*item["span"]))
            for item in replacements
            if item["span"][1] <= position
        )

    return [(place(start), place(end)) for start, end in spans]


def reference_labels(processor, adapter, row) -> list[int]:
    """Labels read off the processor's own offsets: what each token of its output covers, and where images went."""
    made = processed(processor, row)
    messages = media_inputs(row, VideoPolicy(num_frames=NUM_FRAMES)).messages

    def render(turns, prompt):
        return processor.apply_chat_template(list(turns), tokenize=False, add_generation_prompt=prompt)

    spans = moved(assistant_spans(messages, render), made.get("text_replacement_offsets") or [])
    media = set(adapter.media_token_ids(processor))
    return [
        token if any(end > first and start < last for first, last in spans) and token not in media else IGNORED
        for token, (start, end) in zip(made["input_ids"], made["offset_mapping"], strict=True)
    ]


def check(processor, adapter, rows) -> None:
    encoder = RowEncoder(processor, adapter, policy=VideoPolicy("as_frames", num_frames=NUM_FRAMES))
    for row in rows:
        encoded = encoder.encode(row)
        made = processed(processor, row)
        assert encoded.input_ids.tolist() == made["input_ids"]
        assert encoded.labels.tolist() == reference_labels(processor, adapter, row)
        if not len(encoded.pixels):
            assert "pixel_values" not in made
            continue
        values = apply_table(stack_images([encoded.pixels]), normalisation_table(processor))
        assert np.array_equal(values, np.stack(made["pixel_values"]))


@pytest.mark.parametrize(
    "template", [tiny.CHAT_TEMPLATE, BETWEEN_IMAGES, BLANKS], ids=["tiny", "text between", "blanks between"]
)
@pytest.mark.parametrize("family", ["idefics3", "smolvlm"])
def test_rows_are_encoded_as_the_processor_encodes_them(family, template, processor, clip, monkeypatch):
    if family == "smolvlm":
        processor = smolvlm(processor.tokenizer, monkeypatch)
    processor.chat_template = template
    check(processor, ADAPTERS[family], random_rows(clip, 45, seed=len(template)))


@pytest.mark.parametrize("flags", [{}, {"lstrip": True, "rstrip": True}, {"normalized": True}], ids=str)
def test_tokenizers_that_mark_words(flags, clip, monkeypatch):
    processor = smolvlm(sentence_piece_like(**flags), monkeypatch)
    processor.chat_template = BETWEEN_IMAGES
    check(processor, ADAPTERS["smolvlm"], random_rows(clip, 30, seed=3))


def test_delimiters_of_plain_text_are_written_out(processor, clip):
    encoder = RowEncoder(processor, PlainDelimiters(), policy=VideoPolicy("as_frames", num_frames=NUM_FRAMES))
    for row in random_rows(clip, 20, seed=1):
        messages = media_inputs(row, VideoPolicy(num_frames=NUM_FRAMES)).messages
        text = processor.apply_chat_template(messages, tokenize=False)
        written = text.replace(tiny.IMAGE, "\nPic" + tiny.IMAGE * 7 + "the\n")
        assert (
            encoder.encode(row).input_ids.tolist()
            == processor.tokenizer(written, add_special_tokens=False)["input_ids"]
        )


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA"])
@pytest.mark.parametrize("size", [(96, 96), (200, 130)])
def test_images_of_any_mode_and_size(processor, mode, size):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(pixels).convert("RGBA" if mode == "LA" else "RGB").convert(mode)
    row = {
        "id": "a", "source": "s", "media": "image_sequence", "images": [image], "videos": [], "num_frames": 1,
        "messages": conversation([media_block("image")], "What?", "A page."),
    }  # fmt: skip
    made = processor(text=["<image>"], images=[[image]], return_tensors="pt")["pixel_values"][0]
    values = apply_table(
        stack_images([RowEncoder(processor, ADAPTER).encode(row).pixels]), normalisation_table(processor)
    )
    assert torch.equal(values, made)


def test_all_text_is_everything_but_images(processor, rows):
    encoded = RowEncoder(processor, ADAPTER, labels="all_text").encode(rows[1])
    media = np.isin(encoded.input_ids, ADAPTER.media_token_ids(processor))
    assert media.sum() == 2 * (tiny.DEFAULT.image_tokens + 3)
    expected = np.where(media, IGNORED, encoded.input_ids)
    expected[0] = IGNORED  # nothing predicts the first token
    assert encoded.labels.tolist() == expected.tolist()


def test_delimiters_of_plain_text_are_never_learned(processor, rows):
    """Idefics3-8B's tokenizer has no token for `<global-img>`, so that it is four of text."""
    encoder = RowEncoder(processor, PlainDelimiters(), labels="all_text")
    encoded = encoder.encode(rows[1])
    learned = processor.decode(encoded.labels[encoded.labels >= 0])
    said = processor.apply_chat_template(rows[1]["messages"], tokenize=False).replace(tiny.IMAGE, "")
    assert learned == said.removeprefix(tiny.BOS)
    assert len(encoded) - (encoded.labels >= 0).sum() > 2 * 7 + 1  # the delimiters are not among the image tokens


def test_a_dummy_has_an_image_and_no_label(processor):
    dummy = RowEncoder(processor, ADAPTER).dummy()
    assert (dummy.labels == IGNORED).all() and dummy.pixels.shape == (1, 1, 96, 96)
    values = apply_table(stack_images([dummy.pixels]), normalisation_table(processor))
    assert (values != 0).all()  # Idefics3 takes an image of zeros for padding and drops it


def test_bad_input(processor, rows):
    with pytest.raises(InputError, match="assistant"):
        RowEncoder(processor, ADAPTER, labels="answers")
    row = {**rows[0], "messages": conversation([], "Is <image> a word?", "Yes.")}
    with pytest.raises(InputError, match="row 'text' has 0 images and 1 times '<image>'"):
        RowEncoder(processor, ADAPTER).encode(row)
    processor.chat_template = None
    with pytest.raises(InputError, match="no chat template"):
        RowEncoder(processor, ADAPTER)
