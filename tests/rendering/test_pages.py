"""Pages: nothing is lost, nothing stands outside, whatever the text is."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.rendering.fonts import is_ignorable
from t2vid_hf.rendering.layout import Layout

Checked = Callable[[str, RenderConfig], Layout]
Drawn = Callable[..., tuple[np.ndarray, int]]

# Every code point there is, half surrogates and unassigned ones too; and stretches in which things go wrong.
ANY = st.characters(categories=["L", "M", "N", "P", "S", "Z", "C"])
TROUBLE = st.sampled_from(
    ["word ", "x" * 60, "https://example.org/" + "a/b?" * 20, "  \t  ", "\r\n", "\n\n\n", "(\u05d0\u05d1) 12.5 ",
     "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 ", "\ufdfd", "\u0e01\u0e32\u0e23" * 20, "e\u0301\u0323" * 9,
     "a" + "\u0301" * 70, "\U0001f469\u200d\U0001f4bb", "\U0001f1e9\U0001f1ea", "\u2e3b", "\u3042" * 40, "AVAVAV To ",
     "\u202e", "\u2067", "\ud800", "\x00", "\u0915\u094d\u0937 ", "j", "f", "\U00020000", "\u3000", "\xa0" * 30,
     "ab\xadcd\xad", "1\ufe0f\u20e3", "a   b\nc   d\n", "\n| a  | \u4e2d |\n", "+--+--+\n",
     "\n\u2502 x  \u2502\n\u251c\u2500\u2500\u2524\n",
     "  /\\_/\\\n ( o )\n  |_|\n", "\u0e01\u0e32   \u0627\u0628  |\n", "x" * 40 + "   " + "y" * 40 + "   z\n", "    "]
)  # fmt: skip
TEXTS = st.lists(st.one_of(TROUBLE, st.text(ANY, max_size=8), st.text("abc ,.-()\n", max_size=30)), max_size=20).map(
    "".join
)


def in_columns(columns: int, tones: tuple[int, int], **fields: Any) -> RenderConfig:
    """A configuration with as many of these columns as its page has room for."""
    ink, paper = tones
    most = (fields["width_px"] - 2 * fields["margin_px"]) // (4 * fields["font_px"])
    return RenderConfig(columns=max(1, min(columns, most)), ink=ink, paper=paper, **fields)


CONFIGS = st.integers(6, 20).flatmap(
    lambda font_px: st.builds(
        in_columns,
        width_px=st.integers(60, 300),
        height_px=st.integers(60, 200),
        font_px=st.just(font_px),
        line_px=st.integers(font_px, font_px + 6),
        margin_px=st.sampled_from([0, 3, 8]),
        max_words=st.sampled_from([None, 1, 7]),
        whitespace=st.sampled_from(["keep", "flow"]),
        vertical=st.sampled_from(["top", "center"]),
        max_missing=st.just(1.0),
        face=st.sampled_from(["sans", "serif", "mono"]),
        columns=st.sampled_from([1, 1, 2, 3]),
        tones=st.sampled_from([(0, 255), (0, 255), (255, 0), (225, 25), (45, 215), (80, 255), (0, 130)]),
    )
)
SMALL = RenderConfig(width_px=120, height_px=70, font_px=10, line_px=13, margin_px=4, max_missing=1.0)


@settings(max_examples=250, deadline=None)
@given(TEXTS.filter(lambda text: text.strip()), st.just(SMALL) | CONFIGS)
def test_any_text_is_whole_and_inside(checked: Checked, drawn: Drawn, text: str, config: RenderConfig) -> None:
    layout = checked(text, config)
    pages = TextRenderer(config).render(text)
    assert pages.char_spans == layout.char_spans == TextRenderer(config).char_spans(text)
    # The compiled loop draws what NumPy draws, and moves inside what would stand out.
    frames, border = drawn(layout, config, inside=True)
    assert border == 255 and (frames == pages.frames).all()


@pytest.mark.parametrize("preset", ["paper", "dense"])
@pytest.mark.parametrize(
    "folder", ["data/texts/english", "data/texts/mixed", "data/texts/udhr", "data/longqa/squality"]
)
def test_real_texts_are_whole_and_inside(
    folder: str, preset: str, texts: Callable[[str], list[tuple[str, str]]], checked: Checked, drawn: Drawn
) -> None:
    config = RenderConfig.preset(preset, max_missing=1.0)
    for name, text in texts(folder):
        if "utf8_bmp" not in name:
            layout = checked(text, config)
            first = Layout(layout.slots, layout.x, layout.lines[layout.lines[:, 2] < 2], 0)
            assert drawn(first, config)[1] == 255, f"{name} has ink outside its pages"


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["paper", "dense", "native"])
@pytest.mark.parametrize("folder", ["data/texts", "data/longqa"])
def test_all_texts_are_whole_and_inside(
    folder: str, preset: str, texts: Callable[[str], list[tuple[str, str]]], checked: Checked
) -> None:
    for _, text in texts(folder):
        checked(text, RenderConfig.preset(preset, max_missing=1.0))


@pytest.mark.slow
def test_389_languages_are_whole_and_inside(shared: Callable[[str], Path], checked: Checked) -> None:
    with zipfile.ZipFile(shared("data/texts/udhr/udhr2_all_389_languages.zip")) as archive:
        names = [name for name in archive.namelist() if name.endswith(".txt")]
        assert len(names) > 300
        for name in names:
            text = archive.read(name).decode("utf-8", "replace")[:3000]
            if text.strip():
                checked(text, RenderConfig.preset("paper", max_missing=1.0))


@settings(max_examples=100, deadline=None)
@given(TEXTS.filter(lambda text: text.split()), st.integers(1, 9), st.sampled_from(["keep", "flow"]))
def test_no_page_has_more_words_than_allowed(checked: Checked, text: str, most: int, whitespace: str) -> None:
    config = RenderConfig.preset("paper", max_words=most, whitespace=whitespace, max_missing=1.0)
    for start, end in checked(text, config).char_spans:
        # White space that does not break joins words here, and what takes no ink is no word.
        shown = "".join("x" if char in "\xa0\u2007\u202f\x1c\x1d\x1e\x1f" else char for char in text[start:end])
        assert sum(not all(map(is_ignorable, word)) for word in shown.split()) <= most


def test_the_papers_page_ends_after_115_words() -> None:
    text = " ".join(f"w{number}" for number in range(400))
    spans = TextRenderer(RenderConfig.preset("paper")).char_spans(text)
    assert [len(text[start:end].split()) for start, end in spans] == [115, 115, 115, 55]


def test_indentation_and_empty_lines_are_kept_or_run_together() -> None:
    text = "def f():\n    return 1\n\n\nend"
    keep = TextRenderer(RenderConfig(whitespace="keep")).render(text).frames[0]
    ink = [bool((keep[12 + 17 * row : 29 + 17 * row] < 255).any()) for row in range(6)]
    assert ink == [True, True, False, False, True, False]
    assert (keep[29:46, :26] == 255).all() and (keep[12:29, :26] < 255).any()
    flow = TextRenderer(RenderConfig(whitespace="flow"))
    assert (flow.render(text).frames == flow.render("def f(): return 1 end").frames).all()


def test_tabs_stand_in_columns() -> None:
    frame = TextRenderer(RenderConfig(whitespace="keep")).render("a\tI\nii\tI").frames[0] < 255
    tops = [frame[12 + 17 * row : 29 + 17 * row] for row in range(2)]
    columns = [int(np.flatnonzero(top.any(axis=0))[-1]) for top in tops]
    assert columns[0] == columns[1]


def test_a_long_word_breaks_inside_the_page(checked: Checked) -> None:
    for word in ("x" * 3000, "https://example.org/" + "path/" * 300, "\u0627" * 500, "\u0e01" * 500):
        layout = checked(word, RenderConfig.preset("paper"))
        assert len(layout.lines) > 5


@pytest.mark.parametrize("text", ["", " \n\t ", "\u3000"])
def test_nothing_to_draw_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="empty or white space"):
        TextRenderer(RenderConfig.preset("paper")).render(text)


def test_the_check_of_the_border_can_fail(checked: Checked, drawn: Drawn) -> None:
    layout = checked("far out", SMALL)
    assert drawn(Layout(layout.slots, layout.x - 20 * 1024, layout.lines, 0), SMALL)[1] < 255
