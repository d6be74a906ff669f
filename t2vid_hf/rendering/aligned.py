"""Which lines of a text are aligned by spaces, and so need cells of one width: tables, diagrams, art.

A function of the text alone. Columns are counted in cells; see [`~t2vid_hf.rendering.cells`]. A *gap* is two blanks or
more, none a tab, between two signs of a line. Two blanks alone behind a full stop, a question or an exclamation mark
(and what closes behind it) are no gap, as typists end sentences so; nor is what stands behind the mark of a list's
item. Two lines *agree* if

- both have upright or crossing lines or blocks (U+2500 to U+259F without the horizontal lines, which also serve as
  dashes), or consist of such signs and blanks alone; or
- they have bars, pluses within a frame (`+--`, `--+`), or the last twigs of a tree (`` `-- ``), in the same columns; or
- behind gaps they begin words, or end numbers, in the same columns;

where "the same" is at least half of those of the line that has fewer, and of bars more than half. A block is a run of
lines of which each agrees with the next, or with the one after that if the line between is no longer than they. Where
gaps alone bind it, one of the gaps has three blanks or more, or the block has three lines. To it belong, above and
below, rules (`-----`, `==== ====`); lines of which three words, and more than half of all, begin where words of its
first or last line do; and headings, of which at least half of what stands behind gaps ends where numbers do. Art is a
block too: three or more lines, one behind the other, with more signs than letters and digits and with four slashes,
backslashes, bars or underscores among them. A line of more than 1000 characters is a paragraph.

Lines with leading spaces alone or tabs alone, and prose, are none of it: they align as they are.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from t2vid_hf.rendering.cells import parts_of
from t2vid_hf.rendering.survey import BAR, DRAWN, GAP, SIGNS, survey

# A line of more characters is a paragraph.
_MOST_CHARS = 1000

_BLANKS = " \xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_GAP = re.compile(rf"(?<=[^{_BLANKS}\t])[{_BLANKS}]{{2,}}(?=[^{_BLANKS}\t])")
_BEHIND_GAP = re.compile(rf"(?<=[{_BLANKS}]{{2}})[^{_BLANKS}\t]+(?:[{_BLANKS}][^{_BLANKS}\t]+)*")
_SENTENCE_END = re.compile("[.?!][\"'\u201d\u2019)\\]]?$")
_ITEM = re.compile(rf"^[{_BLANKS}\t]*(?:\(?\w{{1,4}}[.)]|[^\w{_BLANKS}\t|+]{{1,3}})$")
_NUMBER = re.compile(r"([^\s\w]{0,3}\d(?:[\d.,:/eE+-]*\d)?)[^\s\w]{0,3}$")
_BARS = re.compile(r"\||\+(?=[-=+])|(?<=[-=+])\+|[`\\](?=-)")
_WORD = re.compile(rf"(?<=[{_BLANKS}])[^{_BLANKS}\t]")
_RULE = re.compile(rf"[{_BLANKS}\t]*[-=_~*\u2500\u2501\u2550][-=_~*+|:.{_BLANKS}\u2500\u2501\u2550]+$")
_UPRIGHT = re.compile("[\u2502\u2503\u2506\u2507\u250a-\u254b\u254e\u254f\u2551-\u259f]")
_DRAWN_ALONE = re.compile(rf"[{_BLANKS}\t\u2500-\u259f]+$")


@dataclass(frozen=True)
class _Line:
    """A line, where it stands, and its columns."""

    text: str
    start: int
    end: int
    marks: int

    @cached_property
    def columns(self) -> list[int]:
        """The column of each character, and that behind the last."""
        if self.text.isascii() and "\t" not in self.text:
            return list(range(len(self.text) + 1))
        columns, at = [], 0
        for part, cells in parts_of(self.text):
            columns += [at] * len(part)
            at += cells
        return [*columns, at]

    @cached_property
    def gaps(self) -> dict[int, int]:
        """The column behind each gap, and how many blanks it has."""
        found = {}
        for gap in _GAP.finditer(self.text):
            before = self.text[: gap.start()]
            short = gap.end() - gap.start() == 2 and _SENTENCE_END.search(before[-2:])
            if not short and not _ITEM.match(before):
                found[self.columns[gap.end()]] = gap.end() - gap.start()
        return found

    @cached_property
    def numbers(self) -> dict[int, int]:
        """The column behind each number that a gap stands before, and how many blanks that has."""
        starts = {gap.end(): gap.end() - gap.start() for gap in _GAP.finditer(self.text)}
        found = {}
        for start, blanks in starts.items():
            word = re.split(rf"[{_BLANKS}\t]", self.text[start:], maxsplit=1)[0]
            number = _NUMBER.match(word)
            if number and self.columns[start] in self.gaps:
                found[self.columns[start + number.end(1)]] = blanks
        return found

    @cached_property
    def ends(self) -> set[int]:
        """The columns behind the words that gaps stand before."""
        return {self.columns[word.end()] for word in _BEHIND_GAP.finditer(self.text) if word.start()}

    @cached_property
    def words(self) -> set[int]:
        """The columns where words begin, but the line."""
        return {
            self.columns[word.start()]
            for word in _WORD.finditer(self.text, len(self.text) - len(self.text.lstrip()) + 1)
        }

    @cached_property
    def bars(self) -> set[int]:
        """The columns of bars, and of pluses in frames."""
        return {self.columns[bar.start()] for bar in _BARS.finditer(self.text)}

    @cached_property
    def drawn(self) -> bool:
        """Whether it has lines that are no dashes."""
        return bool(_UPRIGHT.search(self.text) or _DRAWN_ALONE.match(self.text))


def aligned_blocks(text: str, codes: np.ndarray) -> list[tuple[int, int]]:
    """The spans of a text whose lines are aligned by spaces; each begins with a line and ends behind one.

    Args:
        text (`str`): A text of `n` characters.
        codes (`np.ndarray` of shape `(n,)`, uint32): Their code points.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.rendering.aligned import aligned_blocks
    >>> text = "Sizes\\nname   side\\npaper  448\\nThat is all.  Really.\\n"
    >>> aligned_blocks(text, np.array([ord(char) for char in text], np.uint32))
    [(6, 29)]

    ```
    """
    found = np.empty((len(text) // 2 + 2, 4), np.int32)
    found = found[: survey(codes, found)]
    # A line by itself is no table: as in nearly all prose, there is no more to do.
    numbers = found[:, 0]
    near = np.zeros(len(found), bool)
    near[1:] = np.diff(numbers) <= 2
    near[:-1] |= near[1:]
    if not near.any():
        return []
    lines = {
        number: _Line(text[start:end], start, end, marks)
        for number, start, end, marks in found[near].tolist()
        if end - start <= _MOST_CHARS
    }
    spans = [_with_more(first, last, lines) for first, last in [*_tables(lines), *_art(lines)]]
    return [
        (lines[first].start, lines[last].end + _line_end(text, lines[last].end)) for first, last in _joined(spans, 1)
    ]


def _tables(lines: dict[int, _Line]) -> list[tuple[int, int]]:
    """First and last line of each run that agrees."""
    spans = []
    pairs = [
        (number - before, number, strength)
        for number, line in lines.items()
        for before in (1, 2)
        if number - before in lines and (strength := _agreement(lines[number - before], line))
    ]
    for first, last in _joined([(first, last) for first, last, _ in pairs]):
        inside = [pair for pair in pairs if first <= pair[0] and pair[1] <= last]
        agreeing = {number for pair in inside for number in pair[:2]}
        if len(agreeing) > 2 or any(strength > 1 for *_, strength in inside):
            spans.append((first, last))
    return spans


def _agreement(line: _Line, other: _Line) -> int:
    """0 where two lines do not agree, 1 where gaps of two blanks alone bind them, else 2."""
    if other.start - line.end > max(len(line.text), len(other.text)) + 4:
        return 0
    if line.marks & other.marks & DRAWN and line.drawn and other.drawn:
        return 2
    if line.marks & other.marks & BAR and _shared(line.bars, other.bars):
        return 2
    if not line.marks & other.marks & GAP:
        return 0
    for mine, others in ((line.gaps, other.gaps), (line.numbers, other.numbers)):
        # A line is held to all its gaps, the numbers among them too.
        shared = mine.keys() & others.keys()
        if shared and 2 * len(shared) >= min(len(line.gaps), len(other.gaps)):
            return 2 if max(max(mine[column], others[column]) for column in shared) > 2 else 1
    return 0


def _shared(columns: set[int], others: set[int]) -> bool:
    common = len(columns & others)
    return 2 * common > min(len(columns), len(others))


def _art(lines: dict[int, _Line]) -> list[tuple[int, int]]:
    """First and last line of each run of lines of signs."""
    runs = _joined([(number - 1, number) for number, line in lines.items() if _signs(lines.get(number - 1), line)])
    return [
        (first, last)
        for first, last in runs
        if last - first > 1
        and sum(lines[number].text.count(sign) for number in range(first, last + 1) for sign in "/\\|_") >= 4
    ]


def _signs(line: _Line | None, other: _Line) -> bool:
    return line is not None and bool(line.marks & other.marks & SIGNS)


def _with_more(first: int, last: int, lines: dict[int, _Line]) -> tuple[int, int]:
    while first - 1 in lines and _belongs(lines[first - 1], lines[first]):
        first -= 1
    while last + 1 in lines and _belongs(lines[last + 1], lines[last]):
        last += 1
    return first, last


def _belongs(line: _Line, neighbour: _Line) -> bool:
    """Whether a line that does not agree with the block beside it is part of it."""
    common = len(line.words & neighbour.words)
    if _RULE.match(line.text) or (common > 2 and 2 * common > len(line.words)):
        return True
    above = len(line.ends & neighbour.numbers.keys())
    return bool(line.gaps and above) and 2 * above >= len(line.gaps)


def _joined(spans: list[tuple[int, int]], reach: int = 0) -> list[tuple[int, int]]:
    """Spans of lines in order, those that share a line, or lie within reach, as one."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + reach:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined


def _line_end(text: str, at: int) -> int:
    return 2 if text.startswith("\r\n", at) else int(at < len(text))
