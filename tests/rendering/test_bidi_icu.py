"""Reading order beside ICU's own: the order that is drawn, whether white space is kept or runs together."""

import ctypes
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import icu4py
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icu4py._version import icu_version_info

from t2vid_hf.rendering import RenderConfig
from t2vid_hf.rendering.atlas import atlas_for
from t2vid_hf.rendering.layout import lay_out

KEEP = RenderConfig(max_missing=1.0)
FLOW = RenderConfig(max_missing=1.0, whitespace="flow")
# Letters of both directions, digits, signs of every class, marks, white space, joiners. No brackets: see `bidi`. A mark
# stands on a letter, since alone it takes no room, and what takes none has no place in a drawn order.
SIGNS = "abA\u05d0\u05d1\u05d2\u0627\u0628\u062f12\u0661\u0662.,:/+-$%!?\"'\xa0\xad\u200b\u200e\u200f"
MARKED = ["a\u0301", "\u05d0\u05b0", "\u0628\u064e"]
PIECES = st.lists(st.sampled_from([*SIGNS, *MARKED, *" \n\t" * 3]), min_size=1, max_size=60)
TEXTS = PIECES.map("".join).filter(str.strip)
_DEFAULT_LTR = 0xFE


@cache
def icu() -> Callable[[str, str], Callable]:
    """The functions of the ICU that icu4py brings along, by name and type of result."""
    folder = Path(icu4py.__file__).parent
    found = [*folder.parent.glob("icu4py.libs/libicuuc*"), *folder.glob(".dylibs/libicuuc*")]
    if not found:
        pytest.skip("this icu4py has no ICU library beside it")
    library = ctypes.CDLL(str(found[0]))

    def function(name: str, result: str) -> Callable:
        found = getattr(library, f"ubidi_{name}_{icu_version_info[0]}")
        found.restype = getattr(ctypes, result)
        return found

    return function


def icu_order(paragraph: str, lines: list[tuple[int, int]]) -> Iterator[list[int]]:
    """For each line of a paragraph the numbers of its characters from left to right, as ICU orders them."""
    call, failed = icu(), ctypes.c_int(0)
    units = (ctypes.c_uint16 * len(paragraph)).from_buffer_copy(paragraph.encode("utf-16-le"))
    whole, part = (ctypes.c_void_p(call("open", "c_void_p")()) for _ in range(2))
    call("setPara", "c_int")(whole, units, len(paragraph), ctypes.c_uint8(_DEFAULT_LTR), None, ctypes.byref(failed))
    for start, end in lines:
        order = (ctypes.c_int32 * (end - start))()
        call("setLine", "c_int")(whole, start, end, part, ctypes.byref(failed))
        call("getVisualMap", "c_int")(part, order, ctypes.byref(failed))
        assert failed.value <= 0, failed.value
        yield [start + at for at in order]
    for opened in (part, whole):
        call("close", "c_int")(opened)


def drawn_order(text: str, config: RenderConfig) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """For each line its span, and the numbers of its characters that are drawn, from left to right."""
    atlas = atlas_for(config)
    layout = lay_out(text, config, atlas)
    for start, end in layout.lines[:, :2].tolist():
        inked = [i for i in range(start, end) if atlas.glyphs[layout.slots[i], 1] > 0]
        yield (start, end), sorted(inked, key=lambda i: layout.x[i])


def check(text: str, config: RenderConfig) -> None:
    """Compare paragraph by paragraph, since ICU gives one without letters the direction of the one before it."""
    seen = "".join(" " if char in "\n\r\t" else char for char in text) if config.whitespace == "flow" else text
    drawn = list(drawn_order(text, config))
    begins = 0
    for paragraph in seen.splitlines(keepends=True):
        ends = begins + len(paragraph)
        mine = [(start - begins, end - begins) for (start, end), _ in drawn if begins <= start < ends]
        ours = [[i - begins for i in order] for (start, _), order in drawn if begins <= start < ends]
        for order, theirs in zip(ours, icu_order(paragraph, mine), strict=True):
            shown = set(order)
            assert order == [i for i in theirs if i in shown]
        begins = ends


@settings(max_examples=300, deadline=None)
@given(TEXTS)
@example("\u05d0\u05d1 \u05d2\n\u05d1\u05d2 \u05d0")
@example("a \u05d0 \t\u05d1")
@example("\u0627 1\xad,\xad2")
@example("1\u200f1")
def test_the_drawn_order_is_icus(text: str) -> None:
    for config in (KEEP, FLOW):
        check(text, config)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_text_that_flows_is_drawn_as_the_same_text_with_spaces(text: str) -> None:
    """Beside `keep`: line ends and tabs that are drawn as spaces are placed as spaces are."""
    atlas = atlas_for(FLOW)
    given, plain = (lay_out(shown, FLOW, atlas) for shown in (text, text.translate({9: " ", 10: " "})))
    inked = atlas.glyphs[given.slots, 1] > 0
    assert np.array_equal(given.lines, plain.lines) and np.array_equal(given.x[inked], plain.x[inked])
    (_, flowing), *more = drawn_order(text, FLOW)
    (_, kept), *more_kept = drawn_order(text.translate({9: " ", 10: " "}), KEEP)
    if not more and not more_kept:
        assert flowing == kept


@pytest.mark.parametrize("name", ["longqa/xquad/xquad.ar.json", "texts/udhr/heb.txt", "texts/udhr/urd.txt"])
@pytest.mark.parametrize("config", [KEEP, FLOW], ids=["keep", "flow"])
def test_real_texts(name: str, config: RenderConfig, texts: Callable[[str], list[tuple[str, str]]]) -> None:
    folder, _, file = name.rpartition("/")
    for found, text in texts(f"data/{folder}"):
        if found == file:
            # As a source joins paragraphs: with an empty line between them.
            text = text[:20000].replace("\n", "\n\n")
            check("".join(char for char in text if char not in "()[]{}\xab\xbb"), config)
