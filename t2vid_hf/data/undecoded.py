"""Rows whose images and videos come as `{"bytes", "path"}`: who counts, drops or confines them must not decode them.

The rows of a `Dataset` are read from Arrow and decoded without their media. `cast_column` would do it too, and would
write the whole set anew where a column holds lists of images (`datasets` 5.2).
"""

from collections.abc import Iterator, Mapping
from typing import Any


class UndecodedRows:
    """Rows of a `datasets.Dataset` with their media undecoded; pages that are described are drawn.

    Args:
        dataset (`datasets.Dataset`): The data set.

    Attributes:
        features (`datasets.Features`): The columns.
    """

    def __init__(self, dataset: Any) -> None:
        self._arrow = dataset.with_format("arrow")
        self.features = undecoded_features(dataset.features)

    def __len__(self) -> int:
        return len(self._arrow)

    def __getitem__(self, position: int) -> dict[str, Any]:
        (row,) = self._arrow[position].to_pylist()
        return self.features.decode_example(row)

    def column(self, name: str) -> list[Any]:
        """A column alone; nothing of the others is read.

        Args:
            name (`str`): Its name.
        """
        return self._arrow.select_columns([name])[:][name].to_pylist() if len(self) else []

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for position in range(len(self)):
            yield self[position]


def keep_undecoded(dataset: Any) -> Any:
    """A data set or stream whose media come as files.

    Args:
        dataset (`datasets.Dataset` or `datasets.IterableDataset`): One that is read through a transform comes as it is,
            because the transform was made for what is decoded.

    Returns:
        [`UndecodedRows`] or `datasets.IterableDataset`
    """
    from datasets import Dataset

    if isinstance(dataset, Dataset):
        return dataset if dataset.format["type"] == "custom" else UndecodedRows(dataset)
    if dataset.features is None:
        return dataset
    for name, kind in undecoded_features(dataset.features).items():
        if kind != dataset.features[name]:
            dataset = dataset.cast_column(name, kind)
    return dataset


def draw_described(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its pages drawn: `map` of a stream hands them on as Arrow holds them (`datasets` 5.2).

    Args:
        row (`Mapping[str, Any]`): A row of a stream.
    """
    from t2vid_hf.data.pages import Pages

    fields = {field.name for field in Pages.pa_type}
    return {
        name: Pages().decode_example(value) if isinstance(value, Mapping) and set(value) == fields else value
        for name, value in row.items()
    }


def undecoded_features(given: Any) -> Any:
    """Columns of the same types, but that no image and no video in them is decoded.

    Args:
        given (`datasets.Features`): The columns.
    """
    from datasets import Features

    return Features({name: _undecoded(kind) for name, kind in given.items()})


def _undecoded(kind: Any) -> Any:
    from datasets import Image, List, Video

    for medium in (Image, Video):
        if isinstance(kind, medium):
            return medium(decode=False)
    if isinstance(kind, List):
        return List(_undecoded(kind.feature), kind.length)
    return {name: _undecoded(item) for name, item in kind.items()} if isinstance(kind, dict) else kind
