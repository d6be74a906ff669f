"""What a configuration becomes for one text: in a style, and in type as large as the text's script needs.

An ideograph has more strokes than a letter: at 10 px tesseract misreads four times as much of it as of the same page
drawn larger. `SMALLEST_PX` holds, for each script that was measured, the smallest type at which that is at most twice
as much, or 0.3 % (tests/benchmarks/results/legibility_by_script.json).
"""

from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.rendering.styles import STYLES

if TYPE_CHECKING:
    from t2vid_hf.rendering.config import RenderConfig

# A script counts where it is this share of a text's characters; of Vietnamese every eighth has two marks.
SHARE = 0.05
# Of tables and source text each character counts: of CSV at 10 px tesseract misreads four times as much as enlarged.
KEPT_PX = 13
# First and last code point, pixels per em. Scripts that are not here need no more than Latin.
SMALLEST_PX: tuple[tuple[int, int, int], ...] = (
    (0x0300, 0x036F, 13),  # marks on letters, as Vietnamese is often written
    (0x0370, 0x03FF, 11),  # Greek
    (0x0600, 0x06FF, 13),  # Arabic
    (0x0750, 0x077F, 13),  # Arabic
    (0x08A0, 0x08FF, 13),  # Arabic
    (0x0900, 0x097F, 13),  # Devanagari
    (0x0980, 0x09FF, 16),  # Bengali
    (0x0A00, 0x0B7F, 16),  # Gurmukhi, Gujarati, Oriya: not measured
    (0x0B80, 0x0BFF, 16),  # Tamil
    (0x0C00, 0x0DFF, 16),  # Telugu, Kannada, Malayalam, Sinhala: not measured
    (0x0E00, 0x0E7F, 12),  # Thai
    (0x0E80, 0x0EFF, 12),  # Lao: not measured
    (0x1000, 0x109F, 16),  # Burmese: not measured
    (0x1100, 0x11FF, 13),  # Hangul
    (0x1200, 0x139F, 13),  # Ethiopic: not measured
    (0x1780, 0x17FF, 16),  # Khmer: not measured
    (0x1EA0, 0x1EF9, 13),  # Vietnamese
    (0x3040, 0x30FF, 13),  # Japanese
    (0x3400, 0x9FFF, 13),  # Chinese
    (0xAC00, 0xD7A3, 13),  # Hangul
    (0xF900, 0xFAFF, 13),  # Chinese
    (0xFB50, 0xFDFF, 13),  # Arabic
    (0xFE70, 0xFEFF, 13),  # Arabic
    (0x20000, 0x3FFFF, 13),  # Chinese
)


def smallest_px(text: str) -> int:
    """The type that the scripts of a text need, in pixels per em; 0 where it is no more than Latin needs.

    Example:

    ```python
    >>> from t2vid_hf.rendering.resolving import smallest_px
    >>> smallest_px("plain text"), smallest_px("\\u4eba\\u4eba\\u751f\\u800c\\u81ea\\u7531")
    (0, 13)

    ```
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    counts = np.bincount(_needs()[codes])
    return int(np.flatnonzero(counts >= SHARE * len(codes))[-1]) if len(counts) > 1 else 0


def sized(config: "RenderConfig", text: str) -> "RenderConfig":
    """A configuration with type as large as a text needs, where `size_by_script`; lines grow with it.

    That is as large as its script needs; and, where spaces and lines are kept (`whitespace="keep"`), as tables need.
    """
    if not config.size_by_script:
        return config
    return _sized(config, max(smallest_px(text), KEPT_PX if config.whitespace == "keep" else 0))


def check_sizes(config: "RenderConfig") -> None:
    """Refuse a page that has no room for the type that some script needs.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is none.
    """
    largest = max(px for _, _, px in SMALLEST_PX)
    try:
        _sized(config, largest)
    except InputError as error:
        raise InputError(f"size_by_script, for scripts that need {largest} px: {error}") from None


def in_style(config: "RenderConfig", name: str) -> "RenderConfig":
    """A configuration as a style changes it, without `styles`.

    Args:
        config ([`~t2vid_hf.rendering.RenderConfig`]): The configuration.
        name (`str`): A key of [`~t2vid_hf.rendering.styles.STYLES`].

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown name, or pages that have no room for the style.
    """
    return _in_style(config, name)


@lru_cache(maxsize=256)
def _sized(config: "RenderConfig", px: int) -> "RenderConfig":
    if px <= config.font_px:
        return replace(config, size_by_script=False)
    return replace(config, font_px=px, line_px=-(-config.line_px * px // config.font_px), size_by_script=False)


@cache
def _needs() -> np.ndarray:
    """The pixels that each code point needs."""
    needs = np.zeros(0x110000, np.uint8)
    for first, last, px in SMALLEST_PX:
        needs[first : last + 1] = px
    return needs


@lru_cache(maxsize=256)
def _in_style(config: "RenderConfig", name: str) -> "RenderConfig":
    if name not in STYLES:
        raise unknown("style", name, STYLES)
    style = STYLES[name]
    given = {key: getattr(style, key) for key in ("face", "columns", "ink", "paper")}
    try:
        return replace(
            config,
            font_px=round(config.font_px * style.size),
            line_px=round(config.line_px * style.size * style.leading),
            margin_px=config.margin_px + round(min(config.width_px, config.height_px) * style.margin),
            styles=(),
            style_seed=0,
            **{key: value for key, value in given.items() if value is not None},
        )
    except InputError as error:
        raise InputError(f"style '{name}': {error}") from None
