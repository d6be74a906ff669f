"""Words to glyphs: what a word is asked with, and what it was drawn after, changes nothing; nothing is cut off."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from t2vid_hf.rendering.atlas import Atlas
from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.fonts import _EAST_ASIAN, font_files, load_font
from t2vid_hf.rendering.shaping import Glyphs, font_runs, shape_words

RIGHT_TO_LEFT = ("arb", "heb", "pes_1", "urd")


def glyphs_of(shaped: Glyphs, word: int) -> list[tuple]:
    start, end = shaped.starts[word], shaped.starts[word + 1]
    columns = (shaped.fonts, shaped.glyphs, shaped.x, shaped.y)
    return [*zip(*(column[start:end].tolist() for column in columns), strict=True), (shaped.advances[word],)]


@pytest.mark.parametrize(
    "script", ["arb", "heb", "pes_1", "urd", "hin", "ben", "tam", "tha", "lao", "khm", "mya", "nep", "vie", "amh"]
)
def test_a_word_is_shaped_as_if_alone(script: str, texts: Callable[[str], list[tuple[str, str]]]) -> None:
    text = dict(texts("data/texts/udhr"))[f"{script}.txt"]
    words = list(dict.fromkeys(text.split()))[:400]
    # A mark that nothing carries must not be taken for a part of what stands between words.
    words[1:1] = ["\u0301a", "\u0e48\u0e01", "\u093f\u0915", "\u064e\u0628", "\u200d"]
    direction = "rtl" if script in RIGHT_TO_LEFT else "ltr"
    together = shape_words(words, direction)
    for number, word in enumerate(words):
        assert glyphs_of(together, number) == glyphs_of(shape_words([word], direction), 0), word


def test_runs_are_of_one_font_and_one_script_each() -> None:
    text = "a\u0301\u0416\u03b1\u0915\u094d\u0937 \u0628\u06cc12\u4e2d"
    runs = font_runs(text)
    assert [run.start for run in runs] == [0, *(run.end for run in runs[:-1])] and runs[-1].end == len(text)
    assert [run.script for run in runs] == ["Latn", "Cyrl", "Grek", "Deva", "Arab", None, "Hani"]
    assert all((a.font, a.script) != (b.font, b.script) for a, b in pairwise(runs))


def test_ideographs_are_asked_of_the_font_that_alone_has_them() -> None:
    """The order of the chain decides which font draws a character; here a shorter way leads to the same font."""
    for font, path in enumerate(font_files()):
        if "CJK" not in path.name and "STIX" not in path.name:
            mapped = set(load_font(font).face.unicodes)
            assert not any(code in mapped for first, last in _EAST_ASIAN for code in range(first, last + 1)), path


def test_joined_letters_leave_no_seam() -> None:
    """Two Arabic letters meet on the base line: no pale column between them."""
    atlas = Atlas(RenderConfig.preset("dense"))
    for word in ("\u0628\u0628\u0628\u0628", "\u0633\u0633\u0633", "\u0639\u0628\u0639\u0628"):
        (slot,) = atlas.words([word], "rtl", most_px=400)
        offset, rows, strips, columns, *_ = atlas.glyphs[slot].tolist()
        pixels = atlas.bitmaps[offset : offset + rows * strips * 16].reshape(strips, rows, 16)
        darkest = pixels.transpose(1, 0, 2).reshape(rows, -1)[:, :columns].min(axis=0)
        assert darkest[1:-3].max() < 128, darkest


def test_sums_of_widths_are_exact() -> None:
    shaped = shape_words(["\u0938\u092d\u0940"] * 3000, "ltr")
    assert len(set(shaped.advances.tolist())) == 1 and np.unique(np.diff(shaped.starts)).size == 1
