"""Rows whose pictures are opened where their row is known, and the sequences that they must fit into."""

from collections.abc import Mapping
from typing import Any

from t2vid_hf.batches.token_cost import TokenCost
from t2vid_hf.data.repository import keep_undecoded
from t2vid_hf.training.bad_rows import SequenceCheck


def undecoded(rows: Any) -> Any:
    """Keep the pictures of rows as files: `datasets` would end a run at a bad one without a word of its row.

    Args:
        rows ([`~datasets.Dataset`], [`~datasets.IterableDataset`] or a `dict` of them by name):
            The rows; `None` stays `None`.
    """
    if rows is None:
        return None
    if isinstance(rows, Mapping):
        return {name: keep_undecoded(each) for name, each in rows.items()}
    return keep_undecoded(rows)


def sequence_check(cost: TokenCost, args: Any) -> SequenceCheck | None:
    """With packing, what holds a batch to the sequences that its rows were packed into.

    Args:
        cost ([`~t2vid_hf.batches.token_cost.TokenCost`]): What prices the rows.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): The run's arguments.
    """
    if not args.packing:
        return None
    return SequenceCheck(
        cost, sequences=args.per_device_train_batch_size, max_tokens=args.max_length, max_images=args.max_images
    )
