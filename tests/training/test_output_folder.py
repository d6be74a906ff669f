"""A run begins in a folder without another run, goes on in its own, and overwrites when it is told to."""

import json
import shutil
from dataclasses import replace

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.checkpoints import checkpoints_in, find_checkpoint
from t2vid_hf.training.fine_tuning import fine_tune
from t2vid_hf.training.output_folder import open_output
from tests.training.launched import data_set
from tests.training.runs import config, losses, make_rows, ours

SETTINGS = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2, "max_length": 512}


@pytest.fixture(scope="module")
def recipe(tiny_checkpoint, tmp_path_factory):
    rows = data_set(tmp_path_factory.mktemp("set") / "set", b"", count=5)
    mixture = [{"path": str(rows), "name": "texts", "share": 1}]
    return RecipeArguments(str(tiny_checkpoint), mixture=mixture, dtype="float32", attn_implementation="sdpa")


@pytest.fixture(scope="module")
def trained(recipe, tmp_path_factory):
    """The folder of a run that is done."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    fine_tune(recipe, config(folder, **SETTINGS))
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it."""
    return shutil.copytree(trained, tmp_path / "run")


def test_another_run_is_refused_and_overwritten_when_told(recipe, run):
    lora = replace(recipe, lora=True, lora_r=2)
    settings = {**SETTINGS, "max_steps": 1, "tune_vision": False, "save_strategy": "no"}
    with pytest.raises(InputError, match=r"run holds a run already \(checkpoint-2, .*overwrite_output_dir true"):
        fine_tune(lora, config(run, **settings))
    assert (run / "checkpoint-4/trainer_state.json").exists()
    (run / "notes.txt").write_text("mine")
    fine_tune(replace(lora, overwrite_output_dir=True), config(run, **settings))
    left = {path.name for path in run.iterdir()}
    assert {"adapter_model.safetensors", "notes.txt", "run.json"} <= left
    assert not {"checkpoint-2", "checkpoint-4", "model.safetensors", "config.json"} & left
    with pytest.raises(InputError, match=r"holds a run already \(adapter_config.json"):
        open_output(recipe, config(run, **SETTINGS))
    with pytest.raises(InputError, match="It has no checkpoint to go on from"):
        open_output(recipe, config(run, **SETTINGS, resume_from_checkpoint="true"))


def test_overwriting_deletes_neither_the_model_nor_the_checkpoint_that_is_asked_for(recipe, run):
    both = replace(recipe, overwrite_output_dir=True)
    for asked in ("true", str(run / "checkpoint-2"), str(run)):
        with pytest.raises(InputError, match="give one of them"):
            open_output(both, config(run, resume_from_checkpoint=asked))
    with pytest.raises(InputError, match="would delete the model"):
        open_output(replace(both, model_name_or_path=str(run / "checkpoint-2")), config(run))


def test_by_path_by_true_and_by_the_last_whole_checkpoint(run, capsys):
    for asked in ("true", "True", True, "last", str(run), str(run / "checkpoint-4")):
        assert find_checkpoint(asked, str(run)) == run / "checkpoint-4"
    assert find_checkpoint(str(run / "checkpoint-2"), str(run)) == run / "checkpoint-2"
    for asked in (None, False, "false", ""):
        assert find_checkpoint(asked, str(run)) is None
    with pytest.raises(InputError, match="there is no folder .*checkpoint-3; .*checkpoint-4, .*checkpoint-2. Give one"):
        find_checkpoint(str(run / "checkpoint-3"), str(run))
    (run / "checkpoint-4/trainer_state.json").unlink()  # it was killed while it wrote
    assert find_checkpoint("true", str(run)) == run / "checkpoint-2"
    assert "checkpoint-4 was cut short" in capsys.readouterr().out
    with pytest.raises(InputError, match="checkpoint-4 cannot be taken up: it has no readable trainer_state.json"):
        find_checkpoint(str(run / "checkpoint-4"), str(run))
    (run / "checkpoint-2/optimizer.pt").unlink()
    with pytest.raises(InputError, match="no checkpoint in .* is whole: .*; checkpoint-2 has no optimizer.pt"):
        find_checkpoint("true", str(run))


def test_the_first_run_of_a_job_that_always_resumes_says_that_it_begins(recipe, tmp_path, capsys):
    for _ in range(2):  # and where the first was killed before its first checkpoint
        assert open_output(recipe, config(tmp_path / "run", resume_from_checkpoint="true")) is None
        assert "has no checkpoint yet; the run begins at step 1" in capsys.readouterr().out
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run/recipe.yaml").write_text("seed: 0\n")
    with pytest.raises(InputError, match="there is no folder nowhere"):
        open_output(recipe, config(tmp_path / "run", resume_from_checkpoint="nowhere"))


def test_what_would_change_rows_or_losses_is_named(recipe, run):
    on = {"resume_from_checkpoint": "true"}
    mixture = [{**recipe.mixture[0], "share": 2}]
    for changed, settings, told in [
        (recipe, {"max_length": 500}, "max_length is 500 and was 512"),
        (recipe, {"seed": 1}, "seed is 1 and was 42"),
        (recipe, {"learning_rate": 0.5, "labels": "all_text"}, "labels is .*; learning_rate is 0.5 and was 0.01"),
        (recipe, {"packing": True}, "packing is true and was false"),
        (replace(recipe, mixture=mixture), {}, "mixture is .* and was "),
        (replace(recipe, mixture_seed=3), {}, "mixture_seed is 3 and was 0"),
        (replace(recipe, model_name_or_path="other"), {}, 'model_name_or_path is "other" and was '),
        (replace(recipe, lora=True), {}, "lora is true and was false. Give"),
        (recipe, {"per_device_train_batch_size": 2}, "takes 1 rows an optimizer step, and 1 ranks of .* do not divide"),
        (recipe, {"gradient_accumulation_steps": 2}, "set gradient_accumulation_steps to 1, not 2"),
        (recipe, {"ignore_data_skip": True}, "ignore_data_skip would take the rows of an epoch again"),
    ]:
        with pytest.raises(InputError, match=told):
            fine_tune(changed, config(run, **{**SETTINGS, **on, **settings}))
    assert [path.name for path in checkpoints_in(run)] == ["checkpoint-4", "checkpoint-2"]


def test_other_rows_under_the_same_name_are_noticed(recipe, run, tmp_path):
    path = recipe.mixture[0]["path"]
    shutil.copytree(path, tmp_path / "kept")
    try:
        shutil.rmtree(path)
        data_set(tmp_path / "other", b"", count=4)
        shutil.copytree(tmp_path / "other", path)
        with pytest.raises(InputError, match="the rows of the mixture are no longer those of that run"):
            fine_tune(recipe, config(run, **SETTINGS, resume_from_checkpoint="true"))
    finally:
        shutil.rmtree(path)
        shutil.copytree(tmp_path / "kept", path)


def test_harmless_changes_are_taken_and_the_constant_rate_runs_longer(recipe, run):
    changed = {**SETTINGS, "max_steps": 7, "save_steps": 3, "logging_steps": 1, "run_name": "again"}
    fine_tune(recipe, config(run, **changed, resume_from_checkpoint=str(run / "checkpoint-4")))
    assert [path.name for path in checkpoints_in(run)][:3] == ["checkpoint-7", "checkpoint-6", "checkpoint-4"]
    history = json.loads((run / "trainer_state.json").read_text())["log_history"]
    assert [entry["step"] for entry in history if "loss" in entry] == [1, 2, 3, 4, 5, 6, 7]


def test_a_checkpoint_of_another_trainer_and_an_empty_folder_are_refused(tiny_checkpoint, run, tmp_path):
    def trainer(folder, **changes):
        return ours(tiny_checkpoint, config(folder, **{**SETTINGS, **changes}), make_rows(5, b""))

    state = json.loads((run / "checkpoint-4/trainer_state.json").read_text())
    del state["stateful_callbacks"]["RowsTaken"]
    (run / "checkpoint-4/trainer_state.json").write_text(json.dumps(state))
    with pytest.raises(InputError, match="checkpoint-4 does not say which rows it has taken"):
        trainer(run).train(resume_from_checkpoint=True)
    with pytest.raises(InputError, match="has no checkpoint; leave it out to begin"):
        trainer(tmp_path / "none").train(resume_from_checkpoint=True)
    # a field of the arguments that is no part of `Trainer` is obeyed too
    again = trainer(run, resume_from_checkpoint=str(run / "checkpoint-2"), restore_callback_states_from_checkpoint=True)
    again.train()
    assert again.state.global_step == 4 and len(losses(again)) == 4
    kept = json.loads((run / "checkpoint-4/trainer_state.json").read_text())["stateful_callbacks"]["RowsTaken"]
    assert kept["args"]["record"]["taken"] == 4
