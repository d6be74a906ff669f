"""A text that is stopped half way, by Ctrl-C or by a handler of a signal, changes nothing of those drawn after it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from t2vid_hf.rendering import RenderConfig, TextRenderer, breaks
from t2vid_hf.rendering.atlas import atlas_for
from t2vid_hf.rendering.kerning import Kerning

TEXT = "AVATAR To We. (Ya, \u201cTy\u201d) 7/8: L'Av-- " * 20
CONFIG = RenderConfig(font_px=15)


def at_call(number: int, function: Callable[..., Any], act: Callable[[], None]) -> Callable[..., Any]:
    """A function that does something else before one of its calls."""
    calls = iter(range(number + 1))

    def replaced(*given: Any, **named: Any) -> Any:
        if next(calls, None) == number:
            act()
        return function(*given, **named)

    return replaced


def stop() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("owner", "name", "number"), [(Kerning, "learn", 0), (breaks, "_pattern", 0), (breaks, "_pattern", 3)]
)
def test_a_text_that_was_stopped(owner: Any, name: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2vid_hf.rendering.remembering.find", lambda _: None)
    renderer = TextRenderer(CONFIG)
    atlas_for.cache_clear()
    expected = renderer.render(TEXT)
    atlas_for.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, at_call(number, getattr(owner, name), stop))
        with pytest.raises(KeyboardInterrupt):
            renderer.render(TEXT)
    again = renderer.render(TEXT)
    assert again.char_spans == expected.char_spans and np.array_equal(again.frames, expected.frames)


def test_a_handler_that_draws_within_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2vid_hf.rendering.remembering.find", lambda _: None)
    renderer = TextRenderer(CONFIG)
    atlas_for.cache_clear()
    expected = renderer.render(TEXT).frames
    atlas_for.cache_clear()
    within: list[np.ndarray] = []
    monkeypatch.setattr(
        Kerning, "learn", at_call(0, Kerning.learn, lambda: within.append(renderer.render(TEXT).frames))
    )
    assert np.array_equal(renderer.render(TEXT).frames, expected)
    assert np.array_equal(within[0], expected)
