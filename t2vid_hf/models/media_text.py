"""What a processor writes into a text for a page, a frame or a video; so that a row is priced without pixels.

Nothing need be drawn or decoded to count a row's tokens: how often a token is repeated is arithmetic.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageText:
    """What a processor writes into a text for one page or frame: `before`, `token` `repeats` times, `after`.

    Args:
        placeholder (`str`): What the chat template writes for an image block.
        token (`str`): The token that stands for one vector of image features.
        repeats (`int`): How many of these tokens an image takes.
        before (`str`, *optional*, defaults to `""`): The delimiters before them.
        after (`str`, *optional*, defaults to `""`): The delimiters behind them.

    Example:

    ```python
    >>> from t2vid_hf.models.media_text import ImageText
    >>> ImageText("<image>", token="<image>", repeats=3, before="<img>", after="</img>").text()
    '<img><image><image><image></img>'

    ```
    """

    placeholder: str
    token: str
    repeats: int
    before: str = ""
    after: str = ""

    def text(self, repeats: int | None = None) -> str:
        """The text of an image, or a stand-in for it.

        Args:
            repeats (`int`, *optional*): How many tokens to write; `None` writes as many as an image takes.
        """
        return self.before + self.token * (self.repeats if repeats is None else repeats) + self.after


@dataclass(frozen=True)
class VideoText:
    """What a processor writes into a text for one video: a piece a group of frames, or one for all of them.

    Args:
        placeholder (`str`): What the chat template writes for a video block.
        pieces (`tuple[ImageText, ...]`): The pieces, in order; their own `placeholder` is not used.

    Example:

    ```python
    >>> from t2vid_hf.models.media_text import ImageText, VideoText
    >>> pieces = [ImageText("", token="<v>", repeats=9, before=f"<{second} seconds>") for second in (0.5, 2.5)]
    >>> VideoText("<video>", tuple(pieces)).text(1)
    '<0.5 seconds><v><2.5 seconds><v>'

    ```
    """

    placeholder: str
    pieces: tuple[ImageText, ...]

    def text(self, repeats: int | None = None) -> str:
        """The text of a video, or a stand-in for it.

        Args:
            repeats (`int`, *optional*): How many tokens to write in each piece; `None` writes as many as it takes.
        """
        return "".join(piece.text(repeats) for piece in self.pieces)


@dataclass(frozen=True)
class VideoTimes:
    """When the frames taken of a video were shown: what families tell their models about time is made of it.

    Args:
        seconds (`tuple[float, ...]`): When each frame taken is shown, in seconds from the start of the video.
        total (`int`): Frames of the whole video.
        fps (`float`): Frames a second of the whole video; `total / fps` is how long it lasts.
        size (`tuple[int, int]`, *optional*): Height and width, in pixels, that the vision tower sees its frames at;
            `None` for the square of a page.
    """

    seconds: tuple[float, ...]
    total: int
    fps: float
    size: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def duration(self) -> float:
        """How long the whole video lasts, in seconds."""
        return self.total / self.fps

    @property
    def taken_fps(self) -> float:
        """Frames a second of those taken, in the arithmetic of transformers' `VideoMetadata.sampled_fps`."""
        return len(self.seconds) / self.total * self.fps
