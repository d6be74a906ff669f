"""What stock TRL 1.16 does to rows with media, on its way to a batch, and what we do to the same rows.

Each test has two halves: ours first, then stock TRL's behaviour, which is the reason for an override of ours. A second
half that fails says that the override may go.
"""

import copy

import numpy as np
import pytest
import torch
from datasets import Dataset, IterableDataset, concatenate_datasets, interleave_datasets
from trl import SFTConfig
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from t2vid_hf.batches.encoding import IGNORED, RowEncoder
from t2vid_hf.batches.pixels import apply_table, normalisation_table
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import mix
from t2vid_hf.mixtures.normalise import normalise
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import conversation, media_block
from t2vid_hf.training import DataCollatorForVideoLanguageModeling, T2VidSFTConfig
from t2vid_hf.video.reading import read_frames
from tests.conftest import page
from tests.training.runs import (
    as_published,
    config,
    load,
    losses,
    make_rows,
    mended,
    only_trl_1_16,
    ours,
    picture,
    stock,
    trl_fails,
)  # fmt: skip

FRAMES = 3
IMAGE_TOKENS = 16
ASKED, SAID = "What is it?", "A clock."
LEARNED = f" {SAID}<end_of_utterance>"
NOT_NONE = "entries is supported but got type=<class 'NoneType'>"


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoint, tmp_path_factory):
    return as_published(tiny_checkpoint, tmp_path_factory.mktemp("published"))


@pytest.fixture
def processor(checkpoint):
    return load(checkpoint)[1]


def collator(processor, **changes) -> DataCollatorForVideoLanguageModeling:
    encoder = RowEncoder(processor, adapter_for("idefics3"), num_frames=FRAMES)
    return DataCollatorForVideoLanguageModeling(encoder, **changes)


def stock_collator(processor, **changes) -> DataCollatorForVisionLanguageModeling:
    collate = DataCollatorForVisionLanguageModeling(processor, **changes)
    return lambda examples: collate(copy.deepcopy(examples))  # it changes what it is given


def turns(question=ASKED, answer=SAID) -> list[dict]:
    """A conversation as public sets have it: content is a string."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def supervised(processor, batch, index: int = 0) -> str:
    labels = batch["labels"][index]
    return processor.tokenizer.decode(labels[labels != IGNORED])


def images_in(processor, ids) -> int:
    return int((torch.as_tensor(ids) == processor.image_token_id).sum())


def test_l01_video_is_dropped(checkpoint, processor, clip_file, tmp_path):
    """Rows with a `videos` column and a block for it."""
    rows = [row for row in make_rows(12, clip_file.read_bytes()) if row["media"] == "video"]
    run = ours(checkpoint, config(tmp_path, train_sampling_strategy="sequential"), rows)
    batch = next(iter(run.get_train_dataloader()))
    assert images_in(processor, batch["input_ids"]) == FRAMES * IMAGE_TOKENS
    frames = torch.from_numpy(read_frames(clip_file.read_bytes(), FRAMES).data).permute(0, 3, 1, 2)
    assert torch.equal(batch["pixels"], run.adapter.resize(processor, frames))
    only_trl_1_16("L1")
    plain = Dataset.from_list([{"messages": row["messages"], "videos": row["videos"]} for row in rows])
    stocks = stock(checkpoint, tmp_path, plain, max_steps=4)
    stocks.train()
    assert losses(stocks)[-1] < losses(stocks)[0]  # it looks as if it learned from them
    assert "pixel_values" not in next(iter(stocks.get_train_dataloader())), mended("L1")
    for ids, row in zip(stocks.train_dataset["input_ids"], rows, strict=True):
        question, answer = (turn["content"][-1]["text"] for turn in row["messages"])
        text = f"<|begin_of_text|>User: {question}<end_of_utterance>\nAssistant: {answer}<end_of_utterance>\n"
        assert processor.tokenizer.decode(ids) == text, mended("L1")


def test_l02_detection_reads_only_the_first_row(checkpoint, processor, tmp_path):
    """A stream whose first row is text and whose second has two pages."""
    rows = [{"messages": turns()}, {"messages": turns(), "images": [page(0), page(90)]}]

    def stream(made):
        return IterableDataset.from_generator(lambda: iter(made))

    made = [normalise(row, source="chat", index=index) for index, row in enumerate(rows)]
    run = ours(checkpoint, config(tmp_path, per_device_train_batch_size=2), stream(made))
    batch = next(iter(run.get_train_dataloader()))
    assert images_in(processor, batch["input_ids"]) == 2 * IMAGE_TOKENS
    assert batch["pixels"].shape == (2, 1, 96, 96)
    only_trl_1_16("L2")
    stocks = stock(checkpoint, tmp_path, stream(rows), per_device_train_batch_size=2)
    batch = next(iter(stocks.get_train_dataloader()))
    assert images_in(processor, batch["input_ids"]) == 0 and "pixel_values" not in batch, mended("L2")
    assert batch["input_ids"].shape[0] == 2
    assert torch.equal(batch["input_ids"][0], batch["input_ids"][1]), mended("L2")


def test_l03_image_tokens_are_supervised(checkpoint, processor, tmp_path):
    example = {"messages": turns(), "images": [page(0), page(90)]}
    row = normalise(example, source="chat", index=0)
    run = ours(checkpoint, config(tmp_path), [row])
    batch = next(iter(run.get_train_dataloader()))
    assert images_in(processor, batch["labels"]) == 0
    assert supervised(processor, batch) == LEARNED
    learned = len(processor.tokenizer(LEARNED)["input_ids"])
    assert run._get_num_items_in_batch([batch], "cpu") == learned
    only_trl_1_16("L3")
    stocks = stock(checkpoint, tmp_path, Dataset.from_list([example]))
    batch = next(iter(stocks.get_train_dataloader()))
    assert images_in(processor, batch["labels"]) == 2 * IMAGE_TOKENS, mended("L3")
    assert torch.equal(batch["labels"], batch["input_ids"]), mended("L3")
    # All but the first token are targets: what is to be learned is a sixth of them here, and 1.4 % at full scale.
    assert stocks._get_num_items_in_batch([batch], "cpu") == batch["input_ids"].numel() - 1
    assert batch["input_ids"].numel() > 6 * learned


def test_l06_the_default_length_is_below_a_split_frame(checkpoint, processor, tmp_path):
    """Pages split into 17 tiles, as Idefics3's processor does by default, and rows of 60 whole pages."""

    def splitting():
        model, processor = load(checkpoint)
        processor.image_processor.do_image_splitting = True
        processor.image_processor.size = {"longest_edge": 4 * 96}
        return model, processor

    split = [{"messages": turns(), "images": [page(shade) for shade in (0, 50, 90, 130)]}]
    whole = [{"messages": turns(), "images": [page(shade) for shade in range(60)]}]
    for examples in (split, whole):
        model, loaded = splitting()
        row = normalise(examples[0], source="chat", index=0)
        run = ours(checkpoint, config(tmp_path), [row], given=(model, loaded))
        batch = next(iter(run.get_train_dataloader()))
        assert images_in(processor, batch["input_ids"]) == len(row["images"]) * IMAGE_TOKENS
        assert supervised(processor, batch) == LEARNED
        run.train()
        assert len(losses(run)) == 1
    with pytest.raises(InputError, match="row 'chat/0' has 11.. tokens, max_length is 1024: raise max_length"):
        collator(processor, max_length=1024)([row])
    only_trl_1_16("L6")
    for examples, given in ((split, splitting()), (whole, load(checkpoint))):
        stocks = stock(checkpoint, tmp_path, Dataset.from_list(examples), given=given)
        assert stocks.args.max_length == 1024, mended("L6")
        with trl_fails("L6", TypeError, "unsupported operand type.* 'NoneType' and 'int'"):
            stocks.train()


def test_l07_the_prompt_completion_path_slices_blindly(processor):
    """A prompt of 17 pages that fills the length: no completion is left, and 6 image tokens of 272."""
    image = [page(shade) for shade in range(17)]
    example = {"prompt": turns()[:1], "completion": turns()[1:], "images": image}
    row = normalise(example, source="chat", index=0)
    tokens = 17 * (IMAGE_TOKENS + 3) + len(processor.tokenizer(_text()[0] + _text()[1])["input_ids"])
    with pytest.raises(InputError, match=f"row 'chat/0' has {tokens} tokens, max_length is 12"):
        collator(processor, max_length=12)([row])
    assert supervised(processor, collator(processor, max_length=tokens)([row])) == LEARNED
    only_trl_1_16("L7")
    batch = stock_collator(processor, max_length=12, completion_only_loss=True)([example])
    assert (batch["labels"] == IGNORED).all() and batch["labels"].shape == (1, 12), mended("L7")
    assert batch["pixel_values"].shape[:2] == (1, 17)
    assert 0 < images_in(processor, batch["input_ids"]) < IMAGE_TOKENS, mended("L7")


def _text() -> tuple[str, str]:
    return f"<|begin_of_text|>User:{ASKED}<end_of_utterance>\nAssistant:", f"{LEARNED}\n"


@pytest.mark.parametrize(
    ("example", "error", "message"),
    [
        ({"messages": turns(), "image": None}, TypeError, NOT_NONE),
        ({"prompt": turns()[:1], "completion": turns()[1:], "images": None}, TypeError, NOT_NONE),
        ({"prompt": ASKED, "completion": SAID, "images": None}, TypeError, NOT_NONE),
        ({"messages": turns()}, KeyError, "images"),
    ],
    ids=["image column", "prompt and completion", "plain prompt and completion", "no key"],
)
def test_l08_none_for_no_images(processor, example, error, message):
    """Beside a row with an image, a row without: `None` in the column, or no column at all."""
    with_image = {**example, "image" if "image" in example else "images": page(0)}
    if "images" in with_image:
        with_image["images"] = [with_image["images"]]
    rows = [normalise(each, source="chat", index=index) for index, each in enumerate((with_image, example))]
    batch = collator(processor, packed=False)(rows)
    assert [images_in(processor, ids) for ids in batch["input_ids"]] == [IMAGE_TOKENS, 0]
    assert [supervised(processor, batch, index) for index in (0, 1)] == [LEARNED, LEARNED]
    alone = collator(processor)([{**rows[1], "images": [], "videos": []}])["input_ids"][0]
    assert torch.equal(batch["input_ids"][1][: len(alone)], alone)
    assert batch["pixels"].shape[0] == 1
    only_trl_1_16("L8")
    with trl_fails("L8", error, message):
        stock_collator(processor, completion_only_loss="prompt" in example)([with_image, example])


def test_l08_text_with_none(processor):
    """Plain text has no turns, so that nothing says what is to be learned: ours asks for them."""
    example = {"text": f"{ASKED} {SAID}", "images": None}
    with pytest.raises(InputError, match="row 'chat/0' has neither 'messages' nor 'prompt' and 'completion'"):
        normalise(example, source="chat", index=0)
    only_trl_1_16("L8")
    with trl_fails("L8", TypeError, NOT_NONE):
        stock_collator(processor)([example])


def test_l09_arrow_fills_missing_keys(processor):
    """A set whose image blocks have an `image` key: in Arrow every block has it, and `None` stands in it."""
    blocks = [{"type": "image", "image": None}, {"type": "text", "text": ASKED}]
    answer = [{"type": "text", "text": SAID}]
    messages = [{"role": "user", "content": blocks}, {"role": "assistant", "content": answer}]
    example = Dataset.from_list([{"messages": messages, "images": [page(0)]}])[0]
    assert example["messages"][0]["content"][0]["image"] is None
    batch = collator(processor)([normalise(example, source="chat", index=0)])
    expected = normalise({"messages": turns(), "images": [page(0)]}, source="chat", index=0)
    assert torch.equal(batch["input_ids"], collator(processor)([expected])["input_ids"])
    assert torch.equal(batch["pixels"], collator(processor)([expected])["pixels"])
    only_trl_1_16("L9")
    with trl_fails("L9", ValueError, r"images provided \(1\) does not match number of image placeholders \(0\)"):
        stock_collator(processor)([example])


def test_l10_schemas_of_strings_and_blocks_do_not_meet(processor):
    strings = Dataset.from_list([{"messages": turns()}])
    blocks = Dataset.from_list([{"messages": conversation([media_block("image")], ASKED, SAID), "images": [page(0)]}])
    mixture = mix([(MixturePart(path="chat", count=1), strings), (MixturePart(path="pages", count=1), blocks)], seed=0)
    by_media = {row["media"]: row for row in mixture.dataset}
    assert by_media["text"]["messages"] == conversation([], ASKED, SAID)
    assert by_media["image_sequence"]["messages"] == conversation([media_block("image")], ASKED, SAID)
    batch = collator(processor, packed=False)([by_media["text"], by_media["image_sequence"]])
    assert [images_in(processor, ids) for ids in batch["input_ids"]] == [0, IMAGE_TOKENS]
    only_trl_1_16("L10")
    with trl_fails("L10", ValueError, "(?i)features"):
        concatenate_datasets([strings, blocks])
    with trl_fails("L10", ValueError, "(?i)features"):
        interleave_datasets([strings, blocks])


def test_l12_rows_without_images_carry_those_of_their_neighbours(processor):
    pages = [picture(number) for number in range(8)]
    examples = [{"messages": turns(), "images": []}, {"messages": turns(), "images": pages}]
    rows = [normalise(example, source="chat", index=index) for index, example in enumerate(examples)]
    pixels = collator(processor, packed=False)(rows)["pixels"]
    assert pixels.shape == (8, 3, 96, 96)  # and not 16
    assert torch.equal(pixels, torch.from_numpy(np.stack([np.asarray(image) for image in pages])).permute(0, 3, 1, 2))
    only_trl_1_16("L12")
    values = stock_collator(processor)(examples)["pixel_values"]
    assert values.shape == (2, 8, 3, 96, 96), mended("L12")
    assert not values[0].any(), mended("L12")
    assert torch.equal(values[1], apply_table(pixels, normalisation_table(processor)))  # ours lack nothing


def test_l13_pixels_travel_as_they_are_and_prices_are_known_before(processor, tmp_path):
    """Stock TRL makes float32 values in the main process, and knows a row's length when it has drawn it."""
    example = {"messages": turns(), "images": [page(0), page(90)]}
    row = normalise(example, source="chat", index=0)
    light = {key: row[key] for key in ("id", "source", "media", "messages", "num_frames")}  # without the pages
    batch = collator(processor)([row])
    assert TokenCost(processor, adapter_for("idefics3")).price(light) == batch["input_ids"].shape[1]
    assert batch["pixels"].dtype == torch.uint8 and batch["pixels"].shape == (2, 1, 96, 96)
    assert 1 <= T2VidSFTConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False).dataloader_num_workers <= 4
    only_trl_1_16("L13")
    values = stock_collator(processor)([example])["pixel_values"]
    assert values.dtype == torch.float32, mended("L13")
    assert values.nbytes == 12 * batch["pixels"].nbytes
    assert SFTConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False).dataloader_num_workers == 0, mended("L13")


def test_l17_images_stay_where_their_blocks_are(processor):
    """A first turn that is a string, and an image in the second: it belongs to the second."""
    second = [{"type": "image"}, {"type": "text", "text": "And this?"}]
    messages = [*turns(), {"role": "user", "content": second}, {"role": "assistant", "content": "A bell."}]
    row = normalise({"messages": messages, "images": [page(0)]}, source="chat", index=0)
    batch = collator(processor)([row])
    text = processor.tokenizer.decode(batch["input_ids"][0])
    image = "<fake_token_around_image><global-img>" + "<image>" * IMAGE_TOKENS + "<fake_token_around_image>"
    asked = f"<|begin_of_text|>User: {ASKED}<end_of_utterance>\nAssistant:{LEARNED}\nUser:{image}And this?"
    assert text == f"{asked}<end_of_utterance>\nAssistant: A bell.<end_of_utterance>\n"
    assert supervised(processor, batch) == f"{LEARNED} A bell.<end_of_utterance>"
    only_trl_1_16("L17")
    with trl_fails("L17", ValueError, r"images provided \(1\) does not match number of image placeholders \(2\)"):
        stock_collator(processor)([{"messages": messages, "images": [page(0)]}])
