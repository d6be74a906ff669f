"""What a process that works on a run does around it: a lock that dies with it, and a log in place of the terminal.

Ranks of a launch work on a run together: the first holds the lock for all, and each has a log.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))  # as launchers set it


def one_at_a_time(file: Path) -> contextlib.AbstractContextManager[object]:
    """A lock; of a process that was killed the system takes it away.

    Args:
        file (`Path`): The lock's file.
    """
    return FileLock(file) if _rank() == 0 else contextlib.nullcontext()


@contextlib.contextmanager
def logged(file: Path) -> Iterator[None]:
    """What is printed inside goes to a file.

    Args:
        file (`Path`): The file of the first rank; it is added to. Other ranks have their number in its name.
    """
    own = file if _rank() == 0 else file.with_name(f"{file.stem}-{_rank()}{file.suffix}")
    with (
        own.open("a", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        yield
