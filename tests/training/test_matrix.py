"""Every family, whatever trains of it, in either precision: two steps and answers, as a run with `ask_dataset` has."""

import pytest
import torch

from t2vid_hf.evaluation.generation import answer
from t2vid_hf.training.generation_callback import GenerationCallback
from t2vid_hf.training.tuning import lora_config
from tests.models.families import family
from tests.training.runs import config, losses, make_rows, ours

__all__ = ["family"]  # a fixture
# What trains, of the language model by LoRA where it says so.
WAYS: dict[str, dict[str, bool]] = {
    "full": {},
    "frozen tower": {"tune_vision": False},
    "connector": {"tune_vision": False, "tune_llm": False},
    "tower": {"tune_connector": False, "tune_llm": False},
    "lora": {"tune_vision": False},
    "lora and tower": {},
}
RUNS = [(way, dtype) for way in ("full", "frozen tower", "lora") for dtype in ("float32", "bfloat16")]
RUNS += [(way, "bfloat16") for way in WAYS if (way, "bfloat16") not in RUNS]  # where types may differ


@pytest.fixture(scope="module")
def mixed(clip_file):
    """A row of text, one of a page, one of a video."""
    made = make_rows(6, clip_file.read_bytes())
    return [made[0], made[1], made[5]]


@pytest.mark.parametrize(("way", "dtype"), RUNS)
def test_every_family_trains_two_steps_and_answers(family, mixed, tmp_path, way, dtype):
    torch.set_num_threads(1)
    model, processor = family.model(dtype=dtype), family.processor()
    asked = [{**row, "messages": row["messages"][:1]} for row in mixed]
    said = []

    def evaluate(model, processor):
        said.append(answer(model, processor, asked, num_frames=2, max_new_tokens=3))
        return {"n": len(said[-1])}

    changes = {"per_device_train_batch_size": 3, "num_frames": 2, "max_steps": 2, "learning_rate": 1e-3}
    peft_config = None
    if "lora" in way:
        tower = way == "lora and tower"
        peft_config = lora_config(model, family.adapter.parts, r=2, alpha=4, dropout=0.0, tune_vision=tower)
    run = ours(
        family.folder,
        config(tmp_path, bf16=dtype == "bfloat16", gradient_checkpointing=True, **WAYS[way], **changes),
        mixed,
        given=(model, processor),
        peft_config=peft_config,
    )
    run.add_callback(GenerationCallback(run, evaluate, every_steps=1))
    run.train()
    assert len(losses(run)) == 2 and all(0 < loss < 100 for loss in losses(run))
    assert [len(replies) for replies in said] == [3, 3]
    # Behind the run too, with the model as whoever goes on with it has it: of one type, and saying the same.
    assert {weight.dtype for weight in run.model.parameters()} == {getattr(torch, dtype)}
    assert answer(run.model, run.processing_class, asked, num_frames=2, max_new_tokens=3) == said[-1]
