"""Fonts from packages, which characters they have, and which font draws which run of a text.

The first font is Arimo: its advance widths are Arial's, so pages break where the paper's do. What it lacks is looked
up in the Noto fonts of the extra `fonts` and, for mathematics and arrows, in STIX Two Math, in a fixed order, so that
the same text takes the same fonts everywhere; fonts of the operating system are never used. A font's character map is
read only when a text needs it: 0.1 s for Arimo, 0.2 s more for a text with Chinese.
"""

import importlib.util
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont
from PIL import ImageFont, features

from t2vid_hf.errors import InputError

FONTS_EXTRA = "pip install 't2vid-hf[fonts]'"
# Never drawn, and never looked up: joiners, variation selectors, direction marks, soft hyphen, byte order mark.
_IGNORABLE = frozenset(
    {0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)}
    | {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000)}
)
# (package, file). CJK behind the others: it also has Latin, and it is the largest. STIX last: it has what all lack.
_SCRIPTS = (
    "Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew",
    "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai", "Symbols",
)  # fmt: skip
_CHAIN: tuple[tuple[str, str], ...] = (
    ("fontpkg_arimo", "files/Arimo[wght].ttf"),
    ("manimgx_fonts", "NotoSans[wght].ttf"),
    *(("manimgx_fonts", f"NotoSans{script}[wght].ttf") for script in _SCRIPTS),
    ("manimgx_fonts", "NotoEmoji[wght].ttf"),
    ("manimgx_fonts_cjk", "NotoSansCJK-VF.otf.ttc"),
    ("ziamath", "fonts/STIXTwoMath-Regular.ttf"),
)


@dataclass(frozen=True)
class Run:
    """Consecutive characters drawn with one font: `text[start:end]`.

    Args:
        start (`int`): Where the run begins in the text.
        end (`int`): Where it ends.
        font (`int`): Index of the font in [`font_files`].
    """

    start: int
    end: int
    font: int


@cache
def font_files() -> tuple[Path, ...]:
    """The fonts of the chain that are installed, in order.

    Raises:
        [`~t2vid_hf.errors.InputError`]: Arimo, the first, is not installed.
    """
    files = []
    for package, name in _CHAIN:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        path = Path(spec.origin).parent / name
        if path.is_file():
            files.append(path)
    if not files or files[0].name != "Arimo[wght].ttf":
        raise InputError("the font Arimo is not installed: pip install fontpkg-arimo")
    return tuple(files)


def all_installed() -> bool:
    """Whether every font of the chain is there."""
    return len(font_files()) == len(_CHAIN)


@cache
def _coverage(font: int) -> frozenset[int]:
    with TTFont(font_files()[font], fontNumber=0, lazy=True) as file:
        return frozenset(file.getBestCmap())


@lru_cache(maxsize=65536)
def font_for(char: str) -> int | None:
    """Index in [`font_files`] of the first font that has a character; `None` where no font has it."""
    code = ord(char)
    for font in range(len(font_files())):
        if code in _coverage(font):
            return font
    return None


def is_ignorable(char: str) -> bool:
    """Whether a character takes no ink and no width (a joiner, a direction mark, a variation selector)."""
    return ord(char) in _IGNORABLE


@lru_cache(maxsize=128)
def load_font(font: int, size_px: int) -> ImageFont.FreeTypeFont:
    """A font of the chain at a size, shaped by raqm, at regular weight.

    Raises:
        [`~t2vid_hf.errors.InputError`]: this Pillow cannot shape. It would fall back to its basic layout without a
        word and draw other pixels (0 of 30 pages alike), so we look.
    """
    if not (features.check("raqm") and features.check("fribidi")):
        raise InputError(
            "this Pillow has no raqm or no fribidi, so it cannot shape text: pip install --force-reinstall Pillow "
            "(its wheels have both), or install the system's libfribidi0"
        )
    loaded = ImageFont.truetype(str(font_files()[font]), size_px, layout_engine=ImageFont.Layout.RAQM)
    # CJK's default instance is Thin. All fonts of the chain but STIX Two Math have one axis, weight.
    if "STIX" not in font_files()[font].name:
        loaded.set_variation_by_axes([400])
    return loaded


def font_runs(text: str) -> list[Run]:
    """Split a text into runs of one font each.

    The choice looks at one character at a time, so that a word measured alone is as wide as the same word in its
    line. Only spaces, combining marks and what takes no ink stay with the font before them: an Arabic phrase is
    drawn as a whole, and marks stand on their base.

    Args:
        text (`str`): A text without line breaks.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no installed font has a character.

    Example:

    ```python
    >>> from t2vid_hf.rendering.fonts import font_runs
    >>> font_runs("plain text")
    [Run(start=0, end=10, font=0)]

    ```
    """
    runs: list[Run] = []
    start, current = 0, None
    for position, char in enumerate(text):
        if current is not None and _stays(char, current):
            continue
        font = font_for(char)
        if font is None:
            if not is_ignorable(char):
                raise missing_glyph(char)
            font = 0
        if current is None:
            current = font
        elif font != current:
            runs.append(Run(start, position, current))
            start, current = position, font
    if text:
        runs.append(Run(start, len(text), current if current is not None else 0))
    return runs


def _stays(char: str, font: int) -> bool:
    if is_ignorable(char):
        return True
    return (char == " " or unicodedata.category(char)[0] == "M") and ord(char) in _coverage(font)


def missing_glyph(char: str) -> InputError:
    """The error for a character that no installed font has, or that has no form."""
    if unicodedata.category(char) in ("Cc", "Cs"):
        sort = "a control character" if unicodedata.category(char) == "Cc" else "half of a surrogate pair"
        return InputError(
            f"U+{ord(char):04X} is {sort} and has no form: remove it, or draw a box for it with missing='replace'"
        )
    name = unicodedata.name(char, "unnamed")
    cure = "no font of the extra 'fonts' has it either" if all_installed() else FONTS_EXTRA
    return InputError(
        f"no installed font has U+{ord(char):04X} ({name}): {cure}; or draw a box for it with missing='replace'"
    )


def describe(char: str) -> str:
    """A character as it is named in a report: `U+223C TILDE OPERATOR`, `U+0092 a control character`."""
    sort = {"Cc": "a control character", "Cs": "half of a surrogate pair"}.get(unicodedata.category(char), "unnamed")
    return f"U+{ord(char):04X} {unicodedata.name(char, sort)}"
