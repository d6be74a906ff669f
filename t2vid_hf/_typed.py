"""Values of a YAML file, each of which has a type, against the types of a dataclass's fields.

A dataclass takes any value, and "8" for 8 then fails anywhere, or nowhere: of 288 wrong values of a recipe's keys 91
ended in a traceback. pydantic would look at types too, and convert what it can.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, Literal, get_args, get_origin, get_type_hints

from t2vid_hf.errors import InputError, unknown

_SAID: dict[Any, str] = {
    int: "a whole number", float: "a number", bool: "true or false", str: "a text", list: "a list",
    dict: "a mapping", type(None): "null",
}  # fmt: skip


def check_types(kind: type, values: Mapping[str, Any], *, of: str = "") -> None:
    """Refuse values that are of another type than their fields, or none of the choices that a field has.

    Args:
        kind (`type`): The dataclass.
        values (`Mapping[str, Any]`): Values for some of its fields, by name.
        of (`str`, *optional*, defaults to `""`): What errors begin with.

    Raises:
        [`~t2vid_hf.errors.InputError`]: a value does not fit, or is no number.

    Example:

    ```python
    >>> from t2vid_hf._typed import check_types
    >>> from t2vid_hf.mixtures.parts import MixturePart
    >>> check_types(MixturePart, {"path": "a", "share": "two"})
    Traceback (most recent call last):
    ...
    t2vid_hf.errors.InputError: share is 'two'; give a number or null

    ```
    """
    hints = get_type_hints(kind)
    choices = {item.name: item.metadata.get("choices") for item in fields(kind)}
    for name, value in values.items():
        kinds = _kinds(hints[name])
        known = {str(member.value) for each in kinds if issubclass(each, Enum) for member in each}
        known |= set(choices[name] or ())
        if isinstance(value, str) and known and value not in known:
            raise unknown(f"{of}{name}", value, known)
        if not any(_fits(value, each) for each in kinds):
            said = " or ".join(dict.fromkeys(_SAID[each] for each in kinds if each in _SAID))
            quotes = str in kinds and isinstance(value, bool)
            also = "; YAML takes no, off, yes and on for true or false: put them in quotes" if quotes else ""
            raise InputError(f"{of}{name} is {value!r}; give {said}{also}")
        if isinstance(value, str) and dict in kinds and value.startswith("{"):
            _check_json(f"{of}{name}", value)


def _kinds(hint: Any) -> list[type]:
    """The types that a hint allows; `object` for one that allows anything."""
    if hint is Any:
        return [object]
    if get_origin(hint) is Literal:
        return [type(value) for value in get_args(hint)]
    if isinstance(hint, type):
        return [get_origin(hint) or hint]  # list[str]
    if get_origin(hint) in (list, dict):
        return [get_origin(hint)]
    return [kind for each in get_args(hint) for kind in _kinds(each)] or [object]


def _fits(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _check_json(name: str, value: str) -> None:
    try:
        json.loads(value)
    except json.JSONDecodeError as error:
        raise InputError(f"{name} is {value!r}, which is not JSON: {error}") from None


def names_of_fields(kinds: Iterable[type]) -> set[str]:
    """The fields that dataclasses are made with.

    Args:
        kinds (`Iterable[type]`): The dataclasses.
    """
    return {item.name for kind in kinds for item in fields(kind) if item.init}
