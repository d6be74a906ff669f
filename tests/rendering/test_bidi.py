"""Reading order: levels by UAX 9, brackets turned, numbers as they are written, lines at their own margin."""

import numpy as np
import pytest

from t2vid_hf.rendering import RenderConfig, TextRenderer, bidi
from t2vid_hf.rendering.atlas import atlas_for
from t2vid_hf.rendering.layout import lay_out
from t2vid_hf.rendering.slots import UNIT

CONFIG = RenderConfig(margin_px=12, max_missing=1.0)
ALEF, BET, GIMEL = "\u05d0", "\u05d1", "\u05d2"


def levels(text: str) -> list[int]:
    classes = np.array([bidi.class_of(char) for char in text], np.uint8)
    result, bases = np.empty_like(classes), np.empty_like(classes)
    bidi.resolve(classes, result, bases)
    return result.tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab 12", [0, 0, 0, 0, 0]),
        (f"{ALEF}{BET} 12", [1, 1, 1, 2, 2]),
        (f"a {ALEF} {BET} b", [0, 0, 1, 1, 1, 0, 0]),
        (f"{ALEF} a {BET}", [1, 1, 2, 1, 1]),
        (f"{ALEF} 1.5-2$ a", [1, 1, 2, 2, 2, 2, 2, 2, 1, 2]),
        ("\u0627 1,2%", [1, 1, 2, 2, 2, 1]),  # after an Arabic letter digits are Arabic numbers; % is neutral
        (f"a\n{ALEF}", [0, 0, 1]),
        (f"{ALEF}\n1", [1, 1, 0]),
        (f"a\u200f{ALEF}", [0, 1, 1]),
    ],
)
def test_levels(text: str, expected: list[int]) -> None:
    assert levels(text) == expected


def visual(text: str) -> str:
    """The characters of the first line from left to right; a word that is drawn whole counts as one."""
    atlas = atlas_for(CONFIG)
    layout = lay_out(text, CONFIG, atlas)
    start, end = layout.lines[0, :2].tolist()
    inked = [i for i in range(start, end) if atlas.glyphs[layout.slots[i], 1] > 0]
    chars = {int(atlas.slot_of[ord(char)]): char for char in "()[]<>0123456789.,abc"}
    return "".join(chars.get(int(layout.slots[i]), text[i]) for i in sorted(inked, key=lambda i: layout.x[i]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{ALEF} {BET} {GIMEL}", f"{GIMEL}{BET}{ALEF}"),
        (f"{ALEF} 12.5 {BET}", f"{BET}12.5{ALEF}"),
        (f"{ALEF} ( {BET} )", f"({BET}){ALEF}"),
        (f"{ALEF} (12) {BET}", f"{BET}(12){ALEF}"),
        (f"{ALEF} abc {BET}", f"{BET}abc{ALEF}"),
        (f"abc {ALEF} {BET} a", f"abc{BET}{ALEF}a"),
    ],
)
def test_visual_order(text: str, expected: str) -> None:
    assert visual(text) == expected


def test_a_right_to_left_paragraph_ends_at_the_right_margin() -> None:
    frames = TextRenderer(CONFIG).render(f"{ALEF}{BET}{GIMEL}\nabc").frames[0] < 255
    hebrew, latin = (np.flatnonzero(frames[12 + 17 * row : 29 + 17 * row].any(axis=0)) for row in range(2))
    assert hebrew[-1] >= CONFIG.width_px - CONFIG.margin_px - 3 and hebrew[0] > CONFIG.width_px // 2
    assert latin[0] <= CONFIG.margin_px + 2 and latin[-1] < CONFIG.width_px // 2


def test_a_letter_is_not_kerned_with_a_sign_that_goes_to_its_other_side() -> None:
    # From the right: alef, the space, the word, and left of it the full stop.
    text = "\u05d0 \u043a\u0440\u0430\u0457\u043d\u0443."
    config = RenderConfig(font_px=20, line_px=24)
    atlas = atlas_for(config)
    layout = lay_out(text, config, atlas)
    ends = layout.x + atlas.advance[layout.slots]
    assert ends[0] == config.text_width_px * UNIT and ends[1] == layout.x[0]
    assert ends[-2] == layout.x[1] and ends[-1] == layout.x[2]


def test_english_is_the_same_beside_a_right_to_left_paragraph() -> None:
    renderer = TextRenderer(CONFIG)
    both = renderer.render(f"The keeper wound the clock.\n{ALEF}").frames[0][:29]
    assert (both == renderer.render("The keeper wound the clock.").frames[0][:29]).all()
