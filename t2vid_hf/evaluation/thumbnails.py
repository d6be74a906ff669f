"""Small pictures of what was fed of a video, kept beside the answers, so that a page of them needs no video.

At most 8 of the frames stand on a sheet, 160 pixels wide: 4 kB for a drawn clip, 15 to 24 kB for a film. They are made
of the pixels that were decoded for the model, and of no others: a sheet shows what was fed, not what the file holds.
"""

import base64
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from t2vid_hf.errors import InputError

FRAMES_FILE = "frames.jsonl"
MOST, COLUMNS, CELL_PX, GAP_PX = 8, 4, 160, 2
_QUALITY = 50


@dataclass(frozen=True)
class Sheet:
    """Frames on a sheet, in reading order.

    Args:
        picture (`str`): The sheet as WebP, in base64.
        seconds (`tuple[float, ...]`): When each frame on it is shown.
        fed (`int`): How many frames were fed.
    """

    picture: str
    seconds: tuple[float, ...]
    fed: int


def sheet_of(frames: np.ndarray, seconds: Sequence[float]) -> Sheet:
    """Some of the frames that are fed, the first and the last among them, on a sheet.

    Args:
        frames (`np.ndarray`): The frames, all of a size.
        seconds (`Sequence[float]`): When each is shown.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.evaluation.thumbnails import sheet_of
    >>> sheet_of(np.zeros((24, 90, 160, 3), np.uint8), range(24)).seconds
    (0, 3, 7, 10, 13, 16, 20, 23)

    ```
    """
    count = min(MOST, len(frames))
    picked = [round(number * (len(frames) - 1) / max(1, count - 1)) for number in range(count)]
    scale = CELL_PX / max(frames.shape[1:3])
    height, width = (max(1, round(side * scale)) for side in frames.shape[1:3])
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    sheet = Image.new("RGB", (columns * (width + GAP_PX) - GAP_PX, rows * (height + GAP_PX) - GAP_PX), (128, 128, 128))
    for place, number in enumerate(picked):
        row, column = divmod(place, columns)
        small = Image.fromarray(frames[number]).resize((width, height), Image.Resampling.BOX)
        sheet.paste(small, (column * (width + GAP_PX), row * (height + GAP_PX)))
    held = io.BytesIO()
    sheet.save(held, format="WEBP", quality=_QUALITY)
    return Sheet(base64.b64encode(held.getvalue()).decode(), tuple(seconds[number] for number in picked), len(frames))


def write_sheets(path: Path, shown: Mapping[str, Mapping[str, Sheet]]) -> None:
    """Write a line a sheet, with the models that were fed it and the questions that it is about.

    Args:
        path (`Path`): The file.
        shown (`Mapping[str, Mapping[str, Sheet]]`): For each model's name what it was fed, by the questions' names.
    """
    about: dict[Sheet, dict[str, list[str]]] = {}
    for model, sheets in shown.items():
        for question, sheet in sheets.items():
            about.setdefault(sheet, {}).setdefault(model, []).append(question)
    lines = [json.dumps({"questions": named, **asdict(sheet)}) + "\n" for sheet, named in about.items()]
    path.write_text("".join(lines), encoding="utf-8")


def read_sheets(path: Path, model: str | None) -> dict[str, Sheet]:
    """The sheets of a model, by the questions' names; none where there is no such file.

    Args:
        path (`Path`): What [`write_sheets`] has written.
        model (`str` or `None`): The model's name; `None` takes the only one.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        lines: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found = [(line["questions"], Sheet(line["picture"], tuple(line["seconds"]), line["fed"])) for line in lines]
        models = list(dict.fromkeys(name for questions, _ in found for name in questions))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no file of frames that `t2vid evaluate` wrote ({error}); remove it") from None
    wanted = models[0] if model is None and len(models) == 1 else model
    return {name: sheet for questions, sheet in found for name in _names(questions, wanted)}


def _names(questions: Mapping[str, Iterable[str]], model: str | None) -> Iterable[str]:
    return questions.get(model, ()) if model is not None else ()
