"""Prices: the length of what the collator makes of a row alone, for every family, tokenizer and template at hand."""

import numpy as np
import pytest
from datasets import Dataset, load_dataset
from PIL import Image
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoProcessor, PreTrainedTokenizerFast

from t2vid_hf.batches.media import media_inputs
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.data.pages import lazy_features
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.models import ADAPTERS, ImageText, tiny
from t2vid_hf.models.idefics3 import Idefics3Adapter
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import LongTextQA, conversation, features, media_block, text
from tests.conftest import page

IMAGE, VIDEO = media_block("image"), media_block("video")
NUM_FRAMES = 5
# What a tokenizer may merge, strip or take for one of its own.
PIECES = [
    "the keeper", " clock", "  ", "\n", "\n\n", "\t", " ", "?", ": ", "A.", "<", ">", "<|end|>", "<end_of_utterance>",
    "global-img", "été", "灯台守", "مفتاح", "👩‍👩‍👧", "0123456789", "_", "'s", "User:", "Assistant: ",
]  # fmt: skip
BLANKS = tiny.CHAT_TEMPLATE.replace("%}<image>{%", "%}<image> \n{%")
BETWEEN_IMAGES = tiny.CHAT_TEMPLATE.replace("%}<image>{%", "%}Picture {{ loop.index }}: <image>\n{%")


@pytest.fixture(scope="module")
def idefics3(tiny_checkpoint):
    return AutoProcessor.from_pretrained(tiny_checkpoint)


def smolvlm(tokenizer, monkeypatch):
    """A tiny SmolVLM processor. Its video path spells numbers with a package that we do not need."""
    from transformers import SmolVLMImageProcessor, SmolVLMProcessor, SmolVLMVideoProcessor
    from transformers.models.smolvlm import processing_smolvlm

    monkeypatch.setattr(processing_smolvlm, "num2words", str)
    size = {"longest_edge": tiny.DEFAULT.image_px}
    processor = SmolVLMProcessor(
        SmolVLMImageProcessor(size=size, max_image_size=size),
        tokenizer,
        SmolVLMVideoProcessor(),
        image_seq_len=tiny.DEFAULT.image_tokens,
        chat_template=tiny.CHAT_TEMPLATE,
    )
    ADAPTERS["smolvlm"].configure(processor)
    return processor


def sentence_piece_like(**flags) -> PreTrainedTokenizerFast:
    """A tokenizer that marks the first word, and whose image tokens swallow the space beside them."""
    core = Tokenizer(models.BPE(unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>"], show_progress=False)
    core.train_from_iterator(["the keeper wound the clock: <> ?\n"] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=tiny.BOS, eos_token=tiny.END_OF_TURN, pad_token=tiny.PAD
    )
    tokenizer.add_tokens(
        [AddedToken(name, **flags) for name in (tiny.IMAGE, tiny.IMAGE_BORDER, tiny.IMAGE_WHOLE)], special_tokens=True
    )
    return tokenizer


def random_rows(clip: bytes, count: int, seed: int) -> list[dict]:
    random = np.random.default_rng(seed)

    def words(least: int) -> str:
        return "".join(random.choice(PIECES, random.integers(least, 12)))

    rows = []
    for index in range(count):
        media = ("text", "image_sequence", "video")[index % 3]
        pages = int(random.integers(1, 6)) if media == "image_sequence" else 0
        blocks = [IMAGE] * pages + [VIDEO] * (media == "video")
        messages = conversation(blocks, words(0), words(1) + "x")
        if random.random() < 0.3:  # media behind the question, and between two texts
            messages[0]["content"] = [text(words(0)), *blocks, text(words(1))]
        if random.random() < 0.3:
            messages += conversation([], words(1), words(1) + ".")
        row = {
            "id": f"row-{index}", "source": "test", "media": media, "messages": messages,
            "images": [page(shade) for shade in range(pages)],
            "videos": [{"bytes": clip, "path": "clip.mp4"}] if media == "video" else [],
            "num_frames": pages if media != "video" else 16,
        }  # fmt: skip
        if media == "video" and random.random() < 0.5:
            row["take_frames"] = int(random.choice([1, 3, 40]))
        rows.append(row)
    return rows


def check_equal(processor, adapter, rows) -> None:
    cost = TokenCost(processor, adapter, policy=VideoPolicy("as_frames", num_frames=NUM_FRAMES))
    assert [cost.price(row) for row in rows] == [len(processed(processor, row)["input_ids"]) for row in rows]


def processed(processor, row: dict) -> dict:
    """What the processor itself makes of a row, rendered and given its images as PIL images."""
    made = media_inputs(row, VideoPolicy(num_frames=NUM_FRAMES))
    messages, images = made.messages, made.images
    encoded = processor(
        text=[processor.apply_chat_template(messages, tokenize=False)],
        images=[[Image.fromarray(image) for image in images]] if images else None,
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_text_replacement_offsets=True,
    )
    return {name: value[0] for name, value in encoded.items()}


@pytest.fixture(scope="module")
def clip(clip_file) -> bytes:
    return clip_file.read_bytes()


@pytest.mark.parametrize(
    "template", [tiny.CHAT_TEMPLATE, BETWEEN_IMAGES, BLANKS], ids=["tiny", "text between", "blanks between"]
)
@pytest.mark.parametrize("family", ["idefics3", "smolvlm"])  # the others: tests/models/test_families.py
def test_prices_equal_what_the_processor_makes(family, template, tiny_checkpoint, clip, monkeypatch):
    processor = AutoProcessor.from_pretrained(tiny_checkpoint)
    if family == "smolvlm":
        processor = smolvlm(processor.tokenizer, monkeypatch)
    processor.chat_template = template
    check_equal(processor, ADAPTERS[family], random_rows(clip, 60, seed=len(family)))


@pytest.mark.parametrize("flags", [{}, {"lstrip": True, "rstrip": True}, {"normalized": True}], ids=str)
def test_prices_are_exact_for_tokens_that_swallow_spaces(flags, tiny_checkpoint, clip, monkeypatch):
    processor = smolvlm(sentence_piece_like(**flags), monkeypatch)
    processor.chat_template = BETWEEN_IMAGES
    check_equal(processor, ADAPTERS["smolvlm"], random_rows(clip, 30, seed=3))


def test_a_lazy_row_in_a_style_is_priced_by_the_pages_that_it_draws(idefics3):
    names = ("airy", "dark", "two_columns", "terminal")
    side = tiny.DEFAULT.image_px
    config = RenderConfig(width_px=side, height_px=side, font_px=10, line_px=11, margin_px=4, styles=names)
    asked = [LongTextQA(f"q{n}", "long_qa", f"Keeper {n} wound it. " * 20, "Who?", "He.") for n in range(16)]
    rows = Dataset.from_list(list(synthesize(asked, config, render="lazy")), lazy_features())
    assert {config.style_of(qa.context) for qa in asked} == set(names) and len(set(rows["num_frames"])) > 1
    check_equal(idefics3, ADAPTERS["idefics3"], rows)


@pytest.mark.parametrize("size", [(448, 448), (96, 96), (360, 640)])
def test_an_image_costs_what_transformers_says(size, idefics3):
    # SmolVLMProcessor (transformers 5.23) has no such method.
    (expected,) = idefics3._get_num_multimodal_tokens(image_sizes=[size])["num_image_tokens"]
    assert TokenCost(idefics3, ADAPTERS["idefics3"]).tokens_per_image == expected


class PlainDelimiters(Idefics3Adapter):
    """A family whose delimiters are not tokens of their own, but plain text."""

    def image_text(self, processor):
        return ImageText(tiny.IMAGE, token=tiny.IMAGE, repeats=7, before="\nPic", after="the\n")


def test_delimiters_of_plain_text_are_priced_with_their_neighbours(idefics3, clip):
    cost = TokenCost(idefics3, PlainDelimiters(), policy=VideoPolicy("as_frames", num_frames=NUM_FRAMES))
    for row in random_rows(clip, 30, seed=1):
        if row["media"] == "video":
            continue
        written = idefics3.apply_chat_template(row["messages"], tokenize=False)
        written = written.replace(tiny.IMAGE, "\nPic" + tiny.IMAGE * 7 + "the\n")
        assert cost.price(row) == len(idefics3.tokenizer(written, add_special_tokens=False)["input_ids"])
    assert cost.tokens_per_image == 7


def light(rows: list[dict]) -> Dataset:
    return Dataset.from_list([{**row, "take_frames": row.get("take_frames")} for row in rows])


def prepared(clip: bytes, count: int = 30) -> list[dict]:
    return [{**row, "images": [], "videos": []} for row in random_rows(clip, count, seed=5)]


def test_data_sets_are_priced_row_by_row_in_any_number_of_processes(idefics3, clip, tmp_path):
    rows = prepared(clip)
    cost = TokenCost(idefics3, ADAPTERS["idefics3"], policy=VideoPolicy("as_frames", num_frames=NUM_FRAMES))
    prices = cost.prices(light(rows))
    assert prices.tokens.tolist() == [cost.price(row) for row in rows]
    video = [min(16, row.get("take_frames", NUM_FRAMES)) if row["media"] == "video" else 0 for row in rows]
    assert prices.frames.tolist() == video
    pages = [row["num_frames"] if row["media"] == "image_sequence" else 0 for row in rows]
    assert prices.images.tolist() == np.add(video, pages).tolist()
    two = cost.prices(light(rows), num_proc=2, cache_dir=tmp_path)
    assert two.tokens.tolist() == prices.tokens.tolist()


def test_bytes_of_pages_and_videos_are_not_read(idefics3, clip):
    rows = prepared(clip, 3)
    rows[1]["images"] = [{"bytes": b"not an image", "path": None}] * rows[1]["num_frames"]
    rows[2]["videos"] = [{"bytes": b"not a video", "path": None}]
    for row in rows:
        row.pop("take_frames", None)
    dataset = Dataset.from_list(rows, features=features())
    assert len(TokenCost(idefics3, ADAPTERS["idefics3"]).prices(dataset)) == 3


def test_prices_are_kept_by_the_fingerprints_of_rows_and_processor(idefics3, clip, tmp_path, monkeypatch):
    light(prepared(clip)).to_parquet(str(tmp_path / "rows.parquet"))

    def load():
        options = {"split": "train", "cache_dir": str(tmp_path / "cache")}
        return load_dataset("parquet", data_files=str(tmp_path / "rows.parquet"), **options)

    def priced(dataset, **settings):
        before = len(calls)
        cost = TokenCost(idefics3, ADAPTERS["idefics3"], **settings)
        return cost.prices(dataset, cache_dir=tmp_path).tokens.tolist(), len(calls) > before

    calls = []
    batch = TokenCost._price_batch
    monkeypatch.setattr(TokenCost, "_price_batch", lambda self, rows: calls.append(1) or batch(self, rows))
    first, computed = priced(load())
    assert computed
    idefics3.tokenizer(["a", "a longer text"], padding=True)  # the collator leaves padding switched on
    assert priced(load()) == (first, False)
    assert priced(load(), num_frames=2)[1]
    reversed_, computed = priced(load().select(range(len(first))[::-1]))
    assert computed and reversed_ == first[::-1]
    monkeypatch.setattr(idefics3, "chat_template", BETWEEN_IMAGES)
    assert priced(load())[1]


def test_no_rows_have_no_prices(idefics3):
    empty = Dataset.from_dict({name: [] for name in features()}, features=features())
    assert len(TokenCost(idefics3, ADAPTERS["idefics3"]).prices(empty)) == 0


def test_input_that_cannot_be_priced(idefics3, clip, monkeypatch):
    text_row, pages, video = prepared(clip, 3)
    adapter = ADAPTERS["idefics3"]
    cost = TokenCost(idefics3, adapter)
    with pytest.raises(InputError, match="row 'row-1' has 1 images and 2 times '<image>' in its rendered text"):
        cost.price({**pages, "messages": conversation([IMAGE], "What is <image>?", "x")})
    with pytest.raises(InputError, match="row 'row-0' has 0 images and 1 times '<image>'"):
        cost.price({**text_row, "messages": conversation([], "What is <image>?", "x")})
    with pytest.raises(InputError, match="row 'row-2' has 0 videos and 2 video blocks"):
        cost.price({**video, "messages": conversation([VIDEO, VIDEO], "?", "x")})
    with pytest.raises(InputError, match="row 'row-2' cannot be priced without its media"):
        cost.price({"id": "row-2", "messages": video["messages"], "num_frames": 0})
    with pytest.raises(InputError, match="num_frames is 0"):
        TokenCost(idefics3, adapter, num_frames=0)
    with pytest.raises(InputError, match="messages and num_frames are needed; the columns are id"):
        cost.prices(Dataset.from_dict({"id": ["a"]}))
    monkeypatch.setattr(idefics3.image_processor, "do_image_splitting", True)
    with pytest.raises(InputError, match="call adapter.configure"):
        TokenCost(idefics3, adapter)
    monkeypatch.setattr(idefics3, "chat_template", None)
    with pytest.raises(InputError, match="has no chat template"):
        TokenCost(idefics3, adapter)
