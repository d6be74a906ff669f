"""Draw a text as pages: `TextRenderer(config).render(text)`.

One page is one 8-bit grey image, black on white. Lines are shaped by raqm (Arabic joins, Indic clusters), each
stretch by the first font of a fixed chain that has it. About 400 pages/s on one core of a 2-core x86-64 machine for
English at the preset `paper`; `tests/benchmarks/bench_render.py` measures it.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, ImageDraw

from t2vid_hf.errors import InputError
from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.fonts import Run, font_for, font_runs, is_ignorable, load_font, missing_glyph
from t2vid_hf.rendering.layout import Line, break_pages

WHITE, BLACK = 255, 0
BOX = "\u25a1"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")


@dataclass(frozen=True)
class RenderedPages:
    """Pages, and what stands on each.

    Args:
        frames (`np.ndarray` of shape `(n, height, width)`, uint8): Grey levels, 255 is white.
        char_spans (`tuple[tuple[int, int], ...]`): For each page the half-open span of the source that it shows.
            The spans partition the source.
        missing (`int`): Characters drawn as a box because no font has them; 0 unless `missing="replace"`.
    """

    frames: np.ndarray
    char_spans: tuple[tuple[int, int], ...]
    missing: int = 0

    def images(self) -> list[Image.Image]:
        """The pages as PIL images of mode `L`."""
        return [Image.fromarray(frame) for frame in self.frames]


@dataclass(frozen=True)
class TextRenderer:
    """Draws texts as pages, all alike.

    Args:
        config ([`~t2vid_hf.rendering.RenderConfig`]): Size, type, margins, whitespace.

    Example:

    ```python
    >>> from t2vid_hf.rendering import RenderConfig, TextRenderer
    >>> pages = TextRenderer(RenderConfig.preset("paper")).render("Call me Ishmael. " * 60)
    >>> pages.frames.shape
    (2, 448, 448)
    >>> pages.char_spans
    ((0, 637), (637, 1020))

    ```
    """

    config: RenderConfig

    def render(self, text: str) -> RenderedPages:
        """Draw a text.

        Args:
            text (`str`): At least one character that is not white space.

        Returns:
            [`RenderedPages`]

        Raises:
            [`~t2vid_hf.errors.InputError`]: the text is empty or white space, or has a character that no installed
                font has (and `config.missing == "error"`).
        """
        if not text.strip():
            raise InputError("the text to draw is empty or white space alone")
        text, missing = self._drawable(text)
        pages = break_pages(text, self.config, self._measure)
        frames = np.stack([self._draw(text, page) for page in pages])
        return RenderedPages(frames, tuple((page[0].start, page[-1].end) for page in pages), missing)

    def _drawable(self, text: str) -> tuple[str, int]:
        """The text with a box for each character that no font has. The length stays, so that spans hold."""
        missing = [char for char in set(text) if not (char.isspace() or is_ignorable(char)) and font_for(char) is None]
        if not missing:
            return text, 0
        if self.config.missing == "error":
            first = min(missing, key=text.index)
            raise InputError(f"character {text.index(first)} of the text: {missing_glyph(first)}")
        return text.translate({ord(char): BOX for char in missing}), sum(map(text.count, missing))

    @cached_property
    def _widths(self) -> dict[str, float]:
        return {}

    def _measure(self, piece: str) -> float:
        width = self._widths.get(piece)
        if width is None:
            width = sum(self._run_width(piece[run.start : run.end], run.font) for run in font_runs(piece))
            self._widths[piece] = width
        return width

    def _run_width(self, text: str, font: int, direction: str | None = None) -> float:
        return load_font(font, self.config.font_px).getlength(text, direction=direction)

    @cached_property
    def _ascent_px(self) -> int:
        """Distance from the top of a line to its base line: the first font's, centred in the line height."""
        ascent, descent = load_font(0, self.config.font_px).getmetrics()
        return ascent + (self.config.line_px - ascent - descent) // 2

    def _draw(self, text: str, page: tuple[Line, ...]) -> np.ndarray:
        config = self.config
        image = Image.new("L", (config.width_px, config.height_px), WHITE)
        draw = ImageDraw.Draw(image)
        y = config.margin_px + self._ascent_px
        if config.vertical == "center":
            y += (config.height_px - 2 * config.margin_px - len(page) * config.line_px) // 2
        for line in page:
            if _RIGHT_TO_LEFT.search(line.text) or (self._is_mirrored(text) and _base_is_rtl(text, line.start)):
                self._draw_bidirectional(draw, line.text, y, rtl=_base_is_rtl(text, line.start))
            else:
                x = float(config.margin_px)
                for run in font_runs(line.text):
                    x = self._draw_run(draw, line.text[run.start : run.end], run.font, x, y)
            y += config.line_px
        return np.asarray(image)

    def _is_mirrored(self, text: str) -> bool:
        return _RIGHT_TO_LEFT.search(text) is not None

    def _draw_run(
        self, draw: ImageDraw.ImageDraw, text: str, font: int, x: float, y: int, direction: str | None = None
    ) -> float:
        """Draw one run from `x` on the base line `y`; returns where it ends."""
        draw.text((x, y), text, BLACK, load_font(font, self.config.font_px), anchor="ls", direction=direction)
        return x + self._run_width(text, font, direction)

    def _draw_bidirectional(self, draw: ImageDraw.ImageDraw, text: str, y: int, *, rtl: bool) -> None:
        """Draw a line with right-to-left text: stretches in visual order, aligned at the side where reading begins."""
        visual: list[tuple[str, int, str]] = []
        stretches = _directions(text, rtl=rtl)
        for start, end, direction in reversed(stretches) if rtl else stretches:
            runs: list[Run] = font_runs(text[start:end])
            for run in reversed(runs) if direction == "rtl" else runs:
                visual.append((text[start + run.start : start + run.end], run.font, direction))
        x = float(self.config.margin_px)
        if rtl:
            x = self.config.width_px - x - sum(self._run_width(*piece) for piece in visual)
        for piece, font, direction in visual:
            x = self._draw_run(draw, piece, font, x, y, direction)


def _base_is_rtl(text: str, position: int) -> bool:
    """Whether the paragraph that holds a position begins with a right-to-left letter (UAX 9, P2 and P3)."""
    start = text.rfind("\n", 0, position) + 1
    for char in text[start : start + 1000]:
        kind = unicodedata.bidirectional(char)
        if kind in ("L", "R", "AL"):
            return kind != "L"
    return False


def _directions(text: str, *, rtl: bool) -> list[tuple[int, int, str]]:
    """Stretches of one direction in logical order: (start, end, "ltr" | "rtl").

    Two levels of UAX 9: a letter has its own direction, a number the one of the letter before it (raqm turns the
    digits inside), and what is neutral the one of its neighbours where they agree, else the paragraph's.
    """
    base = "rtl" if rtl else "ltr"
    strong: list[str | None] = []
    last = base
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("L", "R", "AL"):
            last = "ltr" if kind == "L" else "rtl"
            strong.append(last)
        elif kind in ("EN", "AN"):
            strong.append(last)
        else:
            strong.append(None)
    following = base
    resolved: list[str] = [base] * len(text)
    for position in range(len(text) - 1, -1, -1):
        following = strong[position] or following
        resolved[position] = following
    preceding = base
    stretches: list[tuple[int, int, str]] = []
    for position, direction in enumerate(strong):
        preceding = direction or preceding
        own = direction or (preceding if preceding == resolved[position] else base)
        if stretches and stretches[-1][2] == own:
            stretches[-1] = (stretches[-1][0], position + 1, own)
        else:
            stretches.append((position, position + 1, own))
    return stretches
