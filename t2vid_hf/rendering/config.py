"""How a page looks: size, type, margins, whitespace, ink. Frozen, and named by a fingerprint.

A published data set stores the fingerprint beside its pages, so that two sets drawn alike are known to be alike.
The paper's numbers stand once, in the preset `paper`.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.rendering.fonts import FACES
from t2vid_hf.rendering.resolving import check_sizes, in_style
from t2vid_hf.rendering.tones import check_contrast
from t2vid_hf.seeding import rng_for

# Raised whenever the same configuration would draw other pixels than before.
RENDERER_VERSION = 5

# Positions are counted in 1/1024 px in 32 bits.
MOST_PX = 2**14
# A line and a page have at least this many pixels: what is squeezed into them keeps two to move within.
LEAST_PX = 8


@dataclass(frozen=True)
class RenderConfig:
    """A page's geometry and typography.

    Args:
        width_px (`int`, *optional*, defaults to `448`): Width of a page in pixels.
        height_px (`int`, *optional*, defaults to `448`): Height of a page in pixels.
        font_px (`int`, *optional*, defaults to `14`): Type size in pixels per em.
        line_px (`int`, *optional*, defaults to `17`): Distance of base lines in pixels.
        margin_px (`int`, *optional*, defaults to `12`): Empty border on all four sides in pixels.
        max_words (`int`, *optional*): The most words between white space on a page; `None` fills the page.
        size_by_script (`bool`, *optional*, defaults to `False`): Whether a text in a script that cannot be read at
            `font_px` gets larger type, of [`~t2vid_hf.rendering.resolving.SMALLEST_PX`], and lines farther apart; and
            so does one whose white space is kept, for its tables.
        whitespace (`str`, *optional*, defaults to `"keep"`): `"keep"` preserves line breaks, indentation and tables:
            lines whose columns are aligned by spaces, frames, diagrams and art (the rule is in `aligned.py`) are
            monospaced, ideographs and emoji two cells wide; a block wider than the page is squeezed to 0.8 of its
            width at most, or else goes on in the next line as in a terminal. `"flow"` runs all words together, as the
            paper does.
        vertical (`str`, *optional*, defaults to `"top"`): Where the lines stand on a page that they do not fill:
            `"top"` or `"center"`.
        missing (`str`, *optional*, defaults to `"replace"`): What happens to a character that no installed font has,
            or that has no form: `"replace"` draws a box and counts it, `"error"` raises.
        max_missing (`float`, *optional*, defaults to `0.01`): The largest share of a text's characters that may be
            boxes; above it drawing raises. Of the Universal Declaration of Human Rights in 387 languages 371 have no
            box, three at most 0.6 %, and the others, whose scripts no font has, more than half.
        face (`str`, *optional*, defaults to `"sans"`): The typeface of what it has: `"sans"` (Arimo), `"serif"` (Noto
            Serif) or `"mono"` (JetBrains Mono); other scripts take the same fonts whichever it is.
        columns (`int`, *optional*, defaults to `1`): Columns of a page, one and a half ems apart. Lines fill the first
            and then the next; the first is the right one where the text begins from right to left.
        ink (`int`, *optional*, defaults to `0`): Grey level of the type, 0 is black and 255 white.
        paper (`int`, *optional*, defaults to `255`): Grey level of the page; darker than the ink for light on dark.
        styles (`tuple[str, ...]`, *optional*, defaults to `()`): Names of [`~t2vid_hf.rendering.styles.STYLES`]. Each
            text is drawn in one of them, by a draw that its characters and `style_seed` decide; a name that is given
            twice is drawn twice as often. The order does not matter. None draws all texts as the other fields say.
        style_seed (`int`, *optional*, defaults to `0`): Another seed draws other styles for the texts.

    Example:

    ```python
    >>> from t2vid_hf.rendering import RenderConfig
    >>> config = RenderConfig.preset("paper")
    >>> config.width_px, config.font_px, config.max_words
    (448, 20, 115)
    >>> RenderConfig.from_json(config.to_json()) == config
    True

    ```
    """

    width_px: int = 448
    height_px: int = 448
    font_px: int = 14
    line_px: int = 17
    margin_px: int = 12
    max_words: int | None = None
    size_by_script: bool = False
    whitespace: Literal["keep", "flow"] = "keep"
    vertical: Literal["center", "top"] = "top"
    missing: Literal["error", "replace"] = "replace"
    max_missing: float = 0.01
    face: Literal["mono", "sans", "serif"] = "sans"
    columns: int = 1
    ink: int = 0
    paper: int = 255
    styles: tuple[str, ...] = ()
    style_seed: int = 0

    def __post_init__(self) -> None:
        for name in ("width_px", "height_px", "font_px", "line_px"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: it must be at least 1 pixel")
        if self.line_px < self.font_px:
            raise InputError(
                f"line_px={self.line_px} is less than font_px={self.font_px}: lines would cover each other"
            )
        if self.margin_px < 0:
            raise InputError(f"margin_px={self.margin_px}: it must be 0 or more pixels")
        if max(self.width_px, self.height_px) > MOST_PX:
            raise InputError(f"a {self.width_px}x{self.height_px} px page: at most {MOST_PX} px a side")
        if self.max_words is not None and self.max_words < 1:
            raise InputError(f"max_words={self.max_words}: give at least 1, or null for as many as fit")
        if not 0 <= self.max_missing <= 1:
            raise InputError(f"max_missing={self.max_missing}: it is a share of a text's characters, from 0 to 1")
        for name, allowed in (
            ("whitespace", ("keep", "flow")),
            ("vertical", ("center", "top")),
            ("missing", ("error", "replace")),
            ("face", tuple(FACES)),
        ):
            if getattr(self, name) not in allowed:
                raise unknown(name, getattr(self, name), allowed)
        if self.columns < 1:
            raise InputError(f"columns={self.columns}: give at least 1")
        narrow = self.text_width_px < max(2 * self.font_px, LEAST_PX)
        if narrow or self.lines_per_column < 1 or self.height_px < LEAST_PX:
            parts, cure = ("", "") if self.columns == 1 else (f" and {self.columns} columns", "columns, ")
            raise InputError(
                f"a {self.width_px}x{self.height_px} px page with a margin of {self.margin_px} px{parts} has no room "
                f"for {self.font_px} px type: enlarge the page, or lower {cure}margin_px or font_px"
            )
        check_contrast(self.ink, self.paper)
        self._check_styles()
        if self.size_by_script:
            check_sizes(self)

    def _check_styles(self) -> None:
        if isinstance(self.styles, str):
            raise InputError(f"styles='{self.styles}': give a list of names, as in ['{self.styles}']")
        # In one order, so that the same names are one configuration; JSON has no tuples.
        object.__setattr__(self, "styles", tuple(sorted(self.styles, key=str)))
        if self.style_seed and not self.styles:
            raise InputError(f"style_seed={self.style_seed} without styles: name some in styles, or leave it out")
        for name in self.styles:
            self.in_style(name)  # raises where the name is unknown, or a page has no room

    @property
    def gutter_px(self) -> int:
        """Empty pixels between two columns."""
        return 3 * self.font_px // 2

    @property
    def text_width_px(self) -> int:
        """Pixels a line may take: the width of a column."""
        return (self.width_px - 2 * self.margin_px - (self.columns - 1) * self.gutter_px) // self.columns

    @property
    def lines_per_column(self) -> int:
        """Lines that fit between the margins."""
        return (self.height_px - 2 * self.margin_px) // self.line_px

    @property
    def lines_per_page(self) -> int:
        """Lines that fit a page, in all its columns."""
        return self.columns * self.lines_per_column

    def style_of(self, text: str) -> str | None:
        """The style that a text is drawn in; `None` where the configuration has no styles.

        The text and `style_seed` alone decide, so nothing has to be kept with a row, and every worker draws the same.
        """
        if not self.styles:
            return None
        return self.styles[int(rng_for(self.style_seed, text).integers(len(self.styles)))]

    def in_style(self, name: str) -> "RenderConfig":
        """This configuration as a style changes it, without `styles`.

        Args:
            name (`str`): A key of [`~t2vid_hf.rendering.styles.STYLES`].

        Raises:
            [`~t2vid_hf.errors.InputError`]: an unknown name, or pages that have no room for the style.
        """
        return in_style(self, name)

    @classmethod
    def preset(cls, name: str, **changes: object) -> "RenderConfig":
        """A configuration by name, with single fields changed. Who gives `font_px` has every text at that size.

        Args:
            name (`str`): A key of `PRESETS`.
            **changes (`object`): Fields that differ from the preset's.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the name is not one of `PRESETS`.
        """
        if name not in PRESETS:
            raise unknown("render preset", name, PRESETS)
        if "font_px" in changes:
            changes.setdefault("size_by_script", False)
        return replace(PRESETS[name], **changes)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """The fields as one line of JSON, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "RenderConfig":
        """The inverse of [`~RenderConfig.to_json`]; an unknown field is an error."""
        try:
            return cls(**json.loads(text))
        except (TypeError, json.JSONDecodeError) as error:
            raise InputError(f"not a render configuration: {error}") from None

    def fingerprint(self) -> str:
        """16 hex digits that name this configuration and the renderer's version."""
        return hashlib.blake2b(f"{RENDERER_VERSION}:{self.to_json()}".encode(), digest_size=8).hexdigest()


# Drawn at the size that the model sees, no processor resizes a page: on Idefics3's default size that takes 28-55 ms
# and blurs it, and a 448 px page shrunk to 364 px has six times the reading errors of one drawn at 364 px.
_NATIVE = RenderConfig(width_px=364, height_px=364, font_px=14, line_px=17, margin_px=8, size_by_script=True)

PRESETS: dict[str, RenderConfig] = {
    # Sparrow's draw_text.py, as its repository and arXiv 2411.19951 state them: 448x448, Arial 20 px, 115 words,
    # left margin 20 px, vertically centred, words run together. Its line height is the height of the line's own
    # bounding box, about 22 px; ours is constant. Its words are NLTK's tokens (96 words of the source), ours words.
    "paper": RenderConfig(font_px=20, line_px=22, margin_px=20, max_words=115, whitespace="flow", vertical="center"),
    # The most words a page that tesseract still reads with less than 0.3 % wrong characters: six times the paper's;
    # tests/slow/test_legibility.py. Prose: keep tables and code with `preset("dense", whitespace="keep")`.
    "dense": RenderConfig(font_px=10, line_px=11, margin_px=4, size_by_script=True, whitespace="flow"),
    "native": _NATIVE,  # Idefics3
    "native_384": replace(_NATIVE, width_px=384, height_px=384),  # SmolVLM 256M and 2.2B
    "native_448": replace(_NATIVE, width_px=448, height_px=448),  # MiniCPM-V 2.5, InternVL
    "native_512": replace(_NATIVE, width_px=512, height_px=512),  # SmolVLM2 and SmolVLM 500M
}
