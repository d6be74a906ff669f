"""Replies to rows: of every medium, in any batch, and without changing the rows."""

import pytest
from transformers import AutoModelForImageTextToText, AutoProcessor

from t2vid_hf.evaluation.generation import answer


@pytest.fixture
def asked(rows):
    return [{**row, "messages": row["messages"][:1]} for row in rows]


@pytest.fixture
def model_and_processor(tiny_checkpoint):
    model = AutoModelForImageTextToText.from_pretrained(tiny_checkpoint, dtype="float32")
    return model, AutoProcessor.from_pretrained(tiny_checkpoint)


def test_replies_do_not_depend_on_the_batch(model_and_processor, asked):
    model, processor = model_and_processor
    together = answer(model, processor, asked, num_frames=4, max_new_tokens=6, batch_size=3)
    alone = answer(model, processor, asked, num_frames=4, max_new_tokens=6, batch_size=1)
    assert together == alone and len(alone) == 3


def test_a_model_is_asked_as_it_was_taught(model_and_processor, rows, asked):
    """The prompt that generation builds is what stands before the answer in a training row."""
    from t2vid_hf.batches.encoding import IGNORED, RowEncoder
    from t2vid_hf.models import adapter_for

    model, processor = model_and_processor
    seen = []
    generate = model.generate

    def spy(**batch):
        seen.append(batch["input_ids"][0])
        return generate(**batch)

    model.generate = spy
    answer(model, processor, asked[2:], num_frames=4, max_new_tokens=1)
    taught = RowEncoder(processor, adapter_for("idefics3"), num_frames=4).encode(rows[2])
    prompt = int((taught.labels != IGNORED).argmax())
    assert seen[0].tolist() == taught.input_ids[:prompt].tolist()
