"""Type as large as a text's script needs: which text gets which, everywhere alike, and never against what was asked."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.rendering.resolving import SMALLEST_PX, sized, smallest_px

DENSE = RenderConfig.preset("dense", max_missing=1.0)


@pytest.mark.parametrize(
    ("name", "px"),
    [
        ("eng", 0), ("fra", 0), ("rus", 0), ("heb", 0), ("arb", 13), ("tha", 12), ("cmn_hans", 13), ("cmn_hant", 13),
        ("jpn", 13), ("kor", 13), ("hin", 13), ("nep", 13), ("vie", 13), ("ben", 16), ("tam", 16), ("khm", 16),
    ],
)  # fmt: skip
def test_real_texts_get_the_type_of_their_script(
    name: str, px: int, texts: Callable[[str], list[tuple[str, str]]]
) -> None:
    text = dict(texts("data/texts/udhr"))[f"{name}.txt"]
    assert smallest_px(text) == px
    drawn = TextRenderer(DENSE).render(text)
    alone = TextRenderer(sized(DENSE, text)).render(text)
    assert drawn.char_spans == alone.char_spans == TextRenderer(DENSE).char_spans(text)
    assert np.array_equal(drawn.frames, alone.frames)
    assert sized(DENSE, text).font_px == max(px, 10) and not sized(DENSE, text).size_by_script


def test_a_word_of_another_script_changes_no_page() -> None:
    english = "The keeper wound the clock. " * 40
    assert smallest_px(english + "\u4eba\u751f") == 0 and smallest_px("\u4eba\u751f\u800c " * 3 + "clock") == 13


def test_who_gives_a_size_has_it() -> None:
    text = "\u4eba\u4eba\u751f\u800c\u81ea\u7531" * 40
    assert sized(RenderConfig.preset("dense", font_px=9), text).font_px == 9
    assert sized(RenderConfig.preset("dense", font_px=9, size_by_script=True), text).font_px == 13
    assert sized(RenderConfig.preset("paper"), text).font_px == 20
    large = RenderConfig.preset("dense", font_px=18, line_px=20, size_by_script=True)
    assert sized(large, text) == replace(large, size_by_script=False)


def test_lines_grow_with_the_type() -> None:
    config = sized(RenderConfig.preset("dense"), "\u0995\u09a5\u09be " * 9)
    assert (config.font_px, config.line_px) == (16, 18)


def test_a_page_without_room_for_some_script_is_refused_at_once() -> None:
    assert RenderConfig(width_px=40, height_px=40, font_px=10, line_px=11, margin_px=5)
    with pytest.raises(InputError, match="size_by_script, for scripts that need 16 px: a 40x40 px page"):
        RenderConfig(width_px=40, height_px=40, font_px=10, line_px=11, margin_px=5, size_by_script=True)


def test_it_is_part_of_the_fingerprint_and_of_the_styles() -> None:
    assert DENSE.fingerprint() != replace(DENSE, size_by_script=False).fingerprint()
    styled = replace(DENSE, styles=("dark", "serif"))
    text = "\u4eba\u4eba\u751f\u800c\u81ea\u7531" * 40
    assert sized(styled.in_style("dark"), text).font_px == 13
    assert TextRenderer(styled).char_spans(text) == TextRenderer(sized(styled.in_style("dark"), text)).char_spans(text)


def test_ranges_are_in_order() -> None:
    bounds = [bound for first, last, _ in SMALLEST_PX for bound in (first, last)]
    assert bounds == sorted(bounds)
