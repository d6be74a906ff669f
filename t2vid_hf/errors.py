"""Errors for people: one line that says what was given, what is allowed and what to do."""

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_OF_PATHS = (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError)


class InputError(ValueError):
    """Something the user gave cannot be taken: a file, a row, an option.

    Library code raises it like any `ValueError`; scripts and the command line print it as one line and exit with
    status 2 ([`one_line_errors`]). A `ValueError` that is not an `InputError` is a defect and keeps its traceback.
    """


class Unfinished(RuntimeError):
    """Work that a failure from outside has stopped: a network, a service. The message says how far it came.

    Scripts and the command line print it as one line and exit with status 1: nothing that was given is wrong, and the
    same command goes on.
    """


def unknown(kind: str, given: object, known: Iterable[str]) -> InputError:
    """The error for a name that is not in a registry; it lists the known ones, and which is nearest.

    Args:
        kind (`str`): What the name is the name of.
        given (`object`): The name that was given.
        known (`Iterable[str]`): The names that are allowed.

    Example:

    ```python
    >>> from t2vid_hf.errors import unknown
    >>> str(unknown("preset", "papre", ["paper", "dense"]))
    "unknown preset 'papre'; known: dense, paper; did you mean 'paper'?"

    ```
    """
    known = sorted(known)
    close = difflib.get_close_matches(str(given), known, n=1)
    also = f"; did you mean '{close[0]}'?" if close else ""
    return InputError(f"unknown {kind} '{given}'; known: {', '.join(known)}{also}")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn an [`InputError`] into one line on stderr and exit status 2. For scripts, not for the library.

    An [`Unfinished`] becomes one line as well, and exit status 1. Folders that are files, files that are folders, and
    what may not be written are told as an [`InputError`] is.
    """
    try:
        yield
    except (InputError, Unfinished) as error:
        told, status = str(error), exit_status(error)
    except _OF_PATHS as error:
        told, status = f"{error.filename}: {error.strerror}; give another path", exit_status(error)
    else:
        return
    print(f"error: {' '.join(told.split())}", file=sys.stderr)
    raise SystemExit(status)


def exit_status(error: BaseException) -> int:
    """The status that a command ends with for an error: 2 where something given cannot be taken, else 1.

    Args:
        error (`BaseException`): What was raised.

    Example:

    ```python
    >>> from t2vid_hf.errors import InputError, exit_status
    >>> exit_status(InputError("no such video")), exit_status(KeyError("defect"))
    (2, 1)

    ```
    """
    return 2 if isinstance(error, (InputError, *_OF_PATHS)) else 1
