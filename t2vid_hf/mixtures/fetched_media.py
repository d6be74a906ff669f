"""Media of a set on the Hub that its rows name by path: fetched before they are read, those of a mixture's rows alone.

`load_dataset` brings a set's rows, and of the files beside them nothing. So the files that the mixture's rows name come
into the Hub's cache first, and the part reads them there. Above `MOST_NAMED` of them whole top-level folders are
fetched, because each file of the repository is compared with each name.
"""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as compute

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.picks import Pick

MOST_NAMED = 200
_COLUMNS = ("images", "videos")


def with_media(part: MixturePart, dataset: Any, picks: Sequence[Pick]) -> MixturePart:
    """A part whose media are on this machine.

    Args:
        part ([`~t2vid_hf.mixtures.parts.MixturePart`]): The part.
        dataset (`datasets.Dataset`): Its rows.
        picks (`Sequence[Pick]`): Those of them that are read.

    Returns:
        [`~t2vid_hf.mixtures.parts.MixturePart`]: the same, or with `media_root` in the Hub's cache.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the Hub cannot be reached, or has none of the files.
    """
    if Path(part.path).exists() or (part.media_root is not None and not _is_snapshot(part)):
        return part
    paths = sorted(set(_paths(dataset, [pick.position for pick in picks])))
    if not paths:
        return part
    from huggingface_hub import snapshot_download

    named = [glob.escape(path) for path in paths]
    folders = sorted({f"{glob.escape(path.split('/')[0])}/*" for path in paths})
    wanted = folders if len(named) > MOST_NAMED else [*named, *(f"{path}/*" for path in named)]
    try:
        root = snapshot_download(part.path, repo_type="dataset", revision=part.revision, allow_patterns=wanted)
    except (OSError, ValueError) as error:
        raise InputError(f"part '{part.label}': its media cannot be fetched: {error}") from None
    if not any((Path(root) / path).exists() for path in paths):
        raise InputError(
            f"part '{part.label}': rows name {len(paths)} media by path, the first {paths[0]}, and the repository has "
            "none of them: fetch them from where they are, and give their folder as media_root"
        )
    return replace(part, media_root=root)


def _is_snapshot(part: MixturePart) -> bool:
    """Whether `media_root` was set here, for other rows of the part."""
    from huggingface_hub.file_download import repo_folder_name

    kept = Path(part.media_root or "").parent
    return kept.name == "snapshots" and kept.parent.name == repo_folder_name(repo_id=part.path, repo_type="dataset")


def _paths(dataset: Any, positions: Sequence[int]) -> Iterator[str]:
    """What rows name by path in place of holding it, in columns of `{"bytes", "path"}`."""
    for name in _COLUMNS:
        if name in dataset.column_names and _names_files(dataset.data.column(name)):
            column = dataset.with_format("arrow").select_columns([name])[positions][name]
            media = (item for row in column.to_pylist() for item in row or () if item["bytes"] is None)
            # "./a" and "a//b" are names that no file of a repository has
            yield from (PurePosixPath(item["path"]).as_posix() for item in media)


def _names_files(column: pa.ChunkedArray) -> bool:
    """Whether anything in it is by path: of media that are held, only whether they are is read."""
    kind = column.type
    if not pa.types.is_list(kind) or not pa.types.is_struct(kind.value_type):
        return False
    if {"bytes", "path"} - {field.name for field in kind.value_type}:
        return False
    return any(compute.struct_field(chunk.flatten(), "bytes").null_count > 0 for chunk in column.chunks)
