"""Generation during training: real answers, real logs, and a run that does not notice."""

import json
import os
import random
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.training.generation_callback import GenerationCallback
from tests.training.generation_run import by_hand, by_trainer
from tests.training.runs import Reports, assert_close, config, losses, make_rows, ours, parameters

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def many(clip_file):
    return make_rows(6, clip_file.read_bytes())


def train(checkpoint, folder, rows, evaluate=None, *, resume=False, callback=None, **changes):
    reports = Reports()
    settings = {"max_steps": 4, "per_device_train_batch_size": 2, "learning_rate": 1e-3, **changes}
    run = ours(checkpoint, config(folder, **settings), rows, callbacks=[reports])
    if evaluate is not None:
        run.add_callback(GenerationCallback(run, evaluate, **{"every_steps": 2, **(callback or {})}))
    run.train(resume_from_checkpoint=resume)
    return run, reports


def asked(rows):
    return [{**row, "messages": row["messages"][:1]} for row in rows]


def disturbing(model, processor) -> dict[str, float]:
    """Draws from every generator there is and leaves modes behind, as an evaluation may."""
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    model.train()
    return {"drawn": random.random() + np.random.random() + torch.rand(1).item()}


def test_answers_are_scored_and_logged(tiny_checkpoint, many, tmp_path):
    """What is logged is the score of what the model of that very step answers."""
    said = []

    def evaluate(model, processor):
        assert not model.training and not any(module.training for module in model.modules())
        replies = answer(model, processor, asked(many), num_frames=3, max_new_tokens=4)
        said.append(replies)
        return {"toy_length": sum(map(len, replies)), "toy_n": len(replies)}

    run, reports = train(tiny_checkpoint, tmp_path, many, evaluate, callback={"at_start": True}, learning_rate=1e-2)
    logged = [entry for entry in run.state.log_history if "eval_toy_n" in entry]
    assert [entry["step"] for entry in logged] == [0, 2, 4]
    assert [entry["eval_toy_n"] for entry in logged] == [6, 6, 6]
    assert [entry["eval_toy_length"] for entry in logged] == [sum(map(len, replies)) for replies in said]
    assert said[0] != said[1] and all(reply for reply in said[0])
    # No number of training has slipped into an entry of evaluation, and what is reported is what is kept.
    assert {name for entry in logged for name in entry} == {"eval_toy_length", "eval_toy_n", "epoch", "step"}
    assert [(step, told["eval_toy_length"]) for step, told in reports.told if "eval_toy_length" in told] == [
        (entry["step"], entry["eval_toy_length"]) for entry in logged
    ]
    again = answer(run.model, run.processing_class, asked(many), num_frames=3, max_new_tokens=4)
    assert again == said[-1]


@pytest.mark.parametrize("strategy", ["random", "sequential"])
def test_the_run_is_the_same_with_and_without(tiny_checkpoint, many, tmp_path, strategy):
    """To the last bit, with dropout in the model and an evaluation that spoils every random generator."""

    def loss_of(evaluate):
        settings = {"max_steps": 6, "train_sampling_strategy": strategy}
        reports = Reports()
        run = ours(tiny_checkpoint, config(tmp_path, **settings), many, callbacks=[reports])
        for module in run.model.modules():
            if hasattr(module, "attention_dropout"):
                module.attention_dropout = 0.3
        if evaluate is not None:
            run.add_callback(GenerationCallback(run, evaluate, every_steps=1, at_start=True))
        run.train()
        return losses(run), parameters(run), [set(told) for _, told in reports.told if "loss" in told]

    plain, after, names = loss_of(None)
    assert len(plain) == 6
    for evaluate in (disturbing, lambda *both: {"n": len(answer(*both, asked(many), num_frames=3, max_new_tokens=2))}):
        other, after_other, other_names = loss_of(evaluate)
        assert other == plain and other_names == names
        assert all(torch.equal(after[name], after_other[name]) for name in after)


def test_dropout_draws_in_the_test_above(tiny_checkpoint, many, tmp_path):
    """Without it nothing in a step is random, and the test above could not fail."""
    found = []
    for seed in (1, 2):
        run = ours(tiny_checkpoint, config(tmp_path, train_sampling_strategy="sequential"), many)
        for module in run.model.modules():
            if hasattr(module, "attention_dropout"):
                module.attention_dropout = 0.3
        batch = run._prepare_inputs(next(iter(run.get_train_dataloader())))
        torch.manual_seed(seed)
        run.model.train()
        found.append(run.compute_loss(run.model, batch).item())
    assert found[0] != found[1]


def test_each_module_gets_its_own_mode_back(tiny_checkpoint, many, tmp_path):
    """A frozen tower that is kept in evaluation mode is still in it, behind an evaluation that fails too."""
    run = ours(tiny_checkpoint, config(tmp_path), many)
    run.model.train()
    run.model.model.vision_model.eval()
    before = {name: module.training for name, module in run.model.named_modules()}
    assert len(set(before.values())) == 2
    callback = GenerationCallback(run, disturbing, every_steps=1)
    callback.on_step_end(run.args, run.state, run.control)
    assert {name: module.training for name, module in run.model.named_modules()} == before

    def fails(model, processor):
        raise InputError("no questions")

    state = torch.get_rng_state()
    with pytest.raises(InputError, match="no questions"):
        GenerationCallback(run, fails, every_steps=1).on_step_end(run.args, run.state, run.control)
    assert {name: module.training for name, module in run.model.named_modules()} == before
    assert torch.equal(torch.get_rng_state(), state)


def test_the_loss_of_the_same_step_is_logged_too(tiny_checkpoint, many, tmp_path):
    """`Trainer.log` takes back the wish to log; that of the loss must outlive it."""
    run, _ = train(tiny_checkpoint, tmp_path, many, disturbing, callback={"every_steps": 1})
    assert [entry["step"] for entry in run.state.log_history if "loss" in entry] == [1, 2, 3, 4]
    assert [entry["step"] for entry in run.state.log_history if "eval_drawn" in entry] == [1, 2, 3, 4]


def test_a_resumed_run_does_not_start_again(tiny_checkpoint, many, tmp_path):
    settings = {"callback": {"at_start": True}, "save_strategy": "steps", "save_steps": 2}
    train(tiny_checkpoint, tmp_path, many, disturbing, **settings, max_steps=2)
    run, _ = train(tiny_checkpoint, tmp_path, many, disturbing, resume=True, **settings)
    assert [entry["step"] for entry in run.state.log_history if "eval_drawn" in entry] == [0, 2, 4]
    straight, _ = train(tiny_checkpoint, tmp_path / "straight", many, disturbing, **settings)
    assert_close(parameters(run), parameters(straight))


def test_with_lora_and_packing(tiny_checkpoint, many, tmp_path):
    """The model that answers is the one that generates: LoRA's weights in it, and nothing of packing."""
    from peft import LoraConfig

    said = []

    def evaluate(model, processor):
        said.append(answer(model, processor, asked(many[:2]), num_frames=3, max_new_tokens=4))
        return {"n": len(said[-1])}

    args = config(tmp_path, packing=True, max_length=140, max_steps=3, learning_rate=0.1)
    run = ours(tiny_checkpoint, args, many, peft_config=LoraConfig(target_modules=["q_proj", "v_proj", "o_proj"]))
    run.add_callback(GenerationCallback(run, evaluate, every_steps=3, at_start=True))
    run.train()
    assert len(said) == 2 and said[0] != said[1]


@pytest.mark.parametrize(("kind", "model"), [("ddp", "DistributedDataParallel"), ("fsdp2", "FSDPIdefics3For.*")])
def test_two_processes_say_what_one_says(tiny_checkpoint, tmp_path, kind, model):
    """A model divided among processes answers where all take part, and goes on training behind it."""
    alone = by_trainer(tiny_checkpoint, 2) if kind == "ddp" else by_hand(tiny_checkpoint, False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node=2", f"--master_port={port}"]
    script, output = ROOT / "tests/training/generation_run.py", tmp_path / "run.json"
    done = subprocess.run(
        [sys.executable, *launcher, script, kind, tiny_checkpoint, output],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,  # a rank that waits for the other waits for ever
    )
    assert done.returncode == 0, done.stderr
    for rank in json.loads(output.read_text()):
        assert re.match(model, rank["model"])
        assert rank["said"] == alone["said"] and len(alone["said"]) == 3
        assert rank["scores"] == alone["scores"] == [sum(map(len, replies)) for replies in alone["said"]]
        assert rank["losses"] == pytest.approx(alone["losses"], rel=2e-5)


@pytest.mark.parametrize("every", [0, -1])
def test_it_answers_at_least_every_so_often(every):
    with pytest.raises(InputError, match=f"every_steps is {every}"):
        GenerationCallback(None, disturbing, every_steps=every)
