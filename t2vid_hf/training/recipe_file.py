"""A recipe's YAML file: where it is, and what it says."""

import difflib
import re
from argparse import ArgumentParser
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import yaml

from t2vid_hf._packaged import packaged
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.paper_mixtures import MIXTURES
from t2vid_hf.mixtures.parts import MixturePart


def take_config(arguments: Sequence[str], known: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """What the file behind `--config` says, with `--mixture` in place of its own, and the other arguments.

    Args:
        arguments (`Sequence[str]`): A command line, with `--config FILE`, `--config=FILE`, or without. Behind
            `--mixture` stand parts (see [`~t2vid_hf.mixtures.parts.MixturePart.from_text`]), or the name of a mixture.
        known (`Collection[str]`): The keys that the file may have.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is more than one, or it cannot be read.

    Example:

    ```python
    >>> from t2vid_hf.training.recipe_file import take_config
    >>> take_config(["--config=idefics3-8b/sft_lora.yaml", "--seed", "3"], ["seed"])
    Traceback (most recent call last):
    ...
    t2vid_hf.errors.InputError: ...sft_lora.yaml: unknown key 'model_name_or_path'; see --help for the known ones

    ```
    """
    finder = ArgumentParser(add_help=False, allow_abbrev=False)
    finder.error = refuse  # type: ignore[method-assign]  # argparse would print its own usage first
    finder.add_argument("--config", action="append", default=[])
    finder.add_argument("--mixture", nargs="+")
    found, rest = finder.parse_known_args(arguments)
    if len(found.config) > 1:
        raise InputError(f"--config is given {len(found.config)} times; one file is read, and options win over it")
    given = read_yaml(recipe_file(found.config[0]), known) if found.config else {}
    if found.mixture:
        named = len(found.mixture) == 1 and found.mixture[0] in MIXTURES
        given["mixture"] = found.mixture[0] if named else [_described(text) for text in found.mixture]
    return given, rest


def _described(text: str) -> dict[str, Any]:
    """A part of a command line as it would stand in a YAML file, where the run writes it down."""
    part = asdict(MixturePart.from_text(text))
    return {name: value for name, value in part.items() if value is not None}


def refuse(message: str) -> NoReturn:
    """What argparse says, as an error of one line."""
    raise InputError(f"{message}; see --help")


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The nearest of the names that are known.

    Args:
        name (`object`): What was given.
        known (`Iterable[str]`): The names.
    """
    close = difflib.get_close_matches(str(name), known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else "see --help for the known ones"


def recipe_file(given: str) -> Path:
    """The file that `--config` means: the user's own, or else one that is shipped, as "idefics3-8b/sft_lora.yaml" is.

    Args:
        given (`str`): A path from the current folder, or from the folder `recipes` that is shipped.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is neither.

    Example:

    ```python
    >>> from t2vid_hf.training.recipe_file import recipe_file
    >>> recipe_file("idefics3-8b/sft_lora.yaml").name
    'sft_lora.yaml'

    ```
    """
    shipped = packaged("recipes")
    for path in (Path(given), shipped / given):
        if path.is_file():
            return path
    known = sorted(path.relative_to(shipped).as_posix() for path in shipped.glob("*/sft*.yaml"))
    raise InputError(f"{given}: no such file; give a recipe's .yaml, or one that is shipped: {', '.join(known)}")


def read_yaml(path: Path, known: Collection[str]) -> dict[str, Any]:
    """Read a recipe's YAML file, and check every key.

    Args:
        path (`Path`): The file, in UTF-8.
        known (`Collection[str]`): The keys that it may have.

    Returns:
        `dict[str, Any]`: the settings, by their names.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is not YAML, not a mapping, or has a key that is unknown or stands twice.
    """
    try:
        given = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {error}") from None
    if not isinstance(given, dict):
        raise InputError(f"{path}: a mapping of settings is expected, not {type(given).__name__}")
    for key in given:
        if key not in known:
            raise InputError(f"{path}: unknown key '{key}'; {did_you_mean(key, known)}")
    return given


class _Loader(yaml.SafeLoader):
    """YAML 1.2 numbers (PyYAML takes `5e-6` for a string, because YAML 1.1 wants a dot before the exponent), and no key
    twice, of which PyYAML takes the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys: set[str] = set()
        for key, _ in node.value:
            if key.value in keys:
                raise yaml.MarkedYAMLError(problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark)
            keys.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
