"""How a page looks: size, type, margins, whitespace. Frozen, and named by a fingerprint.

A published data set stores the fingerprint beside its pages, so that two sets drawn alike are known to be alike.
The paper's numbers stand once, in the preset `paper`.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from t2vid_hf.errors import InputError, unknown

# Raised whenever the same configuration would draw other pixels than before.
RENDERER_VERSION = 1


@dataclass(frozen=True)
class RenderConfig:
    """A page's geometry and typography.

    Args:
        width_px (`int`), height_px (`int`): Size of a page in pixels.
        font_px (`int`): Type size in pixels per em.
        line_px (`int`): Distance of base lines in pixels.
        margin_px (`int`): Empty border on all four sides in pixels.
        max_words (`int`, *optional*): At most this many whitespace-separated words on a page; `None` fills the page.
        whitespace (`"keep"` or `"flow"`): `"keep"` preserves line breaks, indentation and tables; `"flow"` runs all
            words together, as the paper does.
        vertical (`"center"` or `"top"`): Where the lines stand on a page that they do not fill.
        missing (`"error"` or `"replace"`): What happens to a character that no installed font has.

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
    whitespace: Literal["keep", "flow"] = "keep"
    vertical: Literal["center", "top"] = "top"
    missing: Literal["error", "replace"] = "error"

    def __post_init__(self) -> None:
        for name in ("width_px", "height_px", "font_px", "line_px"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: it must be at least 1 pixel")
        if self.max_words is not None and self.max_words < 1:
            raise InputError(f"max_words={self.max_words}: give at least 1, or null for as many as fit")
        for name, allowed in (
            ("whitespace", ("keep", "flow")),
            ("vertical", ("center", "top")),
            ("missing", ("error", "replace")),
        ):
            if getattr(self, name) not in allowed:
                raise unknown(name, getattr(self, name), allowed)
        if self.text_width_px < 2 * self.font_px or self.lines_per_page < 1:
            raise InputError(
                f"a {self.width_px}x{self.height_px} px page with a margin of {self.margin_px} px has no room for "
                f"{self.font_px} px type: enlarge the page, or lower margin_px or font_px"
            )

    @property
    def text_width_px(self) -> int:
        """Pixels a line may take."""
        return self.width_px - 2 * self.margin_px

    @property
    def lines_per_page(self) -> int:
        """Lines that fit between the margins."""
        return (self.height_px - 2 * self.margin_px) // self.line_px

    @classmethod
    def preset(cls, name: str, **changes: object) -> "RenderConfig":
        """A configuration by name, with single fields changed.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the name is not one of `PRESETS`.
        """
        if name not in PRESETS:
            raise unknown("render preset", name, PRESETS)
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


PRESETS: dict[str, RenderConfig] = {
    # Sparrow's draw_text.py, as its repository and arXiv 2411.19951 state them: 448x448, Arial 20 px, 115 words,
    # left margin 20 px, vertically centred, words run together. Its line height is the height of the line's own
    # bounding box, about 22 px; ours is constant.
    "paper": RenderConfig(font_px=20, line_px=22, margin_px=20, max_words=115, whitespace="flow", vertical="center"),
    # About three times the paper's words a page, and line breaks, tables and indentation stay.
    "dense": RenderConfig(font_px=14, line_px=17, margin_px=12),
    # Idefics3 sees 364 px a page: drawn at that size, no processor resizes it.
    "native": RenderConfig(width_px=364, height_px=364, font_px=14, line_px=17, margin_px=8),
}
