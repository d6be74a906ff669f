"""A row -> chat messages with one block an image, and the pixels of its images; and where the assistant speaks.

Training and evaluation both go through here, so that a model is asked exactly as it was taught.
"""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from t2vid_hf.errors import InputError
from t2vid_hf.schema import MEDIA, Message, Row, media_block
from t2vid_hf.video.reading import read_frames

Span = tuple[int, int]


def image_inputs(row: Row, *, num_frames: int, threads: int = 0) -> tuple[list[Message], list[np.ndarray]]:
    """The messages and images of a row for a model that takes images: a video becomes its frames.

    Args:
        row ([`~t2vid_hf.schema.Row`]): Is not changed. Its pages are all kept: losing a page loses text.
        num_frames (`int`): Frames to take of each video, unless the row has its own number (`take_frames`, which a
            mixture's part may set).
        threads (`int`): To decode with; 0 takes the processors there are. Give 1 in workers that run side by side.

    Returns:
        `tuple[list[Message], list[np.ndarray]]`: as many "image" blocks as images, in order; an image is uint8, of
        shape `(height, width)` where it is grey and `(height, width, 3)` where not.

    Raises:
        [`~t2vid_hf.errors.InputError`]: blocks and media of the row do not agree, or a video does not decode.
    """
    pages, videos = list(row["images"] or []), list(row["videos"] or [])
    wanted = row.get("take_frames") or num_frames
    if row["media"] not in MEDIA:
        raise InputError(f"row '{row['id']}': media is '{row['media']}'; known: {', '.join(MEDIA)}")
    messages: list[Message] = []
    images: list[np.ndarray] = []
    for message in row["messages"]:
        content = []
        for block in message["content"]:
            if block["type"] == "text":
                content.append(block)
            elif block["type"] == "image" and pages:
                images.append(_pixels(pages.pop(0)))
                content.append(block)
            elif block["type"] == "video" and videos:
                video = videos.pop(0)
                frames = read_frames(
                    video["bytes"] or video["path"],
                    wanted,
                    threads=threads,
                    name=f"row '{row['id']}', video {video['path']}",
                )
                images += list(frames.data)
                content += [media_block("image")] * len(frames.data)
            else:
                raise InputError(
                    f"row '{row['id']}': a block of type '{block['type']}' without its medium; a row needs as many "
                    f"image blocks as images and video blocks as videos"
                )
        messages.append({"role": message["role"], "content": content})
    if pages or videos:
        raise InputError(
            f"row '{row['id']}': {len(pages)} images and {len(videos)} videos have no block in its messages"
        )
    return messages, images


def _pixels(image: Any) -> np.ndarray:
    """The pixels of a PIL image, or of the `{"bytes", "path"}` that undecoded columns hand out."""
    if not isinstance(image, Image.Image):
        image = Image.open(io.BytesIO(image["bytes"]) if image["bytes"] is not None else image["path"])
    return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))


def assistant_spans(messages: Sequence[Message], render: Callable[[Sequence[Message], bool], str]) -> list[Span]:
    """Where the assistant's turns stand in a rendered conversation, each with its end-of-turn token.

    Works for any chat template: a turn is what the template adds when the turn is added. No `{% generation %}` marker
    is needed.

    Args:
        messages (`Sequence[Message]`): The conversation.
        render (`Callable`): `render(messages, add_generation_prompt) -> str`.

    Returns:
        `list[tuple[int, int]]`: half-open character spans of `render(messages, False)`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the template rewrites earlier turns when a later one comes.
    """
    whole = render(messages, False)
    spans = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, until = render(messages[:index], True), render(messages[: index + 1], False)
        if not until.startswith(before):
            # LLaVA-OneVision's template asks with "assistant\n" and answers with "assistant \n": what is spoken begins
            # behind the blanks of either.
            name = before.rstrip()
            before = until[: len(until) - len(until[len(name) :].lstrip())] if until.startswith(name) else before
        if not (whole.startswith(until.rstrip()) and until.startswith(before)):
            raise InputError(
                f"the chat template rewrites what comes before turn {index}, so the assistant's turns cannot be told "
                f"apart; give a template that renders a conversation turn by turn"
            )
        # What stands behind the end-of-turn token (a line break, mostly) is the template's, not the model's.
        spans.append((len(before), len(until.rstrip())))
    return spans
