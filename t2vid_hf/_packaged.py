"""Folders at the top of the checkout that an installed package has inside of it: cards' templates and recipes.

The wheel maps them in (`package_dir` in setup.cfg); a checkout, and an editable installation, have them where they are.
"""

from pathlib import Path

from t2vid_hf.errors import InputError


def packaged(folder: str) -> Path:
    """Where a folder is that is shipped with the package.

    Args:
        folder (`str`): `"model_cards"` or `"recipes"`.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the installation lacks it.

    Example:

    ```python
    >>> from t2vid_hf._packaged import packaged
    >>> (packaged("model_cards") / "dataset_card.md.jinja").is_file()
    True

    ```
    """
    package = Path(__file__).resolve().parent
    for found in (package / folder, package.parent / folder):
        if found.is_dir():
            return found
    raise InputError(f"the installation lacks the folder '{folder}': install t2vid-hf anew")
