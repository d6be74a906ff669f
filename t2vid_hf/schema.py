"""The row: the contract at which sources, renderer, video, mixture, trainer and evaluation meet.

Field names are TRL's own, so that a published synthetic set trains in the stock `SFTTrainer` too. Content is always a
list of blocks, never a bare string, so that any two sets concatenate. The number of frames stands in the row, known
before anything is decoded.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

Media = Literal["image_sequence", "video", "text"]
MEDIA: tuple[Media, ...] = ("image_sequence", "video", "text")


class _Block(TypedDict):
    type: str
    text: str | None


class Block(_Block, total=False):
    """One block of a message: `type` is "image", "video" or "text"; `text` is `None` where it is not text.

    - `between` (`list[str]`, *optional*): of a video that is fed as frames, what is said behind each of them
      (subtitles); only rows of an evaluation have it.
    """

    between: list[str]


class _Turn(TypedDict):
    role: str
    content: list[Block]


class Message(_Turn, total=False):
    """One turn: `role` is "system", "user", "assistant" or "tool".

    - `template_fields` (`str`, *optional*): what else a chat template reads of the turn, as a JSON object:
      `tool_calls`, `name`, `tool_call_id`. As text, because calls differ in their arguments and Arrow has one type a
      column.
    """

    template_fields: str | None


class _Columns(TypedDict):
    id: str
    source: str
    media: Media
    messages: list[Message]
    images: list[Any]
    videos: list[dict[str, Any]]
    num_frames: int


class Row(_Columns, total=False):
    """A sample.

    - `id` (`str`): stable, unique in a data set: source name and the record's key.
    - `source` (`str`): the data set it came from; losses and scores are reported by it.
    - `media` (`str`): how the frames are to be taken: "image_sequence", "video" or "text".
    - `messages` (`list[Message]`): one "image" block a page, or one "video" block a clip, then the question.
    - `images` (`list`): the pages in order; PIL images, or `{"bytes", "path"}` while a set is being built.
    - `videos` (`list[dict]`): real video as `{"bytes", "path"}`, not decoded.
    - `num_frames` (`int`): pages, or frames of the clip that its container or its decoder counted.
    - `take_frames` (`int`, *optional*): frames to take of the video, at most; only rows of a mixture have it.
    - `take_fps` (`float`, *optional*): frames a second to take; 0 where a number of them is taken.
    - `take_video` (`str`, *optional*): "as_frames" or "native": how the video is fed.
    - `take_span` (`tuple[float, float]`, *optional*): first and last second of the part of the video that is shown;
      only rows of an evaluation have it.
    - `tools` (`str`, *optional*): what the assistant may call, as a JSON list of schemas for the chat template.
    - `learn_from` (`int`, *optional*): assistant turns before this one, counted from 0 among all turns, belong to the
      prompt and are not learned.
    """

    take_frames: int | None
    take_fps: float | None
    take_video: str | None
    take_span: tuple[float, float] | None
    tools: str | None
    learn_from: int | None


COLUMNS = tuple(_Columns.__annotations__)
"""The columns that every data set has."""


@dataclass(frozen=True)
class LongTextQA:
    """A question about a long text, before anything is drawn.

    Args:
        id (`str`): What tells it apart in its source.
        source (`str`): Name of the source, a key of `t2vid_hf.sources.SOURCES`.
        context (`str`): The long text. It is drawn, and does not stand in the messages.
        question (`str`): The question, as the user's turn.
        answer (`str`): The answer, as the assistant's turn.
    """

    id: str
    source: str
    context: str
    question: str
    answer: str


def text(value: str) -> Block:
    """A text block."""
    return {"type": "text", "text": value}


def media_block(kind: Literal["image", "video"]) -> Block:
    """A block that stands for one image or one video."""
    return {"type": kind, "text": None}


def conversation(media: list[Block], question: str, answer: str) -> list[Message]:
    """A user turn of media and question, and an assistant turn.

    Args:
        media (`list[Block]`): Blocks of the media, in order; empty for text alone.
        question (`str`): The question, behind the media.
        answer (`str`): The assistant's turn.

    Example:

    ```python
    >>> from t2vid_hf.schema import conversation, media_block
    >>> [block["type"] for block in conversation([media_block("image")], "Why?", "Because.")[0]["content"]]
    ['image', 'text']

    ```
    """
    return [
        {"role": "user", "content": [*media, text(question)]},
        {"role": "assistant", "content": [text(answer)]},
    ]


def page_row(qa: LongTextQA, images: Any, num_pages: int) -> Row:
    """The row of a question: its text as `num_pages` images, then the question; then the answer.

    Args:
        qa ([`LongTextQA`]): The question; its context stands in the images alone.
        images (`Any`): The pages, in the form that the column takes: files, or what `Pages` holds.
        num_pages (`int`): How many pages there are.
    """
    return {
        "id": f"{qa.source}/{qa.id}",
        "source": qa.source,
        "media": "image_sequence",
        "messages": conversation([media_block("image")] * num_pages, qa.question, qa.answer),
        "images": images,
        "videos": [],
        "num_frames": num_pages,
    }


def features() -> Any:
    """The columns as `datasets.Features`. A function, because importing `datasets` takes half a second."""
    from datasets import Features, Image, Value, Video

    return Features(
        {
            "id": Value("string"),
            "source": Value("string"),
            "media": Value("string"),
            "messages": [{"role": Value("string"), "content": [{"type": Value("string"), "text": Value("string")}]}],
            "images": [Image()],
            # decode=False: a row hands out {"bytes", "path"}; frames are read by t2vid_hf.video
            "videos": [Video(decode=False)],
            "num_frames": Value("int32"),
        }
    )
