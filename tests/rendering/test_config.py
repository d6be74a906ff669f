"""The configuration: presets, JSON, fingerprints, refusals."""

import dataclasses

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.rendering import TextRenderer
from t2vid_hf.rendering.config import PRESETS, RenderConfig


@pytest.mark.parametrize("name", PRESETS)
def test_json_round_trip_keeps_fields_and_fingerprint(name: str) -> None:
    config = RenderConfig.preset(name)
    again = RenderConfig.from_json(config.to_json())
    assert again == config and again.fingerprint() == config.fingerprint()


def test_each_field_has_a_part_in_the_fingerprint() -> None:
    base = RenderConfig()
    changed = [
        dataclasses.replace(base, **{name: value})
        for name, value in {
            "width_px": 500, "height_px": 500, "font_px": 15, "line_px": 18, "margin_px": 13, "max_words": 9,
            "whitespace": "flow", "vertical": "center", "missing": "error", "max_missing": 0.5,
            "face": "serif", "columns": 2, "ink": 40, "paper": 200, "styles": ("dark",),
            "size_by_script": True,
        }.items()
    ]  # fmt: skip
    changed.append(dataclasses.replace(base, styles=("dark",), style_seed=1))
    assert len(changed) == len(dataclasses.fields(base))
    assert len({config.fingerprint() for config in [base, *changed]}) == len(changed) + 1


def test_paper_is_the_papers() -> None:
    paper = RenderConfig.preset("paper")
    assert (paper.width_px, paper.height_px, paper.font_px, paper.max_words, paper.margin_px) == (448, 448, 20, 115, 20)
    assert (paper.whitespace, paper.vertical) == ("flow", "center")


@pytest.mark.parametrize(
    ("name", "side"), [("native", 364), ("native_384", 384), ("native_448", 448), ("native_512", 512)]
)
def test_native_pages_have_the_models_size(name: str, side: int) -> None:
    config = RenderConfig.preset(name)
    assert (config.width_px, config.height_px, config.max_words) == (side, side, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"width_px": 0}, {"font_px": -1}, {"margin_px": -1}, {"max_words": 0}, {"width_px": 2**20},
        {"line_px": 19}, {"font_px": 400},
        {"whitespace": "trim"}, {"vertical": "bottom"}, {"missing": "skip"}, {"max_missing": -0.1},
        {"max_missing": 1.1}, {"max_missing": float("nan")},
    ],
)  # fmt: skip
def test_impossible_pages_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InputError):
        RenderConfig.preset("paper", **changes)


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(InputError, match="known: .*dense"):
        RenderConfig.preset("papre")
    with pytest.raises(InputError, match="not a render configuration"):
        RenderConfig.from_json('{"colour": "red"}')


@pytest.mark.parametrize("side", ["width_px", "height_px"])
def test_pages_of_a_few_pixels_are_refused_or_drawn(side: str) -> None:
    """What cannot be squeezed into a page was squeezed for ever."""
    tiny = {"font_px": 1, "line_px": 1, "margin_px": 0, "max_missing": 1.0, "size_by_script": False}
    with pytest.raises(InputError, match="has no room for 1 px type"):
        RenderConfig(**{"width_px": 60, "height_px": 60, **tiny, side: 7})
    least = RenderConfig(**{"width_px": 60, "height_px": 60, **tiny, side: 8})
    for text in (
        "a\u255fb\n\u255f\u2551\u2588\n",
        "\ufdfd\u2e3b\U0001f468\u200d\U0001f469\u200d\U0001f467 a  b\nc  d\n",
    ):
        assert TextRenderer(least).render(text).char_spans[-1][1] == len(text)
