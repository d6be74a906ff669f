"""A row -> token ids, labels and uint8 pixels for a model: what its processor makes, without the processor's detours.

A conversation is rendered once and tokenised with one stand-in an image; ids of images are filled in by NumPy. That
is exact where they are added tokens (see `t2vid_hf.batches.media_filling`); elsewhere an image is written out in full.
Pages of the model's own size go into the tensor as they were drawn: 0.05 ms a page instead of the 13 ms of Idefics3's
default path (tests/benchmarks/bench_collate.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from t2vid_hf.batches.chat_rendering import Render, check_row, check_template, renderer
from t2vid_hf.batches.fitting import interleave
from t2vid_hf.batches.labels import IGNORED, LABELS, assistant_spans
from t2vid_hf.batches.media import RowMedia, media_inputs
from t2vid_hf.batches.media_filling import Filled
from t2vid_hf.batches.media_layout import MediaLayout
from t2vid_hf.batches.video_policy import VideoPolicy, policy_of
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.models import Adapter
from t2vid_hf.models.media_text import VideoTimes
from t2vid_hf.schema import Message, Row
from t2vid_hf.video.pictures import Frames, Timing

Pixels = tuple[np.ndarray | list[np.ndarray], tuple[np.ndarray, ...]]
"""The last two of what [`Encoded`] holds."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A row as a model takes it, alone and unpadded.

    Args:
        input_ids (`np.ndarray` of shape `(tokens,)`, int64): The tokens, those of images with them.
        labels (`np.ndarray` of shape `(tokens,)`, int64): What is learned: the token itself, or -100 where nothing is.
        position_ids (`np.ndarray` of shape `(tokens,)` or `(4, tokens)`, int64): Where each token stands; with M-RoPE
            its positions in the text, then in time, height and width.
        pixels (`np.ndarray` of shape `(images, 1 or 3, height, width)`, uint8, or `list`): The images in the order of
            their placeholders; one channel where all are grey. Where images are seen at several sizes, a list of such
            arrays, one for each run of one size.
        videos (`tuple[np.ndarray, ...]` of shapes `(frames, 3, height, width)`, uint8, *optional*, defaults to `()`):
            The frames of each native video.
    """

    input_ids: np.ndarray
    labels: np.ndarray
    position_ids: np.ndarray
    pixels: np.ndarray | list[np.ndarray]
    videos: tuple[np.ndarray, ...] = ()

    @property
    def num_images(self) -> int:
        """How many images and frames it has."""
        runs = self.pixels if isinstance(self.pixels, list) else [self.pixels]
        return sum(map(len, runs)) + sum(map(len, self.videos))

    def __len__(self) -> int:
        return len(self.input_ids)


class RowEncoder:
    """Encodes rows for a model.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor, with a chat template and a fast tokenizer,
            configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        num_frames (`int`, *optional*): Frames taken of each video, where the row has no `take_frames` of its own;
            `None` takes 24. Short for a `policy` of that number.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`], *optional*): How videos are taken, where the row does
            not say it; `None` takes `num_frames` of them, as the family takes video.
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
        num_frames: int | None = None,
        policy: VideoPolicy | None = None,
        labels: str = "assistant",
        threads: int = 0,
    ) -> None:
        check_template(processor)
        if not processor.tokenizer.is_fast:
            raise InputError(f"{type(processor.tokenizer).__name__} is slow: labels need a fast tokenizer's offsets")
        if labels not in LABELS:
            raise unknown("labels", labels, LABELS)
        self.processor, self.adapter = processor, adapter
        self.policy = policy_of(adapter, policy, num_frames)
        self.labels, self.threads = labels, threads
        self.layout = MediaLayout(processor, adapter)
        self.page_px = self.layout.fitter.page_px

    def encode(self, row: Row) -> Encoded:
        """Encode a row to train on.

        Args:
            row ([`~t2vid_hf.schema.Row`]): A conversation with its media; it is not changed.

        Raises:
            [`~t2vid_hf.errors.InputError`]: media and blocks disagree, a video does not decode, the image placeholder
                stands in the text, the assistant speaks first, the chat template rewrites earlier turns or has no place
                for tools, or there is nothing to learn from.
        """
        return self.encode_alike([row])[0]

    def encode_alike(self, rows: Sequence[Row]) -> list[Encoded]:
        """Encode rows to train on that show the same media, which are read and fitted once: all have the same pixels.

        Args:
            rows (`Sequence[Row]`): At least one, all of one [`~t2vid_hf.batches.media_key.media_key`].

        Raises:
            [`~t2vid_hf.errors.InputError`]: see [`RowEncoder.encode`].
        """
        media = self._read(rows[0])
        pixels, made = None, []
        for row in rows:
            said = media if row is rows[0] else media.with_messages(row["messages"])
            render = renderer(self.processor, row.get("tools"), key=row["id"])
            check_row(row["id"], said.messages, row.get("tools"), self.processor)
            filled, videos = self._fill(render(said.messages, False), said, row["id"])
            supervised = ~filled.of_media
            if self.labels == "assistant":
                supervised &= self._find_spoken(said.messages, filled.offsets, render, row.get("learn_from") or 0)
            supervised[:1] = False  # nothing comes before the first token that could predict it
            if not supervised.any():
                raise InputError(f"row '{row['id']}' has no assistant turn to learn from")
            pixels = self._fit(said) if pixels is None else pixels
            labels = np.where(supervised, filled.ids, IGNORED)
            made.append(self._assemble(filled, labels, said, videos, pixels))
        return made

    def prompt(self, row: Row) -> Encoded:
        """Encode a row to be answered, with the beginning of the reply; nothing is supervised.

        Args:
            row ([`~t2vid_hf.schema.Row`]): A conversation that ends in a user's turn, with its media.

        Raises:
            [`~t2vid_hf.errors.InputError`]: media and blocks disagree, a video does not decode, or the image
                placeholder stands in the text.
        """
        return self.prompts([row])[0]

    def prompts(self, rows: Sequence[Row]) -> list[Encoded]:
        """Encode rows that ask about the same media, which are read and fitted once: all have the same pixels.

        Args:
            rows (`Sequence[Row]`): At least one, all of one [`~t2vid_hf.batches.media_key.media_key`].

        Raises:
            [`~t2vid_hf.errors.InputError`]: see [`RowEncoder.prompt`].
        """
        media = self._read(rows[0])
        pixels, made = self._fit(media), []
        for row in rows:
            asked = media if row is rows[0] else media.with_messages(row["messages"])
            text = renderer(self.processor, row.get("tools"), key=row["id"])(asked.messages, True)
            filled, videos = self._fill(text, asked, row["id"])
            made.append(self._assemble(filled, np.full(len(filled.ids), IGNORED), asked, videos, pixels))
        return made

    def dummy(self, *, video: bool = False) -> Encoded:
        """The shortest row with an image, not black, nothing of it supervised: for a rank that has no image in a step.

        Its forward touches the vision tower and the connector, and every gradient that it adds is zero.

        Args:
            video (`bool`, *optional*, defaults to `False`): Whether it has a native video besides.
        """
        page = np.full((self.page_px, self.page_px), 200, np.uint8)
        frames = np.full((2, self.page_px, self.page_px, 3), 200, np.uint8)
        clips = [Frames(frames, np.arange(2.0), 2, Timing((0.0, 1.0), 2, 1.0))] if video else []
        media = RowMedia([], [page], clips, ["image", *["video"] * len(clips)])
        videos = [self.layout.times(clip, key="dummy") for clip in clips]
        text = self.layout.image.text() + "".join(self.layout.video_text(each).text() for each in videos)
        ids = np.array(self.processor.tokenizer(text, add_special_tokens=False)["input_ids"], np.int64)
        filled = Filled(ids, np.zeros((len(ids), 2), np.int64), np.ones(len(ids), bool))
        return self._assemble(filled, np.full(len(ids), IGNORED), media, videos, self._fit(media))

    def _read(self, row: Row) -> RowMedia:
        if row["videos"] and self.policy.of_row(row).video == "native":  # before anything is decoded
            self.layout.check_video(key=row["id"])
        return media_inputs(row, self.policy, threads=self.threads, frame_fit=self.layout.fitter.frame_fit)

    def _fill(self, text: str, media: RowMedia, key: str) -> tuple[Filled, list[VideoTimes]]:
        """The tokens of a rendered text with its media, and when the frames of its videos are shown."""
        videos = [self.layout.times(frames, key=key) for frames in media.videos]
        shapes = [image.shape[:2] for image in media.images]
        texts = [self.layout.video_text(video) for video in videos]
        return self.layout.places.fill(text, self.layout.image_texts(shapes, key=key), texts, key=key), videos

    def _fit(self, media: RowMedia) -> Pixels:
        """The pixels of a row's images, and of its videos, as the vision tower sees them."""
        fitter = self.layout.fitter
        pixels = fitter.images(media.images)
        clips = tuple(fitter.video(frames) for frames in media.videos)
        if self.adapter.video_as_images and clips:
            return interleave(pixels, clips, media.order), ()
        return pixels, clips

    def _assemble(
        self, filled: Filled, labels: np.ndarray, media: RowMedia, videos: list[VideoTimes], pixels: Pixels
    ) -> Encoded:
        size = self.layout.fitter.size
        sizes = [size(*image.shape[:2]) for image in media.images] if self.adapter.sized_tokens else None
        positions = self.adapter.position_ids(self.processor, filled.ids, images=sizes, videos=videos)
        return Encoded(filled.ids, labels, positions, *pixels)

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
