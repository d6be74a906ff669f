"""A packed sequence under three attentions: what `bench_train.py --packed_attention` measures.

16,384 tokens in rows of 1,000 (the last of 384): each row 48 pages and a question, 24 tokens of it supervised. The step
is the trainer's: forward, backward, AdamW. "packed": `sdpa_packed`, one sequence. "masked": sdpa, which keeps the rows
apart by a mask of tokens x tokens. "alone": sdpa, each row a batch of its own, gradients added up, one optimizer step.
Each measurement is a process of its own, in interleaved rounds: one step that is not counted, then one that is, in
seconds of processor time. Peak memory is what the steps add to the process; "half" is a sequence of half the tokens.
Before that, losses and gradients of the three are compared.
"""

import argparse
import math
import statistics
import time
from typing import Any

import torch
from machine import about

TOKENS, ROW_TOKENS = 16_384, 1_000
PAGE_TOKENS, SUPERVISED = 19, 24  # of the tiny model's page, delimiters with it; of a row
KINDS = ("packed", "masked", "alone")
IMAGE_ID, FIRST_TEXT_ID = 3, 20


def run(folder: str, given: argparse.Namespace) -> dict[str, Any]:
    """Compare, measure in rounds, print medians; the ratios of the rounds are in the JSON."""
    import bench_train

    checked = {kind: bench_train.child(given, folder, kind, "check:2500") for kind in KINDS}
    for kind, found in checked.items():
        if any(not math.isclose(found[name], checked["alone"][name], rel_tol=1e-5) for name in found):
            raise SystemExit(f"packed rows are not as rows alone ({kind}): {checked}")
    rounds: dict[str, list[dict[str, float]]] = {}
    for _ in range(given.rounds):
        for kind in KINDS:
            rounds.setdefault(kind, []).append(bench_train.child(given, folder, kind, f"step:{TOKENS}"))
            print(kind, rounds[kind][-1], flush=True)
    for kind in KINDS:
        rounds[f"{kind} half"] = [bench_train.child(given, folder, kind, f"step:{TOKENS // 2}")]
    print(f"{'':12} forward  backward  optimizer  step, s  peak MB")
    for name, measured in rounds.items():
        each = {key: statistics.median(one[key] for one in measured) for key in measured[0]}
        print(f"{name:12} {each['forward']:7.2f} {each['backward']:9.2f} {each['optimizer']:10.2f} "
              f"{each['step']:8.2f} {each['peak_mb']:8,.0f}")  # fmt: skip

    def ratio(key: str, over: str, under: str) -> float:
        return round(statistics.median(a[key] / b[key] for a, b in zip(rounds[over], rounds[under], strict=True)), 3)

    return {
        "benchmark": "packed_attention",
        **about("torch", "transformers", "trl", "accelerate"),
        "size": given.size, "tokens": TOKENS, "row_tokens": ROW_TOKENS,
        "checked": checked,
        "measured": rounds,
        "packed_attention_ratio": ratio("step", "masked", "packed"),
        "packed_attention_ratio_forward": ratio("forward", "masked", "packed"),
        "packed_attention_ratio_backward": ratio("backward", "masked", "packed"),
        "packed_vs_alone": ratio("step", "packed", "alone"),
        "packed_vs_alone_forward": ratio("forward", "packed", "alone"),
        "packed_vs_alone_backward": ratio("backward", "packed", "alone"),
        "peak_memory_ratio": ratio("peak_mb", "packed", "masked"),
        "peak_memory_over_half": {
            kind: round(rounds[kind][0]["peak_mb"] / rounds[f"{kind} half"][0]["peak_mb"], 3) for kind in KINDS
        },
    }  # fmt: skip


def measure(given: argparse.Namespace, folder: str, kind: str, what: str) -> dict[str, float]:
    """One measurement: `what` is `check:TOKENS` or `step:TOKENS`."""
    import bench_train
    from datasets import load_from_disk
    from transformers import AutoProcessor

    from t2vid_hf.models import register

    register()
    what, _, tokens = what.partition(":")
    rows = load_from_disk(f"{folder}/rows")
    processor = AutoProcessor.from_pretrained(f"{folder}/processor")
    trainer = bench_train.build(given, "ours", processor, rows, "step", 1)
    trainer.model.set_attn_implementation("sdpa_packed" if kind == "packed" else "sdpa")
    trainer.model.train()
    trainer.create_optimizer_and_scheduler(num_training_steps=2)
    trainer.current_gradient_accumulation_steps = 1
    side = bench_train.SIZES[given.size]["image"][0]
    sequence = [make_row(index, length, side) for index, length in enumerate(lengths(int(tokens)))]
    batches = [[row] for row in sequence] if kind == "alone" else [sequence]
    supervised = sum(int((row["labels"][1:] >= 0).sum()) for row in sequence)
    if what == "check":
        loss = sum(backward(trainer, batch, supervised)[0] for batch in batches)
        norms = [
            parameter.grad.double().norm() for parameter in trainer.model.parameters() if parameter.grad is not None
        ]
        return {"loss": loss, "gradient_norm": float(torch.stack(norms).norm())}
    before = bench_train.peak(given.device)
    for _ in range(2):
        spent = [backward(trainer, batch, supervised)[1:] for batch in batches]
        start = time.process_time()
        trainer.optimizer.step()
        trainer.optimizer.zero_grad()
        seconds = {
            "forward": sum(one for one, _ in spent), "backward": sum(other for _, other in spent),
            "optimizer": time.process_time() - start,
        }  # fmt: skip
    return {**seconds, "step": sum(seconds.values()), "peak_mb": (bench_train.peak(given.device) - before) / 2**20}


def lengths(tokens: int) -> list[int]:
    whole, rest = divmod(tokens, ROW_TOKENS)
    return [ROW_TOKENS] * whole + [rest] * (rest > 0)


def make_row(index: int, length: int, side: int) -> dict[str, torch.Tensor]:
    """A row of pages and a question, in the form of the collator's."""
    random = torch.Generator().manual_seed(index)
    pages = (length - 2 * SUPERVISED) // PAGE_TOKENS
    ids = torch.randint(FIRST_TEXT_ID, 1000, (length,), generator=random)
    for page in range(pages):
        ids[page * PAGE_TOKENS + 2 : (page + 1) * PAGE_TOKENS - 1] = IMAGE_ID
    labels = torch.full((length,), -100)
    labels[-SUPERVISED:] = ids[-SUPERVISED:]
    pixels = torch.randint(1, 256, (pages, 1, side, side), generator=random, dtype=torch.uint8)
    return {"input_ids": ids, "labels": labels, "position_ids": torch.arange(length), "pixels": pixels}


def backward(trainer: Any, rows: list[dict[str, torch.Tensor]], supervised: int) -> tuple[float, float, float]:
    """Forward and backward of a batch: its loss, and the seconds that each took."""
    batch: dict[str, Any] = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
    batch = {name: value if name == "pixels" else value[None] for name, value in batch.items()}
    batch |= {"sources": ["pages"] * len(rows), "row_lengths": [len(row["input_ids"]) for row in rows]}
    inputs = trainer._prepare_inputs(batch)
    start = time.process_time()
    loss = trainer.compute_loss(trainer.model, inputs, num_items_in_batch=torch.tensor(supervised))
    middle = time.process_time()
    trainer.accelerator.backward(loss)
    return float(loss.detach()), middle - start, time.process_time() - middle
