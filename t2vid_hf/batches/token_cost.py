"""What rows cost a model, in tokens: exact, and nothing is drawn or decoded.

A row is rendered through the chat template and tokenised with a short stand-in for each image; the image tokens are
added by arithmetic, which `t2vid_hf.batches.placeholders` shows to be exact. About 3,000 rows a second on one core
(tests/benchmarks/bench_cost.py), 3/4 of it the tokenizer's. Where tokens depend on the media themselves (native video,
frames by the second, several videos, images in their proportions on Qwen-VL), their headers are read:
`t2vid_hf.batches.measuring`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from t2vid_hf.batches.chat_rendering import check_template, render_chats
from t2vid_hf.batches.frame_blocks import with_image_blocks
from t2vid_hf.batches.measuring import Measuring
from t2vid_hf.batches.media import MediaError
from t2vid_hf.batches.placeholders import Placeholders
from t2vid_hf.batches.prices import Prices
from t2vid_hf.batches.video_policy import VideoPolicy, policy_of
from t2vid_hf.data.undecoded import keep_undecoded
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.mixing import Mixture
from t2vid_hf.models import Adapter
from t2vid_hf.schema import Message

# What a row is given whose media must be measured, and one whose media do not open, where it will be left out.
_UNMEASURED, _BAD = (-1, 0, 0, 0, 1, 0, 1), (1, 0, 0, 1, 1, 1, 1)
# Raise it when the same row would be priced otherwise: prices are cached.
_VERSION = 4
# The columns that decide a price; `images` and `videos` are not among them, so that no byte of them is read.
_COLUMNS = ("id", "messages", "num_frames", "take_frames", "take_fps", "take_video", "tools")
__all__ = ["Prices", "TokenCost"]
_PRICES = ("tokens", "images", "frames", "group_tokens", "group_frames", "saved_tokens", "videos")


class TokenCost:
    """Prices rows for a model.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor, with a chat template, configured by the
            adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        num_frames (`int`, *optional*): Frames taken of each video, where the row has no `take_frames` of its own;
            `None` takes 24. Short for a `policy` of that number.
        policy ([`~t2vid_hf.batches.video_policy.VideoPolicy`], *optional*): How videos are taken, where the row does
            not say it; `None` takes `num_frames` of them, as the family takes video.
        on_bad_row (`str`, *optional*, defaults to `"error"`): What a row does whose price depends on media that do not
            open: `"error"` raises; `"drop"` gives it 1 token, for a run that leaves it out.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no chat template, a processor that is not configured, `num_frames` below 1.

    Example:

    ```python
    >>> import tempfile
    >>> from transformers import AutoProcessor
    >>> from t2vid_hf.batches.token_cost import TokenCost
    >>> from t2vid_hf.models import adapter_for, tiny
    >>> from t2vid_hf.schema import conversation, media_block
    >>> folder = tempfile.mkdtemp()
    >>> tiny.build(folder, ["What is it? A clock."])
    >>> cost = TokenCost(AutoProcessor.from_pretrained(folder), adapter_for("idefics3"), num_frames=24)
    >>> messages = conversation([media_block("video")], "What is it?", "A clock.")
    >>> long, short = ({"id": "a", "messages": messages, "num_frames": frames} for frames in (300, 10))
    >>> cost.price(long) - cost.price(short) == (24 - 10) * cost.tokens_per_image
    True

    ```
    """

    def __init__(
        self,
        processor: Any,
        adapter: Adapter,
        *,
        num_frames: int | None = None,
        policy: VideoPolicy | None = None,
        on_bad_row: str = "error",
    ) -> None:
        check_template(processor)
        self.processor = processor
        self.policy = policy_of(adapter, policy, num_frames)
        self._on_bad_row = on_bad_row
        self.measuring = Measuring(processor, adapter, self.policy)
        self._image = adapter.image_text(processor)
        # A copy, because the collator's calls leave padding switched on in the processor's own.
        self._backend = _copy(processor.tokenizer.backend_tokenizer) if processor.tokenizer.is_fast else None
        self._placeholders = Placeholders(self._image, processor.tokenizer)
        (self._stand_in_tokens,) = self._lengths([self._placeholders.stand_in])
        # Delimiters that are plain text may merge with what stands beside them; the image tokens never do.
        self.tokens_per_image = self._image.repeats + (self._stand_in_tokens - 1 if self._placeholders.atomic else 0)

    def price(self, row: Mapping[str, Any]) -> int:
        """Tokens of a row: the length of the `input_ids` that the collator makes of it alone.

        Args:
            row (`Mapping[str, Any]`): `messages` and `num_frames` are read, `id` and what it says of its video if
                there; `images` and `videos` where the price depends on them.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a video of no frames, the image placeholder in the text, or media that the
                price depends on and that are not there or do not open.
        """
        if self.measuring.needed(row):
            return self._measure(row)[0]
        return int(self._price_batch({name: [row[name]] for name in _COLUMNS if name in row})["tokens"][0])

    def prices(
        self,
        dataset: Any,
        *,
        media: Sequence[Any] | None = None,
        num_proc: int | None = None,
        cache_dir: str | Path | None = None,
    ) -> Prices:
        """Price every row of a data set.

        Args:
            dataset ([`~datasets.Dataset`] or [`~t2vid_hf.mixtures.mixing.Mixture`]): The rows. `messages` and
                `num_frames` are read, `id`, `tools` and what it says of its video if there.
            media (`Sequence[Row]`, *optional*): The same rows with their media, of which those are read whose price
                depends on them; `None` reads the data set's own.
            num_proc (`int`, *optional*): Processes that price; `None` is this one.
            cache_dir (`str` or `Path`, *optional*): Where prices are kept, by the fingerprints of data set and
                processor; `None` is beside the data set's cache, and a set in memory is then priced anew each time.
                Prices that depend on media are never kept.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a column is missing, or see [`~TokenCost.price`].
        """
        from datasets import Features, Value

        if isinstance(dataset, Mixture):
            dataset, media = dataset.light, dataset.undecoded
        if not {"messages", "num_frames"} <= set(dataset.column_names):
            raise InputError(f"messages and num_frames are needed; the columns are {', '.join(dataset.column_names)}")
        if media is None and {"images", "videos"} <= set(dataset.column_names):
            media = keep_undecoded(dataset)
        light = dataset.select_columns([name for name in _COLUMNS if name in dataset.column_names])
        # Given, because `datasets` would hash the processor, and a tokenizer that was used hashes otherwise.
        fingerprint = _digest([light._fingerprint, self.fingerprint()])
        if cache_dir is not None:
            Path(cache_dir).mkdir(parents=True, exist_ok=True)
        priced = light.with_format(None).map(
            self._price_batch,
            batched=True,
            num_proc=num_proc,
            remove_columns=light.column_names,
            features=Features({name: Value("int64") for name in _PRICES}),
            new_fingerprint=fingerprint,
            cache_file_name=None if cache_dir is None else str(Path(cache_dir) / f"prices-{fingerprint}.arrow"),
            desc="Pricing rows",
        )
        # Without rows `datasets` makes no columns.
        columns = [priced.data.column(name).to_numpy() if len(priced) else np.zeros(0, np.int64) for name in _PRICES]
        table = np.stack(columns, axis=1)
        for number in np.flatnonzero(table[:, 0] < 0).tolist():
            table[number] = self._measure(light[number] if media is None else media[number])
        tokens, images, frames, *groups = np.ascontiguousarray(table.T)
        return Prices(tokens, images, frames, self.tokens_per_image, *groups)

    def _measure(self, row: Any) -> tuple[int, ...]:
        try:
            return self.measuring.price(row)
        except MediaError:
            if self._on_bad_row == "error":
                raise
            return _BAD

    def fingerprint(self) -> str:
        """Equal where every row has the same price."""
        tokenizer = self.processor.tokenizer
        vocabulary = sorted(tokenizer.get_vocab().items()) if self._backend is None else self._backend.to_str()
        texts = [str(self._image), self.processor.chat_template, str(tokenizer.special_tokens_map), vocabulary]
        versions = [_VERSION, version("transformers"), version("tokenizers")]
        return _digest([*versions, repr(self.policy), self.measuring.shaped, texts])

    def _price_batch(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, list[int]]:
        """Columns of rows -> columns of prices."""
        count = len(rows["messages"])
        keys = rows.get("id", [None] * count)
        priced: list[tuple[int, ...]] = [_UNMEASURED] * count
        plain: list[int] = []
        conversations, images, frames = [], [], []
        for number in range(count):
            row = {name: rows[name][number] for name in _COLUMNS if name in rows}
            if not self.measuring.needed(row):
                messages, pages, taken = self._expand(row)
                plain.append(number)
                conversations.append(messages)
                images.append(pages + taken)
                frames.append(taken)
        tools = rows.get("tools", [None] * count)
        texts = render_chats(self.processor, conversations, [tools[number] for number in plain])
        lengths = self._count_tokens(texts, images, [keys[number] for number in plain])
        for number, *price in zip(plain, lengths, images, frames, strict=True):
            priced[number] = (*price, self.tokens_per_image, 1, self.tokens_per_image, 1)
        return {name: [price[column] for price in priced] for column, name in enumerate(_PRICES)}

    def _expand(self, row: Mapping[str, Any]) -> tuple[list[Message], int, int]:
        """A row's messages with an image block for each page and frame, and how many pages and frames these are."""
        key, num_frames = row.get("id"), row["num_frames"]
        taken = min(num_frames or 0, self.policy.of_row(row).most)
        expanded, pages, videos = with_image_blocks(row["messages"], taken)
        if videos and taken < 1:
            raise InputError(f"row '{key}' takes {taken} frames of a video of {num_frames}; at least 1 is needed")
        return expanded, pages, videos * taken

    def _count_tokens(self, texts: Sequence[str], images: Sequence[int], ids: Sequence[Any]) -> list[int]:
        """Tokens of rendered texts: what a shortened text has, and what was left out of it."""
        pairs = [self._shorten(text, count, key) for text, count, key in zip(texts, images, ids, strict=True)]
        lengths = self._lengths([text for text, _ in pairs])
        return [length + left_out for length, (_, left_out) in zip(lengths, pairs, strict=True)]

    def _shorten(self, text: str, images: int, key: Any) -> tuple[str, int]:
        """A rendered text with few stand-ins for its images, and how many tokens are missing from it."""
        places = self._placeholders
        pieces = places.cut(text, images, key=key)
        # A run of images with nothing between them is as many times one of them: 60 pages, one stand-in.
        written = pieces[:1] + [piece for piece in pieces[1:-1] if piece] + pieces[1:][-1:]
        kept = written if places.atomic else pieces
        left_out = (len(pieces) - len(kept)) * self._stand_in_tokens
        return places.stand_in.join(kept), left_out + images * (self._image.repeats - places.written)

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        if self._backend is None:
            encoded = self.processor.tokenizer(list(texts), add_special_tokens=False, padding=False, truncation=False)
            return [len(ids) for ids in encoded["input_ids"]]
        # "fast": without the offsets, which nobody asks for here
        return [len(encoding) for encoding in self._backend.encode_batch_fast(texts, add_special_tokens=False)]


def _copy(backend: Any) -> Any:
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(backend.to_str())
    copy.no_padding()
    copy.no_truncation()
    return copy


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value).encode(), digest_size=16).hexdigest()
