"""Evaluation: the rows that training takes, an entry a row, the losses of rows alone; and what is refused."""

import numpy as np
import pytest
import torch
from datasets import Dataset, IterableDataset

from t2vid_hf.errors import InputError
from t2vid_hf.schema import features
from t2vid_hf.training.evaluation_batches import OrderedBatches, StreamedBatches
from tests.training.runs import config, make_rows, ours, stock

HOW = {
    "padding-free": {},
    "padded": {"padding_free": False},
    "packed": {"packing": True, "max_length": 200},
    "packed here alone": {"eval_packing": True, "max_length": 200},
    "packed but here": {"packing": True, "max_length": 200, "eval_packing": False},
}


@pytest.fixture(scope="module")
def many(clip_file):
    """Seven rows of text, pages and video, of two sources."""
    return [{**row, "source": "ab"[number % 3 == 0]} for number, row in enumerate(make_rows(7, clip_file.read_bytes()))]


@pytest.fixture(scope="module")
def held(many):
    return Dataset.from_list(many, features=features())


@pytest.fixture(scope="module")
def alone(tiny_checkpoint, many, tmp_path_factory):
    """Of each row: the sum of its loss and its learned tokens, by the model's own forward; its logits; its labels."""
    run = ours(tiny_checkpoint, config(tmp_path_factory.mktemp("alone"), padding_free=False), many)
    run.model.eval()
    found = []
    for row in many:
        inputs = run._prepare_inputs(run.data_collator([row]))
        labels = inputs.pop("labels")[0]
        del inputs["sources"], inputs["row_lengths"]
        with torch.no_grad():
            logits = run.model(**inputs).logits[0]
        loss = torch.nn.functional.cross_entropy(logits[:-1], labels[1:], reduction="sum", ignore_index=-100)
        found.append((loss.item(), int((labels[1:] != -100).sum()), logits.numpy(), labels.numpy()))
    return found


def mean(rows) -> float:
    return sum(row[0] for row in rows) / sum(row[1] for row in rows)


def check_entries(predictions, label_ids, alone) -> None:
    assert len(predictions) == len(label_ids) == len(alone)
    for logits, labels, (_, _, wanted, wanted_labels) in zip(predictions, label_ids, alone, strict=True):
        np.testing.assert_allclose(logits[: len(wanted)], wanted, atol=2e-5)
        assert labels[: len(wanted)].tolist() == wanted_labels.tolist()
        assert (labels[len(wanted) :] == -100).all()


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("batch", [1, 3])
def test_the_numbers_are_those_of_rows_alone_however_they_come(
    tiny_checkpoint, many, held, alone, tmp_path, how, batch
):
    seen = []

    def compute_metrics(given):
        check_entries(given.predictions, given.label_ids, alone)
        seen.append((given.losses, given.inputs))
        return {"rows": len(given.predictions)}

    args = config(
        tmp_path, per_device_eval_batch_size=batch, include_for_metrics=["loss", "inputs"], **HOW[how]
    )  # fmt: skip
    run = ours(tiny_checkpoint, args, many, eval_dataset=held, compute_metrics=compute_metrics)
    found = run.evaluate()
    assert found["eval_rows"] == 7
    assert found["eval_loss"] == pytest.approx(mean(alone), rel=1e-5)
    for source in "ab":
        rows = [row for row, given in zip(alone, many, strict=True) if given["source"] == source]
        assert found[f"eval_loss/{source}"] == pytest.approx(mean(rows), rel=1e-5)
    np.testing.assert_allclose(seen[0][0], [loss / tokens for loss, tokens, _, _ in alone], rtol=1e-5)
    for ids, (_, _, logits, labels) in zip(seen[0][1], alone, strict=True):
        assert (ids[: len(logits)][labels != -100] == labels[labels != -100]).all()
    output = run.predict(held)
    check_entries(output.predictions, output.label_ids, alone)
    assert output.metrics["test_loss"] == pytest.approx(mean(alone), rel=1e-5)
    assert run._metrics["eval"] == {}


def test_without_metrics_nothing_but_the_loss_is_made(tiny_checkpoint, many, held, alone, tmp_path):
    run = ours(tiny_checkpoint, config(tmp_path, per_device_eval_batch_size=2), many, eval_dataset=held)
    forwards = []
    run.model.register_forward_hook(lambda *_: forwards.append(1))
    assert run.evaluate()["eval_loss"] == pytest.approx(mean(alone), rel=1e-5)
    assert len(forwards) == 4


def test_logits_are_reduced_before_they_are_kept(tiny_checkpoint, many, held, alone, tmp_path):
    def compute_metrics(given, compute_result=True):
        sizes.append(given.predictions.shape)
        return {"last": len(sizes)} if compute_result else {}

    for changes, rows in (({}, [7]), ({"batch_eval_metrics": True}, [3, 3, 1])):
        sizes: list = []
        run = ours(
            tiny_checkpoint,
            config(tmp_path, per_device_eval_batch_size=3, **changes),
            many,
            eval_dataset=held,
            compute_metrics=compute_metrics,
            preprocess_logits_for_metrics=lambda logits, labels: logits.argmax(-1),
        )
        assert run.evaluate()["eval_last"] == len(rows)
        assert [size[0] for size in sizes] == rows and all(len(size) == 2 for size in sizes)


def test_stock_trl_has_the_same_loss_of_padded_rows(tiny_checkpoint, many, held, tmp_path):
    mine = ours(tiny_checkpoint, config(tmp_path, padding_free=False, per_device_eval_batch_size=7), many)
    mine.eval_dataset = held
    found = mine.evaluate()

    def collate(rows):
        inputs = mine._prepare_inputs(mine.data_collator(rows))
        return {name: value for name, value in inputs.items() if name not in ("sources", "row_lengths")}

    theirs = stock(
        tiny_checkpoint, tmp_path, Dataset.from_list([{"messages": row["messages"], "images": []} for row in many[:1]]),
        remove_unused_columns=False, per_device_eval_batch_size=7,
    )  # fmt: skip
    theirs.data_collator = collate
    told = theirs.evaluate(held)
    for name in ("eval_loss", "eval_entropy", "eval_mean_token_accuracy"):
        assert found[name] == pytest.approx(told[name], rel=1e-5), name


@pytest.mark.parametrize("strategy", ["group_by_length", "batch_rebalance", "random", "sequential"])
def test_training_goes_on_as_if_there_were_no_evaluation(tiny_checkpoint, many, held, tmp_path, strategy):
    from peft import LoraConfig

    logs = []
    for changes in ({}, {"eval_strategy": "steps", "eval_steps": 1, "eval_on_start": True}):
        torch.manual_seed(0)
        args = config(tmp_path, max_steps=3, per_device_train_batch_size=2, train_sampling_strategy=strategy, **changes)
        lora = LoraConfig(target_modules=["q_proj"], lora_dropout=0.5)
        run = ours(tiny_checkpoint, args, many, eval_dataset=held if changes else None, peft_config=lora)
        run.train()
        logs.append([entry for entry in run.state.log_history if "loss" in entry])
    untimed = [[{**entry, "tokens_per_second": 0} for entry in entries] for entries in logs]
    assert untimed[0] == untimed[1]
    evaluated = [entry for entry in run.state.log_history if "eval_loss" in entry]
    assert [entry["step"] for entry in evaluated] == [0, 1, 2, 3]
    assert [entry["eval_num_tokens"] for entry in evaluated] == [0, *(entry["num_tokens"] for entry in logs[1])]


def test_the_best_model_is_that_of_a_source(tiny_checkpoint, many, held, tmp_path):
    args = config(
        tmp_path, max_steps=3, eval_strategy="steps", eval_steps=1, save_strategy="best", learning_rate=0.5,
        load_best_model_at_end=True, metric_for_best_model="eval_loss/a", per_device_eval_batch_size=4,
    )  # fmt: skip
    assert args.greater_is_better is False
    run = ours(tiny_checkpoint, args, many, eval_dataset=held)
    run.train()
    told = [entry["eval_loss/a"] for entry in run.state.log_history if "eval_loss/a" in entry]
    assert len(told) == 3 and run.state.best_metric == min(told)
    assert run.evaluate()["eval_loss/a"] == pytest.approx(min(told), rel=1e-5)


def test_several_sets_and_a_stream(tiny_checkpoint, many, held, alone, tmp_path):
    sets = {"first": held.select(range(3)), "stream": IterableDataset.from_generator(lambda: iter(many[3:]))}
    args = config(tmp_path, per_device_eval_batch_size=3, eval_strategy="steps", eval_steps=1, learning_rate=0.0)
    run = ours(tiny_checkpoint, args, many, eval_dataset=sets)
    run.train()
    told = {key: value for entry in run.state.log_history for key, value in entry.items()}
    assert told["eval_first_loss"] == pytest.approx(mean(alone[:3]), rel=1e-5)
    assert told["eval_stream_loss"] == pytest.approx(mean(alone[3:]), rel=1e-5)
    assert told["eval_stream_loss/b"] == pytest.approx(mean([alone[3], alone[6]]), rel=1e-5)
    assert run.predict(sets["stream"]).label_ids.shape[0] == 4


@pytest.mark.parametrize("options", [{"label_smoothing_factor": 0.1}, {"loss_type": "dft"}, {"func": True}])
def test_another_loss_is_the_one_that_is_told(tiny_checkpoint, many, held, alone, tmp_path, options):
    def twice(outputs, labels, num_items_in_batch=None):
        wanted = labels[:, 1:]
        loss = torch.nn.functional.cross_entropy(outputs.logits[:, :-1].flatten(0, 1), wanted.flatten())
        return 2 * loss

    changes = {key: value for key, value in options.items() if key != "func"}
    extra = {"compute_loss_func": twice} if "func" in options else {}
    found = [
        ours(tiny_checkpoint, config(tmp_path, per_device_eval_batch_size=size, **changes), many, **extra).evaluate(
            held
        )
        for size in (1, 3)
    ]
    assert found[0]["eval_loss"] == pytest.approx(found[1]["eval_loss"], rel=1e-5)
    assert abs(found[0]["eval_loss"] - mean(alone)) > 1e-3
    if extra:
        assert found[0]["eval_loss"] == pytest.approx(2 * mean(alone), rel=1e-5)
    # as in training, sources are told by their likelihood
    assert found[0]["eval_loss/b"] == pytest.approx(mean(alone[::3]), rel=1e-5)


def test_a_loss_that_is_no_number_is_told(tiny_checkpoint, many, held, tmp_path):
    run = ours(tiny_checkpoint, config(tmp_path), many)
    take, told = run.compute_loss, iter([float("nan"), *[2.0] * 6])
    run.compute_loss = lambda *args, **kwargs: take(*args, **kwargs) * 0 + next(told)
    found = run.evaluate(held)
    assert found["eval_loss"] == pytest.approx(2.0) and found["eval_batches_without_loss"] == 1


@pytest.mark.parametrize("where", ["given to the trainer", "in a dict", "evaluated", "predicted"])
def test_rows_are_checked_like_those_of_training(tiny_checkpoint, many, held, tmp_path, where):
    bad, args = held.remove_columns(["messages"]), config(tmp_path)
    with pytest.raises(InputError, match="row '.*' has no conversation|neither"):
        if where == "given to the trainer":
            ours(tiny_checkpoint, args, many, eval_dataset=bad)
        elif where == "in a dict":
            ours(tiny_checkpoint, args, many, eval_dataset={"some": bad})
        else:
            run = ours(tiny_checkpoint, args, many)
            run.evaluate(bad) if where == "evaluated" else run.predict(bad)


def test_what_cannot_be_evaluated_is_refused(tiny_checkpoint, many, held, tmp_path):
    stream = IterableDataset.from_generator(lambda: iter(many))
    with pytest.raises(InputError, match="eval_packing fills sequences of max_length"):
        config(tmp_path, eval_packing=True)
    with pytest.raises(InputError, match="eval_dataset has no rows"):
        ours(tiny_checkpoint, config(tmp_path), many, eval_dataset=held.select([]))
    with pytest.raises(InputError, match="is a stream, .* set eval_packing: false"):
        ours(tiny_checkpoint, config(tmp_path, packing=True, max_length=200), many, eval_dataset=stream)
    longest = max(range(7), key=lambda number: len(many[number]["images"]))
    for changes in ({"packing": True}, {"eval_packing": False}, {}):
        run = ours(tiny_checkpoint, config(tmp_path, max_length=60, **changes), [many[0]])
        with pytest.raises(InputError, match=f"row 'row-{longest}' .*has .* tokens"):
            run.evaluate(held.select([0, longest]))
    with pytest.raises(InputError, match="unknown evaluation set 'other'.*some"):
        ours(tiny_checkpoint, config(tmp_path), many, eval_dataset={"some": held}).evaluate("other")
    with pytest.raises(InputError, match="no rows to evaluate on"):
        ours(tiny_checkpoint, config(tmp_path), many).evaluate()
    transformed = held.with_transform(lambda batch: batch)
    packs = config(tmp_path, eval_packing=True, max_length=200)
    hidden = Dataset.from_dict({"number": range(7)}).with_transform(lambda batch: held[batch["number"]])
    with pytest.raises(InputError, match="read through a transform"):
        ours(tiny_checkpoint, packs, many, eval_dataset=hidden).evaluate()
    prices = ours(tiny_checkpoint, packs, many).prices
    known = ours(tiny_checkpoint, packs, many, eval_dataset=hidden, eval_prices=prices).evaluate()
    assert known["eval_loss"] == ours(tiny_checkpoint, packs, many, eval_dataset=transformed).evaluate()["eval_loss"]


@pytest.mark.parametrize("name", ["internvl", "minicpmv", "qwen2_5_vl", "qwen3_vl"])
def test_of_other_families(tmp_path, many, held, name):
    from tests.models.families import Family, build

    build(name, tmp_path)
    family = Family(name, tmp_path)
    told = []
    for changes in (
        {"per_device_eval_batch_size": 1},
        {"eval_packing": True, "max_length": 400},
        {"padding_free": False},
    ):
        given = family.model(dtype=torch.float32), family.processor()
        run = ours(
            tmp_path,
            config(tmp_path / "out", **{"per_device_eval_batch_size": 4, **changes}),
            many,
            given=given,
            eval_dataset=held,
            compute_metrics=lambda entries: {"rows": len(entries.predictions)},
        )
        told.append(run.evaluate())
    for found in told:
        assert found["eval_rows"] == 7
        for key in ("eval_loss", "eval_loss/a", "eval_loss/b", "eval_entropy", "eval_mean_token_accuracy"):
            assert found[key] == pytest.approx(told[0][key], rel=2e-5), key


@pytest.mark.parametrize(("rows", "batch", "ranks"), [(9, 2, 2), (1, 4, 2), (8, 2, 2), (7, 3, 4)])
def test_every_row_once_in_order_on_any_ranks(rows, batch, ranks):
    bins = [range(row, row + 1) for row in range(rows)]
    placed = [OrderedBatches(bins, bins_per_batch=batch, rank=rank, num_ranks=ranks) for rank in range(ranks)]
    streamed = [StreamedBatches(range(rows), rows_per_batch=batch, rank=rank, num_ranks=ranks) for rank in range(ranks)]
    for batches in (placed, streamed):
        taken = [list(each) for each in batches]
        assert len({len(each) for each in taken}) == 1
        assert [row for step in zip(*taken, strict=True) for each in step for row in each] == list(range(rows))
    assert all(len(list(each)) == len(each) for each in placed)
