"""Rows without their pages and clips, for filters, prices and plans; and what of a set is read for them.

A set that has our columns is read without those of its media. Of any other one the media are files that nobody opens:
which turn they stand in, and how many frames a video has, is only known with them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from t2vid_hf.data.undecoded import keep_undecoded
from t2vid_hf.mixtures.normalise import MEDIA_COLUMNS, READ_COLUMNS
from t2vid_hf.schema import COLUMNS, Row, features

LIGHT = ("id", "source", "media", "messages", "num_frames")
"""What a filter or a price reads of a row."""
TAKE = ("take_frames", "take_fps", "take_video")
"""What a part of a mixture says of its videos: how many frames to take, how many a second, and how they are fed."""


def to_columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Rows -> columns; what a row has not is `None`. Of no row, columns of nothing: a rank whose bin is empty asks so.

    Args:
        rows (`Sequence[Row]`): The rows.
    """
    names = dict.fromkeys(name for row in rows for name in row) or dict.fromkeys((*COLUMNS, *TAKE))
    return {name: [row.get(name) for row in rows] for name in names}


def light_dataset(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Rows as a `datasets.Dataset` of the columns `LIGHT` and `TAKE`.

    Args:
        rows (`Iterable[Row]`): The rows; where any has `tools` or calls some, the set has them too.
    """
    from datasets import Dataset, Features, Value

    names = (*LIGHT, *TAKE, "tools")
    taken: list[dict[str, Any]] = [{name: row.get(name) for name in names} for row in rows]
    columns: dict[str, Any] = {**{name: features()[name] for name in LIGHT}, **take_columns()}
    if any(turn.get("template_fields") for row in taken for turn in row["messages"]):
        columns["messages"] = turns_with_fields()
    if any(row["tools"] for row in taken):
        columns["tools"] = Value("string")
    # by columns, because of no rows `from_list` makes none
    return Dataset.from_dict({name: [row[name] for row in taken] for name in columns}, features=Features(columns))


def take_columns() -> dict[str, Any]:
    """The types in `datasets` of the columns `TAKE`."""
    from datasets import Value

    return dict(zip(TAKE, (Value("int32"), Value("float64"), Value("string")), strict=True))


def turns_with_fields() -> Any:
    """The type of `messages` in `datasets`, with `template_fields`."""
    from datasets import Value

    return [{**features()["messages"].feature, "template_fields": Value("string")}]


def drop_media(dataset: Any) -> Any:
    """Only the columns that a light row has, where the data set is ours; else its media come undecoded.

    Args:
        dataset (`datasets.Dataset`): The data set.
    """
    if not has_our_columns(dataset.features, LIGHT):
        return keep_undecoded(dataset)
    media = {column for pair in MEDIA_COLUMNS.values() for column in pair}
    return dataset.select_columns([name for name in dataset.column_names if name in READ_COLUMNS - media])


def has_our_columns(given: Any, wanted: Iterable[str] = COLUMNS) -> bool:
    """Whether columns are those of our rows: turns of blocks without media of their own, and files undecoded.

    Args:
        given (`datasets.Features` or `None`): The columns; `None` where a stream does not know them.
        wanted (`Iterable[str]`, *optional*, defaults to `COLUMNS`): The columns that must be there.
    """
    from datasets import List, Video

    if given is None or not set(wanted) <= set(given):
        return False
    turns, ours = (_structs(kind["messages"]) for kind in (given, features()))
    if turns is None or set(turns) - {"template_fields"} != set(ours):
        return False
    if _structs(turns["content"]) != _structs(ours["content"]):
        return False
    videos = given.get("videos")
    return not (isinstance(videos, List) and isinstance(videos.feature, Video) and videos.feature.decode)


def _structs(kind: Any) -> Any:
    """The struct that a column holds a list of; `None` where it holds something else."""
    from datasets import List

    item = kind.feature if isinstance(kind, List) else None
    return item if isinstance(item, dict) else None
