"""A data set as a user has it -> rows of ours: as it is where it is ours, else normalised row by row as it is read.

Nothing is copied, mapped or decoded beforehand: of a `Dataset` an index is kept, as a mixture does, so that a row costs
what reading it costs, and any row of a set may have another shape than the last.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from datasets import Dataset, IterableDataset

from t2vid_hf.data.page_columns import with_pages
from t2vid_hf.data.undecoded import draw_described, keep_undecoded
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.light_rows import TAKE, drop_media, has_our_columns, light_dataset, to_columns
from t2vid_hf.mixtures.normalise import READ_COLUMNS, normalise
from t2vid_hf.schema import COLUMNS, Row

_logger = logging.getLogger(__name__)
Light = Callable[[], Any]
# Of a set that was taken, how its rows come without pages and clips.
_LIGHT: "WeakKeyDictionary[Any, Light]" = WeakKeyDictionary()


def take_rows(dataset: Any, name: str) -> Any:
    """Take a data set as the trainer reads it; one that was taken already comes as it is.

    Args:
        dataset ([`~datasets.Dataset`] or [`~datasets.IterableDataset`]): Rows of ours, or of another set.
        name (`str`): What errors call it, and the `source` of rows that have none.

    Returns:
        [`~datasets.Dataset`] or [`~datasets.IterableDataset`]: rows of ours, their media as files that nobody opened.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is no data set, has no row, or its first row cannot be taken.
    """
    if not isinstance(dataset, Dataset | IterableDataset):
        raise InputError(
            f"{name} is of type {type(dataset).__name__}; give a Dataset or an IterableDataset, such as "
            f"Dataset.from_list(rows) or one split of load_dataset(...)"
        )
    if dataset in _LIGHT:
        return dataset
    dataset = dataset if dataset.features is None else with_pages(dataset)
    first = next(iter(keep_undecoded(dataset)), None)
    if first is None:
        raise InputError(f"{name} has no rows; give a data set with some")
    ours = _is_ours(dataset, first)
    if ours and isinstance(dataset, Dataset) and dataset.format["type"] == "custom":
        # A mixture's rows, or others that a transform makes; with its columns beside it they can be priced.
        taken, light = dataset, (lambda: dataset) if "messages" in dataset.column_names else _no_light
    else:
        if not ours:
            normalise(first, source=name, index=0)  # what is wrong with all rows is told before a model is trained
            left = sorted(set(dataset.column_names or list(first)) - READ_COLUMNS)
            if left:
                _logger.warning("%s: columns that are not read: %s", name, ", ".join(left))
        taken, light = _wrap(dataset, None if ours else name)
    _LIGHT[taken] = light
    return taken


def _wrap(dataset: Any, name: str | None) -> tuple[Any, Light]:
    """Rows that are read where they are, normalised where a name for them is given."""
    if isinstance(dataset, IterableDataset):
        stream = keep_undecoded(dataset)
        if name is not None:
            stream = stream.map(_Streamed(name), with_indices=True, remove_columns=dataset.column_names)
        return stream, _no_light
    index = Dataset.from_dict({"position": range(len(dataset))})
    light = (lambda: dataset) if name is None else _light(index, drop_media(dataset), name)
    return index.with_transform(_Reader(keep_undecoded(dataset), name)), light


def _light(index: Dataset, rows: Any, name: str) -> Light:
    return lambda: light_dataset(index.with_transform(_Reader(rows, name)))


def light_of(dataset: Any) -> Light:
    """How the rows of a set that was taken come without pages and clips, to be priced.

    Args:
        dataset ([`~datasets.Dataset`] or [`~datasets.IterableDataset`]): What [`take_rows`] returned.

    Returns:
        `Callable[[], datasets.Dataset]`: raises an [`~t2vid_hf.errors.InputError`] where they cannot be priced.
    """
    return _LIGHT.get(dataset, _no_light)


def take_eval_rows(given: Any) -> Any:
    """The same for `eval_dataset`: a data set, several by name, or `None`.

    Args:
        given (`Any`): What the trainer was given.
    """
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, Mapping):
        return {name: take_rows(each, f"eval_dataset {name}") for name, each in given.items()}
    return take_rows(given, "eval_dataset")


@dataclass(frozen=True)
class _Reader:
    """Reads rows where they are; `datasets` calls it with a batch of the index."""

    dataset: Any
    name: str | None

    def __call__(self, batch: Mapping[str, Sequence[int]]) -> dict[str, list[Any]]:
        return to_columns([self._row(position) for position in batch["position"]])

    def _row(self, position: int) -> Any:
        row = self.dataset[position]
        return row if self.name is None else _normalise(row, self.name, position)


@dataclass(frozen=True)
class _Streamed:
    name: str

    def __call__(self, row: Mapping[str, Any], index: int) -> Row:
        return _normalise(draw_described(row), self.name, index)


def _normalise(given: Mapping[str, Any], name: str, index: int) -> Row:
    row = normalise(given, source=name, index=index)
    return {**row, **{key: given[key] for key in TAKE if given.get(key) is not None}}  # type: ignore[typeddict-item]


def _is_ours(dataset: Any, first: Mapping[str, Any]) -> bool:
    """Whether rows need no change: by their columns or, where a transform makes them, by the first."""
    if isinstance(dataset, Dataset) and dataset.format["type"] == "custom":
        # A mixture's, or another that makes our rows of its own.
        return set(COLUMNS) <= set(first) and not any(
            isinstance(turn.get("content"), str) for turn in first["messages"]
        )
    return has_our_columns(dataset.features)


def _no_light() -> Any:
    raise InputError(
        "the training set is a stream or read through a transform, so its rows cannot be priced here; give "
        "prices=TokenCost(...).prices(mixture)"
    )
