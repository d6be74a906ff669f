"""A row -> token ids, labels and uint8 pixels for a model: what its processor makes, without the processor's detours.

A conversation is rendered once and tokenised with one stand-in an image; ids of images are filled in by NumPy. That
is exact where an image's text begins and ends with added tokens (see `t2vid_hf.batches.placeholders`); elsewhere it is
written out in full. Pages of the model's own size go into the tensor as they were drawn: 0.05 ms a page instead of the
13 ms of Idefics3's default path (tests/benchmarks/bench_collate.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from t2vid_hf.batches.chat_rendering import Render, check_row, renderer
from t2vid_hf.batches.labels import IGNORED, LABELS, assistant_spans
from t2vid_hf.batches.media import image_inputs
from t2vid_hf.batches.placeholders import Placeholders
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.models import Adapter
from t2vid_hf.schema import Message, Row


@dataclass(frozen=True, eq=False)
class Encoded:
    """A row as a model takes it, alone and unpadded.

    Args:
        input_ids (`np.ndarray` of shape `(tokens,)`, int64): The tokens, those of images with them.
        labels (`np.ndarray` of shape `(tokens,)`, int64): What is learned: the token itself, or -100 where nothing is.
        position_ids (`np.ndarray` of shape `(tokens,)` or `(4, tokens)`, int64): Where each token stands; with M-RoPE
            its positions in the text, then in time, height and width.
        pixels (`np.ndarray` of shape `(images, 1 or 3, page_px, page_px)`, uint8): The images in the order of their
            placeholders; one channel where all are grey.
    """

    input_ids: np.ndarray
    labels: np.ndarray
    position_ids: np.ndarray
    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.input_ids)


class RowEncoder:
    """Encodes rows for a model.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor, with a chat template and a fast tokenizer,
            configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        num_frames (`int`, *optional*, defaults to `24`): Frames taken of each video, where the row has no
            `take_frames` of its own.
        labels (`str`, *optional*, defaults to `"assistant"`): What is learned: `"assistant"`, the assistant's turns
            with their end-of-turn tokens; `"all_text"`, every token but the images', as the paper's Idefics3 code has
            it.
        threads (`int`, *optional*, defaults to `0`): Threads that decode a video; 0 takes the processors there are.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no chat template, a slow tokenizer, or a processor that is not configured.

    Example:

    ```python
    >>> import tempfile
    >>> from transformers import AutoProcessor
    >>> from t2vid_hf.batches.encoding import RowEncoder
    >>> from t2vid_hf.models import adapter_for, tiny
    >>> from t2vid_hf.schema import conversation
    >>> folder = tempfile.mkdtemp()
    >>> tiny.build(folder, ["What is it? A clock."])
    >>> processor = AutoProcessor.from_pretrained(folder)
    >>> row = {"id": "a", "source": "s", "media": "text", "messages": conversation([], "What is it?", "A clock."),
    ...        "images": [], "videos": [], "num_frames": 0}
    >>> encoded = RowEncoder(processor, adapter_for("idefics3")).encode(row)
    >>> processor.decode(encoded.labels[encoded.labels >= 0])
    ' A clock.<end_of_utterance>'

    ```
    """

    def __init__(
        self,
        processor: Any,
        adapter: Adapter,
        *,
        num_frames: int = 24,
        labels: str = "assistant",
        threads: int = 0,
    ) -> None:
        if processor.chat_template is None:
            raise InputError(
                f"{type(processor).__name__} has no chat template; give a chat model's processor, or set "
                f"processor.chat_template"
            )
        if not processor.tokenizer.is_fast:
            raise InputError(f"{type(processor.tokenizer).__name__} is slow: labels need a fast tokenizer's offsets")
        if labels not in LABELS:
            raise unknown("labels", labels, LABELS)
        self.processor, self.adapter = processor, adapter
        self.num_frames, self.labels, self.threads = num_frames, labels, threads
        self.page_px = adapter.page_px(processor)
        self._image = adapter.image_text(processor)
        self._placeholders = Placeholders(self._image, processor.tokenizer)
        self._media_ids = np.array(adapter.media_token_ids(processor))

    def encode(self, row: Row) -> Encoded:
        """Encode a row to train on.

        Args:
            row ([`~t2vid_hf.schema.Row`]): A conversation with its media; it is not changed.

        Raises:
            [`~t2vid_hf.errors.InputError`]: media and blocks disagree, a video does not decode, the image placeholder
                stands in the text, the assistant speaks first, the chat template rewrites earlier turns or has no place
                for tools, or there is nothing to learn from.
        """
        messages, images = image_inputs(row, num_frames=self.num_frames, threads=self.threads)
        render = renderer(self.processor, row.get("tools"), key=row["id"])
        check_row(row["id"], messages, row.get("tools"), self.processor)
        input_ids, offsets, of_image = self._tokenize(render(messages, False), len(images), row["id"])
        supervised = ~of_image
        if self.labels == "assistant":
            supervised &= self._find_spoken(messages, offsets, render, row.get("learn_from") or 0)
        supervised[:1] = False  # nothing comes before the first token that could predict it
        if not supervised.any():
            raise InputError(f"row '{row['id']}' has no assistant turn to learn from")
        return self._assemble(input_ids, np.where(supervised, input_ids, IGNORED), self._lay_out(images))

    def prompt(self, row: Row) -> Encoded:
        """Encode a row to be answered, with the beginning of the reply; nothing is supervised.

        Args:
            row ([`~t2vid_hf.schema.Row`]): A conversation that ends in a user's turn, with its media.

        Raises:
            [`~t2vid_hf.errors.InputError`]: media and blocks disagree, a video does not decode, or the image
                placeholder stands in the text.
        """
        messages, images = image_inputs(row, num_frames=self.num_frames, threads=self.threads)
        text = renderer(self.processor, row.get("tools"), key=row["id"])(messages, True)
        input_ids, _, _ = self._tokenize(text, len(images), row["id"])
        return self._assemble(input_ids, np.full(len(input_ids), IGNORED), self._lay_out(images))

    def dummy(self) -> Encoded:
        """The shortest row with an image, not black, nothing of it supervised: for a rank that has no image in a step.

        Its forward touches the vision tower and the connector, and every gradient that it adds is zero.
        """
        ids = self.processor.tokenizer(self._image.text(), add_special_tokens=False)["input_ids"]
        page = np.full((1, 1, self.page_px, self.page_px), 200, np.uint8)
        return self._assemble(np.array(ids, np.int64), np.full(len(ids), IGNORED), page)

    def _assemble(self, input_ids: np.ndarray, labels: np.ndarray, pixels: np.ndarray) -> Encoded:
        return Encoded(input_ids, labels, self.adapter.position_ids(self.processor, input_ids), pixels)

    def _tokenize(self, text: str, images: int, key: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ids of a rendered text with its images filled in; where each token stands in it; which are an image's.

        Offsets are those of the text as it was rendered, in which an image is one placeholder.
        """
        places = self._placeholders
        pieces = places.cut(text, images, key=key)
        encoding = self.processor.tokenizer(
            places.stand_in.join(pieces), add_special_tokens=False, return_offsets_mapping=True
        )
        ids = np.array(encoding["input_ids"], np.int64)
        places.check_ids(ids, images, key=key)
        offsets = np.array(encoding["offset_mapping"], np.int64).reshape(-1, 2)
        starts = places.starts(pieces)
        of_image = places.cover(offsets, starts) | np.isin(ids, self._media_ids)
        repeats = places.repeats(ids)
        offsets = places.rendered_offsets(offsets, starts)
        return np.repeat(ids, repeats), np.repeat(offsets, repeats, axis=0), np.repeat(of_image, repeats)

    def _find_spoken(
        self, messages: Sequence[Message], offsets: np.ndarray, render: Render, learn_from: int
    ) -> np.ndarray:
        """Which tokens the assistant speaks, those of a prompt left out; of shape `(tokens,)`, bool."""
        spoken = np.zeros(len(offsets), bool)
        of_prompt = sum(message["role"] == "assistant" for message in messages[:learn_from])
        for first, last in assistant_spans(messages, render)[of_prompt:]:
            # A token that a span cuts belongs to it: a merged ": " must not leave the answer's first word out.
            spoken |= (offsets[:, 1] > first) & (offsets[:, 0] < last)
        return spoken

    def _lay_out(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Put images into one array, each in the model's own size; see [`Encoded`]."""
        grey = all(image.ndim == 2 for image in images)
        pixels = np.empty((len(images), 1 if grey else 3, self.page_px, self.page_px), np.uint8)
        others: dict[tuple[int, ...], list[int]] = {}  # shape -> the images of it, which are resized together
        for number, image in enumerate(images):
            if image.shape[:2] == (self.page_px, self.page_px):
                pixels[number] = image if image.ndim == 2 else image.transpose(2, 0, 1)
            else:
                others.setdefault(image.shape, []).append(number)
        for numbers in others.values():
            pixels[numbers] = self._resize([images[number] for number in numbers])[:, : pixels.shape[1]]
        return pixels

    def _resize(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Resize images of one shape; the result is of shape `(images, 3, page_px, page_px)`."""
        import torch

        frames = torch.from_numpy(np.stack(images))
        # (images, 3, height, width); a grey one is resized as three equal channels, as the processor does it
        frames = frames.unsqueeze(1).expand(-1, 3, -1, -1) if frames.ndim == 3 else frames.permute(0, 3, 1, 2)
        return self.adapter.resize(self.processor, frames).numpy()
