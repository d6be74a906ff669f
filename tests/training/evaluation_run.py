"""Evaluations that tests launch on one process or two: what is told, and each row's entry.

python tests/training/evaluation_run.py CHECKPOINT OUTPUT.json
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import IterableDataset
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.distributed import DistributedConfig

from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer
from tests.training.distributed_run import rows
from tests.training.leaving import leave
from tests.training.runs import SETTINGS

HOW: dict[str, dict[str, Any]] = {
    "padding-free": {},
    "padded": {"padding_free": False},
    "packed": {"eval_packing": True, "max_length": 130, "per_device_eval_batch_size": 2},
    "a batch of more than all": {"per_device_eval_batch_size": 20},
    "batch by batch": {"batch_eval_metrics": True},
    "a stream": {},
    "sharded": {},
}


FSDP_PLAN = dict.fromkeys(
    ["model.text_model.layers.*", "model.vision_model.encoder.layers.*", "model.connector"], "free_full_weight"
)


class Metrics:
    """Called with all entries, or with those of each batch."""

    def __init__(self) -> None:
        self.labels: list[list[int]] = []
        self.logits: list[float] = []

    def __call__(self, given: Any, compute_result: bool = True) -> dict[str, float]:
        labels, logits = (torch.as_tensor(each) for each in (given.label_ids, given.predictions))
        self.labels += [[label for label in row if label != -100] for row in labels.tolist()]
        self.logits += [float(row[at != -100].double().sum()) for row, at in zip(logits, labels, strict=True)]
        return {"rows": len(self.labels)} if compute_result else {}


def main() -> None:
    checkpoint, output = sys.argv[1], Path(sys.argv[2])
    torch.set_num_threads(1)
    dataset = rows().select(range(11))  # neither two ranks nor batches of three share them evenly
    found = {}
    for how, changes in HOW.items():
        metrics = Metrics()
        given = {**SETTINGS, "output_dir": tempfile.mkdtemp(), "per_device_eval_batch_size": 3, **changes}
        stream = IterableDataset.from_generator(lambda: iter(dataset))
        loading: dict[str, Any] = {"dtype": "float32"}
        if how == "sharded" and os.environ.get("WORLD_SIZE") == "2":
            loading["distributed_config"] = DistributedConfig(fsdp_size=2, fsdp_plan=FSDP_PLAN)
        trainer = T2VidSFTTrainer(
            AutoModelForImageTextToText.from_pretrained(checkpoint, **loading),
            args=T2VidSFTConfig(
                **{**given, "eval_strategy": "steps", "eval_steps": 1, "learning_rate": 0.0, "max_steps": 1}
            ),
            train_dataset=dataset,
            eval_dataset=stream if how == "a stream" else dataset,
            processing_class=AutoProcessor.from_pretrained(checkpoint),
            compute_metrics=metrics,
        )
        trainer.train()
        (told,) = (entry for entry in trainer.state.log_history if "eval_loss" in entry)
        predicted = trainer.predict(dataset).label_ids
        found[how] = {
            "told": {name: value for name, value in told.items() if "second" not in name and "runtime" not in name},
            "labels": metrics.labels,
            "logits": metrics.logits,
            "predicted": len(predicted),
        }
    Path(f"{output}.{trainer.args.process_index}").write_text(json.dumps(found))
    leave()


if __name__ == "__main__":
    main()
