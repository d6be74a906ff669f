"""Which rows an evaluation takes when, and the loader that hands them out: every row once, in the order of its set.

A batch is a run of rows that stand one behind the other, and the ranks take batches in turn, so that what is gathered
from them is in the set's order. None is taken twice to make the ranks even, as accelerate does it: a rank that has
nothing left gets an empty batch, of which the collator makes a dummy.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from accelerate.data_loader import prepare_data_loader

from t2vid_hf.batches.row_limits import frames_within
from t2vid_hf.batches.token_cost import Prices
from t2vid_hf.errors import InputError


class OrderedBatches:
    """The batches of a rank, as numbers of rows.

    Args:
        bins (`Sequence[range]`): Rows that share a sequence, or a single row each; all rows in order.
        bins_per_batch (`int`): Bins of a batch.
        rank (`int`): Counted from 0.
        num_ranks (`int`): Each of them gets as many batches.

    Example:

    ```python
    >>> from t2vid_hf.training.evaluation_batches import OrderedBatches
    >>> bins = [range(0, 1), range(1, 2), range(2, 3)]
    >>> [list(OrderedBatches(bins, bins_per_batch=2, rank=rank, num_ranks=2)) for rank in (0, 1)]
    [[[0, 1]], [[2]]]
    >>> [list(OrderedBatches(bins, bins_per_batch=3, rank=rank, num_ranks=2)) for rank in (0, 1)]
    [[[0, 1, 2]], [[]]]

    ```
    """

    def __init__(self, bins: Sequence[range], *, bins_per_batch: int, rank: int, num_ranks: int) -> None:
        self.bins, self.bins_per_batch = bins, bins_per_batch
        self.rank, self.num_ranks = rank, num_ranks

    def __len__(self) -> int:
        return -(-len(self.bins) // (self.bins_per_batch * self.num_ranks))

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(len(self)):
            first = (step * self.num_ranks + self.rank) * self.bins_per_batch
            yield [row for rows in self.bins[first : first + self.bins_per_batch] for row in rows]


class StreamedBatches(torch.utils.data.IterableDataset):
    """The batches of a rank out of a stream, as lists of rows.

    Each rank reads the stream and leaves out what the others take. Workers divide its shards; the ranks' do it alike.

    Args:
        stream (`Iterable[Row]`): Such as a [`~datasets.IterableDataset`].
        rows_per_batch (`int`): Rows of a batch.
        rank (`int`): Counted from 0.
        num_ranks (`int`): Each of them gets as many batches.
    """

    def __init__(self, stream: Any, *, rows_per_batch: int, rank: int, num_ranks: int) -> None:
        self.stream, self.rows_per_batch = stream, rows_per_batch
        self.rank, self.num_ranks = rank, num_ranks

    def __iter__(self) -> Iterator[list[Any]]:
        rows = iter(self.stream)
        first = self.rank * self.rows_per_batch
        while step := list(islice(rows, self.num_ranks * self.rows_per_batch)):
            yield step[first : first + self.rows_per_batch]


class RowsByNumber(torch.utils.data.Dataset):
    """The rows of a set, also none: a transform of it would not know what to make of an empty batch.

    Args:
        dataset ([`~datasets.Dataset`]): Or another with a length, that gives a row for a number.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int) -> Any:
        return self.dataset[number]


def fill_in_order(
    prices: Prices, *, max_tokens: int, max_images: int | None = None, names: Sequence[str] | None = None
) -> list[range]:
    """Rows into sequences, in their order: one that does not fit any more begins the next.

    Training's plan fills sequences better, and takes the rows out of their order for it.

    Args:
        prices ([`~t2vid_hf.batches.token_cost.Prices`]): What the rows cost.
        max_tokens (`int`): The most tokens of a sequence.
        max_images (`int`, *optional*): The most images of a sequence.
        names (`Sequence[str]`, *optional*): What an error calls each row; its number by default.

    Returns:
        `list[range]`: the rows of each sequence.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a row is above the limits.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.batches.token_cost import Prices
    >>> from t2vid_hf.training.evaluation_batches import fill_in_order
    >>> prices = Prices(np.array([60, 30, 20, 90]), np.zeros(4, int), np.zeros(4, int), tokens_per_image=10)
    >>> fill_in_order(prices, max_tokens=100)
    [range(0, 2), range(2, 3), range(3, 4)]

    ```
    """
    frames_within(prices, max_tokens=max_tokens, max_images=max_images, names=names)
    bins: list[range] = []
    begin = tokens = images = 0
    for row, (more_tokens, more_images) in enumerate(zip(prices.tokens.tolist(), prices.images.tolist(), strict=True)):
        tokens, images = tokens + more_tokens, images + more_images
        if row > begin and (tokens > max_tokens or (max_images is not None and images > max_images)):
            bins.append(range(begin, row))
            begin, tokens, images = row, more_tokens, more_images
    if len(prices):
        bins.append(range(begin, len(prices)))
    return bins


def evaluation_loader(
    dataset: Any, args: Any, *, collator: Any, device: Any, bins: Sequence[range] | None = None
) -> Any:
    """The loader of an evaluation.

    Args:
        dataset ([`~datasets.Dataset`] or [`~datasets.IterableDataset`]): Its rows.
        args ([`~t2vid_hf.training.T2VidSFTConfig`]): How many workers, ranks and rows, and what else a loader is told;
            `dataloader_drop_last` is of training alone, for an evaluation takes every row.
        collator ([`~t2vid_hf.training.DataCollatorForVideoLanguageModeling`]): Makes the batches.
        device (`torch.device`): Where they go.
        bins (`Sequence[range]`, *optional*): Which rows share a sequence; `None` where none do.

    Returns:
        [`~torch.utils.data.DataLoader`]: wrapped by accelerate, which tells the last batch by it.
    """
    ranks = {"rank": args.process_index, "num_ranks": args.world_size}
    batches: dict[str, Any]
    if is_stream(dataset):
        dataset = StreamedBatches(dataset, rows_per_batch=args.eval_batch_size, **ranks)
        batches = {"batch_size": None}
    else:
        rows = [range(row, row + 1) for row in range(len(dataset))] if bins is None else bins
        batches = {"batch_sampler": OrderedBatches(rows, bins_per_batch=args.eval_batch_size, **ranks)}
        dataset = RowsByNumber(dataset)
    loader = torch.utils.data.DataLoader(
        dataset,
        collate_fn=collator,
        num_workers=args.dataloader_num_workers,
        pin_memory=args.dataloader_pin_memory,
        persistent_workers=args.dataloader_persistent_workers,
        multiprocessing_context=args.dataloader_multiprocessing_context,
        prefetch_factor=args.dataloader_prefetch_factor,
        in_order=args.dataloader_in_order,
        # A loader draws its workers' seed when it is iterated; from the global generator the training would go on
        # with other dropouts than without the evaluation.
        generator=torch.Generator().manual_seed(args.seed),
        **batches,
    )
    # For one process, because the batches are this rank's already.
    return prepare_data_loader(
        loader, device, num_processes=1, process_index=0, put_on_device=True, dispatch_batches=False
    )


def is_stream(dataset: Any) -> bool:
    """Whether rows come one after the other, and cannot be asked for by their numbers."""
    return isinstance(dataset, torch.utils.data.IterableDataset)


def check_packs(dataset: Any, name: str) -> None:
    """Refuse to pack a stream.

    Args:
        dataset ([`~datasets.Dataset`] or [`~datasets.IterableDataset`]): The rows.
        name (`str`): What an error calls them.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is a stream.
    """
    if is_stream(dataset):
        raise InputError(f"the {name} is a stream, which does not know what its rows cost, and eval_packing (by "
                         f"default as packing) packs by it; set eval_packing: false")  # fmt: skip
