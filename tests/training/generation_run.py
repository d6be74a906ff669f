"""Runs that answer while they train, on one process or several.

python -m torch.distributed.run --nproc_per_node=2 tests/training/generation_run.py ddp|fsdp2 CHECKPOINT OUTPUT.json
"""

import json
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from transformers import TrainerControl, TrainerState

from t2vid_hf.evaluation.generation import answer
from t2vid_hf.training.generation_callback import GenerationCallback
from tests.training.leaving import leave
from tests.training.runs import config, load, losses, make_rows, ours

SHARDED = ("LlamaDecoderLayer", "Idefics3EncoderLayer")


class Asks:
    """The function that a callback is given; keeps what the model said."""

    def __init__(self, rows: list[dict]) -> None:
        self.rows = [{**row, "messages": row["messages"][:1]} for row in rows]
        self.said: list[list[str]] = []

    def __call__(self, model: Any, processor: Any) -> dict[str, float]:
        self.said.append(answer(model, processor, self.rows, num_frames=3, max_new_tokens=4))
        return {"length": sum(map(len, self.said[-1]))}


def still_rows() -> list[dict]:
    return [row for row in make_rows(12, b"") if row["media"] != "video"]


def by_trainer(checkpoint: Path, batch: int) -> dict[str, Any]:
    """Answers before a run of four steps, in its middle and at its end; on several processes, by DDP."""
    asks = Asks(still_rows()[:3])
    args = config(tempfile.mkdtemp(), max_steps=4, gradient_checkpointing=True, per_device_train_batch_size=batch)
    run = ours(checkpoint, args, still_rows())
    run.add_callback(GenerationCallback(run, asks, every_steps=2, at_start=True))
    run.train()
    scores = [entry["eval_length"] for entry in run.state.log_history if "eval_length" in entry]
    return {"losses": losses(run), "scores": scores, "said": asks.said, "model": type(run.model_wrapped).__name__}


def by_hand(checkpoint: Path, sharded: bool) -> dict[str, Any]:
    """An answer before each of three steps; sharded by FSDP2, which accelerate does not do on a CPU."""
    model, processor = load(checkpoint)
    inputs = ours(checkpoint, config(tempfile.mkdtemp()), still_rows())._prepare_inputs(
        {"pixels": torch.full((1, 1, 96, 96), 90, dtype=torch.uint8)}
    )
    ids = processor.tokenizer("<image>" * processor.image_seq_len + "What is it?", return_tensors="pt")["input_ids"]
    if sharded:
        mesh = init_device_mesh("cpu", (torch.distributed.get_world_size(),))
        for module in [module for module in model.modules() if type(module).__name__ in SHARDED]:
            fully_shard(module, mesh=mesh)
        fully_shard(model, mesh=mesh)
        register_fsdp_forward_method(model, "generate")  # as `Trainer` does
    asks, logged, made = Asks(still_rows()[:3]), [], []
    bare = SimpleNamespace(unwrap_model=lambda wrapped: wrapped)
    trainer: Any = SimpleNamespace(
        model_wrapped=model, accelerator=bare, processing_class=processor, log=logged.append,
        telemetry=SimpleNamespace(pause=nullcontext),
        loan=SimpleNamespace(weights=SimpleNamespace(release=nullcontext)),
    )  # fmt: skip
    callback = GenerationCallback(trainer, asks, every_steps=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.train()
    for step in range(3):
        callback.on_step_end(None, TrainerState(global_step=step), TrainerControl())
        loss = model(input_ids=ids, labels=ids, **inputs).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        made.append(loss.item())
    scores = [entry["eval_length"] for entry in logged]
    return {"losses": made, "scores": scores, "said": asks.said, "model": type(model).__name__}


def main() -> None:
    kind, checkpoint, output = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if kind == "fsdp2":
        torch.distributed.init_process_group("gloo")
    mine = by_hand(checkpoint, True) if kind == "fsdp2" else by_trainer(checkpoint, 1)
    everyone: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(everyone, mine)
    if torch.distributed.get_rank() == 0:
        output.write_text(json.dumps(everyone))
    leave()


if __name__ == "__main__":
    main()
