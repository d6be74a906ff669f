"""A step of 32 rows with 5 small pictures each: a plain loop, the trainer, and the trainer that keeps features.

python tests/benchmarks/bench_features.py
python tests/benchmarks/bench_features.py --output tests/benchmarks/results/features.json

An Idefics3 of a million parameters whose tower is frozen, 400 distinct pictures of 32 px, 4 tokens each; a thread for
the model and one worker. The plain loop is given what the collator makes, made beforehand, and the tower's features in
a table: nothing but forward, backward, clipping and AdamW. Ratios are of the training process's own computing
(`step_cpu_ms`), which other processes on the machine move least. Each measurement is a process of its own, in
interleaved rounds; medians. The last line is JSON.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import about
from PIL import Image
from step_phases import StepPhases

from t2vid_hf.models import adapter_for, tiny

ROWS, PICTURES, PX, DISTINCT, SKIP = 32, 5, 32, 400, 10
ADAPTER = adapter_for("idefics3")
WORDS = "circle square star moon tree boat first last which shape was shown at place".split()
KINDS = ("plain", "plain, tower run", "trainer", "trainer, memory", "trainer, folder")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--padded", action="store_true", help="Padded rows, not rows one behind the other.")
    parser.add_argument("--output", type=Path, help="JSON file to write the numbers to as well.")
    parser.add_argument("--measure", nargs=2, metavar=("FOLDER", "KIND"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        torch.set_num_threads(1)
        print(json.dumps(measure(given, *given.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), given)
        rounds: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
        for _ in range(given.rounds):
            for kind in KINDS:
                rounds[kind].append(child(given, folder, kind))
    losses = {kind: {each["loss"] for each in measured} for kind, measured in rounds.items()}
    kept = [losses[kind] for kind in KINDS if kind.startswith("trainer")]
    if any(each != kept[0] for each in kept):
        raise SystemExit(f"the losses differ: {losses}")
    medians = {
        kind: {name: round(statistics.median(each[name] for each in measured), 3) for name in measured[0]}
        for kind, measured in rounds.items()
    }
    for kind, told in medians.items():
        print(f"{kind:20}", *(f"{name} {value:8.2f}" for name, value in told.items()))
    result = {
        "benchmark": "features", **about("torch", "transformers", "trl", "accelerate"), "rows": ROWS,
        "pictures_a_row": PICTURES, "distinct": DISTINCT, "steps": given.steps, "workers": given.workers,
        "padded": given.padded, "medians": medians, "measured": rounds,
        **{f"{name}_over_plain": round(medians[kind]["step_cpu_ms"] / medians["plain"]["step_cpu_ms"], 3)
           for name, kind in (("trainer", "trainer"), ("kept", "trainer, memory"), ("folder", "trainer, folder"))},
    }  # fmt: skip
    if given.output is not None:
        given.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


def child(given: argparse.Namespace, folder: str, kind: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--steps", str(given.steps), "--workers", str(given.workers)]
    command += ["--padded"] if given.padded else []
    done = subprocess.run([*command, "--measure", folder, kind], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{kind} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def prepare(folder: Path, given: argparse.Namespace) -> None:
    """Write processor and rows."""
    from datasets import Dataset
    from transformers import AutoProcessor, Idefics3ImageProcessor, Idefics3Processor

    from t2vid_hf.schema import conversation, features, media_block

    tiny.build(folder / "parts", [" ".join(WORDS)])
    size = {"longest_edge": PX}
    processor = Idefics3Processor(
        Idefics3ImageProcessor(size=size, max_image_size=size),
        AutoProcessor.from_pretrained(folder / "parts").tokenizer,
        image_seq_len=4,
        chat_template=tiny.CHAT_TEMPLATE,
    )
    ADAPTER.configure(processor)
    processor.save_pretrained(folder / "processor")
    random = np.random.default_rng(0)
    pictures = [Image.fromarray(random.integers(0, 256, (PX, PX, 3), np.uint8)) for _ in range(DISTINCT)]
    rows = []
    for number in range(ROWS * given.steps):
        question, answer = (" ".join(random.choice(WORDS, count)) for count in (6, 2))
        rows.append({
            "id": str(number), "source": "shapes", "media": "image_sequence",
            "messages": conversation([media_block("image")] * PICTURES, f"{question}?", answer),
            "images": [pictures[index] for index in random.integers(0, DISTINCT, PICTURES)],
            "videos": [], "num_frames": PICTURES,
        })  # fmt: skip
    Dataset.from_list(rows, features=features()).save_to_disk(str(folder / "rows"))


def model(tokenizer: Any) -> Any:
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, LlamaConfig
    from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig

    from t2vid_hf.models import register

    register()
    torch.manual_seed(0)
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    made = Idefics3ForConditionalGeneration(Idefics3Config(
        vision_config=Idefics3VisionConfig(
            hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4, image_size=PX,
            patch_size=8,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=4,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=512, tie_word_embeddings=True, **ids,
        ),
        scale_factor=2, image_token_id=tokenizer.convert_tokens_to_ids(tiny.IMAGE), tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
    ))  # fmt: skip
    made.set_attn_implementation("sdpa_packed")
    return made


def measure(given: argparse.Namespace, folder: str, kind: str) -> dict[str, float]:
    from datasets import load_from_disk
    from transformers import AutoProcessor

    from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer

    processor = AutoProcessor.from_pretrained(f"{folder}/processor")
    cache = {"trainer, memory": "memory", "trainer, folder": f"{folder}/features"}.get(kind)
    args = T2VidSFTConfig(
        output_dir=tempfile.mkdtemp(), num_train_epochs=1, learning_rate=5e-4, report_to="none", use_cpu=True,
        bf16=False, gradient_checkpointing=False, save_strategy="no", disable_tqdm=True, logging_steps=20,
        per_device_train_batch_size=ROWS, dataloader_num_workers=given.workers, dataloader_pin_memory=False,
        tune_vision=False, vision_feature_cache=cache, padding_free=not given.padded, lr_scheduler_type="constant",
    )  # fmt: skip
    trainer = T2VidSFTTrainer(
        model(processor.tokenizer), args=args, train_dataset=load_from_disk(f"{folder}/rows"),
        processing_class=processor,
    )  # fmt: skip
    if kind.startswith("plain"):
        return plain(trainer, given, table=kind == "plain")
    phases = StepPhases(trainer, skip=SKIP)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {**phases.told(), "loss": losses[-1]}


def plain(trainer: Any, given: argparse.Namespace, *, table: bool) -> dict[str, float]:
    """The loop of a script: batches made beforehand, and the tower's features in a table, or the tower run."""
    from t2vid_hf.batches.pixels import apply_table, normalisation_table

    net = trainer.model.train()
    levels = normalisation_table(trainer.processing_class)
    batches = [trainer.data_collator([trainer.train_dataset[n] for n in range(k * ROWS, (k + 1) * ROWS)])
               for k in range(min(given.steps, 30))]  # fmt: skip
    tower, ready = net.model.vision_model, []
    for batch in batches:
        values = apply_table(batch["pixels"], levels)
        with torch.no_grad():
            seen = tower(values).last_hidden_state if table else values
        positions = {name: batch[name] for name in ("position_ids", "attention_mask") if name in batch}
        labels = torch.nn.functional.pad(batch["labels"][:, 1:], (0, 1), value=-100)
        ready.append((batch["input_ids"], labels, positions, seen))
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=5e-4, fused=True)
    image = net.config.image_token_id
    for step in range(given.steps):
        if step == SKIP:
            start, cpu = time.perf_counter(), time.thread_time()
        ids, labels, positions, seen = ready[step % len(ready)]
        if not table:
            with torch.no_grad():
                seen = tower(seen).last_hidden_state
        embeds = net.model.text_model.embed_tokens(ids)
        embeds = embeds.masked_scatter((ids == image).unsqueeze(-1), net.model.connector(seen))
        hidden = net.model.text_model(inputs_embeds=embeds, use_cache=False, **positions).last_hidden_state
        learned = labels >= 0
        loss = torch.nn.functional.cross_entropy(net.lm_head(hidden[learned]), labels[learned])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    counted = given.steps - SKIP
    told = {"step_ms": (time.perf_counter() - start) / counted * 1e3,
            "step_cpu_ms": (time.thread_time() - cpu) / counted * 1e3}  # fmt: skip
    return {**{name: round(value, 3) for name, value in told.items()}, "loss": round(float(loss), 4)}


if __name__ == "__main__":
    main()
