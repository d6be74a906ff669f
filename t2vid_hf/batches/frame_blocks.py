"""The blocks of a video that is fed as frames: an image a frame, and what is said behind each of them (subtitles)."""

from collections.abc import Sequence

from t2vid_hf.errors import InputError
from t2vid_hf.schema import Block, Message, media_block, text


def blocks_of_video(block: Block, frames: int | None, *, key: str) -> list[Block]:
    """What stands in a model's messages for a video.

    Args:
        block ([`~t2vid_hf.schema.Block`]): The video's block.
        frames (`int` or `None`): How many images it is fed as; `None` feeds it as a video.
        key (`str`): The row, for errors.

    Raises:
        [`~t2vid_hf.errors.InputError`]: something is said between frames, and it is fed as a video, or has others.

    Example:

    ```python
    >>> from t2vid_hf.batches.frame_blocks import blocks_of_video
    >>> video = {"type": "video", "text": None, "between": ["", "Good morning."]}
    >>> [block["text"] for block in blocks_of_video(video, 2, key="a")]
    [None, None, 'Good morning.']

    ```
    """
    said = block.get("between")
    if said is not None and len(said) != frames:
        fed = "a video" if frames is None else f"{frames} images"
        raise InputError(f"row '{key}': texts behind {len(said)} frames of a video that is fed as {fed}")
    if frames is None:
        return [block]
    blocks: list[Block] = []
    for behind in said or [""] * frames:
        blocks += [media_block("image"), text(behind)] if behind else [media_block("image")]
    return blocks


def with_image_blocks(messages: Sequence[Message], frames: int | Sequence[int]) -> tuple[list[Message], int, int]:
    """Messages as a model of images gets them: each video block as image blocks, one a frame.

    Args:
        messages (`Sequence[Message]`): The messages of a row; they are not changed.
        frames (`int` or `Sequence[int]`): How many frames a video has; of several, each.

    Returns:
        `tuple[list[Message], int, int]`: the messages, and how many image and video blocks there were.

    Example:

    ```python
    >>> from t2vid_hf.batches.frame_blocks import with_image_blocks
    >>> from t2vid_hf.schema import conversation, media_block
    >>> messages, images, videos = with_image_blocks(conversation([media_block("video")], "Why?", "So."), 2)
    >>> [block["type"] for block in messages[0]["content"]], images, videos
    (['image', 'image', 'text'], 0, 1)

    ```
    """
    expanded: list[Message] = []
    images = videos = 0
    for message in messages:
        content: list[Block] = []
        for block in message["content"]:
            images += block["type"] == "image"
            if block["type"] == "video":
                content += blocks_of_video(block, frames if isinstance(frames, int) else frames[videos], key="")
                videos += 1
            else:
                content.append(block)
        expanded.append({**message, "content": content})
    return expanded, images, videos
