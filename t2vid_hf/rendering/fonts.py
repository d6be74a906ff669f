"""Fonts from packages, which characters they have, and how HarfBuzz sees them.

The first font is Arimo: its advance widths are Arial's, so pages break where the paper's do. What it lacks is looked
up in the Noto fonts and, for mathematics and arrows, in STIX Two Math of the extra `fonts`, in a fixed order, so that
the same text takes the same fonts everywhere; fonts of the operating system are never used. The price: 38 MB of fonts
in every installation. A font is opened only when a text needs it: 0.5 ms each.
"""

import importlib.util
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

import uharfbuzz as hb

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
    ("fontpkg_jetbrains_mono", "files/JetBrainsMono[wght].ttf"),
    ("fontpkg_noto_serif", "files/NotoSerif[wdth,wght].ttf"),
)
# The first font of each typeface; the others follow in the order of the chain.
FACES = {"sans": "Arimo[wght].ttf", "serif": "NotoSerif[wdth,wght].ttf", "mono": "JetBrainsMono[wght].ttf"}
# Blocks that of these fonts the CJK font alone has characters of: ideographs, kana and Hangul.
_EAST_ASIAN = ((0x3040, 0x31FF), (0x3400, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


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
def load_font(font: int) -> hb.Font:
    """A font of the chain at regular weight; its lengths are in units of its em, `load_font(font).face.upem`."""
    loaded = hb.Font(hb.Face(hb.Blob.from_file_path(str(font_files()[font]))))
    if loaded.face.has_var_data:
        loaded.set_variations({"wght": 400})  # CJK's default instance is Thin
    return loaded


@cache
def first_font(face: str) -> int:
    """The font that a typeface begins with.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not installed.
    """
    names = [path.name for path in font_files()]
    if FACES[face] not in names:
        raise InputError(f"{FACES[face]}, the font of the typeface {face}, is not installed: {FONTS_EXTRA}")
    return names.index(FACES[face])


@lru_cache(maxsize=65536)
def glyph_for(char: str, face: str = "sans") -> tuple[int, int] | None:
    """(font, glyph) of the first font that has a character, as [`font_files`] counts; `None` where no font has it."""
    code = ord(char)
    for font in _order(face, any(first <= code <= last for first, last in _EAST_ASIAN)):
        glyph = load_font(font).get_nominal_glyph(code)
        if glyph:
            return font, glyph
    return None


def glyph_of(char: str, face: str) -> tuple[int, int]:
    """What [`glyph_for`] finds for a character that is known to be there; white space is a space."""
    found = glyph_for(" " if char.isspace() else char, face)
    assert found is not None  # `is_missing` was asked
    return found


@cache
def _order(face: str, east_asian: bool) -> tuple[int, ...]:
    """The fonts in the order in which they are asked; what only the CJK font has is not looked for elsewhere first."""
    first = first_font(face)
    order = sorted(range(len(font_files())), key=lambda font: font != first)
    return tuple(sorted(order, key=lambda font: east_asian and "CJK" not in font_files()[font].name))


def has_glyph(font: int, char: str) -> bool:
    """Whether a font has a character."""
    return bool(load_font(font).get_nominal_glyph(ord(char)))


@lru_cache(maxsize=4096)
def enclosing_font(base: str, mark: str) -> int | None:
    """The font that draws a mark around its base, as U+20E3 around the digit of a keycap; `None` where none has both.

    That of emoji before others: it has each keycap as one glyph.
    """
    order = sorted(range(len(font_files())), key=lambda font: "Emoji" not in font_files()[font].name)
    return next((font for font in order if has_glyph(font, base) and has_glyph(font, mark)), None)


def is_ignorable(char: str) -> bool:
    """Whether a character takes no ink and no width (a joiner, a direction mark, a variation selector)."""
    return ord(char) in _IGNORABLE


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
