"""Weights of a checkpoint that are not the model's are an error; transformers warns at most, and trains from noise."""

from collections.abc import Mapping
from typing import Any

from t2vid_hf.errors import InputError

_KINDS = {"missing": "missing_keys", "left over": "unexpected_keys", "of another shape": "mismatched_keys"}
_SHOWN = 3


def check_loaded(info: Mapping[str, Any]) -> None:
    """Refuse weights that are not the model's, of which transformers warns at most.

    Args:
        info (`Mapping[str, Any]`): What `from_pretrained(..., output_loading_info=True)` returns beside the model.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a weight is missing, left over, or of another shape.

    Example:

    ```python
    >>> from t2vid_hf.models.loaded_weights import check_loaded
    >>> check_loaded({"missing_keys": set(), "unexpected_keys": set(), "mismatched_keys": set()})

    ```
    """
    wrong = {kind: sorted(map(_key, info[name])) for kind, name in _KINDS.items() if info[name]}
    if wrong:
        found = "; ".join(
            f"{len(keys)} {kind}: {', '.join(keys[:_SHOWN])}{', ...' if len(keys) > _SHOWN else ''}"
            for kind, keys in wrong.items()
        )
        raise InputError(
            f"the weights are not those of the model that the configuration describes ({found}); fetch it anew, or, if "
            f"that is meant to be so, load it with transformers and save_pretrained it to another folder"
        )


def _key(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    name, given, expected = entry
    return f"{name} {list(given)} for {list(expected)}"
