"""A data set on disk in the layout of a Hub repository: one folder a config, Parquet files a split.

`load_dataset(folder, config)` reads it with no code of ours. A config is written whole or not at all: it is built in
a temporary folder beside its place and moved there at the end, so that a failed build never loses an earlier one.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from glob import escape
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError

STATS = "stats.json"


def write_config(
    repository: Path,
    name: str,
    splits: Mapping[str, Callable[[], Iterator[Mapping[str, Any]]]],
    *,
    features: Any,
    stats: Mapping[str, Any],
    shard_bytes: int | None = None,
) -> dict[str, Any]:
    """Write one config.

    Args:
        repository (`Path`): The repository's folder; made if it is not there.
        name (`str`): Name of the config, and of its folder.
        splits (`Mapping[str, Callable]`): For each split a function that yields its rows.
        features (`datasets.Features`): The columns.
        stats (`Mapping[str, Any]`): What the card says of the config; written beside the files, with the rows of each
            split.
        shard_bytes (`int`, *optional*): The most bytes of a file, as Arrow holds them; `None` takes
            `t2vid_hf.data.parquet_rows.SHARD_BYTES`, 500 MB.

    Returns:
        `dict`: the stats, with "rows": `{split: n}`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: from the rows, or a name that is none; what was there before stays.
    """
    check_config_name(name)
    # Here, because it imports `datasets`, which takes half a second.
    from t2vid_hf.data.parquet_rows import SHARD_BYTES, write_split

    repository.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=repository) as temporary:
        built = Path(temporary) / name
        built.mkdir()
        rows = {}
        for split, generate in splits.items():
            rows[split] = write_split(built, split, generate(), features, shard_bytes=shard_bytes or SHARD_BYTES)
        written = {**stats, "rows": rows}
        (built / STATS).write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        shutil.rmtree(repository / name, ignore_errors=True)
        built.rename(repository / name)
    return written


def check_config_name(name: str) -> None:
    """Refuse a config's name that is no folder's.

    Args:
        name (`str`): The name.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it has other characters than letters, digits, "_", "-" and ".".
    """
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise InputError(f"'{name}' cannot name a config: give letters, digits, _, - and . (not in front)")


def configs(repository: Path) -> dict[str, dict[str, Any]]:
    """The stats of each config in a repository, by name."""
    return {path.parent.name: json.loads(path.read_text("utf-8")) for path in sorted(repository.glob(f"*/{STATS}"))}


def read_split(path: str, name: str | None, split: str, *, revision: str | None = None) -> Any:
    """Load a split of a local repository or one on the Hub.

    Args:
        path (`str`): A folder, or a name on the Hub.
        name (`str` or `None`): The config; `None` takes the default one.
        split (`str`): The split. The pages of a lazy set are drawn when a row is read.
        revision (`str`, *optional*): Branch, tag or commit on the Hub; `None` takes the main branch.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no such repository, config or split.
    """
    from datasets import load_dataset

    from t2vid_hf.data.page_columns import with_pages

    try:
        if Path(path).is_dir():
            return with_pages(_read_folder(path, name, split))
        return with_pages(load_dataset(path, name, split=split, revision=revision))
    except (FileNotFoundError, ConnectionError) as error:
        raise InputError(f"data set '{path}': {error}; give a folder that holds one, or a name on the Hub") from None
    except ValueError as error:  # an unknown config or split; the message of `datasets` lists the known ones
        raise InputError(f"data set '{path}', config '{name}', split '{split}': {error}") from None


def _read_folder(path: str, name: str | None, split: str) -> Any:
    """A split of a folder as it is now.

    `load_dataset(folder)` keeps serving what a folder held when it was first read (`datasets` 5.2: its cache is keyed
    by the card's patterns). Given files, it keys by their time of change, and a set that was built again is read again.
    """
    from datasets import load_dataset, load_dataset_builder

    found = {split: sorted(str(file) for file in Path(path).glob(escape(f"{name}/{split}") + "-*.parquet"))}
    as_they_are: tuple[str | None, ...] = ("parquet",)
    if not found[split]:
        resolved = load_dataset_builder(path, name).config.data_files or {}
        found, as_they_are = {str(key): list(files) for key, files in resolved.items()}, (path, name)
    if split in found and _are_lazy(found[split]):  # one pass, where `with_pages` behind another would take two
        return load_dataset("t2vid", data_files={split: found[split]}, split=split)
    return load_dataset(*as_they_are, data_files=found, split=split)


def _are_lazy(files: list[str]) -> bool:
    from t2vid_hf.data.pages import Pages
    from t2vid_hf.data.row_files import columns_of

    columns = columns_of(files[0])
    return columns is not None and isinstance(columns["images"], Pages)
