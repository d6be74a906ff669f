"""Soft hyphens show where they break a line, and nowhere else; signs that enclose stand around their base."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.rendering.atlas import atlas_for
from t2vid_hf.rendering.layout import Layout, lay_out
from t2vid_hf.rendering.shaping import shape_words

NARROW = RenderConfig(width_px=120, height_px=120, font_px=14, line_px=17, margin_px=4)
FLOW = RenderConfig(width_px=120, height_px=120, font_px=14, line_px=17, margin_px=4, whitespace="flow")
LATIN = "Donau\xaddampf\xadschiff\xadfahrts\xadgesell\xadschaft"


def frames(text: str, config: RenderConfig = NARROW) -> np.ndarray:
    return TextRenderer(config).render(text).frames


def broken(text: str, config: RenderConfig) -> list[str]:
    layout = lay_out(text, config, atlas_for(config))
    return [text[start:end] for start, end in layout.lines[:, :2].tolist()]


@pytest.mark.parametrize("config", [NARROW, FLOW], ids=["keep", "flow"])
def test_a_soft_hyphen_shows_where_a_line_ends(config: RenderConfig) -> None:
    lines = broken(LATIN, config)
    assert len(lines) > 1 and all(line.endswith("\xad") for line in lines[:-1])
    by_hand = "\n".join(line.replace("\xad", "") + "-" * line.endswith("\xad") for line in lines)
    assert (frames(LATIN, config) == frames(by_hand)).all()


@pytest.mark.parametrize("base", ["a\u0301", "\u0627\u0644", "\u0915\u094d\u0937"], ids=["accents", "arabic", "hindi"])
def test_it_shows_behind_joined_letters(base: str, checked: Callable[[str, RenderConfig], Layout]) -> None:
    layout = checked("\xad".join([base * 4] * 8), NARROW)
    ends = layout.lines[:-1, 1] - 1
    assert len(ends) and (layout.slots[ends] == atlas_for(NARROW).slot_of[ord("-")]).all()


def test_within_a_line_it_is_nothing() -> None:
    assert (frames("so\xadft hy\xadphen\n\xad\nend\xad\nof") == frames("soft hyphen\n\nend\nof")).all()


def test_a_hyphen_that_does_not_fit_breaks_no_line(checked: Callable[[str, RenderConfig], Layout]) -> None:
    for length in range(1, 30):
        text = "i" * length + "\xad" + "nnnn nnnn"
        layout = checked(text, NARROW)
        atlas = atlas_for(NARROW)
        hyphen = layout.slots[length] == atlas.slot_of[ord("-")]
        assert hyphen == (layout.lines[0, 1] == length + 1)


def test_it_hyphenates_right_to_left_on_the_left() -> None:
    text = "\u05d0\u05d1\u05d2\u05d3\u05d4\u05d5\u05d6\u05d7\xad\u05d8\u05d9\u05da\u05db\u05dc\u05de\u05e0\u05e1\u05e2"
    layout = lay_out(text, NARROW, atlas_for(NARROW))
    assert layout.lines[0, 1] == 9 and layout.slots[8] == atlas_for(NARROW).slot_of[ord("-")]
    assert layout.x[8] < layout.x[:8].min()


@settings(max_examples=100, deadline=None)
@given(st.text("ab \xad.\u05d0\u05d1\u0627\u0301\n\u0e01", max_size=80).filter(lambda text: text.strip(" \n")))
def test_any_soft_hyphens_are_whole_and_inside(checked: Callable[[str, RenderConfig], Layout], text: str) -> None:
    for config in (NARROW, FLOW):
        checked(text, config)


@pytest.mark.parametrize("keycap", ["1\ufe0f\u20e3", "1\u20e3", "#\ufe0f\u20e3", "*\u20e3"])
@pytest.mark.parametrize("face", ["sans", "mono"])
def test_a_keycap_is_one_glyph_of_one_font(keycap: str, face: str) -> None:
    shaped = shape_words([keycap, f"a{keycap}b"], "ltr", face)
    assert len(set(shaped.fonts[: shaped.starts[1]].tolist())) == 1
    alone, within = shaped.advances
    letters = shape_words(["a", "b"], "ltr", face).advances.sum()
    assert within == pytest.approx(alone + letters) and 1 < alone < 1.5
