"""A checkpoint's weights come back into the model of every family, under whatever names its files have them."""

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from t2vid_hf.errors import InputError
from t2vid_hf.schema import features
from tests.models.families import Family, family
from tests.training.runs import config, losses, make_rows, ours, parameters

__all__ = ["family"]  # a fixture


def trainer(family: Family, folder, **changes):
    rows = [row for row in make_rows(6, b"") if row["media"] != "video"][:3]
    lora = changes.pop("lora", False)
    args = config(folder, max_steps=3, save_strategy="steps", save_steps=1, **changes)
    options: dict = {"peft_config": LoraConfig(r=2, target_modules=["q_proj"])} if lora else {}
    if args.eval_strategy != "no":
        options["eval_dataset"] = Dataset.from_list(rows, features=features())
    return ours(family.folder, args, rows, given=(family.model(dtype=torch.float32), family.processor()), **options)


@pytest.mark.parametrize("lora", [False, True], ids=["full", "LoRA"])
def test_a_run_resumes_with_the_weights_that_it_had(family: Family, tmp_path, lora):
    straight, resumed = (trainer(family, tmp_path / "run", lora=lora) for _ in range(2))
    straight.train()
    resumed.train(resume_from_checkpoint=str(tmp_path / "run/checkpoint-2"))
    assert losses(resumed) == pytest.approx(losses(straight), abs=1e-6)
    after, expected = parameters(resumed), parameters(straight)
    for name in expected:
        torch.testing.assert_close(after[name], expected[name], rtol=0, atol=1e-6)


@pytest.mark.parametrize("family", ["qwen2_5_vl", "minicpmv"], indirect=True)
def test_the_best_model_is_the_one_that_was_best(family: Family, tmp_path):
    best: dict[str, torch.Tensor] = {}

    class Keep(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **kwargs):
            if state.global_step == 1:
                best.update({name: value.detach().clone() for name, value in model.state_dict().items()})

    run = trainer(
        family, tmp_path / "run", learning_rate=1.0, eval_strategy="steps", eval_steps=1, load_best_model_at_end=True
    )
    run.callback_handler.add_callback(Keep())
    run.train()
    assert run.state.best_model_checkpoint.endswith("checkpoint-1")  # at this rate each step is worse
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, best[name]), name


@pytest.mark.parametrize("family", ["qwen2_5_vl"], indirect=True)
def test_a_checkpoint_that_lacks_a_weight_is_an_error(family: Family, tmp_path):
    run = trainer(family, tmp_path / "run")
    run.train()
    file = tmp_path / "run/checkpoint-2/model.safetensors"
    weights = load_file(file)
    name = next(name for name in weights if name.endswith("q_proj.weight"))
    save_file({key: value for key, value in weights.items() if key != name}, file, {"format": "pt"})
    with pytest.raises(InputError, match=r"checkpoint .*checkpoint-2: .*1 missing: .*q_proj\.weight"):
        trainer(family, tmp_path / "run").train(resume_from_checkpoint=str(tmp_path / "run/checkpoint-2"))
