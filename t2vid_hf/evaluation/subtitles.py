"""Subtitles as benchmarks ship them (SubRip, LongVideoBench's JSON, Video-MME-v2's lines of words), and which are said.

Which ones a model is told depends on the frames that it is fed, so that this is known only when a policy has taken
them.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.result_file import read_results, read_text

_TIMES = re.compile(r"(\d+):(\d+):(\d+)[,.](\d+)\s*-->\s*(\d+):(\d+):(\d+)[,.](\d+)")


@dataclass(frozen=True)
class Subtitle:
    """What is said in a stretch of a video.

    Args:
        start (`float`): When it begins, in seconds.
        end (`float`): When it ends.
        text (`str`): What is said.
    """

    start: float
    end: float
    text: str


def read_subtitles(path: Path, *, offset: float = 0.0) -> list[Subtitle]:
    """The subtitles of a file, in its order; those without a text are left out.

    Args:
        path (`Path`): A file of SubRip, `[{start, end, line}]` or `[{timestamp, text}]` (LongVideoBench), or lines of
            `{text, start_time, end_time}` (Video-MME-v2).
        offset (`float`, *optional*, defaults to `0.0`): The second of the subtitles at which the video begins.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is none of these.
    """
    if path.suffix.lower() == ".srt":
        found = _of_subrip(read_text(path))
    else:
        listed = read_results(path).value
        if not isinstance(listed, list):
            raise InputError(f"{path}: {type(listed).__name__}, not a list of subtitles")
        found = [_of_record(record, f"{path}, subtitle {number}") for number, record in enumerate(listed, 1)]
    return [Subtitle(each.start - offset, each.end - offset, each.text) for each in found if each.text]


def _of_subrip(text: str) -> list[Subtitle]:
    found = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        lines = block.strip().split("\n")
        at = next((number for number, line in enumerate(lines) if _TIMES.search(line)), None)
        if at is None:
            continue
        match = _TIMES.search(lines[at])
        numbers = [int(part) for part in match.groups()] if match else []
        start, end = (
            hours * 3600 + minutes * 60 + seconds + thousandths / 1000
            for hours, minutes, seconds, thousandths in (numbers[:4], numbers[4:])
        )
        found.append(Subtitle(start, end, re.sub("<[^>]+>", "", " ".join(lines[at + 1 :])).strip()))
    return found


def _of_record(record: Any, place: str) -> Subtitle:
    try:
        if "timestamp" in record:
            start, end = record["timestamp"]
            # the last one of a video has no end
            return Subtitle(float(start), float(start if end is None else end), str(record["text"]).strip())
        if "line" in record:
            return Subtitle(_seconds(record["start"]), _seconds(record["end"]), str(record["line"]).strip())
        return Subtitle(float(record["start_time"]), float(record["end_time"]), str(record["text"]).strip())
    except (KeyError, TypeError, ValueError):
        shown = json.dumps(record, ensure_ascii=False)[:60]
        raise InputError(
            f"{place}: {shown} is none; known are {{start, end, line}}, {{timestamp, text}} and {{text, start_time, "
            "end_time}"
        ) from None


def _seconds(text: str) -> float:
    hours, minutes, seconds = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def said_at(subtitles: Sequence[Subtitle], seconds: Sequence[float]) -> list[str]:
    """What is said when frames are shown, each once.

    Args:
        subtitles (`Sequence[Subtitle]`): The subtitles.
        seconds (`Sequence[float]`): When each frame is shown.

    Example:

    ```python
    >>> from t2vid_hf.evaluation.subtitles import Subtitle, said_at
    >>> said_at([Subtitle(0, 2, "One."), Subtitle(2, 3, "Two."), Subtitle(3, 9, "Three.")], [1.0, 4.0, 8.0])
    ['One.', 'Three.']

    ```
    """
    return [each.text for each in subtitles if any(each.start <= second <= each.end for second in seconds)]
