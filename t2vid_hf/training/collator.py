"""Rows -> one batch: pages, video frames and text-only rows together, in any order.

Packed (the default of `T2VidSFTConfig`), the rows stand one behind the other in a single sequence, and positions that
restart at 0 keep them apart: nothing is padded. Else they are padded on the right. Images of all rows are one uint8
tensor in either case, so that a row without images does not carry zeros for those of its neighbour.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from accelerate.utils import DistributedType
from transformers import ProcessorMixin

from t2vid_hf.batches.encoding import Encoded, RowEncoder
from t2vid_hf.batches.labels import IGNORED
from t2vid_hf.batches.padding import pad, padded_inputs
from t2vid_hf.batches.pixels import pixel_tensors
from t2vid_hf.errors import InputError
from t2vid_hf.models import Adapter
from t2vid_hf.models.trained_with import record, recorded
from t2vid_hf.schema import COLUMNS, Row


@dataclass
class DataCollatorForVideoLanguageModeling:
    """Collate rows of any media into one batch of a vision-language model.

    Args:
        encoder ([`~t2vid_hf.batches.encoding.RowEncoder`]): What turns a row into tokens and pixels.
        packed (`bool`, *optional*, defaults to `True`): Whether all rows stand in one sequence; else they are padded.
        max_length (`int`, *optional*): The most tokens of a row. A longer row is an error: truncating it would cut
            image tokens. `None` takes any.
        pad_to_multiple_of (`int`, *optional*): What the sequence length is rounded up to a multiple of, where rows are
            padded; `None` rounds nothing.
        always_media (`bool`, *optional*, defaults to `False`): Whether a batch without an image gets a dummy row with
            one, nothing of which is supervised, so that the vision tower runs on every rank in every step.
        always_video (`bool`, *optional*, defaults to `False`): Whether, with `always_media`, a batch without an image
            or without a native video gets a dummy row with both: a model runs its tower for each, and where its weights
            are sharded every rank must run it as often.

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
        encoded = [self._encode(row) for row in rows]
        lengths = [len(each) for each in encoded]
        if not encoded or (self.always_media and self._lacks_media(encoded)):
            encoded.append(self.encoder.dummy(video=self.always_video))
        batch = _pack(encoded) if self.packed else self._pad(encoded)
        return {**batch, **pixel_tensors(encoded), "sources": [row["source"] for row in rows], "row_lengths": lengths}

    def _lacks_media(self, encoded: Sequence[Encoded]) -> bool:
        """Whether the batch would call the vision tower less often than another rank's."""
        if self.always_video:
            return not (any(len(each.pixels) for each in encoded) and any(each.videos for each in encoded))
        return not any(len(each.pixels) or each.videos for each in encoded)

    def _encode(self, row: Row) -> Encoded:
        encoded = self.encoder.encode(row)
        if self.max_length is not None and len(encoded) > self.max_length:
            raise InputError(
                f"row '{row['id']}' has {len(encoded)} tokens, max_length is {self.max_length}: raise max_length, or "
                f"give its part of the mixture an over_limit policy. Nothing is truncated, because that cuts image "
                f"tokens"
            )
        return encoded

    def _pad(self, encoded: Sequence[Encoded]) -> dict[str, Any]:
        multiple = self.pad_to_multiple_of or 1
        inputs = padded_inputs(encoded, self.encoder.processor, self.encoder.adapter, side="right", multiple=multiple)
        labels = pad([each.labels for each in encoded], IGNORED, side="right", multiple=multiple)
        return {**inputs, "labels": torch.from_numpy(labels)}


def _pack(encoded: Sequence[Encoded]) -> dict[str, Any]:
    def join(name: str) -> torch.Tensor:
        return torch.from_numpy(np.concatenate([getattr(each, name) for each in encoded], axis=-1)).unsqueeze(-2)

    return {name: join(name) for name in ("input_ids", "labels", "position_ids")}


def collator_of_run(args: Any, processor: Any, adapter: Adapter) -> DataCollatorForVideoLanguageModeling:
    """The collator that a run's arguments ask for.

    Args:
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
        processor ([`~transformers.ProcessorMixin`]): The model's processor, configured by the adapter.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
    """
    return DataCollatorForVideoLanguageModeling(
        RowEncoder(processor, adapter, policy=args.video_policy(), labels=args.labels),
        packed=args.packing or args.padding_free,
        max_length=args.max_length,
        pad_to_multiple_of=args.pad_to_multiple_of,
        # also for one rank that was launched as one of several: DDP wraps it all the same
        always_media=args.distributed_state.distributed_type != DistributedType.NO,
        always_video=adapter.takes_video and not adapter.video_as_images and trains_native_video(processor),
    )


def set_up(processor: Any, adapter: Adapter, args: Any) -> None:
    """Set a processor, in place, to what a run trains with, and record it there.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the family takes no video, or no image in its proportions, and is asked to.
    """
    policy = args.video_policy()
    if policy.video == "native" and not adapter.takes_video:
        raise InputError("video: native: the model's family takes no video; leave video out, or give as_frames")
    adapter.set_frame_size(processor, args.frame_size)
    if not recorded(processor).get("parts"):  # what the parts of a mixture say is recorded already
        record(processor, videos=[asdict(policy)])
    adapter.configure(processor)


def record_parts(processor: Any, adapter: Adapter, args: Any, mixture: Any) -> None:
    """Record in a processor how the parts of a mixture that have video take it.

    Args:
        processor ([`~transformers.ProcessorMixin`]): The model's processor.
        adapter ([`~t2vid_hf.models.Adapter`]): The adapter of the model's family.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
        mixture ([`~t2vid_hf.mixtures.mixing.Mixture`]): The rows.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a part has native video and the family takes none.
    """
    ways: list[dict[str, Any]] = []
    for part, dataset in mixture.parts:
        fps = part.fps if part.frames is None else 0.0
        policy = args.video_policy().of_row(
            {"take_frames": part.take_frames, "take_fps": fps, "take_video": part.video}
        )
        if policy.video == "native" and not adapter.takes_video:
            raise InputError(f"part '{part.label}': video: native: the model's family takes no video; give as_frames")
        if "videos" in dataset.column_names and asdict(policy) not in ways:
            ways.append(asdict(policy))
    record(processor, videos=ways or [asdict(args.video_policy())], parts=True)


def trains_native_video(processor: Any) -> bool:
    """Whether some of the videos of a run are native, by what its processor records."""
    return any(way["video"] == "native" for way in recorded(processor).get("videos") or ())


def check_rows(train_dataset: Any, processor: Any) -> None:
    """Refuse rows that are not ours, and a tokenizer where a processor is needed.

    Args:
        train_dataset ([`~datasets.Dataset`] or [`~datasets.IterableDataset`]): The rows; the first is looked at.
        processor (`Any`): What was given as the model's processor.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a column is missing, or it is no processor.
    """
    missing = sorted(set(COLUMNS) - set(next(iter(train_dataset))))
    if missing:
        raise InputError(f"the training set lacks the columns {', '.join(missing)}; a row has {', '.join(COLUMNS)}")
    if not isinstance(processor, ProcessorMixin):
        raise InputError(
            f"processing_class is a {type(processor).__name__}; give the model's processor, from "
            f"AutoProcessor.from_pretrained"
        )
