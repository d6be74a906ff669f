"""The seam between model families: what the collator, the trainer and the generation loop must know of one.

Every page and frame is one square of `page_px` pixels, so that all of them take as many tokens, prices are arithmetic,
and a batch's pixels are one uint8 tensor whatever the family: `model_inputs` lays it out as the model wants it, on the
device. The price: a frame that is not square is squeezed, as Idefics3 and InternVL do by themselves and the paper did.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


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


@dataclass(frozen=True)
class Parts:
    """A model's modules by the part they belong to, as paths in `model.named_modules()` of the loaded class.

    Args:
        vision (`tuple[str, ...]`): The vision tower.
        connector (`tuple[str, ...]`): What turns its output into tokens.
        language (`tuple[str, ...]`): The language model, its embeddings and its head.
        lora (`tuple[str, ...]`): Last names of the linear layers of the language model that LoRA adapts.

    Together the first three cover every parameter, each once.
    """

    vision: tuple[str, ...]
    connector: tuple[str, ...]
    language: tuple[str, ...]
    lora: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Adapter(ABC):
    """What is particular to one family of vision-language models."""

    parts: ClassVar[Parts]

    @abstractmethod
    def configure(self, processor: Any) -> None:
        """Set a processor, in place, to one image token block a page or frame.

        The settings are attributes of the processor, so that `save_pretrained` writes them beside the checkpoint and
        whoever loads it sees pages as they were seen in training.
        """

    @abstractmethod
    def page_px(self, processor: Any) -> int:
        """Side, in pixels, of the square that the vision tower sees: a page of this size is not resized."""

    @abstractmethod
    def image_text(self, processor: Any) -> ImageText:
        """What a configured processor writes for one page or frame, the same for each of them.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the processor is not configured, so that the number of tokens would
                depend on an image's size.
        """

    @abstractmethod
    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of the placeholders and delimiters of images; they are never supervised."""

    @abstractmethod
    def fitted(self, processor: Any, frames: Any) -> Any:
        """Resize frames to the square that the vision tower sees, exactly as the processor does.

        Args:
            frames (`torch.Tensor` of shape `(frames, 3, height, width)`, uint8).

        Returns:
            `torch.Tensor` of shape `(frames, 3, page_px, page_px)`, uint8.
        """

    @abstractmethod
    def model_inputs(self, values: Any) -> dict[str, Any]:
        """Lay out normalised pixels as the model's forward takes them.

        Args:
            values (`torch.Tensor` of shape `(images, 3, page_px, page_px)`, floating): In the order of the
                placeholders, over the whole batch; on any device.

        Returns:
            `dict[str, torch.Tensor]`: keyword arguments of the model's forward: `pixel_values` and what goes with it.
        """

    @abstractmethod
    def position_ids(self, processor: Any, input_ids: np.ndarray) -> np.ndarray:
        """Positions of a row alone, which make it independent of the rows that it is packed with.

        Args:
            input_ids (`np.ndarray` of shape `(tokens,)`).

        Returns:
            `np.ndarray` of shape `(tokens,)`, int64; for models with M-RoPE `(4, tokens)`: the positions in the text,
            then time, height and width.
        """
