"""`vision_feature_cache`: losses and gradients of a run that keeps a frozen tower's features, and what it refuses."""

import pytest
import torch

from t2vid_hf.errors import InputError
from t2vid_hf.training.model_parts import bare_model
from t2vid_hf.training.tuning import lora_config
from tests.models.families import family
from tests.training.runs import Recorder, config, load, losses, make_rows, ours
from tests.training.test_distributed import check, launch

__all__ = ["family"]  # a fixture
# Of every family the first two, which differ most; the others of one.
EVERY = ("rows in one sequence", "bfloat16")
WAYS = {
    "rows in one sequence": {"gradient_checkpointing": True},
    "packing": {"packing": True, "max_length": 400, "per_device_train_batch_size": 1},
    "padded": {"padding_free": False},
    "bfloat16": {"bf16": True},
    "lora": {},
}


@pytest.fixture(scope="module")
def rows(clip_file):
    """Of each kind, and twice the same pictures."""
    made = make_rows(6, clip_file.read_bytes())
    return [made[number] for number in (1, 4, 5, 0, 1, 5)]


def trained(family, rows, folder, way, **changes):
    torch.set_num_threads(1)
    settings = {"max_steps": 4, "per_device_train_batch_size": 2, "num_frames": 2, "learning_rate": 1e-3, **WAYS[way]}
    model = family.model(dtype="bfloat16" if way == "bfloat16" else "float32")
    adapted = lora_config(model, family.adapter.parts, r=2, alpha=4, dropout=0.0) if way == "lora" else None
    run = ours(
        family.folder,
        config(folder, tune_vision=False, **settings, **changes),
        rows,
        given=(model, family.processor()),
        peft_config=adapted,
    )
    run.add_callback(recorder := Recorder())
    run.train()
    return run, recorder.gradients


def shares(run) -> list[float]:
    return [entry["feature_hit_share"] for entry in run.state.log_history if "feature_hit_share" in entry]


@pytest.mark.parametrize("way", WAYS)
def test_every_family_learns_the_same_to_the_bit(family, rows, tmp_path, way):
    if way not in EVERY and family.name != "qwen3_vl":
        pytest.skip("the family has no more to do with it than another")
    without, expected = trained(family, rows, tmp_path, way)
    assert expected and not shares(without)
    told = []
    for where in ("memory", tmp_path / "kept"):
        run, gradients = trained(family, rows, tmp_path, way, vision_feature_cache=str(where))
        assert losses(run) == losses(without)
        for mine, theirs in zip(gradients, expected, strict=True):
            assert mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
        told.append(shares(run))
        # behind the run the model is as it came
        assert not [name for name, module in bare_model(run.model).named_modules() if "forward" in vars(module)]
    assert told[0] == told[1] and told[0][0] < 1 and told[0][-1] == 1


def test_a_small_bound_computes_again_and_changes_nothing(tiny_checkpoint, rows, tmp_path):
    given = {"tune_vision": False, "max_steps": 6, "num_frames": 2, "per_device_train_batch_size": 2}
    runs = []
    for cache in ({}, {"vision_feature_cache": "memory"},
                  {"vision_feature_cache": "memory", "vision_feature_cache_gb": 3e-5}):  # fmt: skip
        run = ours(tiny_checkpoint, config(tmp_path, **given, **cache), rows)
        run.train()
        runs.append(run)
    assert losses(runs[0]) == losses(runs[1]) == losses(runs[2])
    assert sum(shares(runs[2])) < sum(shares(runs[1]))


def test_evaluations_use_what_is_kept_and_are_not_counted(tiny_checkpoint, rows, tmp_path):
    given = {"tune_vision": False, "max_steps": 3, "num_frames": 2, "eval_strategy": "steps", "eval_steps": 1,
             "per_device_train_batch_size": 2}  # fmt: skip
    told = []
    for cache in ({}, {"vision_feature_cache": "memory"}):
        run = ours(tiny_checkpoint, config(tmp_path, **given, **cache), rows, eval_dataset=rows_of(rows))
        run.train()
        told.append([entry["eval_loss"] for entry in run.state.log_history if "eval_loss" in entry])
    assert told[0] == told[1] and len(told[0]) == 3
    assert shares(run)[1:] == [1, 1] and shares(run)[0] < 1  # the evaluation behind the first step saw all


def rows_of(rows):
    from datasets import Dataset

    from t2vid_hf.schema import features

    return Dataset.from_list(rows, features=features())


# --- What contradicts it ----------------------------------------------------------------------------------------------


def test_a_tower_that_trains_is_refused_in_a_line_that_names_both(tiny_checkpoint, rows, tmp_path):
    with pytest.raises(InputError, match="vision_feature_cache: memory.*tune_vision: false"):
        ours(tiny_checkpoint, config(tmp_path, vision_feature_cache="memory"), rows)
    model, processor = load(tiny_checkpoint)
    from t2vid_hf.models import adapter_for

    adapted = lora_config(model, adapter_for("idefics3").parts, r=2, alpha=4, dropout=0.0, tune_vision=True)
    with pytest.raises(InputError, match="vision_feature_cache: memory.*tune_vision: false"):
        ours(tiny_checkpoint, config(tmp_path, vision_feature_cache="memory"), rows, given=(model, processor),
             peft_config=adapted)  # fmt: skip


def test_dropout_in_the_tower_is_refused_in_a_line_that_names_both(tiny_checkpoint, rows, tmp_path):
    model, processor = load(tiny_checkpoint)
    model.model.vision_model.config.attention_dropout = 0.1
    with pytest.raises(InputError, match=r"attention_dropout=0.1.*vision_feature_cache"):
        ours(tiny_checkpoint, config(tmp_path, vision_feature_cache="memory", tune_vision=False), rows,
             given=(model, processor))  # fmt: skip


def test_a_bound_of_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match="vision_feature_cache_gb.*vision_feature_cache"):
        config(tmp_path, vision_feature_cache_gb=1.0)


def test_a_bound_below_zero_is_refused(tiny_checkpoint, rows, tmp_path):
    with pytest.raises(InputError, match="vision_feature_cache_gb is -1"):
        ours(tiny_checkpoint, config(tmp_path, tune_vision=False, vision_feature_cache="memory",
                                     vision_feature_cache_gb=-1.0), rows)  # fmt: skip


# --- Several ranks ----------------------------------------------------------------------------------------------------


def test_ranks_share_a_folder_and_have_the_numbers_of_one_process(tiny_checkpoint, tmp_path):
    frozen = {"tune_vision": False}
    kept = {"vision_feature_cache": str(tmp_path / "kept")}
    one = launch(tiny_checkpoint, tmp_path / "one.json", 0, per_device_train_batch_size=4, **frozen)
    two = launch(tiny_checkpoint, tmp_path / "two.json", 2, per_device_train_batch_size=2, **frozen)
    run = launch(tiny_checkpoint, tmp_path / "run.json", 2, per_device_train_batch_size=2, **frozen, **kept)
    again = launch(tiny_checkpoint, tmp_path / "again.json", 2, per_device_train_batch_size=2, **frozen, **kept)
    check(run, one)
    for each in (run, again):
        assert [entry["loss"] for entry in each["history"]] == [entry["loss"] for entry in two["history"]]
        assert each["norms"] == two["norms"]
    assert {entry["feature_hit_share"] for entry in again["history"]} == {1}


def test_a_tower_that_is_divided_among_ranks_is_refused(tiny_checkpoint, tmp_path):
    with pytest.raises(AssertionError, match="vision_feature_cache: memory with FSDP or DeepSpeed"):
        launch(tiny_checkpoint, tmp_path / "run.json", 2, per_device_train_batch_size=2, fsdp2=True, tune_vision=False,
               vision_feature_cache="memory")  # fmt: skip
