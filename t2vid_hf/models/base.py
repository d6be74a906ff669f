"""The seam between model families: what the collator and the generation loop must know of one."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ImageText:
    """What a processor writes into a text for one page or frame: `before`, `token` `repeats` times, `after`.

    It is what makes a row's price arithmetic: nothing need be drawn or decoded to count its tokens.

    Args:
        placeholder (`str`): What the chat template writes for an image block.
        token (`str`): The token that stands for one vector of image features.
        repeats (`int`): How many of them an image takes.
        before (`str`), after (`str`): The delimiters.

    Example:

    ```python
    >>> from t2vid_hf.models.base import ImageText
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
        """The text of an image, or a stand-in for it with fewer `token`s."""
        return self.before + self.token * (self.repeats if repeats is None else repeats) + self.after


class Adapter(ABC):
    """What is particular to one family of vision-language models."""

    @abstractmethod
    def configure(self, processor: Any) -> None:
        """Set a processor, in place, to one image token block a page or frame.

        The settings are attributes of the processor, so that `save_pretrained` writes them beside the checkpoint and
        whoever loads it sees pages as they were seen in training.
        """

    @abstractmethod
    def tokens_per_image(self, processor: Any) -> int:
        """Tokens that one page or frame takes in the sequence, its delimiters included."""

    @abstractmethod
    def image_text(self, processor: Any) -> ImageText:
        """What a configured processor writes for one page or frame, the same for each of them.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the processor is not configured, so that the number of tokens would
                depend on an image's size.
        """

    @abstractmethod
    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of the placeholders that stand for image features; they are never supervised."""
