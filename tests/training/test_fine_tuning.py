"""A run from its arguments: limits by each part's policy, a plan made once, and what it records."""

import json

import pytest
from datasets import Dataset

from t2vid_hf.batches import packing
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.filters import HELD_OUT, TOO_LARGE
from t2vid_hf.mixtures.held_out import is_held_out
from t2vid_hf.mixtures.mixing import load_mixture
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.schema import features
from t2vid_hf.training import epoch_plan
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.epoch_plan import plan_epoch
from t2vid_hf.training.fine_tuning import fine_tune
from tests.training.runs import config, make_rows, ours, picture


@pytest.fixture
def mixture(tmp_path, clip_file) -> list[dict]:
    """A part of short rows, and one of three rows of pages, one of them of 40."""
    short = make_rows(6, clip_file.read_bytes())
    pages = []
    for number, count in enumerate((2, 40, 3)):
        row = {**make_rows(2, b"")[1], "id": f"pages-{number}", "source": "pages", "num_frames": count}
        blocks = row["messages"][0]["content"]
        user = {"role": "user", "content": [blocks[0]] * count + blocks[1:]}
        row["images"] = [picture(number * 100 + page) for page in range(count)]
        pages.append({**row, "messages": [user, row["messages"][1]]})
    for name, rows in (("short", short), ("pages", pages)):
        folder = tmp_path / name / "texts"
        folder.mkdir(parents=True)
        Dataset.from_list(rows, features=features()).to_parquet(str(folder / "train-00000-of-00001.parquet"))
    return [
        {"path": str(tmp_path / "short"), "name": "texts", "count": 6},
        {"path": str(tmp_path / "pages"), "name": "texts", "count": 3, "over_limit": "drop"},
    ]


@pytest.mark.parametrize("packing_on", [True, False])
def test_a_row_of_too_many_images_is_dropped_and_the_plan_is_made_once(
    tiny_checkpoint, mixture, tmp_path, monkeypatch, packing_on
):
    made = []
    monkeypatch.setattr(epoch_plan, "plan_packing", lambda *a, **k: made.append(1) or packing.plan_packing(*a, **k))
    recipe = RecipeArguments(str(tiny_checkpoint), mixture=mixture, dtype="float32", attn_implementation="sdpa")
    limits = {"packing": True, "max_images": 8} if packing_on else {}
    output = tmp_path / "out"
    fine_tune(recipe, config(output, max_length=512, max_steps=2, **limits))
    assert len(made) == 1
    record = json.loads((output / "run.json").read_text())
    assert [part["sampled"] for part in record["mixture"]] == [6, 2]
    assert record["mixture"][1]["dropped"] == {TOO_LARGE: 1}
    assert record["cost"]["rows"] == 8 and record["cost"]["packed"] == packing_on
    assert record["video"] == ["3 frames, one image each"] and None not in record["settings"].values()


def test_a_part_without_a_policy_stops_before_a_model_is_trained(tiny_checkpoint, mixture, tmp_path):
    del mixture[1]["over_limit"]
    recipe = RecipeArguments(str(tiny_checkpoint), mixture=mixture, dtype="float32", attn_implementation="sdpa")
    with pytest.raises(InputError, match="row 'pages-1' of part '.*pages:texts' has .* and 40 images, .* 8 images are"):
        fine_tune(recipe, config(tmp_path / "out", max_length=2048, packing=True, max_images=8))
    assert not (tmp_path / "out").exists()


def test_a_plan_of_another_run_is_refused(tiny_checkpoint, clip_file, tmp_path):
    rows = make_rows(6, clip_file.read_bytes())
    args = config(tmp_path, packing=True, max_length=512)
    plan = plan_epoch(args, ours(tiny_checkpoint, args, rows).prices)
    assert ours(tiny_checkpoint, args, rows, packing_plan=plan).packing_plan is plan
    for changes, told in [
        ({"gradient_accumulation_steps": 2}, "with 1 bins of 512 tokens a step, and the run has 6, 1, 2 and 512"),
        ({"max_length": 600}, "and the run has 6, 1, 1 and 600"),
    ]:
        with pytest.raises(InputError, match=told):
            other = config(tmp_path, **{"packing": True, "max_length": 512, **changes})
            ours(tiny_checkpoint, other, rows, packing_plan=plan)
    with pytest.raises(InputError, match="of 6 rows on 1 ranks"):
        ours(tiny_checkpoint, args, rows[:4], packing_plan=plan)


@pytest.mark.parametrize("how", [{}, {"eval_strategy": "steps", "eval_steps": 2, "packing": True, "max_images": 40}])
def test_held_out_rows_are_evaluated_shown_and_recorded(tiny_checkpoint, mixture, tmp_path, capsys, how):
    ids = [f"row-{number}" for number in range(6)]
    share = next(share / 100 for share in range(1, 100) if sum(is_held_out(key, share / 100) for key in ids) == 2)
    held = {key for key in ids if is_held_out(key, share)}
    mixture[0]["count"] = 4
    folder = tmp_path / "pages" / "texts"
    rows = [{**row, "id": f"held-{row['id']}"} for row in make_rows(4, b"") if row["images"]]
    Dataset.from_list(rows, features=features()).to_parquet(str(folder / "validation-00000-of-00001.parquet"))
    mixture[1] |= {"eval_split": "validation", "count": 3, "over_limit": "drop"}
    recipe = RecipeArguments(
        str(tiny_checkpoint), mixture=mixture, dtype="float32", attn_implementation="sdpa", eval_share=share
    )
    output, trained = tmp_path / "out", []

    def spy(trainer):
        trained.extend(row["id"] for row in trainer.train_dataset)
        return []

    fine_tune(recipe, config(output, max_length=512, max_steps=2, **how), callbacks=spy)
    assert not held & set(trained) and len(trained) == 6
    record = json.loads((output / "run.json").read_text())
    assert record["mixture"][0]["dropped"] == {HELD_OUT: 2}
    assert [part["sampled"] for part in record["evaluation"]["rows"]] == [2, len(rows)]
    losses = record["evaluation"]["losses"]
    assert set(losses) == {"eval_loss", "eval_loss/test"} and losses["eval_loss"] > 0
    shown = capsys.readouterr().out
    assert "Evaluation" in shown and "held out" in shown
    logged = json.loads((output / "trainer_state.json").read_text())["log_history"]
    assert len([entry for entry in logged if "eval_loss" in entry]) == 1


def test_an_evaluation_of_nothing_is_refused_before_a_model_is_loaded(mixture, tmp_path):
    with pytest.raises(InputError, match="no rows are for it; give eval_share, or a part of the mixture an eval_split"):
        fine_tune(RecipeArguments("nowhere", mixture=mixture), config(tmp_path, eval_strategy="epoch"))
    with pytest.raises(InputError, match="eval_share is 1.5"):
        RecipeArguments("nowhere", mixture=mixture, eval_share=1.5)


@pytest.mark.parametrize("spoilt", ["first", "all"])
def test_a_bad_row_that_may_be_left_out_does_not_end_a_run_before_it_begins(tiny_checkpoint, tmp_path, spoilt):
    """Of each part one medium is opened beforehand: a bad one is no reason to stop, a part of none that opens is."""
    rows = [{**make_rows(2, b"")[1], "id": f"row-{number}"} for number in range(6)]
    mixture = [{"path": str(tmp_path / "set"), "name": "texts", "count": 6}]
    folder = tmp_path / "set/texts"
    folder.mkdir(parents=True)

    def write() -> None:
        made = Dataset.from_list(rows, features=features())
        made.to_parquet(str(folder / "train-00000-of-00001.parquet"))

    write()
    order = load_mixture([MixturePart.from_dict(mixture[0])]).ids
    for row in rows:
        if spoilt == "all" or row["id"] == order[0]:
            row["images"] = [{"bytes": b"no picture", "path": None}]
    write()
    recipe = RecipeArguments(str(tiny_checkpoint), mixture=mixture, dtype="float32", attn_implementation="sdpa")
    given = config(tmp_path / "out", max_length=512, max_steps=2, on_bad_row="drop", max_bad_share=0.5)
    if spoilt == "all":
        with pytest.raises(InputError, match="is not a picture"):
            fine_tune(recipe, given)
        assert not (tmp_path / "out/model.safetensors").exists()
        return
    fine_tune(recipe, given)
    assert (tmp_path / "out/model.safetensors").exists()


def test_the_best_model_goes_by_a_number_that_evaluations_have(tiny_checkpoint, mixture, tmp_path):
    recipe = RecipeArguments(
        str(tiny_checkpoint), mixture=[{"path": mixture[0]["path"], "share": 1}], eval_share=0.4, dtype="float32",
        attn_implementation="sdpa",
    )  # fmt: skip
    given = {"max_steps": 1, "eval_strategy": "steps", "eval_steps": 1, "save_strategy": "best"}
    with pytest.raises(
        InputError, match="unknown metric_for_best_model 'accuracy'; known: entropy, loss, .*loss/"
    ) as e:
        fine_tune(recipe, config(tmp_path / "none", metric_for_best_model="accuracy", **given))
    assert not (tmp_path / "none" / "checkpoint-1").exists()
    output = tmp_path / "out"
    fine_tune(recipe, config(output, metric_for_best_model="eval_mean_token_accuracy", **given))
    state = json.loads((output / "trainer_state.json").read_text())
    told = {name.removeprefix("eval_") for entry in state["log_history"] for name in entry if name.startswith("eval_")}
    listed = str(e.value).partition("known: ")[2].partition(";")[0].split(", ")
    assert state["best_metric"] is not None and told == set(listed)
