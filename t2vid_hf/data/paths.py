"""Where the media that a row refers to are: below one folder, which no path may leave."""

import os
import re
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.schema import Row
from t2vid_hf.sources.refused_characters import bad_character


def locate_media(row: Row, root: Path) -> Row:
    """The row with absolute paths in place of those relative to a root folder.

    Args:
        row ([`~t2vid_hf.schema.Row`]): A row that refers to its media by paths.
        root (`Path`): The folder that the paths are relative to.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a path leaves the folder.
    """

    def locate(media: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**item, "path": str(resolve_inside(item["path"], root))} for item in media]

    return {**row, "images": locate(row["images"]), "videos": locate(row["videos"])}


def resolve_inside(path: str, root: Path) -> Path:
    """The file below a root folder that a path means, links followed but those of the Hub's cache.

    Args:
        path (`str`): The path, relative to the folder, or absolute and inside of it.
        root (`Path`): The folder.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the path leaves the folder.
    """
    # ".." is refused on both separators: a file written on one system is read on another
    if path and bad_character(path, controls=False) is None and ".." not in re.split(r"[/\\]", path):
        base, whole = Path(os.path.realpath(root)), Path(os.path.realpath(root / path))
        if whole != base and whole.is_relative_to(base):
            return whole
        # in the Hub's cache each file of a snapshot is a link to `blobs`, and has its suffix in the link alone
        if base.parent.name == "snapshots" and whole.is_relative_to(base.parents[1] / "blobs"):
            return base / path
    raise InputError(f"the path '{path}' is not of a file below {root}; paths must be relative to it and not leave it")
