"""A question about a long text -> a row whose "video" is the text, page by page. Pure: no files, no network.

The context is drawn and stands in the images alone; the messages hold the question and the answer, as in the paper.
Questions about one text share its pages: a text is drawn, or laid out, once, however many questions it has.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.schema import LongTextQA, Row, page_row

RENDER = ("lazy", "eager")
"""When pages are drawn: when a row is read, or when it is made."""


def synthesize(
    questions: Iterable[LongTextQA], config: RenderConfig, *, render: Literal["lazy", "eager"] = "eager"
) -> Iterator[Row]:
    """Make a row of each question.

    Args:
        questions (`Iterable[LongTextQA]`): The questions; those about one text must follow one another to share its
            pages.
        config ([`~t2vid_hf.rendering.RenderConfig`]): How a page looks.
        render (`str`, *optional*, defaults to `"eager"`): When the pages are drawn: `"eager"` draws them now, as PNG
            files; `"lazy"` describes them, and they are drawn when a row is read ([`~t2vid_hf.data.pages.Pages`]).

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
    return _rows(questions, config, render)


def _rows(questions: Iterable[LongTextQA], config: RenderConfig, render: str) -> Iterator[Row]:
    make = _describe_pages if render == "lazy" else _draw_pages
    context: str | None = None
    images: Any = None
    count = 0
    for qa in questions:
        if qa.context != context:
            try:
                images, count = make(qa.context, config)
            except InputError as error:
                raise InputError(f"row '{qa.id}' of source '{qa.source}': {error}") from None
            context = qa.context
        yield page_row(qa, images, count)


def _draw_pages(text: str, config: RenderConfig) -> tuple[list[dict[str, Any]], int]:
    pages = TextRenderer(config).render(text).pngs()
    return [{"bytes": page, "path": None} for page in pages], len(pages)


def _describe_pages(text: str, config: RenderConfig) -> tuple[dict[str, Any], int]:
    # Here, because `Pages` is a type of `datasets`, which takes half a second to import.
    from t2vid_hf.data.pages import describe

    pages = describe(text, config)
    return pages, pages["num_pages"]
