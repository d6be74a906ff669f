"""Loops compiled by numba, kept between processes where a folder can be written.

The module imports numba (0.4 s), so whoever needs it imports it late.
"""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called, and keep the result in numba's cache.

    Args:
        function (`Callable`): What numba can compile without Python's objects.

    Returns:
        The compiled function, called as the given one is.

    Example:

    ```python
    >>> from t2vid_hf._compiled import compiled
    >>> compiled(lambda number: number + 1)(41)
    42

    ```
    """
    try:
        return njit(cache=True)(function)
    except RuntimeError:
        # No folder for numba's cache can be written (a read-only container): compile in each process.
        return njit(function)
