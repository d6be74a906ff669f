"""Rows priced in a second, on one core, beside the real processor on the same rows.

python tests/benchmarks/bench_cost.py
python tests/benchmarks/bench_cost.py --tokenizer folder --output tests/benchmarks/results/cost.json

Two rows of video (24 frames) to one of pages (20 to 65), the questions and answers of SQuALITY as their text: those of
video are cut to 50 words. "price" is `TokenCost.prices` without its cache, "cached" a second call, "processor" what
the price stands for: pages drawn to pixels and the length of `input_ids` taken, here on blank pages that cost nothing
to draw or decode. Prices and lengths are compared. The processor is the tiny Idefics3's; `--tokenizer` puts a real
tokenizer into it. The last line is JSON.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from datasets import Dataset
from PIL import Image
from transformers import AutoProcessor, AutoTokenizer, Idefics3Processor

from t2vid_hf import sources
from t2vid_hf.batches.token_cost import TokenCost, with_image_blocks
from t2vid_hf.models import adapter_for, tiny
from t2vid_hf.schema import conversation, media_block

ROOT = Path(__file__).parents[2]
SQUALITY = ROOT.parent / "shared/data/longqa/squality/v1-3_txt_train.jsonl"
NUM_FRAMES, PROCESSOR_ROWS = 24, 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--input", type=Path, default=SQUALITY, help="A SQuALITY file.")
    parser.add_argument("--tokenizer", help="A folder with a tokenizer; by default one learned from the answers.")
    parser.add_argument("--tokenizer_name", help="What the result calls it.")
    parser.add_argument("--num_proc", type=int, default=None, help="Processes; without it one, on one core.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    given = parser.parse_args()
    if given.num_proc is None:
        os.environ["RAYON_NUM_THREADS"] = "1"
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    datasets.disable_progress_bars()
    turns = [(qa.question, qa.answer) for qa in sources.read(given.input, source="squality", answers="all")]
    rows = mixture(turns, given.rows)
    dataset = Dataset.from_list(rows)
    with tempfile.TemporaryDirectory() as folder:
        tiny.build(folder, [answer for _, answer in turns])
        processor = AutoProcessor.from_pretrained(folder)
    if given.tokenizer is not None:
        processor = Idefics3Processor(  # anew, because it keeps the ids of its tokens
            image_processor=processor.image_processor,
            tokenizer=with_image_tokens(given.tokenizer),
            image_seq_len=tiny.DEFAULT.image_tokens,
            chat_template=tiny.CHAT_TEMPLATE,
        )
    start = time.perf_counter()
    cost = TokenCost(processor, adapter_for("idefics3"), num_frames=NUM_FRAMES)
    ready = time.perf_counter() - start
    rates, cached = [], []
    for _ in range(given.repeats):
        with tempfile.TemporaryDirectory() as folder:
            seconds, prices = timed(cost, dataset, given.num_proc, folder)
            rates.append(len(rows) / seconds)
            cached.append(timed(cost, dataset, given.num_proc, folder)[0])
    lengths, processor_rate = real_lengths(processor, rows[:PROCESSOR_ROWS])
    if prices.tokens[:PROCESSOR_ROWS].tolist() != lengths:
        raise SystemExit("prices differ from the processor's lengths")
    result = {
        "benchmark": "cost",
        **about(),
        "rows": len(rows),
        "mean_tokens": round(float(prices.tokens.mean())),
        "tokenizer": f"{'learned from the answers' if given.tokenizer is None else given.tokenizer_name or 'given'}"
        f", {len(processor.tokenizer):,} tokens",
        "num_proc": given.num_proc or 1,
        "rows_per_second": round(statistics.median(rates)),
        "repeats": [round(rate) for rate in rates],
        "cached_seconds": round(statistics.median(cached), 4),
        "start_seconds": round(ready, 3),
        "processor_rows_per_second": round(processor_rate, 1),
    }
    print(f"price      {result['rows_per_second']:8,.0f} rows/s")
    print(f"processor  {processor_rate:8,.1f} rows/s")
    print(f"cached     {result['cached_seconds']:8,.4f} s for all rows")
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def mixture(turns: list[tuple[str, str]], count: int) -> list[dict[str, Any]]:
    """Light rows: 2 of video to 1 of pages."""
    random = np.random.default_rng(0)
    rows = []
    for index in range(count):
        question, answer = turns[index % len(turns)]
        if index % 3 < 2:
            pages, blocks, answer = 300, [media_block("video")], " ".join(answer.split()[:50])
        else:
            pages = int(random.integers(20, 66))
            blocks = [media_block("image")] * pages
        rows.append({"id": str(index), "messages": conversation(blocks, question, answer), "num_frames": pages})
    return rows


def with_image_tokens(folder: str) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    special = [tiny.IMAGE, tiny.IMAGE_BORDER, tiny.IMAGE_WHOLE, tiny.END_OF_TURN]
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    return tokenizer


def timed(cost: TokenCost, dataset: Dataset, num_proc: int | None, folder: str) -> tuple[float, Any]:
    start = time.perf_counter()
    prices = cost.prices(dataset, num_proc=num_proc, cache_dir=folder)
    return time.perf_counter() - start, prices


def real_lengths(processor: Any, rows: list[dict[str, Any]]) -> tuple[list[int], float]:
    """Lengths of `input_ids`, and rows a second."""
    blank = Image.new("L", (448, 448), 255)
    lengths = []
    start = time.perf_counter()
    for row in rows:
        messages, pages, videos = with_image_blocks(row["messages"], NUM_FRAMES)
        text = processor.apply_chat_template(messages, tokenize=False)
        images = [blank] * (pages + videos * NUM_FRAMES)
        lengths.append(len(processor(text=[text], images=[images], add_special_tokens=False)["input_ids"][0]))
    return lengths, len(rows) / (time.perf_counter() - start)


def about() -> dict[str, Any]:
    """What a number depends on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    processors = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "commit": commit.stdout.strip(),
        "versions": {name: version(name) for name in ("datasets", "numpy", "tokenizers", "transformers")},
        "python": platform.python_version(),
        "processor": processors[0].split(": ")[1] if processors else platform.machine(),
    }


if __name__ == "__main__":
    main()
