"""Optional packages: one way to ask for them, and one form of error with the line that cures it."""

import importlib
from types import ModuleType

from t2vid_hf.errors import InputError


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional module, or say how to install it.

    Args:
        module (`str`): Name of the module, as in an import statement.
        extra (`str`): The extra of this package that installs it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the module is not installed.

    Example:

    ```python
    >>> from t2vid_hf._optional import require
    >>> require("json", extra="video").dumps([1])
    '[1]'

    ```
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(error.name + ".")):
            raise  # the module is there, something that it needs is not: that error says more than ours
        raise InputError(
            f"this needs the package '{module}', which is not installed: pip install 't2vid-hf[{extra}]'"
        ) from None
