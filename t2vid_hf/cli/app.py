"""The `t2vid` command: its sub-commands, each a file of this folder; what is called is what is imported.

`t2vid score` so scores 1,580 answers in 0.2 s of processor time; with all the others, which bring NumPy and fonts, it
starts in 0.5.
"""

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import typer

from t2vid_hf.cli.script import run_app
from t2vid_hf.cli.train import PASSED_ON

# name of the command -> module of this folder, function in it
_COMMANDS = {
    "render": ("render", "render"),
    "build": ("build", "build"),
    "clips": ("make_clips", "make_clips"),
    "frames": ("extract_frames", "extract_frames"),
    "convert": ("convert_video_qa", "convert_video_qa"),
    "train": ("train", "train"),
    "evaluate": ("evaluate", "evaluate"),
    "score": ("score", "score"),
    "compare": ("compare", "compare"),
    "experiment": ("experiment", "experiment"),
    "diversity": ("diversity", "diversity"),
    "merge": ("merge", "merge_adapter"),
    "push": ("push", "push"),
    "info": ("info", "info"),
}
_SETTINGS: dict[str, dict[str, Any]] = {"train": {"context_settings": PASSED_ON, "add_help_option": False}}


def commands(names: Iterable[str]) -> typer.Typer:
    """The command with some of its sub-commands.

    Args:
        names (`Iterable[str]`): The sub-commands.
    """
    app = typer.Typer(no_args_is_help=True, add_completion=False, help="Long texts as video.")
    app.callback()(_group)
    for name in names:
        module, function = _COMMANDS[name]
        found = getattr(import_module(f"t2vid_hf.cli.{module}"), function)
        app.command(name, **_SETTINGS.get(name, {}))(found)
    return app


def _group() -> None:
    """Long texts as video."""  # with it a single sub-command is still called by its name


def __getattr__(name: str) -> typer.Typer:
    if name == "app":
        return commands(_COMMANDS)
    raise AttributeError(name)


def main() -> None:
    """Entry point of the command."""
    called = sys.argv[1] if len(sys.argv) > 1 else ""
    run_app(commands([called] if called in _COMMANDS else _COMMANDS))
