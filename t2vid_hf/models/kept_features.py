"""The features of a frozen vision tower, computed once for each distinct picture and kept.

A picture is known by the numbers that enter the tower, its features also by the tower's weights, type and
configuration, by the device and by the versions of torch and transformers: another of any of these has features of its
own. So nothing stale is served, from a folder that many runs share neither, and a weight that changes is noticed at the
next call. What is served is what was first computed. On a CPU that is what the tower would compute again, to the bit,
whatever pictures stand beside it (tests/models/test_kept_features.py holds it for all families, at both types); on a
GPU the last bits of any tower depend on how many pictures it is given at a time. The price is a hash of each picture:
4 ms for 160 of 32 px with all that is done around it, where a tower of a third of a million parameters takes 20.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xxhash
from torch import nn

from t2vid_hf.errors import InputError
from t2vid_hf.models import adapter_for
from t2vid_hf.models.feature_store import FeatureStore, open_store
from t2vid_hf.models.vision_towers import VisionTower, bytes_of_each

DEFAULT_GB = 4.0


class KeptFeatures:
    """Stands in for the forward of a tower.

    Args:
        tower ([`~t2vid_hf.models.vision_towers.VisionTower`]): The tower.
        store ([`~t2vid_hf.models.feature_store.FeatureStore`]): Where features are kept.

    Attributes:
        pictures (`int`): How many pictures the tower was asked for.
        hits (`int`): How many of them it had not to compute.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the tower drops some of what it computes, by chance.
    """

    def __init__(self, tower: VisionTower, store: FeatureStore) -> None:
        _check_no_dropout(tower.module)
        self._tower, self._store, self._forward = tower, store, tower.module.forward
        self._weights = tower.weights()
        self._state: list[tuple[int, int]] = []
        self._namespace = ""
        self.pictures = self.hits = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the tower returns."""
        if torch.is_grad_enabled() and any(weight.requires_grad for _, weight in self._weights):
            raise InputError("the vision tower trains (tune_vision), and vision_feature_cache keeps what it computed "
                             "before: freeze it, or leave vision_feature_cache out")  # fmt: skip
        call = self._tower.call(self._forward, args, kwargs)
        keys = self._keys(*call.pictures())
        first: dict[str, int] = {}
        for number, key in enumerate(keys):
            first.setdefault(key, number)
        found = {key: kept for key in first if (kept := self._store.get(key)) is not None}
        missing = [(key, number) for key, number in first.items() if key not in found]
        if missing:
            with torch.no_grad():
                made = call.compute([number for _, number in missing])
            for (key, _), feature in zip(missing, made, strict=True):
                found[key] = torch.empty_like(feature, device="cpu").copy_(feature)  # not a part of the batch
                self._store.put(key, found[key])
        self.pictures += len(keys)
        self.hits += len(keys) - len(missing)
        return call.result([found[key] for key in keys])

    def _keys(self, told: Sequence[str], pictures: Sequence[Sequence[np.ndarray]]) -> list[str]:
        self._notice_changes()
        device = self._weights[0][1].device.type
        cast = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        keys = []
        for words, parts in zip(told, pictures, strict=True):
            state = xxhash.xxh3_128(f"{cast} {words}".encode())
            for part in parts:
                state.update(part.data)
            keys.append(f"{self._namespace}/{state.hexdigest()}")
        return keys

    def _notice_changes(self) -> None:
        """Have the name under which features of these weights are kept; made anew where one was written to."""
        state = [(weight._version, weight.data_ptr()) for _, weight in self._weights]
        if state != self._state:
            self._state, self._namespace = state, self._made_namespace()

    def _made_namespace(self) -> str:
        module: Any = self._tower.module
        hashed = hashlib.blake2b(digest_size=16)
        config = {name: value for name, value in module.config.to_dict().items() if not name.startswith("_")}
        device = self._weights[0][1].device
        told = {
            "tower": f"{type(module).__name__} {self._tower.told()}",
            "config": config,
            "attention": module.config._attn_implementation,
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
            "precision": torch.get_float32_matmul_precision(),
            "versions": [version(name) for name in ("torch", "transformers")],
        }
        hashed.update(json.dumps(told, sort_keys=True, default=str).encode())
        for name, weight in self._weights:
            hashed.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            hashed.update(bytes_of_each(weight[None]).data)
        return hashed.hexdigest()


def _check_no_dropout(tower: nn.Module) -> None:
    config: Any = tower.config
    found = {name: value for name, value in config.to_dict().items() if "drop" in name and value}
    found |= {name: part.p for name, part in tower.named_modules() if isinstance(part, nn.Dropout) and part.p}
    if found:
        name, value = next(iter(found.items()))
        raise InputError(
            f"the vision tower has {name}={value}, so that a picture has other features each time, and "
            f"vision_feature_cache keeps the first: set {name} to 0, or leave vision_feature_cache out"
        )


@contextmanager
def kept_features(
    model: Any, where: str | Path | FeatureStore = "memory", *, gb: float = DEFAULT_GB
) -> Iterator[KeptFeatures]:
    """Inside, a model's vision tower computes the features of each distinct picture once.

    Args:
        model ([`~transformers.PreTrainedModel`]): The bare model, of a family in `t2vid_hf.models.ADAPTERS`; behind the
            block it is as it was. Its tower runs without gradients.
        where (`str`, `Path` or [`~t2vid_hf.models.feature_store.FeatureStore`], *optional*, defaults to `"memory"`):
            `"memory"`, a folder, which other processes may share, or a store that outlives the block.
        gb (`float`, *optional*, defaults to `4.0`): The most that is kept, in GB (10^9 bytes); not asked of a store.

    Yields:
        [`KeptFeatures`]: which counts `pictures` and `hits`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the tower has dropout, or trains.

    Example:

    ```python
    >>> import tempfile, torch
    >>> from transformers import AutoModelForImageTextToText
    >>> from t2vid_hf.models import tiny
    >>> from t2vid_hf.models.kept_features import kept_features
    >>> folder = tempfile.mkdtemp()
    >>> tiny.build(folder, ["a"])
    >>> model = AutoModelForImageTextToText.from_pretrained(folder)
    >>> pages = torch.ones(1, 3, 3, 96, 96)  # three pages that are all white
    >>> with kept_features(model) as kept, torch.no_grad():
    ...     _ = model.model.get_image_features(pages)
    >>> kept.pictures, kept.hits
    (3, 2)

    ```
    """
    tower = adapter_for(model.config.model_type).tower(model)
    own = vars(tower.module).get("forward")
    kept = KeptFeatures(tower, open_store(where, gb))
    tower.module.forward = kept
    try:
        yield kept
    finally:
        if own is None:
            del tower.module.forward
        else:
            tower.module.forward = own
