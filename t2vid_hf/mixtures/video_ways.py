"""Which parts of a mixture have video, told of the data set alone that a trainer is given."""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from t2vid_hf.data.undecoded import UndecodedRows, keep_undecoded
from t2vid_hf.mixtures.light_rows import LIGHT, has_our_columns
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.picks import PickReader

# Of a mixture of streams, its parts and their rows.
_STREAMED: "WeakKeyDictionary[Any, Sequence[tuple[MixturePart, Any]]]" = WeakKeyDictionary()


def remember_parts(stream: Any, parts: Sequence[tuple[MixturePart, Any]]) -> None:
    """Remember what a stream was mixed from, which it does not tell by itself.

    Args:
        stream (`datasets.IterableDataset`): The mixture.
        parts (`Sequence[tuple[MixturePart, datasets.IterableDataset]]`): Each part and its rows.
    """
    _STREAMED[stream] = tuple(parts)


def parts_with_video(dataset: Any) -> list[MixturePart] | None:
    """The parts of a mixture that have video; of streams those whose first row has some, or that say how it is taken.

    Args:
        dataset (`datasets.Dataset` or `datasets.IterableDataset`): The rows of a mixture, or some of them.

    Returns:
        `list[MixturePart]` or `None`: `None` where it is no mixture's.
    """
    if dataset in _STREAMED:
        return [part for part, rows in _STREAMED[dataset] if _says(part) or _begins_with_video(part, rows)]
    shape = getattr(dataset, "format", None) or {}
    reader = shape["format_kwargs"].get("transform") if shape.get("type") == "custom" else None
    if not isinstance(reader, PickReader):
        return None
    index = dataset.with_format(None)
    taken: dict[int, list[int]] = {}
    for number, position in zip(index["part"], index["position"], strict=True):
        taken.setdefault(number, []).append(position)
    parts = [(*reader.parts[number], positions) for number, positions in sorted(taken.items())]
    return [part for part, rows, positions in parts if _has_video(part, rows, positions)]


def _says(part: MixturePart) -> bool:
    return any(value is not None for value in (part.video, part.num_frames, part.fps))


def _begins_with_video(part: MixturePart, rows: Any) -> bool:
    first = next(iter(keep_undecoded(rows)), None)
    return first is not None and part.row(first, 0, take_frames=None)["media"] == "video"


def _has_video(part: MixturePart, rows: Any, positions: Sequence[int]) -> bool:
    if isinstance(rows, UndecodedRows) and has_our_columns(rows.features, LIGHT):
        kinds = rows.column("media")
        return any(kinds[position] == "video" for position in positions)
    if "video" not in str(rows.features):  # neither a column of that name nor a block's key: no image need be read
        return False
    return any(part.row(rows[position], position, take_frames=None)["media"] == "video" for position in positions)
