"""Rows -> one batch: pages, video frames and text-only rows together, with only the assistant's turns supervised.

The processor expands and tokenises each conversation once, and reports which characters every token covers and where
each placeholder went; labels are read off those offsets. That is exact for any chat template and any tokenizer, at
the price of rendering each conversation's prefixes (0.1 ms a turn).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from t2vid_hf.data.inputs import assistant_spans, image_inputs, shift_spans
from t2vid_hf.errors import InputError
from t2vid_hf.models import Adapter
from t2vid_hf.schema import Message, Row

IGNORED = -100


@dataclass
class DataCollatorForVideoLanguageModeling:
    """Collate rows of any media into one batch of a vision-language model.

    Args:
        processor ([`~transformers.ProcessorMixin`]): With a chat template.
        adapter ([`~t2vid_hf.models.Adapter`]): Of the model's family.
        num_frames (`int`): Frames taken of each video; pages are all kept.
        max_length (`int`, *optional*): A longer row is an error: truncating it would cut image tokens.
        pad_to_multiple_of (`int`, *optional*): Of the sequence length.

    Returns (by calling it with `list[Row]`):
        `dict[str, torch.Tensor]`: `input_ids`, `attention_mask`, `labels` of shape `(batch, length)`, padded on the
        right, and what the processor makes of the images (`pixel_values` of shape
        `(batch, most images of a row, 3, height, width)` on Idefics3); no pixel keys where no row has an image.
        `labels` is -100 outside the assistant's turns.
    """

    processor: Any
    adapter: Adapter
    num_frames: int = 8
    max_length: int | None = None
    pad_to_multiple_of: int | None = None
    _media_ids: torch.Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.processor.chat_template is None:
            raise InputError(
                f"{type(self.processor).__name__} has no chat template; give a chat model's processor, or set "
                f"processor.chat_template"
            )
        self._media_ids = torch.tensor(self.adapter.media_token_ids(self.processor))

    def __call__(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        conversations, images, texts = [], [], []
        for row in rows:
            messages, row_images = image_inputs(row, num_frames=self.num_frames)
            conversations.append(messages)
            images.append(row_images)
            texts.append(self._render(messages, False))
        # Tensors are made below: Idefics3's processor (transformers 5.23) would make them of the replacement offsets
        # too, and dies where the first row has none.
        encoded = self.processor(
            text=texts,
            images=images if any(images) else None,
            add_special_tokens=False,  # the template has written them
            padding=True,
            padding_side="right",
            pad_to_multiple_of=self.pad_to_multiple_of,
            return_offsets_mapping=True,
            return_text_replacement_offsets=True,
        )
        offsets = torch.tensor(encoded.pop("offset_mapping"))  # (batch, length, 2)
        replacements = encoded.pop("text_replacement_offsets", None) or [[] for _ in rows]
        batch = dict(encoded.convert_to_tensors("pt"))
        spans = [
            shift_spans(assistant_spans(messages, self._render), replaced)
            for messages, replaced in zip(conversations, replacements, strict=True)
        ]
        self._check_lengths(rows, batch["attention_mask"])
        batch["labels"] = self._labels(rows, batch["input_ids"], batch["attention_mask"], offsets, spans)
        return batch

    def _render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        return self.processor.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=add_generation_prompt
        )

    def _check_lengths(self, rows: Sequence[Row], attention_mask: torch.Tensor) -> None:
        if self.max_length is None:
            return
        for row, length in zip(rows, attention_mask.sum(1).tolist(), strict=True):
            if length > self.max_length:
                raise InputError(
                    f"row '{row['id']}' has {length} tokens, max_length is {self.max_length}: raise max_length, or "
                    f"lower the part's max_frames in the mixture. Nothing is truncated, because that cuts image tokens"
                )

    def _labels(
        self,
        rows: Sequence[Row],
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        offsets: torch.Tensor,
        spans: list[list[tuple[int, int]]],
    ) -> torch.Tensor:
        supervised = torch.zeros_like(input_ids, dtype=torch.bool)
        start, end = offsets[..., 0], offsets[..., 1]
        for index, row_spans in enumerate(spans):
            for first, last in row_spans:
                # A token that a span cuts belongs to it: a merged ": " must not leave the answer's first word out.
                supervised[index] |= (end[index] > first) & (start[index] < last)
        supervised &= attention_mask.bool() & ~torch.isin(input_ids, self._media_ids)
        for row, any_supervised in zip(rows, supervised.any(1).tolist(), strict=True):
            if not any_supervised:
                raise InputError(f"row '{row['id']}' has no assistant turn to learn from")
        return torch.where(supervised, input_ids, IGNORED)
