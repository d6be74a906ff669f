"""The seam between model families: what the collator and the generation loop must know of one."""

from abc import ABC, abstractmethod
from typing import Any


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
    def media_token_ids(self, processor: Any) -> tuple[int, ...]:
        """Ids of the placeholders that stand for image features; they are never supervised."""
