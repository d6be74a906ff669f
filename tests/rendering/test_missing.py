"""Characters that cannot be drawn: an error that names them, or a counted box."""

from collections.abc import Callable
from pathlib import Path

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, TextRenderer, fonts, missing_characters, remembering
from t2vid_hf.rendering.atlas import atlas_for
from t2vid_hf.rendering.missing import BOX, is_missing

STRICT = TextRenderer(RenderConfig(font_px=14, line_px=20, missing="error"))
BOXES = TextRenderer(RenderConfig(font_px=14, line_px=20, max_missing=1.0))
# What papers hold: operators, brackets, mathematical letters, arrows, box drawing, dingbats, emoji.
PAPERS = (
    "\u223c\u2217\u2252\u2a7d\u27e8\u27e9\U0001d6fc\U0001d53c"
    "\u2192\u21a6\u27f6\u2500\u2502\u250c\u23a7\u2713\u2605\U0001f600"
)


def test_tibetan_is_an_error_or_boxes(shared: Callable[[str], Path]) -> None:
    text = shared("data/texts/udhr/bod.txt").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=r"no installed font has U\+0F\w\w \(TIBETAN .*missing='replace'"):
        STRICT.render(text)
    pages = BOXES.render(text)
    assert pages.missing == sum(0xF00 <= ord(char) <= 0xFFF for char in text) > 10_000


@pytest.mark.parametrize("file", ["udhr"])
def test_every_other_script_has_its_glyphs(file: str, shared: Callable[[str], Path]) -> None:
    for path in sorted(shared(f"data/texts/{file}").glob("*.txt")):
        if path.name != "bod.txt":
            pages = STRICT.render(path.read_text(encoding="utf-8")[:1500])
            assert pages.missing == 0 and (pages.frames < 255).any(axis=(1, 2)).all(), path.name


@pytest.mark.parametrize(
    ("char", "words"),
    [
        ("\x00", r"U\+0000 is a control character"),
        ("\x1b", r"U\+001B is a control character"),
        ("\x1f", r"U\+001F is a control character"),
        ("\x7f", r"U\+007F is a control character"),
        ("\x9f", r"U\+009F is a control character"),
        ("\ud800", r"U\+D800 is half of a surrogate pair"),
        ("\U000e0100", None),
        ("\u0f40", r"character 3 of the text: no installed font has U\+0F40 \(TIBETAN LETTER KA\)"),
        ("\U0010fffd", r"U\+10FFFD \(unnamed\)"),
        ("\u0378", r"U\+0378 \(unnamed\)"),
    ],
)
def test_what_has_no_form(char: str, words: str | None) -> None:
    text = f"one{char} two {char}"
    if words is None:
        assert (STRICT.render(text).frames == STRICT.render("one two ").frames).all()
        return
    with pytest.raises(InputError, match=words):
        STRICT.render(text)
    pages = BOXES.render(text)
    assert pages.missing == 2
    assert (pages.frames == BOXES.render(f"one{BOX} two {BOX}").frames).all()
    assert BOXES.render(BOX).missing == 0


def test_white_space_and_invisible_characters_are_not_missing() -> None:
    for char in "\t\n\r\v\f\x85\u2028\u2029\xa0\u2003\u3000\u200b\u200d\ufeff\xad\u202e\u2066\ufe0f":
        assert not is_missing(char), hex(ord(char))
        assert BOXES.render(f"a{char}b").missing == 0


@pytest.mark.parametrize("preset", ["paper", "dense", "native"])
def test_papers_are_drawn_by_default(preset: str) -> None:
    pages = TextRenderer(RenderConfig.preset(preset)).render(f"Let x {PAPERS} y.")
    assert pages.missing == 0 and missing_characters(PAPERS) == {}


def test_each_sign_of_a_paper_has_its_own_form() -> None:
    drawn = {TextRenderer(RenderConfig()).render(char).frames.tobytes() for char in PAPERS}
    assert len(drawn) == len(PAPERS) and BOXES.render(BOX).frames.tobytes() not in drawn


@pytest.mark.parametrize(("boxes", "allowed"), [(1, True), (10, True), (11, False), (1000, False)])
def test_a_share_of_boxes_is_drawn_and_counted_and_more_is_an_error(boxes: int, allowed: bool) -> None:
    text = ("\u0f40" * boxes + "word " * 200)[:1000]
    renderer = TextRenderer(RenderConfig())
    if allowed:
        assert renderer.render(text).missing == boxes == missing_characters(text).total()
        return
    message = rf"{boxes} of 1000 .* max_missing allows 1.0%: U\+0F40 TIBETAN LETTER KA \({boxes}\)"
    for act in (renderer.render, renderer.char_spans):
        with pytest.raises(InputError, match=message):
            act(text)


def test_a_control_character_in_an_article_is_a_box() -> None:
    text = "The keeper\x92s clock. " * 3 + "All is well. " * 40
    assert TextRenderer(RenderConfig.preset("paper")).render(text).missing == 3
    assert missing_characters(text) == {"\x92": 3}


def test_without_the_extra_fonts_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    only = fonts.font_files()[:1]
    for module in (fonts, remembering):
        monkeypatch.setattr(module, "font_files", lambda: only)
    for cached in (fonts.glyph_for, fonts.first_font, fonts._order, remembering._drawing, is_missing, atlas_for):
        cached.cache_clear()
    try:
        with pytest.raises(InputError, match=r"U\+4E2D \(CJK .*\): pip install 't2vid-hf\[fonts\]'"):
            STRICT.render("\u4e2d")
    finally:
        for cached in (fonts.glyph_for, fonts.first_font, fonts._order, remembering._drawing, is_missing, atlas_for):
            cached.cache_clear()
