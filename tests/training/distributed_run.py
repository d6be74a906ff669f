"""A short run that tests launch on one process or several: losses of each step, and what became of the weights.

python tests/training/distributed_run.py CHECKPOINT OUTPUT.json '{"per_device_train_batch_size": 4}'
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from accelerate.utils import gather_object
from datasets import Dataset
from torch.distributed.tensor import DTensor
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, TrainerCallback
from transformers.distributed import DistributedConfig

from t2vid_hf.errors import InputError
from t2vid_hf.schema import conversation, features, media_block
from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer
from tests.conftest import page
from tests.training.leaving import leave

# What FSDP2 shards, by family
BLOCKS = {
    "idefics3": ["model.text_model.layers.*", "model.vision_model.encoder.layers.*", "model.connector"],
    "qwen2_5_vl": ["model.language_model.layers.*", "model.visual.blocks.*", "model.visual.merger"],
    "llava_onevision": [
        "model.language_model.layers.*", "model.vision_tower.encoder.layers.*", "model.multi_modal_projector",
    ],
}  # fmt: skip


def rows(spoilt: Sequence[int] = (), clip: str | None = None) -> Dataset:
    """By twos: two with images, two of text, and so on; in order, so that of two ranks one has no image at all.

    The spoilt ones have a picture that does not open. With a clip, the first of two has it in place of images.
    """
    made = []
    for index in range(12):
        images = (1 + index % 3) if index % 4 < 2 else 0
        made.append(
            {
                "id": str(index), "source": "pages" if images else "text",
                "media": "image_sequence" if images else "text",
                "messages": conversation([media_block("image")] * images, "What?" + " red" * index, "A clock." * 2),
                "images": [page(10 * number + index) for number in range(images)],
                "videos": [], "num_frames": images,
            }
        )  # fmt: skip
    for index in spoilt:
        made[index]["images"] = [{"bytes": b"no picture", "path": None}] * max(1, len(made[index]["images"]))
    for row in made[::4] if clip is not None else []:
        row["messages"] = conversation([media_block("video")], "What?", "A clock." * 2)
        row.update(media="video", source="video", images=[], videos=[{"bytes": None, "path": clip}], num_frames=16)
    return Dataset.from_list(made, features=features())


class LogsAlone(TrainerCallback):
    """The first rank logs in every step, and no other."""

    def __init__(self, trainer: T2VidSFTTrainer) -> None:
        self.trainer = trainer

    def on_step_end(self, args, state, control, **kwargs):
        if state.is_world_process_zero:
            wish = control.should_log
            self.trainer.log({"mine": 1.0})
            control.should_log = wish


def main() -> None:
    checkpoint, output, changes = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    settings = {
        "output_dir": tempfile.mkdtemp(), "num_train_epochs": 1, "learning_rate": 1e-3, "use_cpu": True, "bf16": False,
        "gradient_checkpointing": False, "report_to": "none", "save_strategy": "no", "dataloader_pin_memory": False,
        "disable_tqdm": True, "logging_steps": 1, "train_sampling_strategy": "sequential", "dataloader_num_workers": 0,
    }  # fmt: skip
    loading = {"dtype": "float32"}
    fsdp2, alone = changes.pop("fsdp2", False), changes.pop("log_alone", False)
    spoilt, clip = changes.pop("spoilt", []), changes.pop("clip", None)
    if fsdp2:
        # As transformers does it when it loads a model: accelerate offers FSDP on accelerators only.
        plan = dict.fromkeys(BLOCKS[AutoConfig.from_pretrained(checkpoint).model_type], "free_full_weight")
        loading["distributed_config"] = DistributedConfig(fsdp_size=2, fsdp_plan=plan)
    trainer = T2VidSFTTrainer(
        AutoModelForImageTextToText.from_pretrained(checkpoint, **loading),
        args=T2VidSFTConfig(**{**settings, **changes}),
        train_dataset=rows(spoilt, clip),
        processing_class=AutoProcessor.from_pretrained(checkpoint),
    )
    if alone:
        trainer.add_callback(LogsAlone(trainer))
    try:
        trainer.train()
    except InputError as error:
        told = gather_object([str(error)])
        if trainer.is_world_process_zero():
            output.write_text(json.dumps({"stopped": told}))
        leave()
        return
    sharded = [value for value in trainer.model.state_dict().values() if isinstance(value, DTensor)]
    assert bool(sharded) == fsdp2
    sums = {
        name: float((value.full_tensor() if isinstance(value, DTensor) else value).double().norm())
        for name, value in trainer.model.state_dict().items()
    }
    if trainer.is_world_process_zero():
        history = [entry for entry in trainer.state.log_history if "loss" in entry]
        output.write_text(json.dumps({"history": history, "norms": sums}))
    leave()


if __name__ == "__main__":
    main()
