"""It learns: a model of about 1 M parameters reads a number off a page, after minutes of training from nothing.

make learn
OMP_WAIT_POLICY=PASSIVE python tests/benchmarks/learn.py --output tests/benchmarks/results/learn.json

An Idefics3 with random weights (3 layers of vision at 48 px, 16 tokens an image, 2 layers of language) is trained by
`T2VidSFTTrainer`, packed, on pages with a number of two digits: 9 pairs of font and size, at random places. It is then
asked, greedily, about fresh pages, none of which is among those it was trained on, and once more with a blank page in
place of each. Guessing is right once in 100 times, so what it answers it has read: were a page shown to another row of
its packed sequence, or nothing learned but how an answer looks, both figures would be alike.

For hundreds of steps the loss stays at that of guessing, until the digits are found on the page. Two things end that
early: pixels normalised so that paper is near 0, and initial weights of the size that a width of 128 wants (0.02 is for
models ten times as wide). With both as published, 1,200 steps of 32 pages end at 3 % exact match.
"minutes" are those of the whole process, imports included. The last line is JSON.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from datasets import Dataset, Features, Value
from machine import about
from PIL import Image, ImageDraw, ImageFont
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessor,
    Idefics3Processor,
    LlamaConfig,
    PreTrainedTokenizerFast,
    ProgressCallback,
    set_seed,
)
from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig

from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.metrics.scoring import Judged, score, score_groups
from t2vid_hf.models import adapter_for, tiny
from t2vid_hf.rendering.fonts import font_files
from t2vid_hf.schema import Row, conversation, features, media_block
from t2vid_hf.seeding import rng_for
from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer

PAGE_PX, PATCH_PX, SCALE = 48, 6, 2
IMAGE_TOKENS = (PAGE_PX // PATCH_PX) ** 2 // SCALE**2
FONTS = ("Arimo[wght].ttf", "NotoSans[wght].ttf", "NotoSansCJK-VF.otf.ttc")
SIZES_PX = (16, 20, 24)
NUMBERS = 100
PAPER, INK = 255, 0
# About the mean and the spread of the pages' pixels, as fractions of 255.
MEAN, SPREAD = 0.95, 0.19
VISION_INIT, LANGUAGE_INIT = 0.08, 0.05
PAGES_PER_SEQUENCE, SEQUENCES_PER_STEP = 16, 2
QUESTION = "Which number?"
SPECIAL = [tiny.PAD, tiny.BOS, tiny.END_OF_TURN, tiny.IMAGE, tiny.IMAGE_BORDER, tiny.IMAGE_WHOLE]


@dataclass(frozen=True)
class Page:
    """A number on a page: everything that its pixels depend on.

    Args:
        number (`str`): Two digits.
        font (`str`): Of `FONTS`.
        size_px (`int`): Of the font.
        left (`int`), top (`int`): Where its box begins; no ink is outside of it.
    """

    number: str
    font: str
    size_px: int
    left: int
    top: int

    def draw(self) -> Image.Image:
        """The page, grey, in the model's own size, so that no pixel of it is resampled."""
        image = Image.new("L", (PAGE_PX, PAGE_PX), PAPER)
        left, top, _, _ = box(self.number, self.font, self.size_px)
        font = type_of(self.font, self.size_px)
        ImageDraw.Draw(image).text((self.left - left, self.top - top), self.number, fill=INK, font=font)
        return image

    def row(self, image: Image.Image) -> Row:
        """The page's row, with any image as the page."""
        return {**self.light(), "images": [image]}

    def light(self) -> dict[str, Any]:
        """The row without its image, which is all that a price depends on."""
        return {
            "id": f"{self.number}-{Path(self.font).stem}-{self.size_px}-{self.left}-{self.top}",
            "source": "numbers",
            "media": "image_sequence",
            "messages": conversation([media_block("image")], QUESTION, self.number),
            "videos": [],
            "num_frames": 1,
        }


def type_of(font: str, size_px: int) -> ImageFont.FreeTypeFont:
    """One of the renderer's fonts, as Pillow draws it."""
    loaded = ImageFont.truetype(str(next(file for file in font_files() if file.name == font)), size_px)
    loaded.set_variation_by_axes([400])
    return loaded


def box(number: str, font: str, size_px: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a number drawn at the origin: its ink, and the space before the first digit."""
    return tuple(int(edge) for edge in type_of(font, size_px).getbbox(number))


def make_pages(seed: int, count: int, *, apart_from: Collection[Page] = ()) -> list[Page]:
    """Pages of one seed, all 9 pairs of font and size in turn, none of which is in `apart_from`."""
    pairs = [(font, size_px) for font in FONTS for size_px in SIZES_PX]
    pages: list[Page] = []
    draw = rng_for(seed, "pages")
    while len(pages) < count:
        font, size_px = pairs[len(pages) % len(pairs)]
        number = f"{draw.integers(NUMBERS):02}"
        left, top, right, bottom = box(number, font, size_px)
        place = draw.integers(PAGE_PX - (right - left) + 1), draw.integers(PAGE_PX - (bottom - top) + 1)
        page = Page(number, font, size_px, int(place[0]), int(place[1]))
        if page not in apart_from:
            pages.append(page)
    return pages


def dataset(pages: list[Page]) -> Dataset:
    """The pages' rows; a page is drawn when its row is read."""
    columns = {name: column for name, column in features().items() if name != "images"}
    # What is drawn, beside the row; the transform takes it away again.
    columns |= {name: Value("int32" if kind is int else "string") for name, kind in Page.__annotations__.items()}
    rows = [{**page.light(), **asdict(page)} for page in pages]
    return Dataset.from_list(rows, features=Features(columns)).with_transform(with_pages)


def with_pages(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Columns of a batch, with the pages drawn."""
    batch = dict(batch)
    places = zip(*(batch.pop(name) for name in Page.__annotations__), strict=True)
    return {**batch, "images": [[Page(*place).draw()] for place in places]}


def make_processor() -> Idefics3Processor:
    """Idefics3's, with a tokenizer learned from the rows' texts; every digit is a token of its own."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    core.decoder = decoders.ByteLevel()
    texts = ["User:", "Assistant:", f" {QUESTION}", *(f" {number:02}" for number in range(NUMBERS))]
    core.train_from_iterator(
        texts,
        trainers.BpeTrainer(special_tokens=SPECIAL, min_frequency=1, vocab_size=512, show_progress=False),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=tiny.BOS, eos_token=tiny.END_OF_TURN, pad_token=tiny.PAD,
        additional_special_tokens=[tiny.IMAGE, tiny.IMAGE_BORDER, tiny.IMAGE_WHOLE], model_max_length=8192,
    )  # fmt: skip
    size = {"longest_edge": PAGE_PX}
    image_processor = Idefics3ImageProcessor(
        size=size, max_image_size=size, image_mean=[MEAN] * 3, image_std=[SPREAD] * 3
    )
    processor = Idefics3Processor(
        image_processor, tokenizer, image_seq_len=IMAGE_TOKENS, chat_template=tiny.CHAT_TEMPLATE
    )
    adapter_for("idefics3").configure(processor)
    return processor


def make_model(processor: Idefics3Processor) -> Idefics3ForConditionalGeneration:
    """About a million parameters, all of them random."""
    tokenizer = processor.tokenizer
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    model = Idefics3ForConditionalGeneration(
        Idefics3Config(
            vision_config=Idefics3VisionConfig(
                hidden_size=128, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4,
                image_size=PAGE_PX, patch_size=PATCH_PX, initializer_range=VISION_INIT,
            ),
            text_config=LlamaConfig(
                vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=2,
                num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=8192,
                initializer_range=LANGUAGE_INIT, tie_word_embeddings=True, **ids,
            ),
            scale_factor=SCALE,
            image_token_id=tokenizer.convert_tokens_to_ids(tiny.IMAGE),
            pad_token_id=tokenizer.pad_token_id,
            tie_word_embeddings=True,
        )
    )  # fmt: skip
    for name, number in ids.items():
        setattr(model.generation_config, name, number)
    return model


class Curve(ProgressCallback):
    """The progress bar, with a short line for the loss."""

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **more: Any) -> None:
        """Write the loss above the bar."""
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.write(
                f"step {state.global_step:5}  loss {logs['loss']:.3f}  {logs['tokens_per_second']:,.0f} tokens/s"
            )


def train(model: Any, processor: Any, rows: Dataset, folder: str) -> None:
    """Train a model on the rows, each of them once."""
    tokens = TokenCost(processor, adapter_for("idefics3"), num_frames=1).price(rows[0])  # the same for all of them
    args = T2VidSFTConfig(
        output_dir=folder, num_train_epochs=1, num_frames=1,
        packing=True, max_length=PAGES_PER_SEQUENCE * tokens,
        per_device_train_batch_size=1, gradient_accumulation_steps=SEQUENCES_PER_STEP,
        learning_rate=1e-3, warmup_steps=50, lr_scheduler_type="cosine", adam_beta2=0.95, weight_decay=0.01,
        use_cpu=True, bf16=False, gradient_checkpointing=False,
        dataloader_num_workers=1, dataloader_pin_memory=False,
        logging_steps=50, save_strategy="no", report_to="none",
    )  # fmt: skip
    trainer = T2VidSFTTrainer(model, args=args, train_dataset=rows, processing_class=processor)
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(Curve)
    trainer.train()


def blank_row(page: Page) -> Row:
    """The page's row with nothing on the page."""
    return page.row(Image.new("L", (PAGE_PX, PAGE_PX), PAPER))


def asked(model: Any, processor: Any, pages: list[Page], *, name: str, row: Callable[[Page], Row]) -> list[Judged]:
    """What a model replies to the pages' questions, judged: an exact match or not."""
    rows = [row(page) for page in pages]
    prompts: list[Row] = [{**each, "messages": each["messages"][:1]} for each in rows]
    replies = answer(model, processor, prompts, num_frames=1, max_new_tokens=4, batch_size=64, progress=name)
    return [
        Judged(f"{Path(page.font).stem}, {page.size_px} px", each["id"], reply == page.number, bool(reply))
        for page, each, reply in zip(pages, rows, replies, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--fresh", type=int, default=900, help="Pages that it is asked about.")
    parser.add_argument("--seed", type=int, default=0, help="Of the pages and the weights.")
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    given = parser.parse_args()
    # Two threads that wait by spinning take many times as long beside another busy process, the loader's included.
    torch.set_num_threads(2 if os.environ.get("OMP_WAIT_POLICY", "").upper() == "PASSIVE" else 1)
    set_seed(given.seed)
    processor = make_processor()
    model = make_model(processor)
    pages = make_pages(given.seed, given.steps * SEQUENCES_PER_STEP * PAGES_PER_SEQUENCE)
    print(f"{model.num_parameters():,} parameters, {len(pages):,} pages")
    with tempfile.TemporaryDirectory() as folder:
        train(model, processor, dataset(pages), folder)
    fresh = make_pages(given.seed + 1, given.fresh, apart_from=set(pages))
    judged = asked(model, processor, fresh, name="fresh pages", row=lambda page: page.row(page.draw()))
    read = score(judged, "fresh pages")
    blank = score(asked(model, processor, fresh, name="blank pages", row=blank_row), "blank pages")
    for each in (*score_groups(judged)[:-1], read, blank):
        print(f"{each.group:26} {each.accuracy:6.1%}   ({each.low:.1%} to {each.high:.1%})")
    result = {
        "benchmark": "learn",
        **about("torch", "transformers", "trl"),
        "threads": torch.get_num_threads(),
        "parameters": model.num_parameters(),
        "steps": given.steps, "pages": len(pages), "fresh_pages": given.fresh, "seed": given.seed,
        "exact_match_interval": [round(read.low, 4), round(read.high, 4)],
        "exact_match": round(read.accuracy, 4),
        "blank_match": round(blank.accuracy, 4),
        "minutes": round((time.time() - psutil.Process().create_time()) / 60, 2),
    }  # fmt: skip
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
