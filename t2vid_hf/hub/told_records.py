"""Records of a run as a release tells them: folders of this machine are named without where they are.

`run.json`, `recipe.yaml`, `trainer_state.json` and `scores.json` hold paths as they were given, which this machine
needs and nobody else can use; they tell who worked where. The files here stay as they are, and what is sent differs
from them by these values alone: of a path that is absolute, or begins in the home or a parent folder, the last name
is left, as in cards.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from t2vid_hf.errors import InputError

RECORDS = ("run.json", "recipe.yaml", "trainer_state.json", "scores.json")
_FOLDERS = re.compile(r"(~[^/]*|\.\.|[A-Za-z]:)?[/\\](.*[/\\])?(?=[^/\\])")


def told_record(path: Path) -> bytes | None:
    """What is sent of a record.

    Args:
        path (`Path`): The file.

    Returns:
        `bytes` or `None`: its content without folders of this machine; `None` where it names none, or is no record.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is a record that does not read.
    """
    if path.name not in RECORDS:
        return None
    is_yaml = path.suffix == ".yaml"
    try:
        record = (yaml.safe_load if is_yaml else json.loads)(path.read_text("utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path} does not read ({error}); it was damaged or written by hand") from None
    told = without_folders(record)
    if told == record:
        return None
    text = yaml.safe_dump(told, sort_keys=False) if is_yaml else json.dumps(told, indent=1) + "\n"
    return text.encode()


def without_folders(value: Any) -> Any:
    """A value of a record, with the last names of paths in place of those that only this machine has.

    Args:
        value (`Any`): What JSON or YAML can hold.

    Example:

    ```python
    >>> from t2vid_hf.hub.told_records import without_folders
    >>> without_folders({"base": "/home/me/tiny/", "parts": ["../my data:video, held out", "user/name", "out/set"]})
    {'base': 'tiny', 'parts': ['my data:video, held out', 'user/name', 'out/set']}

    ```
    """
    if isinstance(value, dict):
        return {key: without_folders(below) for key, below in value.items()}
    if isinstance(value, list):
        return [without_folders(below) for below in value]
    if isinstance(value, str) and (folders := _FOLDERS.match(value.rstrip("/\\"))):
        return value.rstrip("/\\")[folders.end() :]
    return value
