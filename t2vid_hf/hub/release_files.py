"""Which files of a folder are released: an allow-list by kind, so that what a run leaves beside its result stays here.

A folder of a run holds optimizer states, pickles and checkpoints of the way; one of a data set may hold refused records
as they came. None of them is asked for by a reader, and some are nobody's business, so a file is sent because it is of
a kind that a reader loads, never because it is there. The same kinds decide what a new release takes away from a
repository: weights, shards, adapters, tokenizer and processor files that the release does not hold.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from t2vid_hf.data.referred_media import referred_media
from t2vid_hf.data.repository import STATS, configs
from t2vid_hf.errors import InputError, unknown

RepoType = Literal["model", "dataset"]
CARD = "README.md"
# Written by the card's code, beside the card.
_CARD = r"README\.md|card/[^/]+\.(png|svg)|\.eval_results/[^/]+\.yaml"
_NOTICES = re.compile(r"(LICEN[CS]E|NOTICE)[^/]*")
_SAFETENSORS = r"(adapter_)?model[^/]*\.safetensors(\.index\.json)?"
_PROCESSING = (
    r"tokenizer[^/]*\.(json|model)|(vocab|merges|added_tokens|special_tokens_map)\.(json|txt)|[^/]+\.tiktoken"
    r"|(sentencepiece\.bpe|spiece)\.model|chat_template\.(json|jinja)|additional_chat_templates/[^/]+\.jinja"
    r"|(pre|video_pre)?process(or|ing)[^/]*\.json|preprocessor_config\.json"
)
_RECORDS = r"run\.json|recipe\.yaml|trainer_state\.json|scores\.json|answers\.jsonl"
_MODEL = re.compile(rf"{_CARD}|{_SAFETENSORS}|(generation_|adapter_)?config\.json|{_PROCESSING}|{_RECORDS}")
# Weights in forms that are never sent, but that a loader could take in place of new ones.
_OTHER_WEIGHTS = re.compile(r"(adapter_|pytorch_|tf_|flax_)?model[^/]*\.(bin|pt|h5|msgpack)(\.index\.json)?")
_SHARD = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.(parquet|safetensors)")


def files_to_release(folder: Path, repo_type: RepoType) -> dict[str, Path]:
    """The files of a folder that are released, by their paths in the repository.

    Args:
        folder (`Path`): A checkpoint or an adapter, or the repository of a data set; with its card.
        repo_type (`str`): Which of the two: `"model"` or `"dataset"`.

    Returns:
        `dict[str, Path]`: path in the repository -> file, sorted.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no such folder, no card, or it is not whole: no weights, a shard or a medium
            that is missing, weights of two kinds.

    Example:

    ```python
    >>> import tempfile
    >>> from pathlib import Path
    >>> from t2vid_hf.hub.release_files import files_to_release
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("README.md", "config.json", "model.safetensors", "training_args.bin"):
    ...         _ = (Path(folder) / name).write_text("{}")
    ...     list(files_to_release(Path(folder), "model"))
    ['README.md', 'config.json', 'model.safetensors']

    ```
    """
    if repo_type not in ("model", "dataset"):
        raise unknown("repo_type", repo_type, ("model", "dataset"))
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    if not (folder / CARD).is_file():
        raise InputError(f"{folder}: no {CARD}; a repository is released with its card")
    there = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    kept = {name for name in there if _NOTICES.fullmatch(name)}
    if repo_type == "model":
        kept |= {name for name in there if _MODEL.fullmatch(name)}
        _check_model(folder, kept)
    else:
        rows = {name for name in there if _is_of_config(name, configs(folder))}
        _check_shards(folder, rows)
        kept |= rows | {name for name in there if re.fullmatch(_CARD, name)} | referred_media(folder, rows)
        if not rows:
            raise InputError(f"{folder}: no config of a data set in it; build one with `t2vid build` first")
    return {name: folder / name for name in sorted(kept)}


def superseded(remote: Iterable[str], released: Iterable[str], repo_type: RepoType) -> list[str]:
    """The files of a repository that a release replaces without a file of their name: they are taken away.

    Args:
        remote (`Iterable[str]`): The paths in the repository.
        released (`Iterable[str]`): The paths of the release.
        repo_type (`str`): `"model"` or `"dataset"`.

    Example:

    ```python
    >>> from t2vid_hf.hub.release_files import superseded
    >>> superseded(["model.safetensors", "notes.txt", "config.json"], ["config.json", "adapter_config.json"], "model")
    ['model.safetensors']

    ```
    """
    remote, released = set(remote), set(released)
    if repo_type == "model":
        ours = {name for name in remote if _MODEL.fullmatch(name) or _OTHER_WEIGHTS.fullmatch(name)}
    else:
        made_by_us = {name.removesuffix(f"/{STATS}") for name in remote | released if name.endswith(f"/{STATS}")}
        ours = {name for name in remote if _is_of_config(name, made_by_us) or re.fullmatch(_CARD, name)}
    return sorted(ours - released)


def _is_of_config(name: str, names: Iterable[str]) -> bool:
    """Whether a file is a shard of one of the configs, or its stats."""
    config, _, file = name.rpartition("/")
    return config in names and (file == STATS or (file.endswith(".parquet") and _SHARD.fullmatch(file) is not None))


def _check_model(folder: Path, names: set[str]) -> None:
    full = {name for name in names if re.fullmatch(r"model[^/]*\.safetensors", name)}
    adapter = {name for name in names if name.startswith("adapter_model") and name.endswith(".safetensors")}
    if full and adapter:
        raise InputError(f"{folder} holds the weights of a whole model ({min(full)}) and an adapter ({min(adapter)}), "
                         "and a loader would lay one on the other: release them from folders of their own")  # fmt: skip
    if not full and not adapter:
        raise InputError(f"{folder}: no weights in safetensors (model.safetensors, adapter_model.safetensors) in it")
    config = "adapter_config.json" if adapter else "config.json"
    if config not in names:
        raise InputError(f"{folder}: no {config} beside the weights")
    index = folder / "model.safetensors.index.json"
    if "model.safetensors" in full and (len(full) > 1 or index.is_file()):
        raise InputError(f"{folder} holds model.safetensors and shards of another save: delete those that are not of "
                         "this model")  # fmt: skip
    if index.is_file():
        listed = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
        _refuse_missing(folder, listed - full)
        if full - listed:
            raise InputError(f"{folder}: {min(full - listed)} is not in {index.name}: shards of another save")
    _check_shards(folder, full)


def _check_shards(folder: Path, names: set[str]) -> None:
    """Each shard `-00001-of-00003` has all the others, and no others: safetensors count from 1, Parquet from 0."""
    found: dict[str, set[int]] = {}
    for name in names:
        shard = _SHARD.fullmatch(name)
        if shard is None:
            continue
        key = shard["name"]
        count = int(shard["count"])
        first = 0 if name.endswith(".parquet") else 1
        suffix = name.rsplit(".", 1)[1]
        wanted = {f"{key}-{number:05}-of-{count:05}.{suffix}" for number in range(first, first + count)}
        _refuse_missing(folder, wanted - names)
        found.setdefault(key, set()).add(count)
    for key, counts in found.items():
        if len(counts) > 1:
            raise InputError(f"{folder}: {key} has shards of {len(counts)} saves (of {sorted(counts)}): delete the old")


def _refuse_missing(folder: Path, names: set[str]) -> None:
    if names:
        raise InputError(
            f"{folder} is not whole: {min(names)} is missing{f' and {len(names) - 1} more' if len(names) > 1 else ''}"
        )
