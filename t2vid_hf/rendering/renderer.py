"""Draw a text as pages: `TextRenderer(config).render(text)`.

One page is one 8-bit grey image, black on white where the configuration says nothing else. A text becomes slots of an
atlas (glyphs and words drawn once), a compiled loop places them, another draws them: 300 times the original's speed for
English at the preset `paper`, on one core; what each script's first text costs is in tests/benchmarks/README.md. A
glyph takes 10 to 20 us the first time, a word of a joined script as much.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.rendering.atlas import Atlas, atlas_for
from t2vid_hf.rendering.blit import draw
from t2vid_hf.rendering.config import RenderConfig
from t2vid_hf.rendering.fonts import first_font
from t2vid_hf.rendering.layout import Layout, lay_out
from t2vid_hf.rendering.png import encode_png
from t2vid_hf.rendering.resolving import sized
from t2vid_hf.rendering.slots import STRIP_PX, UNIT
from t2vid_hf.rendering.tones import lay_on_paper
from t2vid_hf.rendering.turns import Turn


@dataclass(frozen=True)
class RenderedPages:
    """Pages, and what stands on each.

    Args:
        frames (`np.ndarray` of shape `(n, height, width)`, uint8): The pages in grey levels, 255 is white.
        char_spans (`tuple[tuple[int, int], ...]`): For each page the half-open span of the source that it shows.
            The spans partition the source.
        missing (`int`, *optional*, defaults to `0`): Characters drawn as a box because no font has them, or because
            they have no form; [`~t2vid_hf.rendering.missing_characters`] says which.
        style (`str`, *optional*): The style that was drawn for the text; `None` where the configuration has no styles.
    """

    frames: np.ndarray
    char_spans: tuple[tuple[int, int], ...]
    missing: int = 0
    style: str | None = None

    def images(self) -> list[Image.Image]:
        """The pages as PIL images of mode `L`."""
        return [Image.fromarray(frame) for frame in self.frames]

    def pngs(self) -> list[bytes]:
        """The pages as PNG files; see [`~t2vid_hf.rendering.encode_png`]."""
        return [encode_png(frame) for frame in self.frames]


@dataclass(frozen=True)
class TextRenderer:
    """Draws texts as pages: all alike, or each in a style that is drawn for it from the configuration's `styles`.

    Renderers of one configuration share what they have drawn; threads take turns. A process may fork while its threads
    draw: the fork waits for the text that is being drawn.

    Args:
        config ([`~t2vid_hf.rendering.RenderConfig`]): How a page looks: size, type, margins, white space.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the font of a typeface that the configuration or one of its styles draws with
            is not installed.

    Example:

    ```python
    >>> from t2vid_hf.rendering import RenderConfig, TextRenderer
    >>> pages = TextRenderer(RenderConfig.preset("paper")).render("Call me Ishmael. " * 60)
    >>> pages.frames.shape
    (2, 448, 448)
    >>> pages.char_spans
    ((0, 651), (651, 1020))

    ```
    """

    config: RenderConfig

    def __post_init__(self) -> None:
        for config in (self.config, *map(self.config.in_style, self.config.styles)):
            first_font(config.face)

    def render(self, text: str) -> RenderedPages:
        """Draw a text.

        Args:
            text (`str`): The text, with at least one character that is not white space.

        Returns:
            [`RenderedPages`]

        Raises:
            [`~t2vid_hf.errors.InputError`]: the text is empty or white space, or has a character that no installed
                font has or that has no form, such as NUL, where `config.missing == "error"`; else more than the share
                `config.max_missing` of them; or what it has of different characters and words takes 2 GiB in type of
                this size.
        """
        style, config = self._drawn_as(text)
        with Turn(), _atlas(config) as atlas:
            layout = _lay_out(text, config, atlas)
            frames = _draw(layout, config, atlas)
        return RenderedPages(frames, layout.char_spans, layout.missing, style)

    def char_spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """What [`~TextRenderer.render`] would put on each page, without drawing: half the time, and no pixels.

        Raises:
            [`~t2vid_hf.errors.InputError`]: as [`~TextRenderer.render`].
        """
        _, config = self._drawn_as(text)
        with Turn(), _atlas(config) as atlas:
            return _lay_out(text, config, atlas).char_spans

    def _drawn_as(self, text: str) -> tuple[str | None, RenderConfig]:
        """The one place where a text gets its style and its size of type."""
        style = self.config.style_of(text)
        return style, sized(self.config if style is None else self.config.in_style(style), text)


@contextmanager
def _atlas(config: RenderConfig) -> Iterator[Atlas]:
    """The atlas of a configuration, for one text.

    Another one takes the place of an atlas that is in use: its text was stopped half way, by Ctrl-C or for want of
    memory, and may have left a table half written, or a signal's handler draws within the text.
    """
    atlas = atlas_for(config)
    if atlas.in_use:
        atlas_for.cache_clear()
        atlas = atlas_for(config)
    atlas.in_use = True
    try:
        yield atlas
    except InputError:  # a text that is refused has written nothing by halves
        atlas.in_use = False
        raise
    atlas.in_use = False


def _lay_out(text: str, config: RenderConfig, atlas: Atlas) -> Layout:
    if not text or text.isspace():
        raise InputError("the text to draw is empty or white space alone")
    atlas.make_room()
    return lay_out(text, config, atlas)


def _draw(layout: Layout, config: RenderConfig, atlas: Atlas) -> np.ndarray:
    shape = (layout.pages, config.height_px, config.width_px)
    # A strip of a glyph may reach, without a change, past the end of the last page.
    buffer = np.empty(np.prod(shape) + STRIP_PX, np.uint8)
    draw(
        buffer,
        np.array(shape[1:], np.int64),
        layout.slots,
        layout.x,
        atlas.glyphs,
        atlas.toned(),
        layout.lines,
        config.margin_px * UNIT,
    )
    lay_on_paper(buffer, config.ink, config.paper)
    return buffer[:-STRIP_PX].reshape(shape)
