"""Where features of pictures are kept: in memory, or in a folder that several processes and runs share.

Both hold at most so many bytes, and let go first what was not asked for longest. In a folder every picture is a file of
its own, written beside its place and moved there: whoever is killed while writing leaves no half of one, and two that
write the same picture write the same file. The price is an open and a read (0.1 ms) a picture, so what was asked for
last also stays in memory.
"""

import os
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from t2vid_hf.errors import InputError

GB = 10**9
MEMORY = "memory"
RECENT_GB = 0.25
"""What a folder's store keeps in memory at the most, of what was asked for last."""
_STALE_SECONDS = 3600  # a file that is still not in its place then is of a process that was killed
_KEPT_SHARE = 0.9  # of the bound, when a folder is cleared: looking at all of its files pays off


class FeatureStore(ABC):
    """Features by key, at most so many bytes of them.

    Args:
        gb (`float`): The most that is kept, in GB (10^9 bytes).

    Raises:
        [`~t2vid_hf.errors.InputError`]: `gb` is not above 0.
    """

    def __init__(self, gb: float) -> None:
        if not gb > 0:
            raise InputError(f"vision_feature_cache_gb is {gb}; give the most GB that are kept, above 0")
        self.most_bytes = int(gb * GB)

    @abstractmethod
    def get(self, key: str) -> torch.Tensor | None:
        """What is kept under a key, or `None`."""

    @abstractmethod
    def put(self, key: str, feature: torch.Tensor) -> None:
        """Keep a feature.

        Args:
            key (`str`): Its key.
            feature (`torch.Tensor`): A tensor on the CPU that shares its memory with no other.
        """

    def _check_fits(self, feature: torch.Tensor) -> None:
        if feature.nbytes > self.most_bytes:
            raise InputError(
                f"vision_feature_cache_gb={self.most_bytes / GB:g} does not hold the features of one picture, "
                f"{feature.nbytes / GB:g} GB; give more"
            )


class MemoryStore(FeatureStore):
    """Features in the memory of this process; see [`FeatureStore`].

    Args:
        gb (`float`): The most that is kept, in GB.

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.models.feature_store import MemoryStore
    >>> store = MemoryStore(gb=1e-6)  # 250 float32 numbers
    >>> for key in ("a", "b", "c"):
    ...     store.put(key, torch.zeros(100))
    >>> store.get("a") is None, store.get("c").shape, store.bytes
    (True, torch.Size([100]), 800)

    ```
    """

    def __init__(self, gb: float) -> None:
        super().__init__(gb)
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()  # what was not asked for longest stands first
        self.bytes = 0

    def get(self, key: str) -> torch.Tensor | None:
        """What is kept under a key, or `None`."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: str, feature: torch.Tensor) -> None:
        """Keep a feature, and let go of others where it needs their room."""
        self._check_fits(feature)
        before = self._kept.pop(key, None)
        self.bytes += feature.nbytes - (0 if before is None else before.nbytes)
        self._kept[key] = feature
        while self.bytes > self.most_bytes:
            _, gone = self._kept.popitem(last=False)
            self.bytes -= gone.nbytes


class FolderStore(FeatureStore):
    """Features in a folder, which other processes may use at the same time; see [`FeatureStore`].

    Args:
        folder (`str` or `Path`): The folder; made where it is not there.
        gb (`float`): The most that all files below it hold, in GB.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the folder cannot be made, or `gb` is not above 0.
    """

    def __init__(self, folder: str | Path, gb: float) -> None:
        super().__init__(gb)
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"vision_feature_cache: {folder}: {error.strerror}; give a folder, or memory") from None
        self._recent = MemoryStore(min(gb, RECENT_GB))
        self._bytes = self._clear()

    def get(self, key: str) -> torch.Tensor | None:
        """What is kept under a key, or `None`."""
        found = self._recent.get(key)
        if found is not None:
            return found
        path = self._path(key)
        try:
            ((order, found),) = load_file(path).items()
            found = found.permute([order.index(dim) for dim in sorted(order)])
            os.utime(path)  # the files that were read longest ago go first
        except (FileNotFoundError, SafetensorError):  # a machine that lost power may leave an empty file behind
            return None
        self._remember(key, found)
        return found

    def put(self, key: str, feature: torch.Tensor) -> None:
        """Keep a feature, and let go of others where the folder is full."""
        self._check_fits(feature)
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}.part")
        order = memory_order(feature)
        # Named by the order in which its dimensions lie in memory, which is kept, too
        beside.write_bytes(save({"".join(map(str, order)): feature.permute(order).contiguous()}))
        self._bytes += beside.stat().st_size
        os.replace(beside, path)
        self._remember(key, feature)
        if self._bytes > self.most_bytes:
            self._bytes = self._clear()

    def _remember(self, key: str, feature: torch.Tensor) -> None:
        if feature.nbytes <= self._recent.most_bytes:
            self._recent.put(key, feature)

    def _path(self, key: str) -> Path:
        weights, _, picture = key.partition("/")
        return self.folder / weights / picture[:2] / f"{picture}.safetensors"

    def _clear(self) -> int:
        """Delete what is left of killed processes and, where the folder is full, what was read longest ago.

        Returns:
            `int`: the bytes that are left. Others may write meanwhile, so it is looked at anew when they would be full.
        """
        files, total = [], 0
        for entry in _files(self.folder):
            try:
                told = entry.stat()
                if entry.name.endswith(".part"):
                    if time.time() - told.st_mtime > _STALE_SECONDS:
                        os.unlink(entry.path)
                    continue
            except FileNotFoundError:  # moved to its place, or deleted by another process
                continue
            files.append((told.st_mtime_ns, told.st_size, entry.path))
            total += told.st_size
        if total <= self.most_bytes:
            return total
        for _, size, path in sorted(files):
            Path(path).unlink(missing_ok=True)
            total -= size
            if total <= self.most_bytes * _KEPT_SHARE:
                break
        return total


def _files(folder: str | Path) -> Iterator["os.DirEntry[str]"]:
    """The files of a store below a folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.name.endswith((".safetensors", ".part")):
                yield entry


def memory_order(feature: torch.Tensor) -> list[int]:
    """The dimensions of a tensor in the order in which they lie in memory, the last one densest.

    Args:
        feature (`torch.Tensor`): The tensor.

    Example:

    ```python
    >>> import torch
    >>> from t2vid_hf.models.feature_store import memory_order
    >>> memory_order(torch.zeros(3, 5)), memory_order(torch.zeros(5, 3).T)
    ([0, 1], [1, 0])

    ```
    """
    return sorted(range(feature.dim()), key=lambda dim: -feature.stride(dim))


def open_store(where: str | Path | FeatureStore, gb: float) -> FeatureStore:
    """A store of features.

    Args:
        where (`str` or `Path` or [`FeatureStore`]): `"memory"`, a folder, or a store, which is taken as it is.
        gb (`float`): The most that is kept, in GB.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the folder cannot be made, or `gb` is not above 0.
    """
    if isinstance(where, FeatureStore):
        return where
    return MemoryStore(gb) if str(where) == MEMORY else FolderStore(where, gb)
