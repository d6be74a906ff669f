"""How many processors this process may use."""

import os


def available_processors() -> int:
    """Processors that this process may run on; those of the machine where the system does not tell (macOS).

    Example:

    ```python
    >>> from t2vid_hf._processors import available_processors
    >>> available_processors() >= 1
    True

    ```
    """
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
