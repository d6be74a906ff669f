"""Which attention "auto" is, with and without what flash attention needs."""

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.models import attention


@pytest.mark.parametrize(("there", "wanted"), [(True, "flash_attention_2"), (False, "sdpa")])
def test_auto_takes_flash_attention_where_it_runs_and_says_so(monkeypatch, there, wanted):
    monkeypatch.setattr(attention, "is_flash_attn_2_available", lambda: there)
    said = []
    assert attention.resolve_attention("auto", show=said.append) == wanted
    assert len(said) == 1 and said[0].startswith(f"attention: {wanted}")
    assert ("needs the package flash_attn" in said[0]) == (not there)


@pytest.mark.parametrize("name", ["sdpa", "eager", "kernels-community/flash-attn3"])
def test_a_name_is_taken_as_it_is(monkeypatch, name):
    monkeypatch.setattr(attention, "is_flash_attn_2_available", lambda: True)
    assert attention.resolve_attention(name, show=pytest.fail) == name


def test_flash_attention_that_cannot_run_is_refused(monkeypatch):
    monkeypatch.setattr(attention, "is_flash_attn_2_available", lambda: False)
    with pytest.raises(InputError, match="flash_attention_2 needs the package flash_attn and a CUDA device"):
        attention.resolve_attention("flash_attention_2")
    monkeypatch.setattr(attention, "is_flash_attn_2_available", lambda: True)
    assert attention.resolve_attention("flash_attention_2", show=pytest.fail) == "flash_attention_2"
