"""Render styles: how pages of one data set differ from each other, by name.

Pages of one typeface, black on white, teach a model one look, and others are read worse (Glyph, arXiv 2510.17800, says
so of its own). A style changes a configuration in the few ways in which books and screens differ, always as a factor or
a share, so that it fits every preset; none makes type smaller, so that what is legible stays so
(tests/benchmarks/results/render_styles.json). The price: airy or large type takes up to twice the pages.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """What a style changes of a [`~t2vid_hf.rendering.RenderConfig`]; what is `None` or the default stays as it is.

    Args:
        face (`str`, *optional*): The typeface, of [`~t2vid_hf.rendering.fonts.FACES`].
        size (`float`, *optional*, defaults to `1.0`): The factor of `font_px` and `line_px`; at least 1.
        leading (`float`, *optional*, defaults to `1.0`): A further factor of `line_px`; at least 1.
        margin (`float`, *optional*, defaults to `0.0`): What `margin_px` grows by, as a share of the page's shorter
            side.
        columns (`int`, *optional*): Columns of a page.
        ink (`int`, *optional*): Grey level of the type.
        paper (`int`, *optional*): Grey level of the page.
    """

    face: str | None = None
    size: float = 1.0
    leading: float = 1.0
    margin: float = 0.0
    columns: int | None = None
    ink: int | None = None
    paper: int | None = None


STYLES: dict[str, Style] = {
    "sans": Style(face="sans"),
    "serif": Style(face="serif"),
    # At 10 px tesseract misreads 0.35 % of this typeface, at 11 px 0.14 %.
    "mono": Style(face="mono", size=1.1),
    "large": Style(size=1.3),
    "airy": Style(leading=1.45, margin=0.06),
    "two_columns": Style(columns=2),
    "dark": Style(ink=225, paper=25),
    "grey": Style(ink=45, paper=215),
    # Some of them together, as they are met together.
    "book": Style(face="serif", size=1.1, leading=1.2, margin=0.05),
    "newspaper": Style(face="serif", columns=2, ink=30, paper=225),
    "terminal": Style(face="mono", size=1.1, ink=200, paper=0),
}
