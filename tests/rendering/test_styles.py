"""Render styles: one for each text, the same on every worker; and what they change of a page."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset

from t2vid_hf.data.pages import describe, lazy_features
from t2vid_hf.data.synthesis import DrawingReport, synthesize
from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, TextRenderer, fonts
from t2vid_hf.rendering.config import PRESETS
from t2vid_hf.rendering.styles import STYLES
from t2vid_hf.rendering.tones import contrast
from t2vid_hf.schema import LongTextQA

PAPER = RenderConfig.preset("paper", styles=tuple(STYLES))
TEXTS = [f"The keeper of tower {number} wound the clock. " * (5 + 7 * number) for number in range(24)]
PROGRAM = """
import hashlib, json, sys
from t2vid_hf.rendering import RenderConfig, TextRenderer
config, texts = json.load(sys.stdin)
for text in texts:
    pages = TextRenderer(RenderConfig.from_json(config)).render(text)
    print(pages.style, hashlib.sha256(pages.frames.tobytes()).hexdigest())
"""


def drawn_here(config: RenderConfig, texts: list[str]) -> list[str]:
    pages = [TextRenderer(config).render(text) for text in texts]
    return [f"{page.style} {hashlib.sha256(page.frames.tobytes()).hexdigest()}" for page in pages]


def test_the_same_bytes_in_another_process_another_hash_seed_another_order() -> None:
    expected = drawn_here(PAPER, TEXTS)
    for seed, texts in (("1", TEXTS), ("7", TEXTS[::-1])):
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=json.dumps([PAPER.to_json(), texts]),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert sorted(result.stdout.splitlines()) == sorted(expected)
    assert len({line.split()[0] for line in expected}) > 5


def test_styles_have_equal_shares_and_a_seed_draws_others() -> None:
    texts = [f"text {number}" for number in range(1000)]
    counts = Counter(PAPER.style_of(text) for text in texts)
    # four standard deviations of a share of 1/11
    assert set(counts) == set(STYLES) and all(55 <= count <= 127 for count in counts.values()), counts
    other = replace(PAPER, style_seed=1)
    assert sum(PAPER.style_of(text) != other.style_of(text) for text in texts) > 800
    twice = RenderConfig(styles=("dark", "dark", "serif"))
    assert 600 < sum(twice.style_of(text) == "dark" for text in texts) < 733


def test_a_page_of_a_style_is_the_page_of_the_configuration_in_that_style() -> None:
    for text in TEXTS:
        styled = TextRenderer(PAPER).render(text)
        assert styled.style == PAPER.style_of(text)
        alone = TextRenderer(RenderConfig.preset("paper").in_style(styled.style)).render(text)
        assert (alone.frames == styled.frames).all() and alone.char_spans == styled.char_spans
        assert alone.style is None and TextRenderer(PAPER).char_spans(text) == styled.char_spans


@pytest.mark.parametrize("preset", PRESETS)
def test_every_style_fits_every_preset_and_none_makes_type_smaller(preset: str) -> None:
    base = RenderConfig.preset(preset)
    for name in STYLES:
        config = base.in_style(name)
        assert (config.width_px, config.height_px) == (base.width_px, base.height_px)
        assert config.font_px >= base.font_px and config.line_px >= base.line_px and config.styles == ()
        # well above what is refused
        assert contrast(config.ink, config.paper) >= 7
    assert len({base.in_style(name).fingerprint() for name in STYLES}) == len(STYLES)


def test_styles_are_in_the_fingerprint_and_their_order_is_not() -> None:
    plain = RenderConfig.preset("paper")
    some = [replace(plain, styles=names) for names in (("dark",), ("dark", "serif"), ("dark", "dark", "serif"))]
    seeded = replace(some[1], style_seed=3)
    assert len({config.fingerprint() for config in (plain, *some, seeded)}) == 5
    assert replace(plain, styles=("serif", "dark")) == some[1] == replace(plain, styles=["serif", "dark"])
    assert RenderConfig.from_json(seeded.to_json()) == seeded


def test_lazy_and_eager_rows_have_the_same_pages_and_the_number_is_exact() -> None:
    asked = [LongTextQA(f"q{number}", "long_qa", text, "?", "!") for number, text in enumerate(TEXTS) for _ in "ab"]
    reports = DrawingReport(), DrawingReport()
    lazy = Dataset.from_list(list(synthesize(asked, PAPER, render="lazy", report=reports[0])), lazy_features())
    eager = Dataset.from_list(list(synthesize(asked, PAPER, report=reports[1])), lazy_features())
    for text, one, other in zip([qa.context for qa in asked], lazy, eager, strict=True):
        pages = TextRenderer(PAPER).render(text).frames
        assert one["num_frames"] == len(one["images"]) == len(pages) == describe(text, PAPER)["num_pages"]
        assert (np.stack([np.asarray(page) for page in one["images"]]) == pages).all()
        assert (np.stack([np.asarray(page) for page in other["images"]]) == pages).all()
    assert reports[0].styles == reports[1].styles == Counter(map(PAPER.style_of, TEXTS))


def test_ink_and_paper_are_the_only_levels_where_no_edge_is() -> None:
    for ink, paper in ((0, 255), (225, 25), (45, 215), (255, 0), (90, 255)):
        frame = TextRenderer(RenderConfig(font_px=40, line_px=50, ink=ink, paper=paper)).render("HIE").frames[0]
        counts = np.bincount(frame.ravel(), minlength=256)
        low, high = sorted((ink, paper))
        assert counts[:low].sum() == counts[high + 1 :].sum() == 0 and np.count_nonzero(counts) <= 16
        assert sorted(np.argsort(counts)[-2:].tolist()) == [low, high] and counts.argmax() == paper


def test_columns_are_filled_one_after_the_other_and_from_the_side_where_reading_begins() -> None:
    config = RenderConfig(columns=2)
    middle = config.width_px // 2
    for text, first in (("word " * 30, slice(0, middle)), ("\u05de\u05d9\u05dc\u05d4 " * 30, slice(middle, None))):
        frame = TextRenderer(config).render(text).frames[0] < 255
        assert frame[:, first].any() and frame.sum() == frame[:, first].sum()
    full = TextRenderer(config).render("word " * 900).frames[0] < 255
    gap = config.margin_px + config.text_width_px
    assert not full[:, gap + 1 : gap + config.gutter_px - 1].any() and full[:, middle + config.gutter_px :].any()
    narrow = TextRenderer(replace(config, columns=1, width_px=config.text_width_px + 2 * config.margin_px))
    one, two = narrow.char_spans("word " * 900), TextRenderer(config).char_spans("word " * 900)
    assert two[0] == (0, one[1][1])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"styles": ["gothic"]}, "unknown style 'gothic'; known: airy, book, dark"),
        ({"styles": "serif"}, r"give a list of names, as in \['serif'\]"),
        ({"style_seed": 2}, "style_seed=2 without styles"),
        ({"styles": ["two_columns"], "width_px": 80}, "style 'two_columns': a 80x448 px page .* and 2 columns has no"),
        ({"columns": 12}, "12 columns has no room .* lower columns, margin_px or font_px"),
        ({"columns": 0}, "columns=0: give at least 1"),
        ({"face": "gothic"}, "unknown face 'gothic'; known: mono, sans, serif"),
        ({"ink": 150, "paper": 200}, "contrast of 1.8 : 1, and text needs 4.5 : 1"),
        ({"ink": -1}, "ink=-1: it is a grey level"),
        ({"paper": 256}, "paper=256: it is a grey level"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_a_text_is(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RenderConfig(**fields)
    with pytest.raises(InputError, match="unknown style"):
        RenderConfig().in_style("gothic")


def test_a_typeface_that_is_not_installed_ends_a_build_and_leaves_no_rows_out(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [path for path in fonts.font_files() if "Serif" not in path.name]
    monkeypatch.setattr(fonts, "font_files", lambda: tuple(files))
    fonts.first_font.cache_clear()
    try:
        TextRenderer(RenderConfig(styles=("dark", "mono")))
        with pytest.raises(InputError, match=r"typeface serif, is not installed: pip install"):
            synthesize([], RenderConfig(styles=("dark", "book")), on_error="skip")
    finally:
        fonts.first_font.cache_clear()
