"""Rows on disk to optimizer step: ours and the stock SFTTrainer on the same rows and the same model.

python tests/benchmarks/bench_train.py
python tests/benchmarks/bench_train.py --output tests/benchmarks/results/train.json
python tests/benchmarks/bench_train.py --overhead --rows 48 --output tests/benchmarks/results/train_overhead.json
python tests/benchmarks/bench_train.py --packed_attention --output tests/benchmarks/results/packed_attention.json
python tests/benchmarks/bench_train.py --device cuda --size 2b --output tests/benchmarks/results/train_cuda.json

An Idefics3 with random weights and Llama 3's number of tokens; rows in the paper's mixture of lengths, scaled down: 2
of video (here as images, because the stock trainer takes no video) to 1 of lazy pages, and a few of text. The stock
trainer has Idefics3's published proportions of image sizes (4 times the tower's, and back), without splitting, so that
a row has as many tokens in both. "end to end": `train()` over all rows, 2 workers each, the stock trainer at the best
of several batch sizes, ours packed. "step": forward, backward and optimizer on collated batches of 1 and of 8 rows.
Useful tokens are those of the rows, padding left out. Each measurement is a process of its own, in interleaved
rounds, medians; peak memory is what training adds to the process. `overhead_ms` of "ours train" is what a step takes
beside forward, backward, clipping and the optimizer's step; `overhead_cpu_ms` what of it the training process computes,
without waiting for its workers, or for a processor that others have. Before that, the losses of both are compared on
the same rows and labels. The last line is JSON.

`--packed_attention` measures something else on the same model: see packed_steps.py.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import packed_steps
import torch
from machine import about
from PIL import Image
from step_phases import StepPhases

from t2vid_hf.models import adapter_for, tiny

ADAPTER = adapter_for("idefics3")
VOCABULARY = 128_256  # Llama 3's
# language: width, layers, heads, of them for keys, inner width; vision: width, layers, heads, inner width; pixels,
# patch, scale; frames of a video, pages from and to
SIZES: dict[str, dict[str, tuple[int, ...]]] = {
    "tiny": {"language": (128, 3, 4, 4, 256), "vision": (96, 2, 4, 192), "image": (96, 12, 2), "rows": (6, 5, 16)},
    "2b": {
        "language": (2048, 24, 32, 32, 8192),
        "vision": (1152, 27, 16, 4304),
        "image": (364, 14, 2),
        "rows": (24, 20, 65),
    },
    "8b": {
        "language": (4096, 32, 32, 8, 14336),
        "vision": (1152, 27, 16, 4304),
        "image": (364, 14, 2),
        "rows": (24, 20, 65),
    },
}
PEAK_FLOPS = {"H100": 989.4e12, "H200": 989.4e12, "A100": 312e12}  # bf16, dense; NVIDIA's data sheets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[1, 2, 4, 8], help="To find the stock's best.")
    parser.add_argument("--max_length", type=int, help="Of our packed sequences; the longest row by default.")
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    parser.add_argument("--packed_attention", action="store_true", help="Packed rows under three attentions instead.")
    parser.add_argument("--overhead", action="store_true", help="Only what a step of ours takes beside the model.")
    parser.add_argument("--measure", nargs=3, metavar=("FOLDER", "TRAINER", "WHAT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        # One thread for the model: with two on two processors each waits for the other's workers, 75 times as long.
        torch.set_num_threads(1)
        what = packed_steps.measure if given.packed_attention else measure
        print(json.dumps(what(given, *given.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        tokens = prepare(Path(folder), given)
        if given.packed_attention:
            write(packed_steps.run(folder, given), given.output)
            return
        given.max_length = given.max_length or int(tokens.max())
        if given.overhead:
            measured = [child(given, folder, "ours", "train:1") for _ in range(given.rounds)]
            medians = {name: round(statistics.median(each[name] for each in measured), 3) for name in measured[0]}
            result = {"benchmark": "train_overhead", **about("torch", "transformers", "trl", "accelerate"),
                      "rows": given.rows, "workers": 2, **medians}  # fmt: skip
            write(result, given.output)
            return
        result = {
            "benchmark": "train",
            **about("torch", "transformers", "trl", "accelerate"),
            "device": torch.cuda.get_device_name() if given.device == "cuda" else "cpu",
            "size": given.size, "rows": given.rows, "tokens": int(tokens.sum()), "max_length": given.max_length,
            **run(folder, given),
        }  # fmt: skip
    write(result, given.output)


def write(result: dict[str, Any], output: Path | None) -> None:
    if output is not None:
        output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def run(folder: str, given: argparse.Namespace) -> dict[str, Any]:
    losses = {name: child(given, folder, name, "loss")["loss"] for name in ("ours", "stock")}
    if abs(losses["ours"] - losses["stock"]) > 1e-5 * abs(losses["stock"]) and given.device == "cpu":
        raise SystemExit(f"the losses differ on the same rows and labels: {losses}")
    tried = {size: child(given, folder, "stock", f"train:{size}")["tokens_per_second"] for size in given.batch_sizes}
    best = max(tried, key=tried.__getitem__)
    print(f"stock, tokens/s by batch size: { ({size: round(rate) for size, rate in tried.items()}) }")
    rounds: dict[str, list[dict[str, float]]] = {}
    for _ in range(given.rounds):
        for what, trainer in [
            (f"train:{best}", "stock"), ("train:1", "ours"),
            ("step:1", "stock"), ("step:1", "ours"), ("step:8", "stock"), ("step:8", "ours"),
        ]:  # fmt: skip
            key = f"{trainer} {what.partition(':')[0]} {what.partition(':')[2] if 'step' in what else ''}".strip()
            rounds.setdefault(key, []).append(child(given, folder, trainer, what))
    print(f"{'':16} tokens/s   seconds a step   peak MB")
    overhead: dict[str, float] = {}
    for key, measured in rounds.items():
        medians = {name: statistics.median(each[name] for each in measured) for name in measured[0]}
        print(
            f"{key:16} {medians['tokens_per_second']:8,.0f} {medians['step_seconds']:16.4f} {medians['peak_mb']:9,.0f}"
        )
        overhead = {name: medians[name] for name in ("overhead_ms", "overhead_cpu_ms") if name in medians} or overhead

    def ratio(name: str, over: str, under: str) -> float:
        return round(statistics.median(a[name] / b[name] for a, b in zip(rounds[over], rounds[under], strict=True)), 3)

    return {
        "loss": losses,
        "stock_batch_size": best,
        "stock_tokens_per_second_by_batch_size": {size: round(rate) for size, rate in tried.items()},
        "measured": rounds,
        **overhead,
        "end_to_end_ratio": ratio("tokens_per_second", "ours train", "stock train"),
        "step_ratio_b1": ratio("tokens_per_second", "ours step 1", "stock step 1"),
        "step_ratio_b8": ratio("tokens_per_second", "ours step 8", "stock step 8"),
        "peak_memory_ratio": ratio("peak_mb", "ours train", "stock train"),
        "peak_memory_ratio_step_b8": ratio("peak_mb", "ours step 8", "stock step 8"),
    }


def child(given: argparse.Namespace, folder: str, trainer: str, what: str) -> dict[str, float]:
    """A measurement in a process of its own."""
    command = [sys.executable, __file__, "--size", given.size, "--device", given.device]
    command += ["--packed_attention"] if given.packed_attention else ["--max_length", str(given.max_length)]
    command += ["--measure", folder, trainer, what]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{trainer} {what} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def prepare(folder: Path, given: argparse.Namespace) -> np.ndarray:
    """Write processor, model configuration and rows; return the rows' tokens."""
    from datasets import Dataset
    from transformers import AutoProcessor, Idefics3ImageProcessor, Idefics3Processor

    from t2vid_hf import sources
    from t2vid_hf.batches.token_cost import TokenCost
    from t2vid_hf.data.pages import lazy_features

    px, patch, scale = SIZES[given.size]["image"]
    questions = list(sources.read(sources.SAMPLE))
    tiny.build(folder / "parts", [qa.question for qa in questions])
    processor = Idefics3Processor(
        Idefics3ImageProcessor(size={"longest_edge": 4 * px}, max_image_size={"longest_edge": px}),
        AutoProcessor.from_pretrained(folder / "parts").tokenizer,
        image_seq_len=(px // patch // scale) ** 2,
        chat_template=tiny.CHAT_TEMPLATE,
    )
    processor.image_processor.do_image_splitting = False
    processor.tokenizer.model_max_length = 10**6
    processor.save_pretrained(folder / "processor")
    rows = Dataset.from_list(list(mixture(questions, given)), features=lazy_features())
    rows.save_to_disk(str(folder / "rows"))
    ADAPTER.configure(processor)
    return TokenCost(processor, ADAPTER).prices(rows).tokens


def mixture(questions: list[Any], given: argparse.Namespace) -> Any:
    """2 rows of video to 1 of pages, and a row of text to 10."""
    from t2vid_hf.data.pages import describe
    from t2vid_hf.rendering import RenderConfig, TextRenderer
    from t2vid_hf.schema import conversation, media_block

    px, _, _ = SIZES[given.size]["image"]
    frames, fewest, most = SIZES[given.size]["rows"]
    config = replace(RenderConfig.preset("native"), width_px=px, height_px=px, margin_px=4)
    random = np.random.default_rng(0)
    for index in range(given.rows):
        qa = questions[index % len(questions)]
        count, images = 0, []
        if index % 10 == 9:
            source = "text"
        elif index % 3 == 2:
            source = "pages"
            wanted = int(random.integers(fewest, most + 1))
            text = qa.context * (2 if px < 200 else 30)
            ends = [end for _, end in TextRenderer(config).char_spans(text)]
            count = min(wanted, len(ends))
            images = describe(text[: ends[count - 1]], config)
        else:
            source, count = "video", frames
            noise = random.integers(0, 256, (frames, px // 4, px // 4, 3), np.uint8)
            images = [Image.fromarray(frame).resize((px * 16 // 9, px)) for frame in noise]
        yield {
            "id": str(index), "source": source, "media": "image_sequence" if count else "text",
            "messages": conversation([media_block("image")] * count, qa.question, qa.answer),
            "images": images, "videos": [], "num_frames": count,
        }  # fmt: skip


def measure(given: argparse.Namespace, folder: str, kind: str, what: str) -> dict[str, float]:
    """One measurement: `what` is `loss`, `step:N` or `train:N` with the rows of a batch."""
    from datasets import load_from_disk
    from transformers import AutoProcessor

    what, _, size = what.partition(":")
    rows = load_from_disk(f"{folder}/rows")
    processor = AutoProcessor.from_pretrained(f"{folder}/processor")
    trainer = build(given, kind, processor, rows, what, int(size or 1))
    before = peak(given.device)
    if what == "loss":
        return {"loss": same_rows(trainer, kind, rows)}
    if what == "train":
        useful = float(row_prices(folder, rows).sum())
        phases = StepPhases(trainer) if kind == "ours" else None
        start = time.perf_counter()
        trainer.train()
        seconds, steps = time.perf_counter() - start, trainer.state.global_step
    else:
        seconds, steps, useful = stepped(trainer, kind, rows, int(size), folder)
    report = {
        "tokens_per_second": useful / seconds,
        "step_seconds": seconds / steps,
        "peak_mb": (peak(given.device) - before) / 2**20,
    }
    if kind == "ours" and what == "train" and phases is not None:
        report |= phases.told()
    if given.device == "cuda" and kind == "ours":
        name = next(name for name in PEAK_FLOPS if name in torch.cuda.get_device_name())
        report["mfu"] = flops(trainer, rows, folder) / (seconds * PEAK_FLOPS[name]) if what == "train" else 0.0
    return report


def build(given: argparse.Namespace, kind: str, processor: Any, rows: Any, what: str, size: int) -> Any:
    """A trainer of one kind over a model with random weights."""
    from trl import SFTConfig, SFTTrainer

    from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer

    torch.manual_seed(0)
    cuda = given.device == "cuda"
    settings = {
        "output_dir": tempfile.mkdtemp(), "num_train_epochs": 1, "learning_rate": 1e-4, "report_to": "none",
        "use_cpu": not cuda, "bf16": cuda, "gradient_checkpointing": cuda, "save_strategy": "no", "disable_tqdm": True,
        "dataloader_num_workers": 2, "dataloader_pin_memory": cuda, "logging_steps": 1000, "max_length": None,
        "per_device_train_batch_size": size, "remove_unused_columns": False,
    }  # fmt: skip
    if kind == "stock":
        rows = rows.select_columns(["messages", "images"])
        return SFTTrainer(model(given), args=SFTConfig(**settings), train_dataset=rows, processing_class=processor)
    if what == "train":
        settings |= {"packing": True, "max_length": given.max_length, "per_device_train_batch_size": 1}
    return T2VidSFTTrainer(
        model(given), args=T2VidSFTConfig(**settings), train_dataset=rows, processing_class=processor
    )


def model(given: argparse.Namespace) -> Any:
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, LlamaConfig
    from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig

    size = SIZES[given.size]
    width, layers, heads, kv_heads, inner = size["language"]
    vision_width, vision_layers, vision_heads, vision_inner = size["vision"]
    px, patch, scale = size["image"]
    config = Idefics3Config(
        vision_config=Idefics3VisionConfig(
            hidden_size=vision_width, intermediate_size=vision_inner, num_hidden_layers=vision_layers,
            num_attention_heads=vision_heads, image_size=px, patch_size=patch,
        ),
        text_config=LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=kv_heads, max_position_embeddings=2**17, pad_token_id=0,
        ),
        scale_factor=scale, image_token_id=3, pad_token_id=0, tie_word_embeddings=given.size == "tiny",
    )  # fmt: skip
    with torch.device(given.device):
        made = Idefics3ForConditionalGeneration(config)
    made.set_attn_implementation(attention(given.device))
    return made.to(torch.bfloat16 if given.device == "cuda" else torch.float32)


def attention(device: str) -> str:
    from t2vid_hf.models.attention import resolve_attention

    return resolve_attention("auto") if device == "cuda" else "sdpa"


def stepped(trainer: Any, kind: str, rows: Any, size: int, folder: str) -> tuple[float, int, float]:
    """Forward, backward and optimizer on collated batches: seconds, steps, useful tokens. The first is not counted."""
    steps = min(5, len(rows) // size)
    tokens = row_prices(folder, rows)
    trainer.create_optimizer_and_scheduler(num_training_steps=steps)
    trainer.current_gradient_accumulation_steps = 1
    wrapped = trainer.model.train()
    seconds = useful = 0.0
    for step in range(steps):
        taken = range(step * size, (step + 1) * size)
        batch = trainer.data_collator([collated(kind, rows[index]) for index in taken])
        start = time.perf_counter()
        trainer.training_step(wrapped, batch)
        trainer.optimizer.step()
        trainer.optimizer.zero_grad()
        if trainer.args.device.type == "cuda":
            torch.cuda.synchronize()
        if step:
            seconds += time.perf_counter() - start
            useful += float(tokens[list(taken)].sum())
    return seconds, steps - 1, useful


def same_rows(trainer: Any, kind: str, rows: Any) -> float:
    """The loss on the same rows and labels: padded as the stock trainer takes them, packed as ours does."""
    from t2vid_hf.batches.encoding import RowEncoder
    from t2vid_hf.batches.pixels import apply_table, normalisation_table
    from t2vid_hf.training import DataCollatorForVideoLanguageModeling

    processor = trainer.processing_class
    ADAPTER.configure(processor)
    collate = DataCollatorForVideoLanguageModeling(RowEncoder(processor, ADAPTER), packed=kind == "ours")
    batch = collate([rows[index] for index in (0, 2, 9)])  # video, pages, text
    if kind == "stock":
        del batch["sources"], batch["row_lengths"]
        batch |= ADAPTER.model_inputs(apply_table(batch.pop("pixels"), normalisation_table(processor)))
    with torch.no_grad():
        return float(trainer.compute_loss(trainer.model.train(), trainer._prepare_inputs(batch)))


def collated(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    return {"messages": row["messages"], "images": row["images"]} if kind == "stock" else row


def row_prices(folder: str, rows: Any) -> np.ndarray:
    from transformers import AutoProcessor

    from t2vid_hf.batches.token_cost import TokenCost

    processor = AutoProcessor.from_pretrained(f"{folder}/processor")
    ADAPTER.configure(processor)
    return TokenCost(processor, ADAPTER).prices(rows).tokens


def flops(trainer: Any, rows: Any, folder: str) -> float:
    """Of one epoch, forward and twice as many backward, what is computed again for checkpoints left out.

    Two a weight and token in every matrix, and in the attention of a row of n tokens 4 n a channel and token, half of
    it for causality.
    """
    config = trainer.model.config
    text, vision = config.text_config, config.vision_config
    parts = trainer.model.model
    language = sum(weight.numel() for weight in parts.text_model.layers.parameters())
    tower = sum(weight.numel() for weight in parts.vision_model.encoder.parameters())
    tokens = row_prices(folder, rows).astype(float)
    patches = (vision.image_size // vision.patch_size) ** 2
    images = float(sum(rows["num_frames"]))
    forward = tokens.sum() * 2 * language
    forward += (tokens**2).sum() * 2 * text.hidden_size * text.num_hidden_layers
    forward += images * patches * 2 * tower
    forward += images * patches**2 * 4 * vision.hidden_size * vision.num_hidden_layers
    return 3 * forward


def peak(device: str) -> float:
    """Most bytes that the process has held."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
