"""The collator: rows of any media in one batch, and labels on the assistant's turns alone."""

import copy

import pytest
import torch
from transformers import AutoProcessor

from t2vid_hf.batches.encoding import IGNORED, RowEncoder
from t2vid_hf.errors import InputError
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import conversation, media_block, text
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling


@pytest.fixture
def processor(tiny_checkpoint):
    return AutoProcessor.from_pretrained(tiny_checkpoint)


@pytest.fixture
def collate(processor):
    return padded(processor)


def padded(processor, **kwargs):
    encoder = RowEncoder(processor, adapter_for("idefics3"), num_frames=4)
    return DataCollatorForVideoLanguageModeling(encoder, packed=False, **kwargs)


def supervised(batch, index, processor) -> str:
    labels = batch["labels"][index]
    return processor.tokenizer.decode(labels[labels != IGNORED])


def test_one_batch_of_text_pages_and_video(collate, rows, processor):
    batch = collate(rows)
    assert batch["input_ids"].shape == batch["labels"].shape == batch["attention_mask"].shape
    image_tokens = (batch["input_ids"] == processor.image_token_id).sum(1).tolist()
    assert image_tokens == [0, 2 * processor.image_seq_len, 4 * processor.image_seq_len]
    assert batch["pixels"].shape == (6, 3, 96, 96)  # 2 pages and 4 frames, and nothing for the row of text


def test_labels_are_the_answer_and_its_end_of_turn_token(collate, rows, processor):
    batch = collate(rows)
    answers = [supervised(batch, index, processor) for index in range(3)]
    assert answers == [f" {said}<end_of_utterance>" for said in ("The keeper.", "A clock.", "To the left.")]


def test_labels_copy_the_input_where_they_are_not_ignored(collate, rows):
    batch = collate(rows)
    chosen = batch["labels"] != IGNORED
    assert torch.equal(batch["labels"][chosen], batch["input_ids"][chosen])
    assert not (chosen & (batch["attention_mask"] == 0)).any()


def test_every_assistant_turn_of_a_long_conversation(collate, rows, processor):
    row = {**rows[0], "messages": conversation([], "One?", "First.") + conversation([], "Two?", "Second.")}
    answer = supervised(collate([row]), 0, processor)
    assert answer == " First.<end_of_utterance> Second.<end_of_utterance>"


def test_the_order_of_rows_changes_nothing(collate, rows):
    forward, backward = collate(rows), collate(rows[::-1])
    assert torch.equal(forward["input_ids"], backward["input_ids"].flip(0))
    assert torch.equal(forward["labels"], backward["labels"].flip(0))


def test_text_alone_has_no_pixels(collate, rows):
    assert "pixels" not in collate(rows[:1])


def test_the_rows_are_not_changed(collate, rows):
    before = copy.deepcopy([{key: row[key] for key in row if key != "images"} for row in rows])
    collate(rows)
    assert [{key: row[key] for key in row if key != "images"} for row in rows] == before
    assert len(rows[1]["images"]) == 2


def test_none_from_arrow_stands_for_an_empty_list(collate, rows):
    row = {**rows[0], "images": None, "videos": None}
    assert torch.equal(collate([row])["input_ids"], collate(rows[:1])["input_ids"])


def test_a_template_that_rewrites_earlier_turns_is_refused(collate, rows, processor):
    processor.chat_template = (
        "{{ messages | length }}{% for m in messages %}{{ m['role'] }}: {{ m['content'][0]['text'] }}{% endfor %}"
    )
    with pytest.raises(InputError, match="rewrites"):
        collate([rows[0]])


def test_another_template_needs_no_marker(collate, rows, processor):
    processor.chat_template = (
        "{% for m in messages %}<|{{ m['role'] }}|>{% for b in m['content'] %}"
        "{% if b['type'] == 'image' %}<image>{% else %}{{ b['text'] }}{% endif %}{% endfor %}</s>\n\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    assert supervised(collate(rows), 1, processor) == "A clock.</s>"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"messages": conversation([media_block("image")], "What?", "It.")}, "1 images and 0 videos have no block"),
        ({"messages": conversation([media_block("image")] * 3, "What?", "It.")}, "without its medium"),
        ({"messages": conversation([media_block("video")], "What?", "It.")}, "'video' without its medium"),
        ({"media": "sound"}, "media is 'sound'"),
    ],
)
def test_media_and_blocks_must_agree(collate, rows, change, message):
    with pytest.raises(InputError, match=message):
        collate([{**rows[1], **change}])


def test_a_row_without_an_answer_is_refused(collate, rows):
    row = {**rows[0], "messages": [{"role": "user", "content": [text("Who?")]}]}
    with pytest.raises(InputError, match="no assistant turn"):
        collate([row])


def test_a_long_row_is_an_error_and_never_cut(processor, rows):
    collate = padded(processor, max_length=40)
    with pytest.raises(InputError, match="row 'video' has .* max_length is 40"):
        collate(rows[2:])


def test_a_broken_video_names_its_row(collate, rows):
    row = {**rows[2], "videos": [{"bytes": b"not a video", "path": "clip.mp4"}]}
    with pytest.raises(InputError, match="row 'video', video clip.mp4"):
        collate([row])
