"""What the parts of an experiment's YAML file have in common: strict mappings, columns with values, pairs and seeds.

Every key is known or an error, so that nothing is accepted and ignored. The price: a file of a newer version is refused
by an older one.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from t2vid_hf._typed import check_types
from t2vid_hf.errors import InputError, unknown

SCORES = ("choice", "exact")
ROLE = "$"
"""What a value begins with that stands for a role of `rotate`."""
Where = Mapping[str, tuple[Any, ...]]
"""Columns, and the values of each that are taken; a text that begins with `$` names a role."""


def made(kind: Any, given: Any, of: str) -> Any:
    """A dataclass of a YAML mapping.

    Args:
        kind (`type`): The dataclass.
        given (`Any`): What the file says.
        of (`str`): Where it says so, for errors.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is no mapping, a key is unknown or missing, or a value of another type.
    """
    known = {item.name: item for item in fields(kind)}
    if not isinstance(given, dict):
        raise InputError(f"{of} is {given!r}; give a mapping of {', '.join(known)}")
    for key in given:
        if key not in known:
            raise unknown(f"key of {of}", key, known)
    for name, item in known.items():
        if name not in given and item.default is MISSING and item.default_factory is MISSING:
            raise InputError(f"{of} has no '{name}'; give it")
    check_types(kind, given, of=f"{of}: ")
    return kind(**given)


def read_where(given: Any, of: str) -> dict[str, tuple[Any, ...]]:
    """What columns must hold.

    Args:
        given (`Any`): A mapping of columns, each to a value, a list of them, or `$ROLE`; `None` asks for nothing.
        of (`str`): Where the file says so, for errors.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is something else.

    Example:

    ```python
    >>> from t2vid_hf.experiments.yaml_parts import read_where
    >>> read_where({"kind": "$S", "frames": [5, 10]}, "group V")
    {'kind': ('$S',), 'frames': (5, 10)}

    ```
    """
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InputError(f"{of} is {given!r}; give a mapping of columns to values")
    wanted = {str(name): tuple(value) if isinstance(value, list) else (value,) for name, value in given.items()}
    for name, values in wanted.items():
        if not values or not all(isinstance(value, str | int | float) for value in values):
            raise InputError(f"{of}: '{name}' is {given[name]!r}; give a value, or a list of values")
    return wanted


def settled(where: Where, roles: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Columns and their values, with those of a seed in place of roles.

    Args:
        where (`Mapping[str, tuple]`): See [`read_where`].
        roles (`Mapping[str, tuple]`): The values of each role.

    Example:

    ```python
    >>> from t2vid_hf.experiments.yaml_parts import settled
    >>> settled({"kind": ("$S", "first")}, {"S": ("at", "earlier")})
    {'kind': ('at', 'earlier', 'first')}

    ```
    """
    return {
        name: tuple(
            each for value in values for each in (roles[value[1:]] if is_role(value) else (value,))
        )
        for name, values in where.items()
    }  # fmt: skip


def is_role(value: Any) -> bool:
    """Whether a value stands for a role."""
    return isinstance(value, str) and value.startswith(ROLE)


def check_seeds(seeds: Any, of: str) -> None:
    """Refuse seeds that are none, or stand twice.

    Args:
        seeds (`Any`): What the file says.
        of (`str`): Where it says so, for errors.

    Raises:
        [`~t2vid_hf.errors.InputError`]: they are.
    """
    if not isinstance(seeds, list) or not all(type(seed) is int and seed >= 0 for seed in seeds):
        raise InputError(f"{of} is {seeds!r}; give a list of whole numbers from 0")
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise InputError(f"{of}: {twice[0]} stands twice, and would count one run as two; give each seed once")


def check_pair(given: Any, of: str) -> None:
    """Refuse what is not two different arms.

    Args:
        given (`Any`): What the file says.
        of (`str`): Where it says so, for errors.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is something else.
    """
    if (
        not isinstance(given, list)
        or len(given) != 2
        or not all(isinstance(each, str) for each in given)
        or given[0] == given[1]
    ):
        raise InputError(f"{of} is {given!r}; give two arms, such as [pages, video]: the first minus the second")


def check_score(given: Any, of: str) -> None:
    """Refuse what is no score.

    Args:
        given (`Any`): What the file says.
        of (`str`): Where it says so, for errors.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is something else.
    """
    if given not in SCORES:
        raise unknown(of, given, SCORES)
