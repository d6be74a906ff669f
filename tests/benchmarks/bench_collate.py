"""Rows to a batch: our collator and TRL's on the same rows, in one process on one core.

python tests/benchmarks/bench_collate.py
python tests/benchmarks/bench_collate.py --output tests/benchmarks/results/collate.json

Idefics3's image processor as it is published, on torchvision, without splitting (an image is 169 tokens for both). TRL
keeps its default `size`: 1,456 px and back to 364. "pages": lazy rows of SQuALITY in the preset `native`, drawn when
they are read, reading included. "video": 24 decoded frames of a clip of 640 x 360 as images of a row; decoding is
not included, because TRL cannot. Token ids are compared, and the values with those of the processor that is told the
model's own size. Interleaved rounds, medians; the last line is JSON.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import torch
from datasets import load_dataset
from machine import about, one_core
from PIL import Image
from transformers import AutoProcessor, Idefics3ImageProcessor, Idefics3Processor
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

import t2vid_hf  # noqa: F401  # registers the builder
from t2vid_hf import sources
from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.pixels import apply_table, normalisation_table
from t2vid_hf.models import adapter_for, tiny
from t2vid_hf.schema import conversation, media_block
from t2vid_hf.training import DataCollatorForVideoLanguageModeling
from t2vid_hf.video.reading import read_frames

SHARED = Path(__file__).parents[3] / "shared"
SQUALITY = SHARED / "data/longqa/squality/v1-3_txt_dev.jsonl"
CLIP = SHARED / "data/videos/mdn/bug_video_640.mp4"
IMAGE_TOKENS = 169
ADAPTER = adapter_for("idefics3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, default=SQUALITY, help="A SQuALITY file.")
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--rows", type=int, default=4, help="Rows of a batch of ours; TRL takes one of them.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    given = parser.parse_args()
    one_core()
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    texts = [qa.question for qa in sources.read(given.input, source="squality")]
    ours_processor, trl_processor = processors(texts)
    ADAPTER.configure(ours_processor)
    trl_processor.image_processor.do_image_splitting = False
    ours = DataCollatorForVideoLanguageModeling(RowEncoder(ours_processor, ADAPTER))
    trl = DataCollatorForVisionLanguageModeling(trl_processor)
    with tempfile.TemporaryDirectory() as cache:
        pages = load_dataset(
            "t2vid", "squality", data_files=str(given.input), preset="native", split="train", cache_dir=cache
        )
        # every fifth question: another text each time, so that none is drawn already
        clip = video_row(given.clip)
        chosen = [pages.select([index]) for index in range(0, 5 * given.rows * given.rounds, 5)]
        result = {
            "benchmark": "collate",
            **about("torch", "torchvision", "transformers", "trl"),
            "rounds": given.rounds,
            **compared("pages", ours, trl, [lambda rows=rows: rows[0] for rows in chosen], given),
            **compared("video", ours, trl, [lambda: clip] * len(chosen), given),
        }
    print(f"pages: {result['pages_per_second']:8,.0f} a second, TRL {result['trl_pages_per_second']:6,.1f}")
    print(f"video: {result['video_per_second']:8,.0f} frames a second, TRL {result['trl_video_per_second']:6,.1f}")
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def processors(texts: list[str]) -> tuple[Any, Any]:
    """Two of Idefics3's, with a tokenizer learned from the texts."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        tiny.build(folder, texts)
        for _ in range(2):
            tokenizer = AutoProcessor.from_pretrained(folder).tokenizer
            tokenizer.model_max_length = 10**6
            made.append(
                Idefics3Processor(
                    Idefics3ImageProcessor(), tokenizer, image_seq_len=IMAGE_TOKENS, chat_template=tiny.CHAT_TEMPLATE
                )
            )
    return made[0], made[1]


def video_row(clip: Path) -> dict[str, Any]:
    frames = read_frames(clip, 24).data
    return {
        "id": "clip", "source": "clip", "media": "image_sequence",
        "messages": conversation([media_block("image")] * len(frames), "What happens?", "A bug walks."),
        "images": [Image.fromarray(frame) for frame in frames], "videos": [], "num_frames": len(frames),
    }  # fmt: skip


def compared(
    name: str, ours: Any, trl: Any, rows: list[Callable[[], dict[str, Any]]], given: argparse.Namespace
) -> dict[str, Any]:
    """Images a second of both, in interleaved rounds."""
    rates: dict[str, list[float]] = {"ours": [], "trl": []}
    seconds = {"ours": [], "trl": []}
    check(ours, trl, rows[0]())
    for turn in range(given.rounds):
        mine = rows[turn * given.rows : (turn + 1) * given.rows]
        for kind, collate, taken in (("ours", ours, mine), ("trl", trl, mine[:1])):
            start = time.perf_counter()
            batch = [row() for row in taken]
            images = sum(row["num_frames"] for row in batch)
            # TRL removes what it does not know, and changes what it is given
            collate([dict(row) if kind == "ours" else stock(row) for row in batch])
            seconds[kind].append(time.perf_counter() - start)
            rates[kind].append(images / seconds[kind][-1])
    ratio = statistics.median(mine / theirs for mine, theirs in zip(rates["ours"], rates["trl"], strict=True))
    return {
        f"{name}_per_second": round(statistics.median(rates["ours"])),
        f"trl_{name}_per_second": round(statistics.median(rates["trl"]), 1),
        f"{name}_spread": [round(rate) for rate in sorted(rates["ours"])],
        f"{name}_ratio": round(ratio, 1),
    }


def stock(row: dict[str, Any]) -> dict[str, Any]:
    return {"messages": row["messages"], "images": row["images"]}


def check(ours: Any, trl: Any, row: dict[str, Any]) -> None:
    """Same tokens, and the values of the processor at the model's own size."""
    mine, theirs = ours([row]), trl([stock(row)])
    if not torch.equal(mine["input_ids"], theirs["input_ids"]):
        raise SystemExit("token ids differ")
    processor = ours.encoder.processor
    expected = processor.image_processor([row["images"]], return_tensors="pt")["pixel_values"]
    if not torch.equal(
        ADAPTER.model_inputs(apply_table(mine["pixels"], normalisation_table(processor)))["pixel_values"], expected
    ):
        raise SystemExit("values differ from the processor's")


if __name__ == "__main__":
    main()
