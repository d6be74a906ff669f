"""Which attention "auto" is, with and without what flash attention needs; the kernel from the Hub, which is a stub."""

from types import SimpleNamespace

import pytest
import torch
from transformers import modeling_flash_attention_utils
from transformers.integrations import hub_kernels

from t2vid_hf.errors import InputError
from t2vid_hf.models import attention
from t2vid_hf.models.loading import load_checkpoint

FLASH, KERNEL, PACKED = "flash_attention_2", attention.FLASH_KERNEL, "sdpa_packed"


@pytest.fixture
def here(monkeypatch):
    """Sets what is installed here: flash_attn, kernels, and a CUDA device."""

    def set_here(*, flash_attn: bool = False, kernels: bool = False, cuda: bool = False) -> None:
        # transformers' own answer for flash_attn has the device in it
        monkeypatch.setattr(attention, "is_flash_attn_2_available", lambda: flash_attn and cuda)
        monkeypatch.setattr(attention, "is_kernels_available", lambda: kernels)
        monkeypatch.setattr(attention, "is_torch_cuda_available", lambda: cuda)

    set_here()
    return set_here


@pytest.mark.parametrize(
    ("flash_attn", "kernels", "cuda", "wanted"),
    [
        (True, True, True, FLASH), (True, False, True, FLASH), (False, True, True, KERNEL),
        (False, False, True, PACKED), (True, True, False, PACKED), (False, True, False, PACKED),
        (True, False, False, PACKED), (False, False, False, PACKED),
    ],
)  # fmt: skip
def test_auto_takes_the_first_that_runs_and_says_so(here, flash_attn, kernels, cuda, wanted):
    here(flash_attn=flash_attn, kernels=kernels, cuda=cuda)
    said = []
    assert attention.resolve_attention("auto", show=said.append) == wanted
    assert len(said) == 1 and said[0].startswith(f"attention: {wanted}")
    assert ("needs a CUDA device" in said[0]) == (wanted == PACKED)


def test_the_kernel_is_one_commit():
    repository, _, revision = KERNEL.partition("@")
    assert repository == "kernels-community/flash-attn2"  # transformers asks for no consent for this organisation's
    assert len(revision) == 40 and int(revision, 16)
    assert hub_kernels.is_kernel(KERNEL)


@pytest.mark.parametrize("name", ["sdpa", "eager", PACKED])
def test_a_name_is_taken_as_it_is(here, name):
    here(flash_attn=True, kernels=True, cuda=True)
    assert attention.resolve_attention(name, show=pytest.fail) == name
    here()
    assert attention.resolve_attention(name, show=pytest.fail) == name


def test_flash_attention_that_cannot_run_is_refused(here):
    with pytest.raises(InputError, match="flash_attention_2 needs the package flash_attn and a CUDA device"):
        attention.resolve_attention(FLASH)
    here(kernels=True, cuda=True)  # transformers would take the kernel, and whichever commit it likes
    with pytest.raises(InputError, match="flash_attention_2 needs the package flash_attn and a CUDA device"):
        attention.resolve_attention(FLASH)
    here(flash_attn=True, cuda=True)
    assert attention.resolve_attention(FLASH, show=pytest.fail) == FLASH


def test_a_kernel_needs_the_package(here):
    with pytest.raises(InputError, match=r"flash-attn3 is a kernel .* needs the package kernels .*t2vid-hf\[kernels\]"):
        attention.resolve_attention("kernels-community/flash-attn3")
    here(kernels=True)
    for name in ("kernels-community/flash-attn3", KERNEL):
        assert attention.resolve_attention(name, show=pytest.fail) == name


def varlen(q, k, v, cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, softmax_scale=None, causal=False, **_):
    """Flash attention's function for packed rows, `(tokens, heads, head_dim)`, in plain PyTorch."""
    assert torch.equal(cu_seqlens_q, cu_seqlens_k)
    bounds = cu_seqlens_q.tolist()
    made = []
    for begin, end in zip(bounds, bounds[1:], strict=False):
        row = [states[begin:end].transpose(0, 1)[None] for states in (q, k, v)]
        attended = torch.nn.functional.scaled_dot_product_attention(
            *row, is_causal=causal, scale=softmax_scale, enable_gqa=True
        )
        made.append(attended[0].transpose(0, 1))
    return torch.cat(made)


def whole(q, k, v, softmax_scale=None, causal=False, **_):
    rows = [states.transpose(1, 2) for states in (q, k, v)]
    return torch.nn.functional.scaled_dot_product_attention(
        *rows, is_causal=causal, scale=softmax_scale, enable_gqa=True
    ).transpose(1, 2)


@pytest.fixture
def hub(monkeypatch) -> list[tuple[str, dict]]:
    """Stands where the package kernels stands, as transformers calls it: what was asked for."""
    asked = []

    def get_kernel(name, **kwargs):
        asked.append((name, kwargs))
        return SimpleNamespace(flash_attn_func=whole, flash_attn_varlen_func=varlen, flash_attn_with_kvcache=None)

    monkeypatch.setattr(hub_kernels, "is_kernels_available", lambda: True)
    monkeypatch.setattr(hub_kernels, "get_kernel_hub", get_kernel, raising=False)
    for name in ("_loaded_implementation", "_flash_fn", "_flash_varlen_fn", "_process_flash_kwargs_fn"):
        monkeypatch.setattr(modeling_flash_attention_utils, name, None)
    return asked


def test_transformers_asks_for_that_commit_and_packed_rows_reach_it(hub, tiny_checkpoint):
    """With a stub of the package: kernels itself, and a GPU, are not here."""
    ids, positions = torch.arange(10, 22)[None], torch.tensor([[0, 1, 2, 3, 0, 0, 1, 2, 3, 4, 5, 6]])
    model, _, _ = load_checkpoint(str(tiny_checkpoint), dtype="bfloat16", attn_implementation=KERNEL)
    assert {(name, kwargs["revision"]) for name, kwargs in hub} == {tuple(KERNEL.split("@"))}
    expected, _, _ = load_checkpoint(str(tiny_checkpoint), dtype="bfloat16", attn_implementation=PACKED)
    with torch.no_grad():
        made, wanted = (each(ids, position_ids=positions, use_cache=False).logits for each in (model, expected))
        leaking = model(ids, position_ids=torch.arange(12)[None], use_cache=False).logits
    torch.testing.assert_close(made, wanted, rtol=0.02, atol=0.02)
    assert (leaking - made).abs().max() > 0.05


def test_a_kernel_that_cannot_be_fetched_is_a_line(hub, tiny_checkpoint, monkeypatch):
    def unreachable(name, **_):
        raise RuntimeError("no build variant for this system")

    monkeypatch.setattr(hub_kernels, "get_kernel_hub", unreachable, raising=False)
    with pytest.raises(InputError, match="kernels-community/flash-attn2.*no build variant"):
        load_checkpoint(str(tiny_checkpoint), dtype="bfloat16", attn_implementation=KERNEL)
