"""Where images stand in a rendered text, and the short stand-ins that a tokenizer is given in their place.

A tokenizer cuts a text at its added tokens before it merges anything, so what stands between two of them is tokenised
alike whatever they are. Where an image's text begins and ends with added tokens, one image token therefore stands for
all of them, and the others are arithmetic; elsewhere an image is written out in full, exact too and 20 times slower.
"""

from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.models import ImageText


class Placeholders:
    """The images of rendered texts, for a tokenizer.

    Args:
        image ([`~t2vid_hf.models.ImageText`]): What a processor writes for an image.
        tokenizer ([`~transformers.PreTrainedTokenizerBase`]): The model's tokenizer; where it is slow, images are
            written out in full.

    Attributes:
        atomic (`bool`): Whether one image token can stand for all of an image's.
        written (`int`): Image tokens of a stand-in.
        stand_in (`str`): What the tokenizer is given for an image.

    Example:

    ```python
    >>> import tempfile
    >>> from transformers import AutoProcessor
    >>> from t2vid_hf.batches.placeholders import Placeholders
    >>> from t2vid_hf.models import adapter_for, tiny
    >>> folder = tempfile.mkdtemp()
    >>> tiny.build(folder, ["What is it? A clock."])
    >>> processor = AutoProcessor.from_pretrained(folder)
    >>> placeholders = Placeholders(adapter_for("idefics3").image_text(processor), processor.tokenizer)
    >>> placeholders.atomic, placeholders.cut("<image>What is it?", 1, key="a")
    (True, ['', 'What is it?'])

    ```
    """

    def __init__(self, image: ImageText, tokenizer: Any) -> None:
        self.image = image
        self.atomic = tokenizer.is_fast and _is_atomic(image, tokenizer)
        self.written = 1 if self.atomic else image.repeats
        self.stand_in = image.text(self.written)

    def cut(self, text: str, images: int, *, key: Any) -> list[str]:
        """Cut a rendered text at its images: `images + 1` pieces.

        Args:
            text (`str`): A rendered conversation, each image as its placeholder.
            images (`int`): How many images there must be.
            key (`Any`): The row's id, for the error.

        Raises:
            [`~t2vid_hf.errors.InputError`]: the text has more or fewer placeholders than images.
        """
        pieces = text.split(self.image.placeholder)
        if len(pieces) != images + 1:
            raise InputError(
                f"row '{key}' has {images} images and {len(pieces) - 1} times '{self.image.placeholder}' in its "
                f"rendered text: take it out of the row's text, or mend the chat template"
            )
        return pieces


def _is_atomic(image: ImageText, tokenizer: Any) -> bool:
    """Whether an image's text begins and ends with an added token, and its `token` is one."""
    added = {str(item) for item in tokenizer.added_tokens_decoder.values()}
    tokens = tokenizer.tokenize(image.text(1), add_special_tokens=False)
    return {tokens[0], tokens[-1], image.token} <= added
