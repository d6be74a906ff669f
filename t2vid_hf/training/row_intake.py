"""A data set as a user has it -> rows of ours: as it is where it is ours, else normalised row by row as it is read.

Nothing is copied, mapped or decoded beforehand: of a `Dataset` an index is kept, as a mixture does, so that a row costs
what reading it costs, and any row of a set may have another shape than the last.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset, IterableDataset

from t2vid_hf.data.undecoded import keep_undecoded
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.light_rows import drop_media, has_our_columns, light_dataset, to_columns
from t2vid_hf.mixtures.normalise import READ_COLUMNS, normalise
from t2vid_hf.schema import COLUMNS, Row

_logger = logging.getLogger(__name__)
Light = Callable[[], Any]


def take_rows(dataset: Any, name: str) -> tuple[Any, Light]:
    """A data set as the trainer reads it, and how its rows come without pages and clips.

    Args:
        dataset ([`~datasets.Dataset`] or [`~datasets.IterableDataset`]): Rows of ours, or of another set.
        name (`str`): What errors call it, and the `source` of rows that have none.

    Returns:
        `tuple[Dataset | IterableDataset, Callable[[], Dataset]]`

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is no data set, has no row, or its first row cannot be taken.
    """
    if not isinstance(dataset, Dataset | IterableDataset):
        raise InputError(
            f"{name} is of type {type(dataset).__name__}; give a Dataset or an IterableDataset, such as "
            f"Dataset.from_list(rows) or one split of load_dataset(...)"
        )
    first = next(iter(keep_undecoded(dataset)), None)
    if first is None:
        raise InputError(f"{name} has no rows; give a data set with some")
    if _is_ours(dataset, first):
        return dataset, _light_of_ours(dataset)
    normalise(first, source=name, index=0)  # what is wrong with all rows is told before a model is trained
    columns = dataset.column_names or list(first)
    left = sorted(set(columns) - READ_COLUMNS)
    if left:
        _logger.warning("%s: columns that are not read: %s", name, ", ".join(left))
    if isinstance(dataset, IterableDataset):
        taken = keep_undecoded(dataset).map(_Streamed(name), with_indices=True, remove_columns=dataset.column_names)
        return taken, _no_light
    reader = _Reader(keep_undecoded(dataset), name)
    light = _Reader(drop_media(dataset), name)
    index = Dataset.from_dict({"position": range(len(dataset))})
    return index.with_transform(reader), lambda: light_dataset(index.with_transform(light))


def take_eval_rows(given: Any) -> Any:
    """The same for `eval_dataset`: a data set, several by name, or `None`.

    Args:
        given (`Any`): What the trainer was given.
    """
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, Mapping):
        return {name: take_rows(each, f"eval_dataset {name}")[0] for name, each in given.items()}
    return take_rows(given, "eval_dataset")[0]


@dataclass(frozen=True)
class _Reader:
    """Reads rows where they are; `datasets` calls it with a batch of the index."""

    dataset: Any
    name: str

    def __call__(self, batch: Mapping[str, Sequence[int]]) -> dict[str, list[Any]]:
        return to_columns([_taken(self.dataset[position], self.name, position) for position in batch["position"]])


@dataclass(frozen=True)
class _Streamed:
    name: str

    def __call__(self, row: Mapping[str, Any], index: int) -> Row:
        return _taken(row, self.name, index)


def _taken(given: Mapping[str, Any], name: str, index: int) -> Row:
    row = normalise(given, source=name, index=index)
    if given.get("take_frames") is not None:
        row["take_frames"] = given["take_frames"]
    return row


def _is_ours(dataset: Any, first: Mapping[str, Any]) -> bool:
    """Whether rows need no change: by their columns or, where a transform makes them, by the first."""
    if isinstance(dataset, Dataset) and dataset.format["type"] == "custom":
        # A mixture's, or another that makes our rows of its own.
        return set(COLUMNS) <= set(first) and not any(
            isinstance(turn.get("content"), str) for turn in first["messages"]
        )
    return has_our_columns(dataset.features)


def _light_of_ours(dataset: Any) -> Light:
    if "messages" in (dataset.column_names or ()):
        return lambda: dataset
    return _no_light


def _no_light() -> Any:
    raise InputError(
        "the training set is a stream or read through a transform, so its rows cannot be priced here; give "
        "prices=TokenCost(...).prices(mixture.light)"
    )
