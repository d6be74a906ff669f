"""One hash of the weights that a checkpoint answers with, so that a score and the weights that it is of stay together.

It is made of the SHA-256 of each file that a loader takes, in the order of their names, and of nothing else: a card or
a processor beside them may change. The price is one pass over the files, 16 GB of them in the time of reading them.
"""

import hashlib
import json
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

from t2vid_hf.errors import InputError

# In the order in which transformers and peft look; the first that is there is loaded.
_OF_ADAPTER = ("adapter_model.safetensors", "adapter_model.bin")
_OF_MODEL = (
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
)  # fmt: skip


def weights_hash(path: str | Path, *, revision: str | None = None) -> str:
    """Hash the weights of a checkpoint, or of a LoRA adapter without its base.

    Args:
        path (`str` or `Path`): A folder, or a name on the Hub, whose files are fetched where they are not yet here.
        revision (`str`, *optional*): Branch, tag or commit on the Hub; `None` takes the main branch.

    Returns:
        `str`: 64 hexadecimal digits.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there are no weights.

    Example:

    ```python
    >>> import tempfile
    >>> from pathlib import Path
    >>> from t2vid_hf.models.weights_hash import weights_hash
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "model.safetensors").write_bytes(b"weights")
    ...     weights_hash(folder)[:16]
    '00949863ce2c724c'

    ```
    """
    state = hashlib.sha256()
    for file in weight_files(path, revision=revision):
        with file.open("rb") as opened:
            state.update(f"{file.name} {hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return state.hexdigest()


def weight_files(path: str | Path, *, revision: str | None = None) -> list[Path]:
    """The files of weights that a loader takes, sorted by name.

    Args:
        path (`str` or `Path`): See [`weights_hash`].
        revision (`str`, *optional*): See [`weights_hash`].

    Raises:
        [`~t2vid_hf.errors.InputError`]: there are none, or one that an index names is not there.
    """
    adapter = _find(path, "adapter_config.json", revision) is not None and not (Path(path) / "config.json").is_file()
    for name in _OF_ADAPTER if adapter else _OF_MODEL:
        found = _find(path, name, revision)
        if found is None:
            continue
        if not name.endswith(".index.json"):
            return [found]
        names = sorted(set(json.loads(found.read_text("utf-8"))["weight_map"].values()))
        shards = {shard: _find(path, shard, revision) for shard in names}
        missing = [shard for shard, file in shards.items() if file is None]
        if missing:
            raise InputError(f"{path}: {name} names {missing[0]}, which is not there")
        return [file for file in shards.values() if file is not None]
    raise InputError(f"{path}: no weights in it; give the folder of a checkpoint or an adapter, or its name on the Hub")


def _find(path: str | Path, name: str, revision: str | None) -> Path | None:
    if Path(path).is_dir():
        file = Path(path) / name
        return file if file.is_file() else None
    try:
        return Path(hf_hub_download(str(path), name, revision=revision))
    except (EntryNotFoundError, LocalEntryNotFoundError):
        return None
    except (HfHubHTTPError, ValueError) as error:
        raise InputError(f"'{path}': {str(error).splitlines()[0]}; give a checkpoint's folder, or its name on the Hub"
                         ) from None  # fmt: skip
