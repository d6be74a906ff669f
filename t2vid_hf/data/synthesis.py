"""A question about a long text -> a row whose "video" is the text, page by page. Pure: no files, no network.

The context is drawn and stands in the images alone; the messages hold the question and the answer, as in the paper.
Questions about one text share its pages: a text is drawn, or laid out, once, however many questions it has.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.rendering import RenderConfig, TextRenderer, missing_characters
from t2vid_hf.rendering.fonts import describe
from t2vid_hf.schema import LongTextQA, Row, page_row

RENDER = ("lazy", "eager")
"""When pages are drawn: when a row is read, or when it is made."""


@dataclass
class DrawingReport:
    """What became of the texts that were drawn; give one to [`synthesize`] and look at it afterwards.

    Args:
        boxes (`Counter[str]`, *optional*): Characters that were drawn as boxes, named, and how many of each; a text
            counts once, however many questions it has.
        texts_with_boxes (`int`, *optional*, defaults to `0`): Texts that have any.
        not_drawn (`dict[str, str]`, *optional*): The rows that were left out since their text cannot be drawn: their
            ids, and why.

    Example:

    ```python
    >>> from t2vid_hf.data.synthesis import DrawingReport
    >>> report = DrawingReport(texts_with_boxes=1)
    >>> report.boxes["U+0092 a control character"] += 3
    >>> print(report)
    3 characters of 1 texts are boxes: 3 U+0092 a control character; rows not drawn: none

    ```
    """

    boxes: Counter[str] = field(default_factory=Counter)
    texts_with_boxes: int = 0
    not_drawn: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.boxes or self.not_drawn)

    def __str__(self) -> str:
        often = ", ".join(f"{count} {name}" for name, count in self.boxes.most_common(5))
        more = f" and {len(self.boxes) - 5} others" if len(self.boxes) > 5 else ""
        first = next(iter(self.not_drawn.values()), None)
        left = "none" if first is None else f"{len(self.not_drawn)}, the first: {first}"
        boxes = "no character is a box"
        if self.boxes:
            boxes = f"{self.boxes.total()} characters of {self.texts_with_boxes} texts are boxes: {often}{more}"
        return f"{boxes}; rows not drawn: {left}"


def synthesize(
    questions: Iterable[LongTextQA],
    config: RenderConfig,
    *,
    render: Literal["lazy", "eager"] = "eager",
    on_error: Literal["raise", "skip"] = "raise",
    report: DrawingReport | None = None,
) -> Iterator[Row]:
    """Make a row of each question.

    Args:
        questions (`Iterable[LongTextQA]`): The questions; those about one text must follow one another to share its
            pages.
        config ([`~t2vid_hf.rendering.RenderConfig`]): How a page looks.
        render (`str`, *optional*, defaults to `"eager"`): When the pages are drawn: `"eager"` draws them now, as PNG
            files; `"lazy"` describes them, and they are drawn when a row is read ([`~t2vid_hf.data.pages.Pages`]).
        on_error (`str`, *optional*, defaults to `"raise"`): What a text does that cannot be drawn: `"raise"` stops at
            the first, `"skip"` leaves its rows out and names them in the report.
        report ([`DrawingReport`], *optional*): Where boxes and rows that are left out are counted.

    Yields:
        [`~t2vid_hf.schema.Row`] of media "image_sequence"; `images` holds a `{"bytes": PNG, "path": None}` for each
        page, or what [`~t2vid_hf.data.pages.describe`] returns.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a text cannot be drawn; the message names the row.

    Example:

    ```python
    >>> from t2vid_hf.data.synthesis import synthesize
    >>> from t2vid_hf.rendering import RenderConfig
    >>> from t2vid_hf.schema import LongTextQA
    >>> qa = LongTextQA("a-0", "long_qa", "The keeper wound the clock. " * 60, "Who wound the clock?", "The keeper.")
    >>> row = next(synthesize([qa], RenderConfig.preset("paper")))
    >>> row["num_frames"], [block["type"] for block in row["messages"][0]["content"]]
    (3, ['image', 'image', 'image', 'text'])

    ```
    """
    if render not in RENDER:
        raise unknown("way to render", render, RENDER)
    if on_error not in ("raise", "skip"):
        raise unknown("on_error", on_error, ("raise", "skip"))
    return _rows(questions, config, render, on_error, DrawingReport() if report is None else report)


def _rows(
    questions: Iterable[LongTextQA], config: RenderConfig, render: str, on_error: str, report: DrawingReport
) -> Iterator[Row]:
    make = _describe_pages if render == "lazy" else _draw_pages
    context: str | None = None
    images: Any = None
    count, has_boxes = 0, False
    problem: str | None = None
    for qa in questions:
        if qa.context != context:
            context, problem = qa.context, None
            try:
                images, count, has_boxes = make(qa.context, config)
            except InputError as error:
                problem = str(error)
            else:
                boxes = missing_characters(qa.context) if has_boxes else Counter()
                report.boxes.update({describe(char): number for char, number in boxes.items()})
                report.texts_with_boxes += bool(boxes)
        if problem is None:
            yield page_row(qa, images, count)
            continue
        message = f"row '{qa.id}' of source '{qa.source}': {problem}"
        if on_error == "raise":
            raise InputError(message)
        report.not_drawn[f"{qa.source}/{qa.id}"] = message


def _draw_pages(text: str, config: RenderConfig) -> tuple[list[dict[str, Any]], int, bool]:
    drawn = TextRenderer(config).render(text)
    images = [{"bytes": page, "path": None} for page in drawn.pngs()]
    return images, len(images), drawn.missing > 0


def _describe_pages(text: str, config: RenderConfig) -> tuple[dict[str, Any], int, bool]:
    # Here, because `Pages` is a type of `datasets`, which takes half a second to import.
    from t2vid_hf.data.pages import describe

    pages = describe(text, config)
    # What is laid out and not drawn does not count its boxes.
    return pages, pages["num_pages"], True
