"""Whose turn it is to draw: one thread at a time, and a process forks between two texts and never within one.

A fork copies locks as they are and no other thread: forked while a thread draws, a child would wait forever for that
thread's atlas, numba's compiler or a module that was being imported. So a fork waits for the text that is being drawn.
"""

import os
from threading import RLock
from types import TracebackType

# First, so that a fork waits for the text that is being drawn before it waits for loops that are being loaded: the last
# to ask to be told of a fork is told first.
import t2vid_hf._compiled  # noqa: F401

# The second is held while a text is drawn. A fork takes the first as well, so that a thread which draws text after text
# cannot come in before it. Both may be taken again by the thread that has them: a signal can fork within a text.
_gate, _drawing = RLock(), RLock()


class Turn:
    """Held while a text is laid out or drawn; for a `with` statement.

    Example:

    ```python
    >>> from t2vid_hf.rendering.turns import Turn
    >>> with Turn():
    ...     print("nobody else draws")
    nobody else draws

    ```
    """

    def __enter__(self) -> None:
        with _gate:
            pass
        _drawing.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _drawing.release()


def _halt() -> None:
    _gate.acquire()
    _drawing.acquire()


def _go_on() -> None:
    _drawing.release()
    _gate.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_halt, after_in_parent=_go_on, after_in_child=_go_on)
