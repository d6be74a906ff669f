"""`sdpa_packed`: exact in every family, no mask of tokens x tokens, sdpa itself for whatever is not packed."""

import json
from itertools import accumulate

import pytest
import torch
from transformers import AutoModelForImageTextToText, LlamaConfig, LlamaForCausalLM
from transformers.integrations import sdpa_attention
from transformers.masking_utils import causal_mask_function, create_bidirectional_mask, create_causal_mask, sdpa_mask

from t2vid_hf.models import register
from t2vid_hf.models.packed_attention import SDPA_PACKED, RowLengths, row_lengths, sdpa_packed_mask
from tests.models.families import Family, family

__all__ = ["family"]  # a fixture

register()


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def attended(monkeypatch) -> list[tuple[int, int, bool]]:
    """Of each call of PyTorch's attention by a language model's layer: queries, keys, and whether it had a mask."""
    calls, attend = [], torch.nn.functional.scaled_dot_product_attention

    def spy(query, key, value, attn_mask=None, **kwargs):
        calls.append((query.shape[2], key.shape[2], attn_mask is not None))
        return attend(query, key, value, attn_mask=attn_mask, **kwargs)

    monkeypatch.setattr(sdpa_attention.torch.nn.functional, "scaled_dot_product_attention", spy)
    return calls


def text_rows(family: Family, lengths: list[int], *, seed: int = 0) -> tuple[dict, list[dict]]:
    """Rows of tokens in one sequence, and each alone, as the trainer's collator makes them."""
    # Bytes alone: none of them is an image's.
    words = family.processor().tokenizer("keeper wound the clock", add_special_tokens=False)["input_ids"]
    chosen = torch.randint(len(words), (sum(lengths),), generator=torch.Generator().manual_seed(seed))
    ids = torch.tensor(words)[chosen]
    copies = 4 if family.name.startswith("qwen") else 1

    def batch(rows: list[torch.Tensor]) -> dict:
        positions = torch.cat([torch.arange(len(row)) for row in rows]).expand(copies, 1, -1)
        return {
            "input_ids": torch.cat(rows)[None],
            "position_ids": positions if copies > 1 else positions[0],
            "use_cache": False,
        }

    rows = list(ids.split(lengths))
    return batch(rows), [batch([row]) for row in rows]


def learned(model, batches: list[dict], **options) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Logits of all batches, and the gradients of a sum over them."""
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=bool(options.get("autocast"))):
        logits = torch.cat([model(**batch).logits[0] for batch in batches]).float()
    torch.nn.functional.cross_entropy(logits, torch.arange(len(logits)) % logits.shape[1]).backward()
    return logits.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_same(one, other, *, atol: float = 1e-5, rtol: float = 1e-5) -> None:
    torch.testing.assert_close(one[0], other[0], rtol=rtol, atol=atol)
    assert one[1].keys() == other[1].keys()
    for name in one[1]:
        torch.testing.assert_close(one[1][name], other[1][name], rtol=rtol, atol=atol, msg=name)


@pytest.mark.parametrize("lengths", [[7], [1, 1, 1], [1, 9, 1, 4], [5, 12, 3]], ids=str)
def test_rows_are_as_alone_and_as_under_a_mask(family: Family, lengths, attended):
    packed, alone = text_rows(family, lengths)
    model = family.model(attn_implementation=SDPA_PACKED, dtype=torch.float32)
    attended.clear()
    together = learned(model, [packed])
    layers = model.config.get_text_config().num_hidden_layers
    assert attended == [(row, row, False) for row in lengths] * layers  # each row, and never a mask
    assert_same(together, learned(model, alone))
    assert_same(together, learned(family.model(attn_implementation="sdpa", dtype=torch.float32), [packed]))
    assert_same(together, learned(family.model(attn_implementation="eager", dtype=torch.float32), [packed]))


@pytest.mark.parametrize("reentrant", [False, True])
def test_with_gradient_checkpointing(family: Family, attended, reentrant):
    packed, _ = text_rows(family, [4, 1, 8])
    plain = learned(family.model(attn_implementation=SDPA_PACKED, dtype=torch.float32).train(), [packed])
    model = family.model(attn_implementation=SDPA_PACKED, dtype=torch.float32).train()
    model.gradient_checkpointing_enable({"use_reentrant": reentrant})
    model.enable_input_require_grads()
    attended.clear()
    assert_same(learned(model, [packed]), plain)
    layers = model.config.get_text_config().num_hidden_layers
    assert len(attended) == 2 * 3 * layers and not any(masked for *_, masked in attended)


def test_under_autocast(family: Family):
    packed, alone = text_rows(family, [4, 1, 8])
    model = family.model(attn_implementation=SDPA_PACKED, dtype=torch.float32)
    together, apart = (learned(model, batches, autocast=True) for batches in ([packed], alone))
    # bfloat16 has 8 bits; matrices of another height are summed in another order
    torch.testing.assert_close(together[0], apart[0], rtol=0.02, atol=0.05)
    for name, gradient in together[1].items():
        assert (gradient - apart[1][name]).norm() <= 0.05 * apart[1][name].norm() + 1e-4, name


def test_weights_in_bfloat16(family: Family):
    packed, alone = text_rows(family, [4, 1, 8])
    model = family.model(attn_implementation=SDPA_PACKED, dtype=torch.bfloat16)
    with torch.no_grad():
        together, apart = model(**packed).logits[0], torch.cat([model(**row).logits[0] for row in alone])
    assert together.dtype == torch.bfloat16
    torch.testing.assert_close(together, apart, rtol=0.05, atol=0.1)


def test_generation_is_that_of_sdpa(family: Family):
    _, (long, short) = text_rows(family, [9, 5])
    pad = family.processor().tokenizer.pad_token_id
    ids = torch.stack([long["input_ids"][0], torch.cat([torch.full((4,), pad), short["input_ids"][0]])])
    mask = torch.ones_like(ids)
    mask[1, :4] = 0
    answers = []
    for attention in ("sdpa", SDPA_PACKED):
        model = family.model(attn_implementation=attention, dtype=torch.float32)
        settings = {"max_new_tokens": 5, "do_sample": False, "output_logits": True, "return_dict_in_generate": True}
        made = model.generate(input_ids=ids, attention_mask=mask, eos_token_id=-1, pad_token_id=pad, **settings)
        answers.append((made.sequences, torch.stack(made.logits)))
    assert answers[0][0].tolist() == answers[1][0].tolist()
    torch.testing.assert_close(answers[0][1], answers[1][1], rtol=0, atol=0)


def test_what_is_saved_does_not_name_it(family: Family, tmp_path):
    model = family.model(attn_implementation=SDPA_PACKED, dtype=torch.float32)
    assert model.config._attn_implementation == SDPA_PACKED
    model.save_pretrained(tmp_path)
    for file in tmp_path.glob("*.json"):
        assert "packed" not in file.read_text() and "attn_implementation" not in json.loads(file.read_text())
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path)  # as without this package
    assert loaded.config._attn_implementation == loaded.config.get_text_config()._attn_implementation == "sdpa"


def llama(attention: str = SDPA_PACKED, **changes) -> LlamaForCausalLM:
    torch.manual_seed(0)
    sizes = {
        "vocab_size": 50, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "pad_token_id": 0, **changes,
    }  # fmt: skip
    return LlamaForCausalLM._from_config(LlamaConfig(**sizes), attn_implementation=attention).eval()


IDS = torch.arange(1, 13)[None]
POSITIONS = torch.tensor([[0, 1, 2, 3, 0, 0, 1, 2, 3, 4, 5, 6]])


def test_dropout_drops_in_each_row():
    model = llama(attention_dropout=0.5).train()
    plain = llama(attention_dropout=0.0).train()
    torch.manual_seed(1)
    first, second = (model(IDS, position_ids=POSITIONS, use_cache=False).logits[0] for _ in range(2))
    still = plain(IDS, position_ids=POSITIONS, use_cache=False).logits[0]
    assert not torch.equal(first, second) and not torch.equal(first[4], still[4])  # a row of one token, too


@pytest.mark.parametrize(
    "changes",
    [
        {"attention_mask": torch.ones_like(IDS)},
        {"attention_mask": (IDS > 2).long()},
        {"use_cache": True},
        {"position_ids": torch.arange(12)[None]},
        {"input_ids": IDS.expand(2, -1), "position_ids": POSITIONS.expand(2, -1)},
        {"position_ids": torch.stack([POSITIONS[0], torch.arange(12)]), "input_ids": IDS.expand(2, -1)},
    ],
    ids=["mask", "padding", "cache", "one row", "two sequences", "one of two packed"],
)
def test_all_else_is_sdpa_to_the_bit(changes):
    inputs = {"input_ids": IDS, "position_ids": POSITIONS, "use_cache": False, **changes}
    made, expected = (llama(attention)(**inputs).logits for attention in (SDPA_PACKED, "sdpa"))
    assert torch.equal(made, expected)


def test_masks_that_are_not_of_packed_rows_alone_stay_masks():
    config, embeds = llama().config, torch.zeros(1, 12, 32)
    assert isinstance(create_causal_mask(config, embeds, None, None, POSITIONS), RowLengths)
    assert create_causal_mask(config, embeds, None, None, torch.arange(12)[None]) is None
    assert create_bidirectional_mask(config, embeds, None) is None

    def nothing_more(batch, head, query, key):
        return key >= 0

    functions = {"and_mask_function": nothing_more}, {"or_mask_function": lambda *_: torch.tensor(False)}
    blocks = {"block_sequence_ids": torch.tensor([[-1, -1, 0, 0, *[-1] * 8]])}
    for told in (*functions, blocks):
        mask = create_causal_mask(config, embeds, None, None, POSITIONS, **told)
        assert isinstance(mask, torch.Tensor) and mask.shape[-2:] == (12, 12)
    plain = {"mask_function": causal_mask_function, "allow_is_causal_skip": False}
    for told in ({"local_size": 4}, {}):  # a window; one row whose mask was asked for
        assert torch.equal(sdpa_packed_mask(1, 12, 12, **plain, **told), sdpa_mask(1, 12, 12, **plain, **told))


@pytest.mark.parametrize("lengths", [[1, 1], [3, 1, 2], [1, 5, 1], [2, 2, 2]], ids=str)
def test_row_lengths(lengths):
    ends = torch.tensor(list(accumulate(lengths)))
    row = torch.bucketize(torch.arange(sum(lengths)), ends, right=True)
    assert row_lengths(lambda b, h, q, k: (row[q] == row[k]) & (k <= q), sum(lengths)) == RowLengths(tuple(lengths))
    assert row_lengths(lambda b, h, q, k: row[q] == row[k], sum(lengths)) in (None, RowLengths((1,) * len(lengths)))


def test_a_compiled_model_has_its_mask():
    """While a graph is traced there are no positions to look at."""
    model = llama(num_hidden_layers=1)
    expected = model(IDS, position_ids=POSITIONS, use_cache=False).logits
    made = torch.compile(model, backend="eager")(IDS, position_ids=POSITIONS, use_cache=False).logits
    torch.testing.assert_close(made, expected)


def test_the_test_of_the_mask_can_fail(attended):
    llama("sdpa")(IDS, position_ids=POSITIONS, use_cache=False)
    assert attended == [(12, 12, True)] * 2
    attended.clear()
    llama()(IDS, position_ids=POSITIONS, use_cache=False)
    assert attended == [(4, 4, False), (1, 1, False), (7, 7, False)] * 2
