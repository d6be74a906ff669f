"""Line breaks: the memory of patterns answers what ICU answers, for every text."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icu4py.breakers import LineBreaker

from t2vid_hf.rendering.atlas import atlas_for
from t2vid_hf.rendering.breaks import BreakMemory
from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.layout import _slots

KEEP = RenderConfig(max_missing=1.0)
FLOW = RenderConfig(max_missing=1.0, whitespace="flow")
PIECES = st.sampled_from(
    [*" abcXYZ019.,;:!?'\"()[]-/\n\t%$#\u2014\u2013\u2026\xa0\u200b\xad\u201c\u201d\xab\xbb",
     *"\u3042\u4e2d\u0301\u0416\u03b1\uac00", "\r\n",
     "  ", "word ", "a (", "http://x.org/a-b?c=1 ", "3,000.5 ", "well-known ", "\u0e01\u0e32\u0e23", "\u0627\u0644"]
)  # fmt: skip


def answer(text: str, config: RenderConfig, memory: BreakMemory) -> list[int]:
    atlas = atlas_for(config)
    slots, _, _ = _slots(text, config, atlas)
    return np.flatnonzero(memory.find(text, slots, atlas.kind, atlas.symbol)[: len(text)]).tolist()


def icu(text: str) -> list[int]:
    return np.cumsum([0, *(len(piece) for piece in LineBreaker(text, "en"))])[:-1].tolist()


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=25).map("".join))
def test_asked_once_and_remembered_alike(text: str) -> None:
    memory = BreakMemory(flow=False)
    assert answer(text, KEEP, memory) == icu(text)
    assert answer(text, KEEP, memory) == icu(text)
    assert answer(text, KEEP, atlas_for(KEEP).breaks) == icu(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=25).map("".join))
def test_white_space_that_runs_together_is_spaces_to_icu(text: str) -> None:
    spaces = text.translate(dict.fromkeys(map(ord, "\n\r\t"), " "))
    assert answer(text, FLOW, atlas_for(FLOW).breaks) == icu(spaces)


@pytest.mark.parametrize("folder", ["data/texts/english", "data/texts/mixed", "data/texts/udhr"])
def test_real_texts_break_where_icu_breaks(folder: str, texts: Callable[[str], list[tuple[str, str]]]) -> None:
    for name, text in texts(folder):
        if "utf8_bmp" not in name:
            assert answer(text, KEEP, atlas_for(KEEP).breaks) == icu(text), name


def test_a_full_memory_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2vid_hf.rendering.breaks._CELLS", 16)
    memory = BreakMemory(flow=False)
    rng = np.random.default_rng(0)
    for _ in range(30):
        text = "".join(rng.choice([*"ab1.-()\"' "], 200))
        assert answer(text, KEEP, memory) == icu(text)
