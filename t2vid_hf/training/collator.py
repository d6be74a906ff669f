"""Rows -> one batch: pages, video frames and text-only rows together, in any order.

Packed (the default of `T2VidSFTConfig`), the rows stand one behind the other in a single sequence, and positions that
restart at 0 keep them apart: nothing is padded. Else they are padded on the right. Images of all rows are one uint8
tensor in either case, so that a row without images does not carry zeros for those of its neighbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from t2vid_hf.batches.encoding import Encoded, RowEncoder
from t2vid_hf.batches.labels import IGNORED
from t2vid_hf.batches.padding import pad, padded_inputs
from t2vid_hf.batches.pixels import stack_images
from t2vid_hf.schema import Row
from t2vid_hf.training.bad_rows import MISPRICED, BadRow, RowError, SequenceCheck, encode_rows


@dataclass
class DataCollatorForVideoLanguageModeling:
    """Collate rows of any media into one batch of a vision-language model.

    Args:
        encoder ([`~t2vid_hf.batches.encoding.RowEncoder`]): Turns a row into tokens and pixels.
        packed (`bool`): One sequence of all rows; else padded.
        max_length (`int`, *optional*): A longer row is an error: truncating it would cut image tokens.
        pad_to_multiple_of (`int`, *optional*): Of the sequence length, where rows are padded.
        on_bad_row (`str`): What a row does that cannot be encoded: "error" raises, "drop" leaves it out of its batch.
        sequences ([`~t2vid_hf.training.bad_rows.SequenceCheck`], *optional*): Of a plan: rows that overfill their
            sequences are bad.
        always_media (`bool`): A batch without an image gets a dummy row with one, nothing of which is supervised, so
            that the vision tower runs on every rank in every step.

    Returns (by calling it with `list[Row]`):
        `dict[str, torch.Tensor]`:

        - `input_ids`, `labels` of shape `(batch, length)`, `(1, tokens)` where packed; `labels` is -100 outside of what
          is supervised;
        - `position_ids` of shape `(1, tokens)`, `(4, 1, tokens)` with M-RoPE, where packed; else `attention_mask`;
        - `pixels` of shape `(images of the batch, 1 or 3, page_px, page_px)`, uint8; absent without images.
          `t2vid_hf.batches.pixels` and the adapter's `model_inputs` turn it into the model's `pixel_values`;
        - `sources`: a list of the rows' sources, and `row_lengths` their tokens, without the dummy's;
        - `bad_rows`: with `on_bad_row="drop"`, a list of [`~t2vid_hf.training.bad_rows.BadRow`].
    """

    encoder: RowEncoder
    packed: bool = True
    max_length: int | None = None
    pad_to_multiple_of: int | None = None
    always_media: bool = False
    on_bad_row: str = "error"
    sequences: SequenceCheck | None = None

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        # Workers run side by side: each decodes with a thread of its own.
        self.encoder.threads = 1 if torch.utils.data.get_worker_info() is not None else 0
        rows, encoded, bad = encode_rows(rows, self._encode, on_bad_row=self.on_bad_row)
        if self.sequences is not None and self.sequences.overfull(encoded):
            rows, encoded, bad = self._without_mispriced(self.sequences, rows, encoded, bad)
        sources = [row["source"] for row in rows]
        lengths = [len(each) for each in encoded]
        if not encoded or (self.always_media and not any(len(each.pixels) for each in encoded)):
            encoded.append(self.encoder.dummy())
        batch = _packed(encoded) if self.packed else self._padded(encoded)
        if any(len(each.pixels) for each in encoded):
            batch["pixels"] = stack_images([each.pixels for each in encoded if len(each.pixels)])
        told = {"bad_rows": bad} if self.on_bad_row == "drop" else {}
        return {**batch, "sources": sources, "row_lengths": lengths, **told}

    def _without_mispriced(
        self, check: SequenceCheck, rows: list[Row], encoded: list[Encoded], bad: list[BadRow]
    ) -> tuple[list[Row], list[Encoded], list[BadRow]]:
        wrong = check.mispriced(rows, encoded)
        if self.on_bad_row == "error":
            raise RowError(wrong[0].message, MISPRICED)
        names = {row.id for row in wrong}
        kept = [number for number, row in enumerate(rows) if str(row["id"]) not in names]
        return [rows[number] for number in kept], [encoded[number] for number in kept], [*bad, *wrong]

    def _encode(self, row: Row) -> Encoded:
        encoded = self.encoder.encode(row)
        if self.max_length is not None and len(encoded) > self.max_length:
            wrong = self.sequences.misprice(row, encoded) if self.sequences is not None else None
            if wrong is not None:
                raise RowError(wrong, MISPRICED)
            raise RowError(
                f"row '{row['id']}' has {len(encoded)} tokens, max_length is {self.max_length}: raise max_length, or "
                f"give its part of the mixture an over_limit policy. Nothing is truncated, because that cuts image "
                f"tokens"
            )
        return encoded

    def _padded(self, encoded: Sequence[Encoded]) -> dict[str, Any]:
        multiple = self.pad_to_multiple_of or 1
        inputs = padded_inputs(encoded, self.encoder.processor, self.encoder.adapter, side="right", multiple=multiple)
        labels = pad([each.labels for each in encoded], IGNORED, side="right", multiple=multiple)
        return {**inputs, "labels": torch.from_numpy(labels)}


def _packed(encoded: Sequence[Encoded]) -> dict[str, Any]:
    def joined(name: str) -> torch.Tensor:
        return torch.from_numpy(np.concatenate([getattr(each, name) for each in encoded], axis=-1)).unsqueeze(-2)

    return {name: joined(name) for name in ("input_ids", "labels", "position_ids")}
