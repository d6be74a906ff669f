"""Held-out clips of a set made by `recipes/make_clips.py`: questions about movement and change, or one's own."""

from typing import Any

from t2vid_hf.clips.rows import clip_features
from t2vid_hf.data.repository import read_split
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.item import Item
from t2vid_hf.schema import COLUMNS, Row


def load(path: str, *, config: str = "video", split: str = "test", revision: str | None = None) -> list[Item]:
    """The questions of a split, in its order.

    Args:
        path (`str`): The data set's folder, or its name on the Hub.
        config (`str`, *optional*, defaults to `"video"`): The data set's config, one of clips.
        split (`str`, *optional*, defaults to `"test"`): The config's split, held out of training.
        revision (`str`, *optional*): Branch, tag or commit on the Hub; `None` takes the main branch.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such config or split, or it is no set of clips.
    """
    dataset = read_split(path, config, split, revision=revision)
    missing = sorted(set(clip_features()) - set(dataset.column_names))
    if missing:
        raise InputError(
            f"data set '{path}', config '{config}' lacks the columns {', '.join(missing)}: it is no clips set"
        )
    return [_item(row) for row in dataset]


def _item(row: dict[str, Any]) -> Item:
    asked: Row = {key: row[key] for key in COLUMNS}  # type: ignore[assignment]
    asked["messages"] = [message for message in row["messages"] if message["role"] != "assistant"]
    question = "\n".join(block["text"] or "" for block in asked["messages"][-1]["content"] if block["type"] == "text")
    return Item(row["id"], asked, question, tuple(row["options"]), row["answer"], row["kind"], row["clip"])
