"""Where images stand in a rendered text, and the short stand-ins that a tokenizer is given in their place.

A tokenizer cuts a text at its added tokens before it merges anything, so what stands between two of them is tokenised
alike whatever they are. Where an image's text begins and ends with added tokens, one image token therefore stands for
all of them, and the others are arithmetic; elsewhere an image is written out in full, exact too and 20 times slower.
"""

from typing import Any

import numpy as np

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
        self._token_id = tokenizer.convert_tokens_to_ids(image.token)

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

    def check_ids(self, ids: np.ndarray, images: int, *, key: Any) -> None:
        """Refuse a text that holds the image token by itself.

        Args:
            ids (`np.ndarray` of shape `(tokens,)`): What the tokenizer made of the pieces joined by stand-ins.
            images (`int`): How many stand-ins there are.
            key (`Any`): The row's id, for the error.

        Raises:
            [`~t2vid_hf.errors.InputError`]: there are other image tokens than those of the stand-ins.
        """
        if int((ids == self._token_id).sum()) != images * self.written:
            raise InputError(
                f"row '{key}' has the image token '{self.image.token}' in its text; take it out, because it would be "
                f"taken for an image"
            )

    def starts(self, pieces: list[str]) -> np.ndarray:
        """Where each stand-in begins in the pieces joined by them.

        Args:
            pieces (`list[str]`): What [`~Placeholders.cut`] gives.

        Returns:
            `np.ndarray` of shape `(images,)`: in characters.
        """
        ends = np.cumsum([0] + [len(piece) + len(self.stand_in) for piece in pieces[:-1]])[1:]
        return ends - len(self.stand_in)

    def cover(self, offsets: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Which tokens lie inside a stand-in; its delimiters may be plain text, as Idefics3-8B's `<global-img>` is.

        Args:
            offsets (`np.ndarray` of shape `(tokens, 2)`): Where each token begins and ends in the joined pieces, in
                characters.
            starts (`np.ndarray` of shape `(images,)`): Where the stand-ins begin: [`~Placeholders.starts`].

        Returns:
            `np.ndarray` of shape `(tokens,)`, bool.
        """
        image = np.searchsorted(starts, offsets[:, 0], side="right") - 1
        return (image >= 0) & (offsets[:, 1] <= np.append(starts, 0)[image] + len(self.stand_in))

    def rendered_offsets(self, offsets: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Offsets in the text as it was rendered, in which an image is one placeholder.

        The tokens of an image share the place of its beginning.

        Args:
            offsets (`np.ndarray` of shape `(tokens, 2)`): Where each token begins and ends in the joined pieces, in
                characters.
            starts (`np.ndarray` of shape `(images,)`): Where the stand-ins begin: [`~Placeholders.starts`].

        Returns:
            `np.ndarray` of shape `(tokens, 2)`: in characters of the rendered text.
        """
        if not len(starts):
            return offsets
        longer = len(self.stand_in) - len(self.image.placeholder)
        before = np.searchsorted(starts + len(self.stand_in), offsets, side="right")  # images that end at or before it
        inside = np.searchsorted(starts, offsets, side="left") > before
        place = np.where(inside, starts[np.minimum(before, len(starts) - 1)], offsets)
        return place - before * longer

    def repeats(self, ids: np.ndarray) -> np.ndarray:
        """How often each token of the joined pieces stands in the row: an image token once for each of its image's.

        Args:
            ids (`np.ndarray` of shape `(tokens,)`): What the tokenizer made of the pieces joined by stand-ins.

        Returns:
            `np.ndarray` of shape `(tokens,)`.
        """
        return np.where(ids == self._token_id, self.image.repeats // self.written, 1)


def _is_atomic(image: ImageText, tokenizer: Any) -> bool:
    """Whether an image's text begins and ends with an added token, and its `token` is one."""
    added = {str(item) for item in tokenizer.added_tokens_decoder.values()}
    tokens = tokenizer.tokenize(image.text(1), add_special_tokens=False)
    return {tokens[0], tokens[-1], image.token} <= added
