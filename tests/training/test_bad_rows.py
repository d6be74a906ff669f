"""A row that does not decode ends the run by its name, or is left out, counted and named; bins hold what they say."""

import json
import pickle

import pytest
import torch
from datasets import Dataset

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import mix
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import features
from t2vid_hf.training.bad_rows import SequenceCheck, sequences_filled
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
from t2vid_hf.training.sft_config import T2VidSFTConfig
from tests.training.runs import config, load, losses, make_rows, ours, parameters
from tests.training.test_distributed import launch

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
FAILURES = {
    "picture": ({"images": [{"bytes": PNG, "path": "bad.png"}]}, "row 'row-1', image 1 .*bad.png"),
    "gone": ({"images": [{"bytes": None, "path": "nowhere/bad.png"}]}, "row 'row-1', image 1 .*nowhere/bad.png"),
    "video": ({"videos": [{"bytes": b"no video", "path": "bad.mp4"}]}, "row 'row-5', video bad.mp4"),
    "no video": ({"videos": [{"bytes": None, "path": "nowhere.mp4"}]}, "row 'row-5', video .*nowhere.mp4"),
    "cut": ({"videos": [{"bytes": b"", "path": "cut.mp4"}]}, "row 'row-5', video cut.mp4"),
}


@pytest.fixture(scope="module")
def clip(clip_file):
    return clip_file.read_bytes()


def spoilt(clip: bytes, kind: str, count: int = 6) -> list[dict]:
    change, _ = FAILURES[kind]
    rows = make_rows(count, clip)
    return [{**row, **change} if row["id"] == ("row-1" if "images" in change else "row-5") else row for row in rows]


def routes(rows: list[dict]) -> dict:
    """The rows as a data set, a stream and a mixture."""
    dataset = Dataset.from_list(rows, features=features())
    mixture = mix([(MixturePart("here", share=1.0), dataset)], 0)
    return {
        "data set": dataset, "stream": dataset.to_iterable_dataset(), "mixture": mixture.undecoded,
        "decoded mixture": mixture.dataset,
    }  # fmt: skip


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("route", ["data set", "stream", "mixture", "decoded mixture"])
def test_every_error_of_a_medium_names_its_row(tiny_checkpoint, tmp_path, clip, kind, route):
    told = FAILURES[kind][1]
    if route == "decoded mixture" and kind in ("picture", "gone"):  # the mixture opens it
        told = "row 'row-1', image "
    with pytest.raises(InputError, match=told):
        ours(tiny_checkpoint, config(tmp_path, max_steps=6), routes(spoilt(clip, kind))[route]).train()


def test_an_error_out_of_a_worker_is_one_line(tiny_checkpoint, tmp_path, clip):
    args = config(tmp_path, max_steps=6, dataloader_num_workers=2)
    with pytest.raises(InputError, match=r"^row 'row-1', image 1 .*on_bad_row: drop\)$") as told:
        ours(tiny_checkpoint, args, spoilt(clip, "picture")).train()
    assert "\n" not in str(told.value)


def test_a_path_that_leaves_its_root_names_its_row(clip):
    rows = [{**row, "videos": [{"bytes": None, "path": "../x.mp4"}]} for row in make_rows(6, clip)[5:]]
    mixture = mix([(MixturePart("here", share=1.0), Dataset.from_list(rows, features=features()))], 0)
    with pytest.raises(InputError, match=r"row 'row-5': the path '\.\./x\.mp4'"):
        _ = mixture.undecoded[0]


def collator(checkpoint, **settings) -> DataCollatorForVideoLanguageModeling:
    _, processor = load(checkpoint)
    adapter = adapter_for("idefics3")
    return DataCollatorForVideoLanguageModeling(RowEncoder(processor, adapter, num_frames=3), **settings)


@pytest.mark.parametrize("packed", [True, False])
def test_a_bad_row_is_nothing_in_its_batch(tiny_checkpoint, clip, packed):
    collate = collator(tiny_checkpoint, packed=packed, on_bad_row="drop")
    rows = spoilt(clip, "picture")
    found, expected = collate(rows[:3]), collate([rows[0], rows[2]])
    assert [(row.id, row.reason) for row in found.pop("bad_rows")] == [("row-1", "picture")]
    assert expected.pop("bad_rows") == [] and found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value) if torch.is_tensor(value) else found[name] == value
    alone = collate(rows[1:2])
    assert (alone["labels"] == -100).all() and alone["sources"] == alone["row_lengths"] == []
    (bad,) = pickle.loads(pickle.dumps(alone["bad_rows"]))
    assert bad.message.startswith("row 'row-1', image 1 (bad.png): ")


def test_each_reason_is_told(tiny_checkpoint, clip):
    rows = make_rows(6, clip)
    bad = [
        {**rows[1], "images": []},
        {**rows[0], "messages": rows[0]["messages"][:1]},
        {**rows[5], "videos": [{"bytes": b"x", "path": None}]},
        rows[5],
    ]
    collate = collator(tiny_checkpoint, on_bad_row="drop", max_length=60)
    assert [row.reason for row in collate(bad)["bad_rows"]] == ["unusable", "unusable", "video", "too_long"]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("packing", [False, True])
def test_a_run_goes_on_without_a_bad_row(tiny_checkpoint, tmp_path, clip, packing, workers):
    args = {"max_steps": -1, "num_train_epochs": 2, "on_bad_row": "drop", "max_bad_share": 0.2,
            "dataloader_num_workers": workers}  # fmt: skip
    if packing:
        args |= {"packing": True, "max_length": 400}
    trainer = ours(tiny_checkpoint, config(tmp_path, **args), spoilt(clip, "picture"))
    trainer.train()
    (entry,) = map(json.loads, (tmp_path / "bad_rows.jsonl").read_text().splitlines())  # once, though met twice
    assert (entry["id"], entry["reason"]) == ("row-1", "picture")
    assert entry["step"] >= 1 and "bad.png" in entry["message"]
    logged = [entry for entry in trainer.state.log_history if "bad_rows" in entry]
    assert logged[-1]["bad_rows"] == logged[-1]["bad_rows/picture"] == 1
    assert all(torch.isfinite(value).all() for value in parameters(trainer).values())
    assert all(loss == loss for loss in losses(trainer))


@pytest.mark.parametrize("packing", [False, True])
def test_a_video_that_nobody_counted_and_that_does_not_open_is_left_out(tiny_checkpoint, tmp_path, clip_file, packing):
    answered = [{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": "A clock."}]
    paths = [str(clip_file), "nowhere.mp4", *[str(clip_file)] * 4]
    rows = [{"id": f"row-{number}", "messages": answered, "video": path} for number, path in enumerate(paths)]
    dataset = Dataset.from_list(rows)
    mixture = mix([(MixturePart("here", share=1.0, media_root="/"), dataset)], 0)
    settings = {"max_steps": -1, "packing": packing, "max_length": 400}
    for given in [dataset] if packing else [dataset, mixture.undecoded]:  # a mixture is priced by itself
        trainer = ours(tiny_checkpoint, config(tmp_path, **settings, on_bad_row="drop", max_bad_share=0.2), given)
        trainer.train()
        (entry,) = map(json.loads, (tmp_path / "bad_rows.jsonl").read_text().splitlines())
        assert (entry["id"], entry["reason"]) == ("row-1", "video") and "nowhere.mp4" in entry["message"]
        with pytest.raises(InputError, match="row 'row-1', video .*nowhere.mp4"):
            ours(tiny_checkpoint, config(tmp_path, **settings), given).train()


def test_a_batch_of_nothing_moves_nothing(tiny_checkpoint, tmp_path, clip):
    rows = [row for row in spoilt(clip, "picture") if row["id"] == "row-1"]
    args = config(tmp_path, on_bad_row="drop", max_bad_share=1.0, max_steps=2)
    trainer = ours(tiny_checkpoint, args, rows)
    before = {name: value.clone() for name, value in parameters(trainer).items()}
    trainer.train()
    assert all(torch.equal(before[name], value) for name, value in parameters(trainer).items())


@pytest.mark.parametrize("route", ["data set", "stream"])
def test_too_many_end_the_run_at_a_checkpoint(tiny_checkpoint, tmp_path, clip, route):
    rows = spoilt(clip, "picture")
    rows[2] = {**rows[1], "id": "row-2"}
    given = routes(rows)[route]
    args = {"max_steps": 6, "on_bad_row": "drop", "max_bad_share": 0.2}
    with pytest.raises(InputError, match=r"2 of 6 rows are bad \(2 picture\), and max_bad_share=0\.2 allows 1.*resume"):
        ours(tiny_checkpoint, config(tmp_path, **args), given).train()
    (checkpoint,) = tmp_path.glob("checkpoint-*")
    step = int(checkpoint.name.partition("-")[2])
    assert step <= 6 and (checkpoint / "model.safetensors").exists()
    entries = [json.loads(line) for line in (tmp_path / "bad_rows.jsonl").read_text().splitlines()]
    assert {entry["id"] for entry in entries} == {"row-1", "row-2"} and entries[-1]["step"] == step
    trainer = ours(tiny_checkpoint, config(tmp_path, **{**args, "max_bad_share": 0.4}), given)
    trainer.train(resume_from_checkpoint=str(checkpoint))
    assert trainer.state.global_step == 6
    assert len((tmp_path / "bad_rows.jsonl").read_text().splitlines()) == 2


def test_a_new_run_begins_a_new_file(tiny_checkpoint, tmp_path, clip):
    (tmp_path / "bad_rows.jsonl").write_text('{"id": "old", "reason": "video"}\n')
    ours(tiny_checkpoint, config(tmp_path, on_bad_row="drop"), make_rows(3, clip)).train()
    assert not (tmp_path / "bad_rows.jsonl").exists()


def test_an_evaluation_leaves_no_row_out(tiny_checkpoint, tmp_path, clip):
    rows, bad = make_rows(3, clip), spoilt(clip, "picture")[:3]
    evaluated = Dataset.from_list(bad, features=features())
    args = config(tmp_path, on_bad_row="drop", per_device_eval_batch_size=1)
    trainer = ours(tiny_checkpoint, args, rows, eval_dataset=evaluated)
    with pytest.raises(InputError, match="row 'row-1', image 1 .*mend the file"):
        trainer.evaluate()


def test_settings_are_held_to_what_they_mean(tmp_path):
    assert T2VidSFTConfig(str(tmp_path), bf16=False, on_bad_row="drop").max_bad_share == 0.01
    for given, told in (
        ({"on_bad_row": "skip"}, "unknown on_bad_row 'skip'; known: drop, error"),
        ({"max_bad_share": 0.1}, "set on_bad_row: drop"),
        ({"on_bad_row": "drop", "max_bad_share": 2.0}, "max_bad_share is 2.0; give a share"),
    ):
        with pytest.raises(InputError, match=told):
            T2VidSFTConfig(str(tmp_path), bf16=False, **given)


# --- What a bin holds -------------------------------------------------------------------------------------------------


def test_rows_fill_sequences_in_their_order():
    assert sequences_filled([], max_tokens=10) == 0
    assert sequences_filled([(10, 0)] * 3, max_tokens=10) == 3
    assert sequences_filled([(5, 1), (5, 1), (5, 1)], max_tokens=10) == 2
    assert sequences_filled([(1, 2), (1, 2), (1, 1)], max_tokens=10, max_images=3) == 2


def wrong_frames(clip: bytes) -> list[dict]:
    """A video of 16 frames in a row that says 1."""
    return [{**row, "num_frames": 1} if row["media"] == "video" else row for row in make_rows(12, clip)]


@pytest.mark.parametrize("room", [-1, 10])
@pytest.mark.parametrize("batch", [1, 2])
def test_a_row_that_overfills_its_bin_is_named(tiny_checkpoint, tmp_path, clip, batch, room):
    """Longer than a bin by itself, or only with what is packed beside it."""
    rows = wrong_frames(clip)
    _, processor = load(tiny_checkpoint)
    cost, encoder = TokenCost(processor, adapter_for("idefics3"), num_frames=12), collator(tiny_checkpoint).encoder
    encoder.policy = VideoPolicy(num_frames=12)
    priced, true = cost.price(rows[11]), len(encoder.encode(rows[11]))
    assert priced + 100 < true
    args = {"packing": True, "max_length": true + room, "num_frames": 12, "max_steps": -1, "num_train_epochs": 1,
            "per_device_train_batch_size": batch}  # fmt: skip
    with pytest.raises(
        InputError, match=r"row 'row-\d+' is priced at \d+ tokens by its num_frames=1, and has \d+ with"
    ):
        ours(tiny_checkpoint, config(tmp_path, **args), rows).train()
    trainer = ours(tiny_checkpoint, config(tmp_path, **args, on_bad_row="drop", max_bad_share=0.5), rows)
    trainer.train()
    entries = [json.loads(line) for line in (tmp_path / "bad_rows.jsonl").read_text().splitlines()]
    assert {entry["reason"] for entry in entries} == {"mispriced"}
    assert {entry["id"] for entry in entries} <= {"row-5", "row-11"}


def test_a_plan_of_other_prices_is_refused(tiny_checkpoint, clip):
    _, processor = load(tiny_checkpoint)
    cost = TokenCost(processor, adapter_for("idefics3"), num_frames=3)
    rows = make_rows(3, clip)
    check = SequenceCheck(cost, sequences=1, max_tokens=max(cost.price(row) for row in rows))
    collate = collator(tiny_checkpoint, sequences=check, on_bad_row="drop")
    assert collate(rows[1:2])["bad_rows"] == []
    with pytest.raises(InputError, match="the plan was made from other prices"):
        collate(rows)


# --- Several ranks ----------------------------------------------------------------------------------------------------


def test_ranks_drop_the_same_and_stop_together(tiny_checkpoint, tmp_path):
    """Rows 0 and 5 are bad; in order and two a rank, the one is of the first rank, the other of the second."""
    args = {"per_device_train_batch_size": 2, "on_bad_row": "drop", "spoilt": [0, 5]}
    run = launch(tiny_checkpoint, tmp_path / "run.json", 2, **args, max_bad_share=0.2, output_dir=str(tmp_path / "on"))
    assert run["history"][-1]["bad_rows"] == run["history"][-1]["bad_rows/picture"] == 2 and len(run["history"]) == 3
    entries = [json.loads(line) for line in (tmp_path / "on/bad_rows.jsonl").read_text().splitlines()]
    assert [(entry["id"], entry["step"]) for entry in entries] == [("0", 1), ("5", 2)]
    folder = tmp_path / "stop"
    run = launch(tiny_checkpoint, tmp_path / "run.json", 2, **args, max_bad_share=0.1, output_dir=str(folder))
    assert run["stopped"] == [run["stopped"][0]] * 2 and "2 of 12 rows are bad (2 picture)" in run["stopped"][0]
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-2"]
