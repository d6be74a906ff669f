"""How commands are run: options spelled with underscores, as TRL's are, and errors of one line."""

from collections.abc import Callable
from typing import Any

import typer

from t2vid_hf.errors import one_line_errors


def run_command(command: Callable[..., Any]) -> None:
    """Run a function as the script that a person called. A recipe is this line.

    Args:
        command (`Callable`): One of this folder's; its parameters are the options.
    """
    app = typer.Typer(add_completion=False)
    app.command()(command)
    run_app(app)


def run_app(app: typer.Typer) -> None:
    """Run commands with options like `--max_documents`; `--max-documents` means the same."""
    command = typer.main.get_command(app)
    _with_underscores(command)
    with one_line_errors():
        command()


def _with_underscores(command: Any) -> None:
    command.context_settings = {**command.context_settings, "token_normalize_func": _underscored}
    for option in command.params:
        option.opts = [_underscored(name) for name in option.opts]
        option.secondary_opts = [_underscored(name) for name in option.secondary_opts]
    for inner in getattr(command, "commands", {}).values():
        _with_underscores(inner)


def _underscored(name: str) -> str:
    """`--max-documents` or `max-documents` -> with underscores; the dashes in front stay."""
    bare = name.lstrip("-")
    return name[: len(name) - len(bare)] + bare.replace("-", "_")
