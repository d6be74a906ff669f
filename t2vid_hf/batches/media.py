"""A row -> chat messages with one block an image, and the pixels of its images.

Training and evaluation both go through here, so that a model is asked exactly as it was taught.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from t2vid_hf.batches.frame_blocks import blocks_of_video, with_image_blocks
from t2vid_hf.batches.video_policy import VideoPolicy
from t2vid_hf.errors import InputError
from t2vid_hf.schema import MEDIA, Message, Row
from t2vid_hf.video.pictures import Frames
from t2vid_hf.video.probing import Probe
from t2vid_hf.video.resizing import Resize
from t2vid_hf.video.stills import PictureError, open_picture, picture_pixels, upright_size


class MediaError(InputError):
    """A picture or a video of a row that cannot be had; the message names the row.

    Args:
        message (`str`): What is wrong.
        medium (`str`, *optional*, defaults to `"picture"`): What it is: "picture" or "video".
    """

    # A default, because a worker's errors are made anew from their message alone.
    def __init__(self, message: str, medium: str = "picture") -> None:
        super().__init__(message)
        self.medium = medium


@dataclass(frozen=True)
class RowMedia:
    """A row for a model: its messages, and the pixels of its media.

    Args:
        messages (`list[Message]`): As many "image" blocks as images, and as many "video" blocks as videos.
        images (`list[np.ndarray]`): Pages and, of a video that is not native, frames, in order; uint8, of shape
            `(height, width)` where an image is grey and `(height, width, 3)` where not.
        videos (`list[Frames]`): The frames of native videos, in order.
        order (`list[str]`): "image" or "video" for each of them, in the order of the blocks.
        as_frames (`list[int]`, *optional*): How many images each video became that is not native.
    """

    messages: list[Message]
    images: list[np.ndarray]
    videos: list[Frames]
    order: list[str]
    as_frames: list[int] = field(default_factory=list)

    def with_messages(self, messages: Sequence[Message]) -> "RowMedia":
        """The same media for the messages of another row, which has them in the same order."""
        return replace(
            self, messages=with_image_blocks(messages, self.as_frames)[0] if self.as_frames else list(messages)
        )


def media_inputs(
    row: Row, policy: VideoPolicy, *, threads: int = 0, frame_fit: Callable[[bool], Resize | None] | None = None
) -> RowMedia:
    """The messages and media of a row as a model takes them: a video becomes its frames, or stays one.

    Args:
        row ([`~t2vid_hf.schema.Row`]): A row with its media, which is not changed. Its pages are all kept: losing a
            page loses text.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): How videos are taken, unless the row says otherwise
            (`take_video`, `take_fps`, `take_frames`, which a mixture's part may set).
        threads (`int`, *optional*, defaults to `0`): Threads that decode a video; 0 takes the processors there are.
            Give 1 in workers that run side by side.
        frame_fit (`Callable[[bool], Callable | None]`, *optional*): For native videos and others, what each frame goes
            through when it is decoded, so that one of full size is alive at a time; `None` leaves them as they are.

    Raises:
        [`~t2vid_hf.errors.InputError`]: blocks and media of the row do not agree; a [`MediaError`] where a picture
            or a video does not decode.

    Example:

    ```python
    >>> from PIL import Image
    >>> from t2vid_hf.batches.media import media_inputs
    >>> from t2vid_hf.batches.video_policy import VideoPolicy
    >>> from t2vid_hf.schema import conversation, media_block
    >>> row = {"id": "a", "source": "s", "media": "image_sequence", "images": [Image.new("L", (448, 448))],
    ...        "videos": [], "num_frames": 1, "messages": conversation([media_block("image")], "Why?", "So.")}
    >>> [image.shape for image in media_inputs(row, VideoPolicy(num_frames=24)).images]
    [(448, 448)]

    ```
    """
    pages, clips = list(row["images"] or []), list(row["videos"] or [])
    policy = policy.of_row(row)
    if row["media"] not in MEDIA:
        raise InputError(f"row '{row['id']}': media is '{row['media']}'; known: {', '.join(MEDIA)}")
    made = RowMedia([], [], [], [])
    for message in row["messages"]:
        content = []
        for block in message["content"]:
            if block["type"] == "text":
                content.append(block)
            elif block["type"] == "image" and pages:
                made.images.append(_pixels(pages.pop(0), f"row '{row['id']}', image {len(row['images']) - len(pages)}"))
                content.append(block)
                made.order.append("image")
            elif block["type"] == "video" and clips:
                native = policy.video == "native"
                frames = _read(row, clips.pop(0), policy, threads, frame_fit(native) if frame_fit else None)
                made.videos.extend([frames] if native else [])
                if not native:
                    made.as_frames.append(len(frames.data))
                made.images.extend([] if native else frames.data)
                content += blocks_of_video(block, None if native else len(frames.data), key=row["id"])
                made.order.extend(["video"] if native else ["image"] * len(frames.data))
            else:
                raise InputError(
                    f"row '{row['id']}': a block of type '{block['type']}' without its medium; a row needs as many "
                    f"image blocks as images and video blocks as videos"
                )
        made.messages.append({**message, "content": content})
    if pages or clips:
        raise InputError(
            f"row '{row['id']}': {len(pages)} images and {len(clips)} videos have no block in its messages"
        )
    return made


def probe_video(row: Row, video: Mapping[str, Any], policy: VideoPolicy) -> Probe:
    """What a video of a row would be read as, without its pixels.

    Args:
        row ([`~t2vid_hf.schema.Row`]): The row, for errors.
        video (`Mapping[str, Any]`): One of its videos, as `{"bytes", "path"}`.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`]): Which frames of it are taken.

    Raises:
        [`MediaError`]: it cannot be read.
    """
    with _naming(row, video) as name:
        return policy.probe(_file(video, name), name=name)


def _read(row: Row, video: Mapping[str, Any], policy: VideoPolicy, threads: int, resize: Resize | None) -> Frames:
    """The frames that are taken of a video of a row."""
    with _naming(row, video) as name:
        return policy.read(_file(video, name), threads=threads, name=name, resize=resize)


@contextmanager
def _naming(row: Row, video: Mapping[str, Any]) -> Iterator[str]:
    """Give what messages call a video of a row; what goes wrong inside is a [`MediaError`] that does."""
    name = f"row '{row['id']}', video {video['path']}"
    try:
        yield name
    except InputError as error:
        raise MediaError(str(error), "video") from None
    except (OSError, ValueError) as error:
        raise MediaError(f"{name}: {error}; mend the file, or leave the row out", "video") from None


def _file(video: Mapping[str, Any], name: str) -> str | bytes:
    """The file of the `{"bytes", "path"}` that a column of videos hands out."""
    file = video["path"] if video["bytes"] is None else video["bytes"]
    if file is None:
        raise InputError(f"{name}: has neither bytes nor a path; leave the row out")
    return file


def image_sizes(row: Row) -> list[tuple[int, int]]:
    """Heights and widths of the images of a row, upright; of a file its header is read.

    Args:
        row ([`~t2vid_hf.schema.Row`]): The row.

    Raises:
        [`MediaError`]: a picture does not open.

    Example:

    ```python
    >>> from PIL import Image
    >>> from t2vid_hf.batches.media import image_sizes
    >>> image_sizes({"id": "a", "images": [Image.new("RGB", (640, 360))]})
    [(360, 640)]

    ```
    """
    sizes = []
    for number, image in enumerate(row["images"] or [], 1):
        with _opened(image, f"row '{row['id']}', image {number}") as picture:
            sizes.append(upright_size(picture))
    return sizes


def _pixels(image: Any, name: str) -> np.ndarray:
    with _opened(image, name) as picture:
        return picture_pixels(picture)


@contextmanager
def _opened(image: Any, name: str) -> Iterator[Image.Image]:
    """A PIL image, or the `{"bytes", "path"}` that undecoded columns hand out, open; a [`MediaError`] tells its row."""
    try:
        if not isinstance(image, Image.Image):
            file = image["path"] if image["bytes"] is None else image["bytes"]
            if file is None:
                raise PictureError("has neither bytes nor a path")
            name += f" ({image['path']})" if image["path"] else ""
            image = open_picture(file)
        yield image
    except PictureError as error:
        raise MediaError(f"{name}: {error}; mend the file, or leave the row out", "picture") from None
