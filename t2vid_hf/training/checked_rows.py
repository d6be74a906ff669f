"""The rows that a trainer is given: ours, with pictures that are opened where their row is known."""

from collections.abc import Mapping
from typing import Any

from transformers import ProcessorMixin

from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.data.repository import keep_undecoded
from t2vid_hf.errors import InputError
from t2vid_hf.schema import COLUMNS
from t2vid_hf.training.bad_rows import SequenceCheck


def checked_rows(train_dataset: Any, processor: Any) -> Any:
    """Refuse rows that are not ours, and a tokenizer where a processor is needed.

    Args:
        train_dataset ([`~datasets.Dataset`] or [`~datasets.IterableDataset`]): The rows.
        processor ([`~transformers.ProcessorMixin`]): The model's.

    Returns:
        [`~datasets.Dataset`] or [`~datasets.IterableDataset`]: the rows, see [`undecoded`].

    Raises:
        [`~t2vid_hf.errors.InputError`]: a column is missing, or the processor is none.
    """
    train_dataset = undecoded(train_dataset)
    missing = sorted(set(COLUMNS) - set(next(iter(train_dataset))))
    if missing:
        raise InputError(f"the training set lacks the columns {', '.join(missing)}; a row has {', '.join(COLUMNS)}")
    if not isinstance(processor, ProcessorMixin):
        raise InputError(
            f"processing_class is a {type(processor).__name__}; give the model's processor, from "
            f"AutoProcessor.from_pretrained"
        )
    return train_dataset


def undecoded(rows: Any) -> Any:
    """Rows whose pictures come as files: `datasets` would end a run at a bad one without a word of its row.

    Args:
        rows ([`~datasets.Dataset`], [`~datasets.IterableDataset`] or a `dict` of them by name): The rows.
    """
    if isinstance(rows, Mapping):
        return {name: keep_undecoded(each) for name, each in rows.items()}
    return keep_undecoded(rows)


def sequence_check(cost: TokenCost, args: Any) -> SequenceCheck | None:
    """With packing, what holds a batch to the sequences that its rows were packed into.

    Args:
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): What prices the rows.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): Of the run.
    """
    if not args.packing:
        return None
    return SequenceCheck(
        cost, sequences=args.per_device_train_batch_size, max_tokens=args.max_length, max_images=args.max_images
    )
