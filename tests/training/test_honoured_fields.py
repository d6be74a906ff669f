"""Every field of `SFTConfig` is honoured or refused; and those that had no effect have one."""

from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import TrainingArguments
from trl import SFTConfig

from t2vid_hf.errors import InputError
from t2vid_hf.training import T2VidSFTTrainer
from t2vid_hf.training.honoured_fields import HONOURED, REFUSED, check_parallelism
from t2vid_hf.training.model_parts import part_of
from t2vid_hf.training.noisy_embeddings import add_noise
from tests.training.runs import config, load, losses, make_rows, ours, parameters

OTHER = {
    "trust_remote_code": True, "chat_template_path": "x.jinja",
    "pad_token": "<pad>", "dataset_text_field": "story", "dataset_kwargs": {"skip_prepare_dataset": True},
    "dataset_num_proc": 2, "truncation_mode": "keep_end", "packing_strategy": "wrapped",
    "length_column_name": "tokens", "hub_token": "hf_secret", "hub_always_push": True, "do_train": True,
    "do_predict": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(clip_file):
    return make_rows(6, clip_file.read_bytes())


def test_every_field_of_the_installed_config_is_in_one_table():
    honoured = [name for names in HONOURED.values() for name in names]
    known = [*honoured, *REFUSED]
    there = {each.name for each in (*fields(SFTConfig), *fields(TrainingArguments)) if each.init}
    assert sorted(known) == sorted(set(known)), "a field stands twice"
    assert there - set(known) == set(), "a field that nobody has looked at"
    assert set(known) - there == set(), "a field that is gone"


def test_every_refused_field_is_tried():
    assert OTHER.keys() == REFUSED.keys()


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", OTHER)
def test_a_field_without_effect_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=f"^{name}=.*: .{{20}}") as told:
        config(tmp_path, **{name: OTHER[name]})
    assert "\n" not in str(told.value) and "secret" not in str(told.value)
    default, _ = REFUSED[name]
    assert vars(config(tmp_path, **{name: default}))[name] == default


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"assistant_only_loss": True, "labels": "all_text"}, "assistant_only_loss=True contradicts"),
        ({"completion_only_loss": True, "labels": "all_text"}, "completion_only_loss=True contradicts"),
        ({"completion_only_loss": False}, "set labels='all_text'"),
        ({"auto_find_batch_size": True, "packing": True, "max_length": 512}, "auto_find_batch_size cannot"),
        ({"auto_find_batch_size": True, "train_sampling_strategy": "batch_rebalance"}, "auto_find_batch_size cannot"),
        ({"packing": True, "max_length": 512, "train_sampling_strategy": "group_by_length"}, "with packing a plan"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(tmp_path, changes, told):
    with pytest.raises(InputError, match=told):
        config(tmp_path, **changes)


@pytest.mark.parametrize("name", ["formatting_func", "data_collator"])
def test_an_argument_without_effect_is_refused(tiny_checkpoint, rows, tmp_path, name):
    with pytest.raises(InputError, match=f"{name}= has no effect here"):
        ours(tiny_checkpoint, config(tmp_path), rows, **{name: len})


def test_the_assistant_s_turns_alone_are_learned_with_any_template(tiny_checkpoint, rows, tmp_path):
    """TRL looks for a template with marks of its own; ours needs none."""
    args = config(tmp_path, assistant_only_loss=True)
    ours(tiny_checkpoint, args, rows).train()
    assert args.assistant_only_loss


def test_rows_are_shuffled(tiny_checkpoint, rows, tmp_path):
    def order(**changes) -> list[str]:
        args = config(tmp_path, train_sampling_strategy="sequential", **changes)
        run = ours(tiny_checkpoint, args, rows, eval_dataset=None)
        return [row["id"] for row in run.train_dataset]

    given = [row["id"] for row in rows]
    shuffled = order(shuffle_dataset=True, seed=3)
    assert order() == given != shuffled and sorted(shuffled) == sorted(given)
    assert order(shuffle_dataset=True, seed=3) == shuffled
    prices = ours(tiny_checkpoint, config(tmp_path), rows).prices
    with pytest.raises(InputError, match="shuffle_dataset would put the rows in another order"):
        ours(tiny_checkpoint, config(tmp_path, shuffle_dataset=True), rows, prices=prices)


@pytest.mark.parametrize("packed", [True, False])
def test_a_sequence_is_a_multiple_and_its_loss_the_same(tiny_checkpoint, rows, tmp_path, packed):
    def first(**changes) -> tuple[int, list[float]]:
        args = config(tmp_path, per_device_train_batch_size=3, padding_free=packed, seed=5, **changes)
        run = ours(tiny_checkpoint, args, rows)
        batch = next(iter(run.get_train_dataloader()))
        run.train()
        return batch["input_ids"].shape[1], losses(run)

    (length, plain), (rounded, padded) = first(), first(pad_to_multiple_of=64)
    assert length % 64 and rounded == -(-length // 64) * 64
    assert padded == pytest.approx(plain, rel=1e-5)


def test_a_batch_that_is_too_large_is_made_smaller(tiny_checkpoint, rows, tmp_path, monkeypatch):
    args = config(tmp_path, auto_find_batch_size=True, per_device_train_batch_size=5, max_steps=2)
    run = ours(tiny_checkpoint, args, rows)
    batches, compute = [], T2VidSFTTrainer.compute_loss

    def small_device(self, model, inputs, *rest, **kwargs):
        batches.append(len(inputs["row_lengths"]))
        if batches[-1] > 3:
            raise RuntimeError("CUDA out of memory.")
        return compute(self, model, inputs, *rest, **kwargs)

    monkeypatch.setattr(T2VidSFTTrainer, "compute_loss", small_device)
    run.train()
    assert batches == [5, 4, 3, 3] and len(losses(run)) == 2


def test_text_alone_is_a_step_where_the_language_model_is_frozen(tiny_checkpoint, rows, tmp_path):
    text = [row for row in rows if row["media"] == "text"]
    for changes in ({"padding_free": True}, {"padding_free": False}):
        args = config(tmp_path, tune_llm=False, gradient_checkpointing=False, max_steps=1, **changes)
        run = ours(tiny_checkpoint, args, text)
        run.train()
        assert len(losses(run)) == 1 and losses(run)[0] > 0


def test_noise_is_that_of_each_row_alone(tiny_checkpoint):
    model, _ = load(tiny_checkpoint)
    model.train()
    embeddings, lengths = model.get_input_embeddings(), [10, 40, 90]

    def size(noise: torch.Tensor) -> float:
        return noise.pow(2).mean().sqrt().item()

    def noise(ids: torch.Tensor, packed: bool, lengths: list[int]) -> torch.Tensor:
        with torch.no_grad(), add_noise(model, 5.0, lengths=lengths, packed=packed):
            return embeddings(ids) - embeddings.weight[ids]

    wanted = [5 / np.sqrt(3 * length * embeddings.embedding_dim) for length in lengths]
    together = noise(torch.full((1, 150), 7), True, lengths)[0]  # the last ten are a dummy's
    found = [size(part) for part in together.split([*lengths, 10])][:3]
    assert found == pytest.approx(wanted, rel=0.1)
    padded = noise(torch.full((3, 90), 7), False, lengths)
    assert [size(row) for row in padded] == pytest.approx(wanted, rel=0.1)
    model.eval()
    assert size(noise(torch.full((1, 150), 7), True, lengths)) == 0


def test_noise_is_added_in_a_run(tiny_checkpoint, rows, tmp_path):
    def loss(**changes) -> float:
        args = config(tmp_path, per_device_train_batch_size=6, seed=1, **changes)
        run = ours(tiny_checkpoint, args, rows)
        run.train()
        return losses(run)[0]

    plain, noisy = loss(), loss(neftune_noise_alpha=50)
    assert plain != noisy and loss() == plain


def test_context_parallelism_does_not_pack():
    on, off = SimpleNamespace(cp_enabled=True, sp_enabled=False), SimpleNamespace(cp_enabled=False, sp_enabled=False)
    for packing, padding_free in ((True, False), (False, True)):
        with pytest.raises(InputError, match="context parallelism drops the attention mask"):
            check_parallelism(on, SimpleNamespace(packing=packing, padding_free=padding_free))
        check_parallelism(off, SimpleNamespace(packing=packing, padding_free=padding_free))
    check_parallelism(on, SimpleNamespace(packing=False, padding_free=False))
    with pytest.raises(InputError, match="sequence parallelism"):
        check_parallelism(SimpleNamespace(cp_enabled=False, sp_enabled=True), None)


def test_the_guard_is_asked_by_the_trainer(tiny_checkpoint, rows, tmp_path, monkeypatch):
    import accelerate

    on = SimpleNamespace(
        cp_enabled=True, sp_enabled=False, tp_enabled=False, tp_size=1, sp_backend="deepspeed",
        get_device_mesh=lambda device: None, _validate_accelerator=lambda accelerator: None,
    )  # fmt: skip
    monkeypatch.setattr(accelerate.Accelerator, "parallelism_config", property(lambda self: on))
    with pytest.raises(InputError, match="context parallelism drops"):
        ours(tiny_checkpoint, config(tmp_path, packing=True, max_length=512), rows)


RATES = {"vision_learning_rate": 1e-4, "connector_learning_rate": 3e-4, "learning_rate": 1e-3}


def test_the_logged_learning_rate_is_the_language_model_s(tiny_checkpoint, rows, tmp_path):
    run = ours(tiny_checkpoint, config(tmp_path, **RATES), rows)
    run.train()
    assert [entry["learning_rate"] for entry in run.state.log_history if "loss" in entry] == [1e-3]


def test_an_optimizer_of_the_user_s_own_has_the_parts_rates(tiny_checkpoint, rows, tmp_path):
    given = (torch.optim.SGD, {"lr": 2e-3, "momentum": 0.5})
    run = ours(tiny_checkpoint, config(tmp_path, **RATES), rows, optimizer_cls_and_kwargs=given)
    run.train()
    optimizer = run.optimizer.optimizer if hasattr(run.optimizer, "optimizer") else run.optimizer
    assert isinstance(optimizer, torch.optim.SGD)
    names = {id(value): name for name, value in run.model.named_parameters()}
    rates = {"vision": 1e-4, "connector": 3e-4, "language": 2e-3}
    for group in optimizer.param_groups:
        assert group["momentum"] == 0.5
        for value in group["params"]:
            assert group["lr"] == rates[part_of(names[id(value)], run.adapter.parts)]


def test_a_finished_optimizer_beside_rates_is_refused_and_alone_is_used(tiny_checkpoint, rows, tmp_path):
    model, processor = load(tiny_checkpoint)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with pytest.raises(InputError, match="optimizers= brings the rates of its own groups"):
        ours(None, config(tmp_path, **RATES), rows, given=(model, processor), optimizers=(optimizer, None))
    before = {name: value.clone() for name, value in model.named_parameters()}
    run = ours(None, config(tmp_path), rows, given=(model, processor), optimizers=(optimizer, None))
    run.train()
    assert all(torch.equal(value, before[name]) for name, value in parameters(run).items())
