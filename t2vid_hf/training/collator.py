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
from accelerate.utils import DistributedType

from t2vid_hf.batches.encoding import Encoded, RowEncoder
from t2vid_hf.batches.labels import IGNORED
from t2vid_hf.batches.padding import pad, padded_inputs
from t2vid_hf.batches.pixels import pixel_tensors
from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.models import Adapter
from t2vid_hf.schema import Row
from t2vid_hf.training.bad_rows import MISPRICED, BadRow, RowError, SequenceCheck, encode_rows, sequence_check
from t2vid_hf.training.video_setup import trains_native_video


@dataclass
class DataCollatorForVideoLanguageModeling:
    """Collate rows of any media into one batch of a vision-language model.

    Args:
        encoder ([`~t2vid_hf.batches.encoding.RowEncoder`]): What turns a row into tokens and pixels.
        packed (`bool`, *optional*, defaults to `True`): Whether all rows stand in one sequence; else they are padded.
        max_length (`int`, *optional*): The most tokens of a row. A longer row is an error: truncating it would cut
            image tokens. `None` takes any.
        pad_to_multiple_of (`int`, *optional*): What the sequence length is rounded up to a multiple of; `None` rounds
            nothing.
        always_media (`bool`, *optional*, defaults to `False`): Whether a batch without an image gets a dummy row with
            one, nothing of which is supervised, so that the vision tower runs on every rank in every step.
        always_video (`bool`, *optional*, defaults to `False`): Whether, with `always_media`, a batch without an image
            or without a native video gets a dummy row with both: a model runs its tower for each, and where its weights
            are sharded every rank must run it as often.
        on_bad_row (`str`, *optional*, defaults to `"error"`): What a row does that cannot be encoded: `"error"` raises,
            `"drop"` leaves it out of its batch.
        sequences ([`~t2vid_hf.training.bad_rows.SequenceCheck`], *optional*): The sequences of a plan: rows that
            overfill them are bad. `None` checks nothing.

    Example:

    ```python
    >>> import tempfile
    >>> from transformers import AutoProcessor
    >>> from t2vid_hf.batches.encoding import RowEncoder
    >>> from t2vid_hf.models import adapter_for, tiny
    >>> from t2vid_hf.schema import conversation
    >>> from t2vid_hf.training import DataCollatorForVideoLanguageModeling
    >>> folder = tempfile.mkdtemp()
    >>> tiny.build(folder, ["What is it? A clock."])
    >>> encoder = RowEncoder(AutoProcessor.from_pretrained(folder), adapter_for("idefics3"))
    >>> row = {"id": "a", "source": "s", "media": "text", "messages": conversation([], "What is it?", "A clock."),
    ...        "images": [], "videos": [], "num_frames": 0}
    >>> batch = DataCollatorForVideoLanguageModeling(encoder)([row, row])
    >>> sorted(batch), batch["input_ids"].shape == (1, sum(batch["row_lengths"]))
    (['input_ids', 'labels', 'position_ids', 'row_lengths', 'sources'], True)

    ```
    """

    encoder: RowEncoder
    packed: bool = True
    max_length: int | None = None
    pad_to_multiple_of: int | None = None
    always_media: bool = False
    always_video: bool = False
    on_bad_row: str = "error"
    sequences: SequenceCheck | None = None

    def __call__(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Collate rows.

        Args:
            rows (`Sequence[Row]`): Rows with their media; none, where a rank has nothing to do in a step.

        Returns:
            `dict[str, Any]`:

            - `input_ids`, `labels` of shape `(batch, length)`, `(1, tokens)` where packed; `labels` is -100 outside of
              what is supervised;
            - `position_ids` of shape `(1, tokens)`, `(4, 1, tokens)` with M-RoPE, where packed; else `attention_mask`;
            - `pixels` of shape `(images of the batch, 1 or 3, height, width)`, uint8, or a list of such tensors where
              images are seen at several sizes; absent without images. `t2vid_hf.batches.pixels.model_pixels` turns it
              into the model's `pixel_values`;
            - `video_pixels`, a list of tensors of shape `(frames, 3, height, width)`, uint8: native videos, if any;
            - `sources`: a list of the rows' sources, and `row_lengths` their tokens, without the dummy's.

        Raises:
            [`~t2vid_hf.errors.InputError`]: a row is longer than `max_length`, or cannot be encoded.
        """
        # Workers run side by side: each decodes with a thread of its own.
        self.encoder.threads = 1 if torch.utils.data.get_worker_info() is not None else 0
        rows, encoded, bad = encode_rows(rows, self._encode, on_bad_row=self.on_bad_row)
        if self.sequences is not None and self.sequences.overfull(encoded):
            rows, encoded, bad = self._leave_out_mispriced(self.sequences, rows, encoded, bad)
        lengths = [len(each) for each in encoded]
        if not encoded or (self.always_media and self._lacks_media(encoded)):
            encoded.append(self.encoder.dummy(video=self.always_video))
        batch = self._pack(encoded) if self.packed else self._pad(encoded)
        told = {"bad_rows": bad} if self.on_bad_row == "drop" else {}
        sources = [row["source"] for row in rows]
        return {**batch, **pixel_tensors(encoded), "sources": sources, "row_lengths": lengths, **told}

    def _lacks_media(self, encoded: Sequence[Encoded]) -> bool:
        """Whether the batch would call the vision tower less often than another rank's."""
        images = any(len(each.pixels) for each in encoded)
        videos = any(each.videos for each in encoded)
        return not (images and videos) if self.always_video else not (images or videos)

    def _leave_out_mispriced(
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

    def _pack(self, encoded: Sequence[Encoded]) -> dict[str, Any]:
        missing = -sum(map(len, encoded)) % (self.pad_to_multiple_of or 1)
        token = self.encoder.processor.tokenizer.pad_token_id
        # What fills the sequence is a row of its own: its positions restart too.
        filling = {
            "input_ids": np.full(missing, 0 if token is None else token),
            "labels": np.full(missing, IGNORED),
            "position_ids": np.broadcast_to(np.arange(missing), (*encoded[0].position_ids.shape[:-1], missing)),
        }

        def join(name: str) -> torch.Tensor:
            arrays = [getattr(each, name) for each in encoded]
            return torch.from_numpy(np.concatenate([*arrays, filling[name]], axis=-1)).unsqueeze(-2)

        return {name: join(name) for name in filling}

    def _pad(self, encoded: Sequence[Encoded]) -> dict[str, Any]:
        multiple = self.pad_to_multiple_of or 1
        inputs = padded_inputs(encoded, self.encoder.processor, self.encoder.adapter, side="right", multiple=multiple)
        labels = pad([each.labels for each in encoded], IGNORED, side="right", multiple=multiple)
        return {**inputs, "labels": torch.from_numpy(labels)}


def collator_of_run(
    args: Any, processor: Any, adapter: Adapter, cost: TokenCost
) -> DataCollatorForVideoLanguageModeling:
    """The collator that a run's arguments ask for.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
        processor ([`~transformers.ProcessorMixin`]): The model's processor, configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): What prices the rows.
    """
    return DataCollatorForVideoLanguageModeling(
        RowEncoder(processor, adapter, policy=args.video_policy(), labels=args.labels),
        packed=args.packing or args.padding_free,
        max_length=args.max_length,
        pad_to_multiple_of=args.pad_to_multiple_of,
        # and told: a worker's own error would come with its traceback. `BadRowCount` raises it
        on_bad_row="drop",
        sequences=sequence_check(cost, args),
        # also for one rank that was launched as one of several: DDP wraps it all the same
        always_media=args.distributed_state.distributed_type != DistributedType.NO,
        always_video=adapter.takes_video and not adapter.video_as_images and trains_native_video(processor),
    )
