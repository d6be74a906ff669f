"""How commands are run: options spelled with underscores, as TRL's are, and errors of one line."""

import re
import shlex
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer

from t2vid_hf.errors import one_line_errors

_VERSIONS = ("t2vid-hf", "datasets", "pyarrow", "Pillow", "uharfbuzz")


def run_command(command: Callable[..., Any]) -> None:
    """Run a function as the script that a person called. A recipe is this line.

    Args:
        command (`Callable[..., Any]`): A command of this folder; its parameters are the options.
    """
    app = typer.Typer(add_completion=False)
    app.command()(command)
    run_app(app)


def run_app(app: typer.Typer) -> None:
    """Run commands with options like `--max_documents`; `--max-documents` means the same.

    Args:
        app ([`~typer.Typer`]): The commands.
    """
    command = typer.main.get_command(app)
    _rename_options(command)
    with one_line_errors():
        command()


def made_by() -> dict[str, Any]:
    """The command that is running and the versions that it runs with, for the card of what it makes.

    Folders and files are named without where they are, and addresses without what lets in to them: both are nobody's
    business.

    Returns:
        `dict`: "command" and "versions".
    """
    words = [_without_folders(word) for word in sys.argv]
    if words[0] == "__main__.py":
        words[0] = "t2vid"
    return {"command": shlex.join(words), "versions": {name: version(name) for name in _VERSIONS}}


def without_secrets(address: str) -> str:
    """An address without user, password and query, which may be signed; a path as it is.

    Args:
        address (`str`): A path or an address.

    Example:

    ```python
    >>> from t2vid_hf.cli.script import without_secrets
    >>> without_secrets("https://me:pass@host:80/set/qa.jsonl?token=x"), without_secrets("out/qa.jsonl")
    ('https://host:80/set/qa.jsonl', 'out/qa.jsonl')

    ```
    """
    return re.sub(r"(https?://)([^/?#]*@)?([^?#]*).*", r"\1\3", address)


def _without_folders(word: str) -> str:
    if "://" in word:
        return without_secrets(word)
    option, equals, value = word.rpartition("=")
    return option + equals + (Path(value).name if Path(value).is_absolute() or value.startswith("..") else value)


def names_of(given: str | None) -> tuple[str, ...]:
    """An option that takes several names.

    Args:
        given (`str` or `None`): Names with commas between them; `None` is none.

    Example:

    ```python
    >>> from t2vid_hf.cli.script import names_of
    >>> names_of("serif, dark")
    ('serif', 'dark')

    ```
    """
    return tuple(name.strip() for name in given.split(",")) if given else ()


def _rename_options(command: Any) -> None:
    """Spell the options of a command, and of those below it, with underscores."""
    command.context_settings = {**command.context_settings, "token_normalize_func": _use_underscores}
    for option in command.params:
        option.opts = [_use_underscores(name) for name in option.opts]
        option.secondary_opts = [_use_underscores(name) for name in option.secondary_opts]
    for inner in getattr(command, "commands", {}).values():
        _rename_options(inner)


def _use_underscores(name: str) -> str:
    """`--max-documents` or `max-documents` -> with underscores; the dashes in front stay."""
    bare = name.lstrip("-")
    return name[: len(name) - len(bare)] + bare.replace("-", "_")
