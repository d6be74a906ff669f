"""What stock TRL 1.16 refuses, or cannot do, in training on rows with media, and what we do on the same rows.

Each test has two halves: ours first, then stock TRL's behaviour, which is the reason for an override of ours. A second
half that fails says that the override may go.
"""

from dataclasses import fields

import pytest
import torch
from datasets import Dataset
from trl import SFTConfig
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from t2vid_hf.batches.encoding import IGNORED, RowEncoder
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.mixtures.normalise import normalise
from t2vid_hf.models import adapter_for
from t2vid_hf.training import DataCollatorForVideoLanguageModeling
from t2vid_hf.training.generation_callback import GenerationCallback
from tests.conftest import page
from tests.training.runs import (
    Recorder,
    as_published,
    config,
    load,
    losses,
    make_rows,
    mended,
    only_trl_1_16,
    ours,
    parameters,
    stock,
    trl_fails,
)  # fmt: skip

SGD = {"optim": "sgd", "max_grad_norm": 0.0, "weight_decay": 0.0}


@pytest.fixture(scope="module")
def checkpoint(tiny_checkpoint, tmp_path_factory):
    return as_published(tiny_checkpoint, tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def many(clip_file):
    return make_rows(12, clip_file.read_bytes())


def example(pages: int = 2, said: str = "A clock.") -> dict:
    """A row in TRL's own form."""
    turns = [{"role": "user", "content": "What is it?"}, {"role": "assistant", "content": said}]
    return {"messages": turns, "images": [page(shade * 9) for shade in range(pages)]}


EXAMPLES = [example(pages, "It is" + " so" * pages + ".") for pages in (1, 4, 0, 3, 2)]


def normalised(examples=EXAMPLES) -> list[dict]:
    return [normalise(each, source="chat", index=index) for index, each in enumerate(examples)]


def collator(checkpoint, **changes) -> DataCollatorForVideoLanguageModeling:
    processor = load(checkpoint)[1]
    return DataCollatorForVideoLanguageModeling(RowEncoder(processor, adapter_for("idefics3"), num_frames=3), **changes)


def gradients(run, batch) -> dict[str, torch.Tensor | None]:
    run.model.zero_grad()
    run.model.train()
    run.compute_loss(run.model, run._prepare_inputs(batch)).backward()
    return {name: parameter.grad for name, parameter in run.model.named_parameters()}


def in_vision(name: str) -> bool:
    return name.startswith(("model.vision_model.", "model.connector."))


def test_l04_packing_is_refused(checkpoint, tmp_path):
    """That a step on packed rows is the step on the rows alone, test_packing.py shows."""
    run = ours(checkpoint, config(tmp_path, packing=True, max_length=400), normalised())
    batches = list(run.get_train_dataloader())
    assert len(batches) == run.packing_plan.num_steps == 1
    assert (batches[0]["position_ids"] == 0).sum() == 5 and batches[0]["pixels"].shape[0] == 10
    run.train()
    assert len(losses(run)) == 1
    only_trl_1_16("L4")
    with trl_fails("L4", ValueError, "Packing is not supported for vision datasets"):
        stock(checkpoint, tmp_path, Dataset.from_list(EXAMPLES), packing=True)


def test_l05_padding_free_is_refused(checkpoint, tmp_path):
    alone = [collator(checkpoint)([row]) for row in normalised()]
    together = collator(checkpoint)(normalised())
    for name in ("input_ids", "labels", "position_ids"):
        assert torch.equal(together[name], torch.cat([batch[name] for batch in alone], dim=1))
    assert "attention_mask" not in together
    assert torch.equal(together["pixels"], torch.cat([batch["pixels"] for batch in alone if "pixels" in batch]))
    assert config(tmp_path).padding_free is True
    only_trl_1_16("L5")
    with trl_fails("L5", ValueError, "Padding-free training is yet not supported for vision datasets"):
        stock(checkpoint, tmp_path, Dataset.from_list(EXAMPLES), padding_free=True)


def test_l11_rows_cannot_be_grouped_by_length(checkpoint, many, tmp_path):
    grouped = {"train_sampling_strategy": "group_by_length"}
    run = ours(checkpoint, config(tmp_path, **grouped), many)
    prices = run.prices.tokens.tolist()
    lengths = [length for batch in run.get_train_dataloader() for length in batch["row_lengths"]]
    assert sorted(lengths) == sorted(prices) and lengths[0] == max(prices)
    # Of twelve rows the sampler takes three at a time, and sorts them; then the longest of all changes places with the
    # first, so that of each three only the last two are sure to be in order.
    assert all(lengths[at + 1] >= lengths[at + 2] for at in range(0, 12, 3))
    only_trl_1_16("L11")
    with_lengths = Dataset.from_list([{**each, "length": index} for index, each in enumerate(EXAMPLES)])
    stocks = stock(checkpoint, tmp_path, with_lengths, **grouped)
    with trl_fails("L11", ValueError, "Can only automatically infer lengths .* 'pixel_values' key"):
        stocks.train()


def test_l14_no_image_on_a_rank(checkpoint, many, tmp_path):
    """A batch of text alone: its tower must run all the same, and must not learn from it."""
    texts = [row for row in many if row["media"] == "text"][:3]
    run = ours(checkpoint, config(tmp_path), texts)
    plain, with_dummy = (collator(checkpoint, always_media=always)(texts) for always in (False, True))
    assert "pixels" not in plain and with_dummy["pixels"].shape == (1, 1, 96, 96)
    length = plain["input_ids"].shape[1]
    added = with_dummy["input_ids"].shape[1] - length
    assert added == 19 and (with_dummy["labels"][:, length:] == IGNORED).all()
    for name in ("input_ids", "labels", "position_ids"):
        assert torch.equal(with_dummy[name][:, :length], plain[name])
    assert with_dummy["row_lengths"] == plain["row_lengths"]  # a dummy counts nowhere
    without, beside = gradients(run, plain), gradients(run, with_dummy)
    seen = gradients(run, collator(checkpoint, always_media=True)(many[1:2]))
    for name, gradient in beside.items():
        if gradient is None:
            assert seen[name] is None  # unused with an image too: the tower's pooling head
        elif in_vision(name):
            assert without[name] is None and torch.equal(gradient, torch.zeros_like(gradient)), name
        else:
            torch.testing.assert_close(gradient, without[name], rtol=1e-5, atol=1e-7)
    assert any(in_vision(name) and gradient is not None for name, gradient in beside.items())
    # Beside an image no dummy is needed, and where no row is left the dummy is the batch.
    assert torch.equal(
        collator(checkpoint, always_media=True)(many[:2])["pixels"], collator(checkpoint)(many[:2])["pixels"]
    )
    assert collator(checkpoint, always_media=True)([])["input_ids"].shape == (1, added)
    assert run.args.ddp_find_unused_parameters is False
    only_trl_1_16("L14")
    stocks = stock(checkpoint, tmp_path, Dataset.from_list([{**example(0), "images": []}] * 2))
    batch = next(iter(stocks.get_train_dataloader()))
    assert all(gradient is None for name, gradient in gradients(stocks, batch).items() if in_vision(name)), mended(
        "L14"
    )
    assert stocks.args.ddp_find_unused_parameters is True, mended("L14")


def test_l14_the_dummy_in_a_padded_batch(checkpoint, many, tmp_path):
    texts = [row for row in many if row["media"] == "text"][:3]
    run = ours(checkpoint, config(tmp_path, padding_free=False), texts)
    plain, with_dummy = (collator(checkpoint, packed=False, always_media=always)(texts) for always in (False, True))
    assert with_dummy["input_ids"].shape[0] == 4 and (with_dummy["labels"][3] == IGNORED).all()
    without, beside = gradients(run, plain), gradients(run, with_dummy)
    for name, gradient in beside.items():
        if in_vision(name) and gradient is not None:
            assert torch.equal(gradient, torch.zeros_like(gradient)), name
        elif gradient is not None:
            torch.testing.assert_close(gradient, without[name], rtol=1e-5, atol=1e-7)


def test_l15_assistant_only_needs_a_known_template(checkpoint, tmp_path):
    """A template with one blank more than the published one, which stands before the answer."""
    given = load(checkpoint)
    given[1].chat_template += " "
    run = ours(checkpoint, config(tmp_path), normalised(EXAMPLES[:1]), given=given)
    batch = next(iter(run.get_train_dataloader()))
    learned = batch["labels"][batch["labels"] != IGNORED]
    assert given[1].tokenizer.decode(learned) == "It is so.<end_of_utterance>"
    only_trl_1_16("L15")
    plain = Dataset.from_list(EXAMPLES[:1])
    known = stock(checkpoint, tmp_path, plain, assistant_only_loss=True)
    labels = next(iter(known.get_train_dataloader()))["labels"]
    # With the template that it knows it learns what we learn, and the line break that the template adds.
    assert given[1].tokenizer.decode(labels[labels != IGNORED]) == " It is so.<end_of_utterance>\n"
    with trl_fails("L15", ValueError, "(?i)template"):
        stock(checkpoint, tmp_path, plain, given=given, assistant_only_loss=True)


def test_l15_every_turn_under_an_unknown_template(checkpoint):
    """What the template adds behind the last turn alone is no reason to refuse the turns before it."""
    processor = load(checkpoint)[1]
    turns = [*example(0, "First.")["messages"], *example(0, "Second.")["messages"]]
    row = normalise({"messages": turns}, source="chat", index=0)
    for addition, expected in (("", " First.<end_of_utterance> Second.<end_of_utterance>"),
                               (" ", "First.<end_of_utterance>Second.<end_of_utterance>")):  # fmt: skip
        processor.chat_template += addition
        collate = DataCollatorForVideoLanguageModeling(RowEncoder(processor, adapter_for("idefics3")))
        labels = collate([row])["labels"]
        assert processor.tokenizer.decode(labels[labels != IGNORED]) == expected


def test_l16_padding_to_a_multiple(checkpoint):
    rows = normalised()
    plain, padded = (collator(checkpoint, packed=False, pad_to_multiple_of=multiple)(rows) for multiple in (None, 64))
    length = plain["input_ids"].shape[1]
    assert length % 64 and padded["input_ids"].shape == (5, -(-length // 64) * 64)
    pad = load(checkpoint)[1].tokenizer.pad_token_id
    for name, value in (("input_ids", pad), ("labels", IGNORED), ("attention_mask", 0)):
        assert torch.equal(padded[name][:, :length], plain[name])
        assert (padded[name][:, length:] == value).all()
    only_trl_1_16("L16")
    turns = EXAMPLES[0]["messages"]
    prompts = [{"prompt": turns[:1], "completion": turns[1:], "images": EXAMPLES[0]["images"]}]
    with trl_fails("L16", NotImplementedError, "multiple"):
        DataCollatorForVisionLanguageModeling(load(checkpoint)[1], pad_to_multiple_of=64)(prompts)


FIELDS = {"tune_vision", "tune_connector", "tune_llm", "vision_learning_rate", "connector_learning_rate"}


def part(name: str) -> str:
    return "vision" if ".vision_model." in name else "connector" if ".connector." in name else "llm"


@pytest.mark.parametrize("frozen", [("vision",), ("connector",), ("llm",), ("vision", "connector")])
def test_l18_parts_are_frozen_one_by_one(checkpoint, tmp_path, frozen):
    seen = Recorder()
    switches = {f"tune_{name}": False for name in frozen}
    args = config(tmp_path, **SGD, **switches, per_device_train_batch_size=5)
    run = ours(checkpoint, args, normalised(), callbacks=[seen])
    before = {name: value.clone() for name, value in parameters(run).items()}
    run.train()
    after = parameters(run)
    moved = {part(name) for name in after if not torch.equal(after[name], before[name])}
    assert moved == {"vision", "connector", "llm"} - set(frozen)
    assert {part(name) for name in seen.gradients[0]} == moved
    trains = {part(name) for name, value in run.model.named_parameters() if value.requires_grad}
    assert trains == moved


def test_l18_each_part_has_its_learning_rate(checkpoint, tmp_path):
    seen = Recorder()
    rates = {"vision": 0.01, "connector": 0.02, "llm": 0.1}
    args = config(tmp_path, **SGD, per_device_train_batch_size=5, learning_rate=rates["llm"],
                  vision_learning_rate=rates["vision"], connector_learning_rate=rates["connector"])  # fmt: skip
    run = ours(checkpoint, args, normalised(), callbacks=[seen])
    before = {name: value.clone() for name, value in parameters(run).items()}
    run.train()
    for name, after in parameters(run).items():
        gradient = seen.gradients[0].get(name)
        if gradient is None:
            assert torch.equal(after, before[name])
        else:
            assert torch.equal(after, before[name].add(gradient, alpha=-rates[part(name)])), name
    assert {part(name) for name in seen.gradients[0]} == set(rates)


def test_l18_nothing_left_to_train_is_refused(checkpoint, tmp_path):
    with pytest.raises(InputError, match="nothing is left to train"):
        args = config(tmp_path, tune_vision=False, tune_connector=False, tune_llm=False)
        ours(checkpoint, args, normalised())


def test_l18_a_row_has_its_own_number_of_frames(checkpoint, many):
    """What a mixture's part sets for each of its rows; stock TRL has neither parts, nor switches, nor rates."""
    row = next(row for row in many if row["media"] == "video")
    frames = [len(collator(checkpoint)([{**row, "take_frames": take}])["pixels"]) for take in (None, 1, 5)]
    assert frames == [3, 1, 5]
    only_trl_1_16("L18")
    assert not FIELDS & {field.name for field in fields(SFTConfig)}, mended("L18")


def test_l19_no_answers_during_training(checkpoint, many, tmp_path):
    """The scores of answers beside the losses; stock TRL's evaluation never generates."""

    def generations(run) -> list[int]:
        steps, generate = [], run.model.generate

        def spy(*args, **kwargs):
            steps.append(run.state.global_step)
            return generate(*args, **kwargs)

        run.model.generate = spy
        return steps

    asked = [{**row, "messages": row["messages"][:1]} for row in many[:2]]

    def evaluate(model, processor):
        return {"replies": len(answer(model, processor, asked, num_frames=3, max_new_tokens=2))}

    run = ours(checkpoint, config(tmp_path, max_steps=4), many)
    run.add_callback(GenerationCallback(run, evaluate, every_steps=2))
    steps = generations(run)
    run.train()
    assert sorted(set(steps)) == [2, 4]
    assert [entry["eval_replies"] for entry in run.state.log_history if "eval_replies" in entry] == [2, 2]
    only_trl_1_16("L19")
    assert not any("generat" in field.name for field in fields(SFTConfig)), mended("L19")
    stocks = stock(checkpoint, tmp_path, Dataset.from_list(EXAMPLES), max_steps=2)
    steps = generations(stocks)
    assert "eval_loss" in stocks.evaluate(Dataset.from_list(EXAMPLES[:2]))
    assert steps == [], mended("L19")
