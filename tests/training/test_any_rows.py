"""`T2VidSFTTrainer` on sets as other trainers take them, by name and with TRL's arguments; beside stock TRL."""

import json
import logging
from pathlib import Path

import pytest
import torch
from datasets import Dataset, Features, Image, IterableDataset, List, Value
from transformers import AutoProcessor
from trl import SFTConfig

from t2vid_hf.errors import InputError
from t2vid_hf.models import adapter_for
from t2vid_hf.schema import features
from t2vid_hf.training import T2VidSFTConfig, T2VidSFTTrainer
from tests.training.runs import (
    SETTINGS,
    as_published,
    config,
    load,
    losses,
    make_rows,
    only_trl_1_16,
    ours,
    picture,
    stock,
)

ASKED = {"role": "user", "content": "What is it?"}
SAID = {"role": "assistant", "content": "A red circle."}
PLAIN = {**SETTINGS, "max_length": None}
TURN = {"role": Value("string"), "content": Value("string")}
PATHS = Features({"messages": List(TURN), "images": List(Image()), "videos": List(Value("string"))})


def batches(trainer) -> list[dict]:
    return list(trainer.get_train_dataloader())


def images_of(batch: dict) -> int:
    return len(batch["pixels"]) if "pixels" in batch else 0


@pytest.fixture(scope="module")
def published(tiny_checkpoint, tmp_path_factory) -> Path:
    return as_published(tiny_checkpoint, tmp_path_factory.mktemp("published"))


def test_a_name_and_a_set_are_enough(tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = T2VidSFTTrainer(str(tiny_checkpoint), train_dataset=Dataset.from_list([{"messages": [ASKED, SAID]}]))
    assert run.args.output_dir == f"{tiny_checkpoint.name}-SFT" and isinstance(run.args, T2VidSFTConfig)
    assert next(run.model.parameters()).dtype == torch.float32
    with pytest.raises(InputError, match="model 'nowhere/none'"):
        T2VidSFTTrainer("nowhere/none", train_dataset=Dataset.from_list([{"messages": [ASKED, SAID]}]))


def test_it_trains_as_with_our_own_rows_and_arguments(tiny_checkpoint, clip_file, tmp_path):
    """Rows without a column of ours, a name and a plain `SFTConfig`: the losses of our rows, to the bit."""
    rows = make_rows(6, clip_file.read_bytes())
    with_ours = ours(tiny_checkpoint, config(tmp_path, max_steps=3, num_frames=24), rows)
    with_ours.train()
    theirs = []
    for row in rows:
        tags = "<image>" * len(row["images"]) + "<video>" * len(row["videos"])
        asked = {"role": "user", "content": tags + row["messages"][0]["content"][-1]["text"]}
        said = {"role": "assistant", "content": row["messages"][1]["content"][0]["text"]}
        videos = [str(clip_file)] * len(row["videos"])
        theirs.append({"messages": [asked, said], "images": row["images"], "videos": videos})
    args = SFTConfig(**{**PLAIN, "max_steps": 3, "padding_free": True, "output_dir": str(tmp_path)})
    run = T2VidSFTTrainer(str(tiny_checkpoint), args=args, train_dataset=Dataset.from_list(theirs, features=PATHS))
    run.train()
    assert losses(run) == losses(with_ours)
    assert run.prices.tokens.tolist() == with_ours.prices.tokens.tolist()
    assert run.prices.images.tolist() == with_ours.prices.images.tolist()


def test_our_own_rows_come_as_they_are_with_media_that_nobody_opened(tiny_checkpoint, rows, tmp_path):
    dataset = Dataset.from_list(rows, features=features())
    taken = ours(tiny_checkpoint, config(tmp_path), dataset).train_dataset
    for name in ("id", "source", "media", "messages", "num_frames"):
        assert [row[name] for row in taken] == [row[name] for row in dataset]
    assert all(set(image) == {"bytes", "path"} for row in taken for image in row["images"])


def test_rows_are_read_when_they_are_needed(tiny_checkpoint, tmp_path):
    """A set of broken pictures is no error until they are looked at: nothing is decoded beforehand."""
    broken = [{"messages": [ASKED, SAID], "images": [{"bytes": b"broken", "path": None}]} for _ in range(3)]
    run = ours(tiny_checkpoint, config(tmp_path, packing=True, max_length=64), Dataset.from_list(broken))
    assert run.prices.images.tolist() == [1, 1, 1] and run.packing_plan is not None
    with pytest.raises(InputError, match="row 'train_dataset/.', image 1: is not a picture"):
        run.train()


def test_shapes_may_change_from_row_to_row(tiny_checkpoint, clip_file, tmp_path):
    """The first row is text, without a key for images: by that row TRL would decide."""
    pages = [picture(1), picture(2)]
    turns = [{"from": "human", "value": "<video>What?"}, {"from": "gpt", "value": "It moves."}]
    given = [
        {"messages": [ASKED, SAID]},
        {"prompt": [ASKED], "completion": [SAID], "images": pages},
        {"conversations": turns, "video": str(clip_file)},
        {"messages": [{"role": "user", "content": [{"type": "image", "image": pages[0]}]}, SAID], "image": None},
    ]
    stream = IterableDataset.from_generator(lambda: iter(given))
    run = ours(tiny_checkpoint, config(tmp_path, max_steps=4), stream)
    assert [images_of(batch) for _, batch in zip(given, run.get_train_dataloader(), strict=False)] == [0, 2, 3, 1]
    run.train()
    assert len(losses(run)) == 4
    with pytest.raises(InputError, match="a stream or read through a transform"):
        _ = run.prices


def test_a_stream_with_known_columns(tiny_checkpoint, tmp_path):
    dataset = Dataset.from_list([{"messages": [ASKED, SAID], "images": [picture(n)], "url": "x"} for n in range(4)])
    run = ours(tiny_checkpoint, config(tmp_path, max_steps=2), dataset.to_iterable_dataset())
    assert set(next(iter(run.train_dataset))) == set(features())
    run.train()
    assert len(losses(run)) == 2


def test_columns_that_are_not_read_are_told(tiny_checkpoint, tmp_path, caplog):
    dataset = Dataset.from_list([{"messages": [ASKED, SAID], "url": "x", "score": 1.0}])
    with caplog.at_level(logging.WARNING):
        ours(tiny_checkpoint, config(tmp_path), dataset)
    assert "train_dataset: columns that are not read: score, url" in caplog.text


def test_a_set_through_a_transform_of_its_own(tiny_checkpoint, tmp_path):
    def make(batch):
        count = len(batch["number"])
        return {"messages": [[ASKED, SAID]] * count, "image": [picture(3)] * count}

    run = ours(tiny_checkpoint, config(tmp_path), Dataset.from_dict({"number": [0, 1]}).with_transform(make))
    assert images_of(batches(run)[0]) == 1 and run.prices.images.tolist() == [1, 1]


def test_an_evaluation_set_of_any_shape(tiny_checkpoint, tmp_path):
    dataset = Dataset.from_list([{"messages": [ASKED, SAID], "images": [picture(4)]}])
    run = ours(tiny_checkpoint, config(tmp_path), dataset, eval_dataset={"a": dataset, "b": dataset})
    assert run.evaluate()["eval_a_loss"] > 0


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (None, "train_dataset is of type NoneType; give a Dataset"),
        (({"messages": [ASKED, SAID]},), "of type tuple; give a Dataset or an IterableDataset"),
        (Dataset.from_list([]), "train_dataset has no rows"),
        (Dataset.from_list([{"text": "What?"}]), "row 'train_dataset/0' has neither 'messages'"),
        (Dataset.from_list([{"messages": [SAID]}]), "row 'train_dataset/0' begins with the assistant"),
    ],
)
def test_what_is_no_set_to_learn_from(tiny_checkpoint, tmp_path, dataset, message):
    with pytest.raises(InputError, match=message):
        ours(tiny_checkpoint, config(tmp_path), dataset)


@pytest.mark.parametrize(
    ("medium", "message"),
    [({"image": "none.png"}, r"image 1 \(none.png\): "), ({"video": "none.mp4"}, "video none.mp4: no such file")],
)
def test_a_missing_medium_is_told_when_it_is_read(tiny_checkpoint, tmp_path, medium, message):
    run = ours(tiny_checkpoint, config(tmp_path), Dataset.from_list([{"messages": [ASKED, SAID], **medium}]))
    with pytest.raises(InputError, match="row 'train_dataset/0', " + message):
        run.train()


# Arguments.


def test_the_fields_of_a_plain_config_are_carried_over(tiny_checkpoint, tmp_path):
    changes = {"learning_rate": 3e-4, "max_length": 77, "hub_model_id": "alice/x", "assistant_only_loss": True,
               "model_init_kwargs": {"dtype": "bfloat16"}}  # fmt: skip
    given = SFTConfig(**{**SETTINGS, "output_dir": str(tmp_path), **changes})
    run = T2VidSFTTrainer(str(tiny_checkpoint), given, train_dataset=Dataset.from_list([{"messages": [ASKED, SAID]}]))
    assert isinstance(run.args, T2VidSFTConfig)
    for name, value in changes.items():
        assert getattr(run.args, name) == value, name
    assert run.args.remove_unused_columns is False
    assert run.data_collator.max_length == 77 and not run.data_collator.packed
    assert next(run.model.parameters()).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"truncation_mode": "keep_end"}, "truncation_mode='keep_end': nothing is truncated"),
        ({"dataset_text_field": "story"}, "put the text into messages"),
        ({"completion_only_loss": False}, "set labels='all_text'"),
        ({"packing_strategy": "wrapped"}, "rows are packed whole"),
        ({"trust_remote_code": True}, "no code of a checkpoint's own is run"),
        ({"dataset_kwargs": {"skip_prepare_dataset": True}}, "nothing is prepared ahead"),
    ],
)
def test_settings_that_contradict_say_what_to_do(tiny_checkpoint, tmp_path, change, message):
    args = SFTConfig(**{**PLAIN, "output_dir": str(tmp_path), **change})
    with pytest.raises(InputError, match=message):
        T2VidSFTTrainer(str(tiny_checkpoint), args, train_dataset=Dataset.from_list([{"messages": [ASKED, SAID]}]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data_collator": print}, "data_collator= has no effect"),
        ({"formatting_func": print}, "formatting_func= has no effect"),
        ({"quantization_config": object()}, "quantization_config: the model is loaded already"),
    ],
)
def test_arguments_that_have_no_meaning_here(tiny_checkpoint, tmp_path, given, message):
    dataset = Dataset.from_list([{"messages": [ASKED, SAID]}])
    with pytest.raises(InputError, match=message):
        T2VidSFTTrainer(**{**loaded(tiny_checkpoint), "args": config(tmp_path), "train_dataset": dataset, **given})


def loaded(checkpoint: Path) -> dict:
    model, processor = load(checkpoint)
    return {"model": model, "processing_class": processor}


def test_labels_that_contradict(tmp_path):
    with pytest.raises(InputError, match="assistant_only_loss=True contradicts labels='all_text'"):
        config(tmp_path, labels="all_text", assistant_only_loss=True)


# Beside stock TRL, on rows that it takes.


def learned(trainer) -> list[list[int]]:
    return [batch["labels"][batch["labels"] >= 0].tolist() for batch in batches(trainer)]


@pytest.mark.parametrize("turns", [1, 2])
def test_prompt_and_completion_teach_what_they_teach_in_trl(published, tmp_path, turns):
    prompt = [ASKED, SAID] * (turns - 1) + [{"role": "user", "content": "Where to?"}]
    said = [[{"role": "assistant", "content": f"Left {number}."}] for number in range(3)]
    rows = [{"prompt": prompt, "completion": each, "images": [picture(n)]} for n, each in enumerate(said)]
    dataset = Dataset.from_list(rows)
    run = ours(published, config(tmp_path, train_sampling_strategy="sequential", max_steps=3), dataset)
    found = learned(run)
    tokenizer = AutoProcessor.from_pretrained(published).tokenizer
    assert [tokenizer.decode(ids) for ids in found] == [f" Left {n}.<end_of_utterance>" for n in range(3)]
    only_trl_1_16("labels")
    stocks = stock(published, tmp_path, dataset, train_sampling_strategy="sequential", max_length=None, max_steps=3)
    # TRL learns the template's line break behind the end of the turn, too.
    tail = tokenizer("\n", add_special_tokens=False)["input_ids"]
    assert [ids[: len(ids) - len(tail)] for ids in learned(stocks)] == found


def test_the_loss_is_that_of_trl_where_labels_agree(published, tmp_path):
    """Prompt and completion with images, and a template that writes nothing behind the end of a turn."""

    def given() -> tuple:
        model, processor = load(published)
        processor.chat_template = processor.chat_template.replace("<end_of_utterance>\\n", "<end_of_utterance>")
        processor.chat_template = processor.chat_template.replace("<end_of_utterance>\n", "<end_of_utterance>")
        adapter_for("idefics3").configure(processor)
        return model, processor

    said = [[{"role": "assistant", "content": f"A red circle {number}."}] for number in range(3)]
    rows = [{"prompt": [ASKED], "completion": each, "images": [picture(n)]} for n, each in enumerate(said)]
    steps = {"train_sampling_strategy": "sequential", "max_steps": 3}
    run = ours(published, config(tmp_path, **steps), Dataset.from_list(rows), given=given())
    found = learned(run)
    run.train()
    only_trl_1_16("labels")
    stocks = stock(published, tmp_path, Dataset.from_list(rows), max_length=None, given=given(), **steps)
    assert learned(stocks) == found
    stocks.train()
    assert losses(run) == pytest.approx(losses(stocks), rel=1e-4)


def test_tools_reach_the_template(published, tmp_path):
    from tests.batches.test_chat_rendering import TOOL, TURNS, WITH_TOOLS

    processor = AutoProcessor.from_pretrained(published)
    processor.chat_template = WITH_TOOLS
    dataset = Dataset.from_list([{"messages": TURNS, "tools": json.dumps([TOOL])}])
    run = T2VidSFTTrainer(str(published), config(tmp_path), train_dataset=dataset, processing_class=processor)
    (batch,) = batches(run)
    assert run.prices.tokens.tolist() == [batch["input_ids"].shape[1]]
    assert "Tools: " in processor.decode(batch["input_ids"][0])
    # The published template has no place for them, and looks for the first block of every turn.
    with pytest.raises(InputError, match="row 'train_dataset/0': the chat template refuses it"):
        ours(published, config(tmp_path), dataset).train()
