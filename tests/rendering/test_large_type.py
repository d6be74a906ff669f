"""Type so large that what a text has drawn is more than its places can name: refused, and no place wraps round."""

import numpy as np
import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, TextRenderer, slot_tables
from t2vid_hf.rendering.slot_tables import SlotTables


def test_places_stay_within_32_bits() -> None:
    tables = SlotTables()
    tables.empty()
    many, one = np.full(2, 2**14), np.ones(1, np.int64)
    with pytest.raises(InputError, match="in smaller type"):
        tables.reserve(many, many, many, many, 4 * one)
    assert tables.used == 0


def test_a_text_that_is_refused_leaves_the_next_one_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = TextRenderer(RenderConfig(font_px=61, line_px=61, max_missing=1.0))
    alphabet = "".join(map(chr, range(0x21, 0x7F))) + " \u0628\u062a\u0639\u0645"
    expected = renderer.render(alphabet).frames
    with monkeypatch.context() as patch:
        patch.setattr(slot_tables, "_MOST_PIXELS", 2**20)
        with pytest.raises(InputError):
            renderer.render(alphabet + "".join(map(chr, range(0x400, 0x460))) + " \u0641\u0642\u0643" * 2)
    assert np.array_equal(renderer.render(alphabet).frames, expected)
