"""A question about a long text -> a row whose "video" is the text, page by page. Pure: no files, no network.

The context is drawn and stands in the images alone; the messages hold the question and the answer, as in the paper.
Questions about one text share its pages: a text is drawn once, however many questions it has.
"""

from collections.abc import Iterable, Iterator

from t2vid_hf.errors import InputError
from t2vid_hf.rendering import RenderConfig, TextRenderer
from t2vid_hf.schema import LongTextQA, Row, page_row


def synthesize(questions: Iterable[LongTextQA], config: RenderConfig) -> Iterator[Row]:
    """Draw the texts of questions, and make a row of each question.

    Args:
        questions (`Iterable[LongTextQA]`): Questions about one text must follow one another to share its pages.
        config ([`~t2vid_hf.rendering.RenderConfig`]): How a page looks.

    Yields:
        [`~t2vid_hf.schema.Row`] of media "image_sequence"; `images` holds `{"bytes": PNG, "path": None}`.

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
    renderer = TextRenderer(config)
    context: str | None = None
    pages: list[bytes] = []
    for qa in questions:
        if qa.context != context:
            try:
                pages = renderer.render(qa.context).pngs()
            except InputError as error:
                raise InputError(f"row '{qa.id}' of source '{qa.source}': {error}") from None
            context = qa.context
        yield page_row(qa, [{"bytes": page, "path": None} for page in pages], len(pages))
