"""Words to lines to pages, given the width of each piece. Draws nothing, loses nothing, repeats nothing.

Every line is a half-open span of the source, and the spans follow one another without a gap: that nothing is lost
holds by construction, whatever the measure says. Lines break where Unicode allows it (UAX 14, by ICU, with its
dictionaries for scripts without spaces: 4 ms for 30,000 words), and inside a word only where it alone is longer than
a line. Pages break by measured pixels; a limit on words is a further limit, never the only one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from icu4py.breakers import CharacterBreaker, LineBreaker

from t2vid_hf.rendering.config import RenderConfig

TAB = "    "
_SURROGATE = re.compile("[\ud800-\udfff]")
# Characters after which a line ends in any case (UAX 14 classes BK, CR, LF, NL), "\r\n" being one.
_LINE_END = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")


@dataclass(frozen=True)
class Line:
    """A line of a page.

    Args:
        start (`int`), end (`int`): Its span of the source, half-open; white space at its end belongs to it.
        text (`str`): What is drawn: the span without white space at its end, tabs as spaces.
    """

    start: int
    end: int
    text: str


Page = tuple[Line, ...]


def break_pages(text: str, config: RenderConfig, measure: Callable[[str], float]) -> list[Page]:
    """Break a text into pages of lines.

    Args:
        text (`str`): Any Unicode text.
        config ([`~t2vid_hf.rendering.RenderConfig`]): Width of a line, lines of a page, most words of a page.
        measure (`Callable[[str], float]`): Width of a piece of text in pixels.

    Returns:
        `list[tuple[Line, ...]]`: the pages; their lines' spans partition `range(len(text))`. Text of white space
        alone, or of no characters, is one page.

    Example:

    ```python
    >>> from t2vid_hf.rendering.config import RenderConfig
    >>> from t2vid_hf.rendering.layout import break_pages
    >>> config = RenderConfig(width_px=100, height_px=40, font_px=10, line_px=20, margin_px=0)
    >>> [[line.text for line in page] for page in break_pages("one two three four five", config, lambda s: 10 * len(s))]
    [['one two', 'three four'], ['five']]

    ```
    """
    limit = config.max_words
    pages: list[Page] = []
    page: list[Line] = []
    words = 0
    for line in _lines(text, config, measure):
        line_words = len(line.text.split())
        full = len(page) == config.lines_per_page
        if page and (full or (limit is not None and words + line_words > limit)):
            # The paper cuts at exactly 115 words; a page here ends at the end of a line, at most one line earlier.
            pages.append(tuple(page))
            page, words = [], 0
        page.append(line)
        words += line_words
    pages.append(tuple(page))
    return pages


def _lines(text: str, config: RenderConfig, measure: Callable[[str], float]) -> Iterator[Line]:
    if config.whitespace == "flow":
        yield from _wrap(text, 0, len(text), config, measure)
        return
    start = 0
    for match in _LINE_END.finditer(text):
        yield from _wrap(text, start, match.end(), config, measure)
        start = match.end()
    if start < len(text) or not text:
        yield from _wrap(text, start, len(text), config, measure)


def _wrap(text: str, start: int, end: int, config: RenderConfig, measure: Callable[[str], float]) -> Iterator[Line]:
    """Break `text[start:end]` into lines, greedily."""
    width = config.text_width_px
    line_start, position, used = start, start, 0.0
    for piece in _pieces(text[start:end]):
        ink = _visible(piece, config)
        ink_width = measure(ink) if ink else 0.0
        if position > line_start and used + ink_width > width and ink:
            yield _line(text, line_start, position, config)
            line_start, used = position, 0.0
        if ink_width > width:
            # A word longer than a line: cut between grapheme clusters, never inside one.
            for cluster in CharacterBreaker(_safe(piece), "en"):
                cluster_width = measure(_visible(cluster, config, strip=False))
                if position > line_start and used + cluster_width > width:
                    yield _line(text, line_start, position, config)
                    line_start, used = position, 0.0
                position += len(cluster)
                used += cluster_width
            continue
        position += len(piece)
        used += measure(_visible(piece, config, strip=False))
    yield _line(text, line_start, end, config)


def _pieces(text: str) -> Iterator[str]:
    """The stretches between two places where a line may end. Their concatenation is the text."""
    yield from LineBreaker(_safe(text), "en")


def _safe(text: str) -> str:
    """ICU takes no lone surrogates. Another character of the same length, so that positions hold."""
    return _SURROGATE.sub("\ufffd", text)


def _visible(piece: str, config: RenderConfig, *, strip: bool = True) -> str:
    """What is drawn of a piece."""
    if config.whitespace == "flow":
        flowed = " ".join(piece.split())
        return flowed if strip or not piece[-1:].isspace() else flowed + " "
    shown = _LINE_END.sub("", piece).replace("\t", TAB)
    return shown.rstrip() if strip else shown


def _line(text: str, start: int, end: int, config: RenderConfig) -> Line:
    return Line(start, end, _visible(text[start:end], config))
