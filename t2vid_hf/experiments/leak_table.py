"""What of the test stands in the rows of which arm: values of columns, pictures, videos, questions word for word.

Pictures are compared byte for byte, videos by their names. A rendering of the same thing that differs in a byte is not
found, nor a paraphrase; what is known of either belongs into a column. The price: a pass over the pictures of all rows
that are drawn.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from t2vid_hf.errors import unknown
from t2vid_hf.evaluation.option_questions import OptionQuestion
from t2vid_hf.experiments.pool_rows import Drawn, PoolRows

CLIPS, TEXTS = "clips", "texts"


class Leaks:
    """Looks for a test set in the rows of pools.

    Args:
        questions (`Sequence[OptionQuestion]`): The test set.
        columns (`Sequence[str]`): The columns whose values are looked for.
        pools (`Mapping[str, PoolRows]`): The pools.

    Raises:
        [`~t2vid_hf.errors.InputError`]: no question, or no pool, has one of the columns.
    """

    def __init__(
        self, questions: Sequence[OptionQuestion], columns: Sequence[str], pools: Mapping[str, PoolRows]
    ) -> None:
        self._pools = pools
        self._wanted: dict[str, dict[Any, int]] = {}
        for column in columns:
            known = {name for question in questions for name in question.columns}
            if column not in known:
                raise unknown("column of the test set in leaks", column, known)
            held = {name for pool in pools.values() for name in pool.dataset.column_names}
            if column not in held:
                raise unknown("column of the pools in leaks", column, held)
            self._wanted[column] = Counter(question.columns.get(column) for question in questions)
        self._wanted[CLIPS] = Counter(key for question in questions if (key := clip_key(question.row)) is not None)
        self._wanted[TEXTS] = Counter(_words(question.text) for question in questions)
        self._held: dict[str, dict[str, list[Any]]] = {}

    def table(self, drawn: Iterable[Drawn]) -> dict[str, dict[str, Any]]:
        """What of the test stands in some rows.

        Args:
            drawn (`Iterable[Drawn]`): The rows of an arm, of all its seeds.

        Returns:
            `dict`: for each column, for clips and for texts: `of`, how many the test has; `found`, which of them stand
            in rows, and in how many; `questions`, how many questions have one of these.
        """
        rows: dict[str, set[int]] = {}
        for each in drawn:
            rows.setdefault(each.pool, set()).update(each.rows.tolist())
        told = {}
        for column, wanted in self._wanted.items():
            found: Counter[Any] = Counter()
            for pool, numbers in rows.items():
                values = self._values(pool, column, rows[pool])
                found.update(values[number] for number in numbers if values and values[number] in wanted)
            told[column] = {
                "of": len(wanted),
                "questions": sum(wanted[value] for value in found),
                "found": _named(found, hidden=column == CLIPS),
            }
        return told

    def _values(self, pool: str, column: str, numbers: set[int]) -> Sequence[Any]:
        """A column of a pool's usable rows; empty where the pool has none of that name."""
        rows = self._pools[pool]
        if column not in (CLIPS, TEXTS):
            return rows.values(column) if column in rows.dataset.column_names else []
        held = self._held.setdefault(pool, {}).setdefault(column, [None] * len(rows.picks))
        new = [number for number in sorted(numbers) if held[number] is None]
        read = _clips if column == CLIPS else _texts
        for number, value in zip(new, read(rows, new), strict=True):
            held[number] = value
        return held


def _named(found: Counter[Any], *, hidden: bool) -> dict[str, int]:
    if hidden:  # a key says nothing to a reader
        return {"rows": sum(found.values())} if found else {}
    return {str(value): count for value, count in sorted(found.items(), key=lambda item: str(item[0]))}


def _texts(rows: PoolRows, numbers: Sequence[int]) -> list[str]:
    held = rows.dataset.select([rows.picks[number].position for number in numbers]).select_columns(["messages"])
    return [_words(_last_question(row["messages"])) for row in held.with_format(None)]


def _last_question(messages: Sequence[Mapping[str, Any]]) -> str:
    turns = [turn for turn in messages if turn["role"] == "user"]
    blocks = turns[-1]["content"] if turns else []
    return "\n".join(block["text"] or "" for block in blocks if block["type"] == "text")


def _clips(rows: PoolRows, numbers: Sequence[int]) -> list[Any]:
    """A key of each row's media; "" where it has none, or they are drawn when they are read."""
    media = [name for name in ("images", "videos") if name in rows.dataset.column_names]
    part = rows.pool.part()
    held = rows.dataset.select([rows.picks[number].position for number in numbers]).select_columns(media)
    keys: list[Any] = []
    # as Arrow holds them: nothing is decoded, and pages that are drawn when they are read are texts yet
    for batch in held.with_format("arrow").iter(batch_size=1024):
        keys += [clip_key(row, Path(part.media_root or part.path)) or "" for row in batch.to_pylist()]
    return keys


def clip_key(row: Mapping[str, Any], root: Path | None = None) -> str | None:
    """A key of the media that a row shows: the bytes of pictures, the names of videos.

    Args:
        row (`Mapping[str, Any]`): The row, its media as `{"bytes", "path"}`, or paths.
        root (`Path`, *optional*): The folder that paths are below.

    Returns:
        `str` or `None`: `None` where it has none, or they are only drawn when they are read.
    """
    images, videos = (listed if isinstance(listed := row.get(name), list) else [] for name in ("images", "videos"))
    keys = [_picture(image, root) for image in images] + [_video(video) for video in videos]
    return hashlib.blake2b("/".join(keys).encode(), digest_size=16).hexdigest() if keys else None


def _picture(image: Any, root: Path | None) -> str:
    given: Any = {"path": image} if isinstance(image, str) else image
    if not isinstance(given, Mapping):
        return _hash(given.tobytes())
    data = given.get("bytes")
    return _file(str((root or Path()) / given["path"])) if data is None else _hash(data)


@cache
def _file(path: str) -> str:
    return _hash(Path(path).read_bytes()) if Path(path).is_file() else PurePosixPath(path).stem.casefold()


def _video(video: Any) -> str:
    given: Any = {"path": video} if isinstance(video, str) else video
    return PurePosixPath(given["path"]).stem.casefold() if given.get("path") else _hash(given["bytes"])


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
