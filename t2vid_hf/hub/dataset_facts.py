"""What is true of a data set and may stand in its card: the stats of its configs, and the licences of its sources.

A licence that forbids commercial use goes with every row, so it is named, stands in the metadata, and must be accepted
by who publishes. It is known by its name alone: one that says so in other words has to be read by a person.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2vid_hf.data.repository import configs
from t2vid_hf.errors import InputError

_NON_COMMERCIAL = re.compile(r"(^|[-_ ])nc([-_ ]|$)|non-?commercial|research-only", re.IGNORECASE)


def dataset_facts(folder: Path) -> dict[str, dict[str, Any]]:
    """The stats of each config, by name, with "licenses", "non_commercial" and what older builds left out.

    Args:
        folder (`Path`): The data set's repository.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is no config in the folder.
    """
    stats = configs(folder)
    if not stats:
        raise InputError(f"{folder}: no such file or no config in it; build one with `t2vid build` first")
    return {
        name: {
            "render": None,
            "clips": None,
            "command": None,
            "versions": None,
            **item,
            "licenses": licenses_of(item),
            "non_commercial": any(map(is_non_commercial, licenses_of(item))),
            "variable": re.sub(r"\W", "_", name) if name[:1].isalpha() else "dataset",
        }
        for name, item in stats.items()
    }


def licenses_of(stats: Mapping[str, Any]) -> list[str]:
    """The licence that was given for a config, and those of its sources that bind whoever takes rows of them.

    Args:
        stats (`Mapping[str, Any]`): The config's stats.
    """
    inherited = stats.get("source_licenses") or {}
    given = [] if stats["license"] == "other" and len(inherited) == len(stats["sources"]) else [stats["license"]]
    return sorted({*given, *inherited.values()})


def default_config(facts: Mapping[str, Mapping[str, Any]]) -> str:
    """The config that `load_dataset` takes where none is named: the first of pages, or else the first.

    Args:
        facts (`Mapping[str, Mapping[str, Any]]`): What [`dataset_facts`] gives.

    Example:

    ```python
    >>> from t2vid_hf.hub.dataset_facts import default_config
    >>> default_config({"clips": {"kind": "video"}, "long": {"kind": "synthetic"}, "short": {"kind": "synthetic"}})
    'long'

    ```
    """
    return next((name for name, stats in facts.items() if stats["kind"] == "synthetic"), next(iter(facts)))


def is_non_commercial(license: str) -> bool:
    """Whether the name of a licence says that it forbids commercial use.

    Args:
        license (`str`): The licence, as the Hub names it.

    Example:

    ```python
    >>> from t2vid_hf.hub.dataset_facts import is_non_commercial
    >>> [is_non_commercial(name) for name in ("cc-by-nc-4.0", "cc-by-4.0", "fair-noncommercial-research-license")]
    [True, False, True]

    ```
    """
    return _NON_COMMERCIAL.search(license) is not None


def check_licenses(facts: Mapping[str, Mapping[str, Any]], *, accept_license: bool) -> None:
    """Refuse to publish what is licensed for non-commercial use, unless that is accepted.

    Args:
        facts (`Mapping[str, Mapping[str, Any]]`): What [`dataset_facts`] gives.
        accept_license (`bool`): Whether it is.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not; the message names configs, sources and licences.
    """
    bound = [
        f"{name} ({', '.join(stats['sources'])}: {', '.join(stats['licenses'])})"
        for name, stats in facts.items()
        if stats["non_commercial"]
    ]
    if bound and not accept_license:
        raise InputError(
            f"for non-commercial use alone: {'; '.join(bound)}. Who publishes it is bound by that, and so is every "
            f"reader: say so with `t2vid push --accept_license`, or leave it out"
        )
