"""Blocks that are aligned by spaces are found, stand in cells, and nothing else changes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2vid_hf.rendering import RenderConfig, TextRenderer, layout
from t2vid_hf.rendering.aligned import aligned_blocks
from t2vid_hf.rendering.atlas import atlas_for
from t2vid_hf.rendering.cells import parts_of
from t2vid_hf.rendering.layout import Layout, lay_out
from t2vid_hf.rendering.slots import UNIT

PAGE = RenderConfig(width_px=364, height_px=364, font_px=14, line_px=17, margin_px=8)
ALIGNED = {
    "columns": "Name      Qty   Price\napple      12    1.20\nfig         3   12.00\n",
    "headings": "Year    Rows   Score\n2024   20000    57.3\n2025  200000    58.1\n",
    "psql": " id | name  | price \n----+-------+-------\n  1 | apple |  1.20\n 12 | fig   | 12.00\n",
    "frame": "+-----+----+\n| a   | b  |\n+-----+----+\n| 10  | 20 |\n+-----+----+\n",
    "markdown": "| name  | n  |\n|-------|----|\n| apple | 12 |\n",
    "tree": "\u251c\u2500\u2500 src\n\u2502   \u251c\u2500\u2500 main.py\n\u2514\u2500\u2500 README\n",
    "plain tree": "|-- src\n|   |-- main.py\n|   `-- util.py\n`-- README\n",
    "ideographs": "\u540d\u524d    \u5e74\u9f62  \u90fd\u5e02\n"
    "\u7530\u4e2d      34  \u6771\u4eac\nSmith      5  Paris\n",
    "cat": "  /\\_/\\\n ( o.o )\n  > ^ <\n",
    "comments": "x = 1        # first\nlonger = 22  # second\n",
    "files": "-rw-r--r--  1 root root   4096 Jan  1 a.txt\ndrwxr-xr-x 12 root root    123 Jan 12 dir\n"
    "-rw-r--r--  1 root root 123456 Dec 24 b.md\n",
    "rule": "-----  --\npaper  20\ndense  10\nother  14\n",
}
PLAIN = {
    "two spaces behind sentences": "He went.  She stayed.  They met.\nIt was late.  Rain fell.  All slept.\n" * 3,
    "lists": "-  one thing\n-  another\n*   third\n1.  first\n2.  second\n",
    "indented code": "    a = 1\n    b = 2\n        c\n",
    "tabs": "a\tb\tc\nd\te\tf\n",
    "dashes": "\u4ed6\u8d70\u4e86\u2500\u2500\u5979\u7559\u4e0b\n" * 2,
    "closing braces": "        }\n    }\n}\n});\n",
    "separators": "text\n\n* * *\n\ntext\n-----\ntext\n",
    "one line": "a     b    c\n",
    "far away": "a     b\nprose\nprose\nc     d\n",
}


def blocks(text: str) -> list[str]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return [text[start:end] for start, end in aligned_blocks(text, codes)]


@pytest.mark.parametrize("name", ALIGNED)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_aligned_lines_are_a_block(name: str, end: str) -> None:
    text = ALIGNED[name].replace("\n", end)
    assert blocks(text) == [text]
    prose = f"The keeper wound the clock.{end}"
    assert blocks(prose + text + prose) == [text]


@pytest.mark.parametrize("name", PLAIN)
def test_other_lines_are_none(name: str) -> None:
    assert blocks(PLAIN[name]) == []


@pytest.mark.parametrize("folder", ["texts/english", "texts/udhr", "longqa/squality"])
def test_prose_has_none(folder: str, texts: Callable[[str], list[tuple[str, str]]]) -> None:
    found = [block for _, text in texts(f"data/{folder}") for block in blocks(text)]
    assert found == []


def test_a_demonstration_of_box_drawing_is_found_whole(shared: Callable[[str], Path]) -> None:
    text = shared("data/texts/mixed/UTF-8-demo.txt").read_text(encoding="utf-8")
    found = "".join(blocks(text))
    assert all(line in found for line in text.splitlines() if "\u2551" in line or "\u256c" in line)


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("ab c", [1, 1, 1, 1]),
        ("a\tb", [1, 7, 1]),
        ("\u4e2d\uff21\u30a2\ud55c", [2, 2, 2, 2]),
        ("e\u0301 \u200b\u0301", [1, 1, 0, 1]),
        ("\U0001f469\U0001f3fd\u200d\U0001f4bb\U0001f1e9\U0001f1ea1\ufe0f\u20e3\u2764\ufe0f", [2, 2, 2, 2]),
        (" \u0301", [1, 1]),
        ("\ud800e\u0301", [1, 1]),
    ],
)
def test_cells_are_those_of_a_terminal(line: str, cells: list[int]) -> None:
    parts = parts_of(line)
    assert "".join(part for part, _ in parts) == line and [taken for _, taken in parts] == cells


def columns(text: str, config: RenderConfig = PAGE) -> tuple[Layout, list[list[int]]]:
    """The x of each character, line by line."""
    found = lay_out(text, config, atlas_for(config))
    return found, [found.x[start:end].tolist() for start, end in found.lines[:, :2].tolist()]


@pytest.mark.parametrize("name", ALIGNED)
def test_each_character_stands_in_its_cells(name: str) -> None:
    text = ALIGNED[name]
    _, lines = columns(text)
    cell = lines[0][1] - lines[0][0]
    cell //= parts_of(text)[0][1]
    for line, shown in zip(text.splitlines(), lines, strict=True):
        at = 0
        for index, (_, cells) in enumerate(parts_of(line)):
            assert shown[index] == at * cell
            at += cells


def test_a_drawing_is_closed() -> None:
    rows = 6
    for font_px, line_px in ((10, 11), (14, 17), (14, 24), (20, 22)):
        config = RenderConfig(width_px=200, height_px=300, font_px=font_px, line_px=line_px, margin_px=8)
        frame = TextRenderer(config).render("\u2502\u253c\u2500\u2500\u2500\n" * rows).frames[0]
        body = frame[8 : 8 + rows * line_px]
        middle = body[:, 8 : 8 + round(0.6 * font_px)]
        assert (middle.min(axis=1) < 140).all(), "a vertical line has a hole"
        across = body[:, 8 + round(0.6 * font_px) * 2 : 8 + round(0.6 * font_px * 4.5)]
        assert (across.min(axis=0) < 140).all(), "a horizontal line has a hole"
        assert (frame[:8] == 255).all() and (frame[8 + rows * line_px :] == 255).all()


def test_a_wide_block_is_squeezed_and_a_wider_one_goes_on_in_the_next_line(
    checked: Callable[[str, RenderConfig], Layout],
) -> None:
    full = int(0.6 * 14 * UNIT)
    for cells, lines in ((41, 2), (42, 2), (51, 2), (52, 4), (100, 6)):
        text = f"{'a' * 9}   {'b' * (cells - 12)}\n{'c' * 9}   {'d' * (cells - 12)}\n"
        found = checked(text, PAGE)
        assert len(found.lines) == lines
        expected = full if cells < 42 or cells > 51 else 348 * UNIT // cells
        assert found.x[1] == expected
    # As a terminal, white space at the end of a row is not lost in the middle of a line.
    text = f"{'a' * 39}     b          c\n{'a' * 37}       b          c\n"
    found = checked(text, PAGE)
    assert [found.x[index] for index, sign in enumerate(text) if sign == "b"] == [3 * full, 3 * full]


def test_hebrew_and_hindi_stand_in_their_cells(checked: Callable[[str, RenderConfig], Layout]) -> None:
    text = "\u05e9\u05dd      12\n\u05ea\u05e4\u05d5\u05d7    120\n"
    layout = checked(text, PAGE)
    full = int(0.6 * 14 * UNIT)
    ends = [int(layout.x[text.index(number)]) for number in ("12", "120")]
    assert ends == [348 * UNIT - 10 * full, 348 * UNIT - 11 * full]
    text = "|\u0939\u093f\u0928\u094d\u0926\u0940   | x\n|\u092d\u093e     | y\n"
    layout = checked(text, PAGE)
    bars = [layout.x[index] for index, char in enumerate(text) if char == "|"]
    assert bars[0] == bars[2] and len(blocks(text)) == 1


def test_nothing_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    prose = "The keeper wound the clock.  Twice, he said.\n\tAnd then   again.\n" * 8
    table = ALIGNED["columns"]
    flow = RenderConfig.preset("paper")
    with_cells = TextRenderer(PAGE).render(prose).frames, TextRenderer(flow).render(table).frames
    mixed = TextRenderer(PAGE).render(table + prose).frames[0]
    monkeypatch.setattr(layout, "aligned_blocks", lambda text, codes: [])
    assert (TextRenderer(PAGE).render(prose).frames == with_cells[0]).all()
    assert (TextRenderer(flow).render(table).frames == with_cells[1]).all()
    assert (TextRenderer(PAGE).render(table + prose).frames[0][8 + 3 * 17 :] == mixed[8 + 3 * 17 :]).all()
    assert (TextRenderer(PAGE).render(table + prose).frames[0] != mixed).any()


@settings(max_examples=150, deadline=None)
@given(st.text("ab1 |+-\t\u2502\u2500\u4e2d\u0301\u05d0\u0e01\u0e32\u093f\u0915\xad\u200d\n", min_size=1, max_size=120))
def test_any_lines_in_cells_are_whole_and_inside(checked: Callable[[str, RenderConfig], Layout], text: str) -> None:
    if text.isspace():
        return
    small = RenderConfig(width_px=80, height_px=70, font_px=10, line_px=13, margin_px=4, max_words=9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "aligned_blocks", lambda text, codes: [(0, len(text))])
        for config in (PAGE, small):
            checked(text, config)
