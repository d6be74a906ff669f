"""Which characters cannot be drawn, and are boxes."""

from collections import Counter
from functools import lru_cache

from t2vid_hf.rendering.characters import BLANK_EM, JOINER, is_undrawable, kind_of
from t2vid_hf.rendering.fonts import glyph_for
from t2vid_hf.rendering.slots import COMPLEX, INK

BOX = "\u25a1"


@lru_cache(maxsize=2**16)
def is_missing(char: str) -> bool:
    """Whether a character should be seen and cannot be drawn: no font has it, or it has no form at all."""
    kind = kind_of(char, flow=False)
    if kind not in (INK, COMPLEX) or char in BLANK_EM or char == JOINER:
        return False
    return is_undrawable(char) or glyph_for(char) is None


def missing_characters(text: str) -> Counter[str]:
    """The characters of a text that are drawn as boxes, and how often each stands there."""
    return Counter({char: text.count(char) for char in sorted(set(text)) if is_missing(char)})


def visible_forms(words: list[str]) -> list[str]:
    """Words with boxes for what no font has, and plain spaces."""
    chars = set().union(*words)
    odd = {ord(char): BOX if is_missing(char) else " " for char in chars if char.isspace() or is_missing(char)}
    return [word.translate(odd) for word in words] if odd else words
