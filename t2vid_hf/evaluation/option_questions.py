"""A test set of questions with options, for scores by log-probability: a split of our rows, or a file of lines.

What may be said stands as it would be said. In a split the assistant's turn is the right answer, and tells whether
options are said with their letters, as those of `t2vid clips` are. Every other column of a question is kept, so that a
report can be made by any of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from t2vid_hf.data.repository import read_split
from t2vid_hf.data.undecoded import keep_undecoded
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.normalise import READ_COLUMNS, normalise
from t2vid_hf.schema import Row
from t2vid_hf.sources import records

OPTIONS = "options"
Scalar = str | int | float | bool


@dataclass(frozen=True)
class OptionQuestion:
    """A question, and what may be said to it.

    Args:
        id (`str`): Its name, unique in the test set.
        row ([`~t2vid_hf.schema.Row`]): Media and question, without the assistant's last turn.
        candidates (`tuple[str, ...]`): What may be said: the options, or the right answer alone where it is open.
        right (`int`): Which of them is right, from 0.
        cluster (`str`): The clip, for intervals: questions about one are not independent.
        columns (`Mapping[str, Scalar]`): What else the set says of it: its kind, its frames, its wording.
    """

    id: str
    row: Row
    candidates: tuple[str, ...]
    right: int
    cluster: str
    columns: Mapping[str, Scalar]

    @property
    def text(self) -> str:
        """The words of the question."""
        blocks = self.row["messages"][-1]["content"]
        return "\n".join(block["text"] or "" for block in blocks if block["type"] == "text")


def read_option_questions(path: str, name: str | None = None, split: str = "test") -> list[OptionQuestion]:
    """The questions of a test set.

    Args:
        path (`str`): A folder that holds a data set, or its name on the Hub; or a file `.jsonl` of lines `{"id",
            "images" or "video" (paths, from the file's folder), "question", "options"?, "answer"}`.
        name (`str`, *optional*): The data set's config; `None` takes its default one.
        split (`str`, *optional*, defaults to `"test"`): Its split.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is none, an id stands twice, or the right answer is not among the
            options.
    """
    if path.endswith(".jsonl"):
        root = Path(path).parent
        made = [_of_line(record, number, root) for number, record in enumerate(records.read(Path(path)))]
    else:
        dataset = keep_undecoded(read_split(path, name, split))
        made = [_of_row(row, number, path) for number, row in enumerate(dataset)]
    _check_ids(made, path)
    return made


def _check_ids(made: Sequence[OptionQuestion], path: str) -> None:
    if not made:
        raise InputError(f"{path}: it holds no question")
    seen: set[str] = set()
    for question in made:
        if question.id in seen:
            raise InputError(f"{path}: question '{question.id}' stands there twice")
        seen.add(question.id)


def _of_line(record: records.Record, number: int, root: Path) -> OptionQuestion:
    fields = record.fields
    unread = {"id", "question", OPTIONS, "answer", "images", "video"}
    media = {name: fields[name] for name in ("images", "video") if fields.get(name)}
    turns = [
        {"role": "user", "content": record.text("question")},
        {"role": "assistant", "content": record.text("answer")},
    ]
    given = {"id": fields.get("id") or str(number), "messages": turns, **media}
    row = normalise(given, source="test", index=number, root=root)
    return _question(row, fields.get(OPTIONS), record.place, fields, unread)


def _of_row(given: Mapping[str, Any], number: int, path: str) -> OptionQuestion:
    root = Path(path) if Path(path).is_dir() else None
    row = normalise(given, source=path, index=number, root=root)
    return _question(row, given.get(OPTIONS), f"{path}, question '{row['id']}'", given, {*READ_COLUMNS, OPTIONS})


def _question(row: Row, options: Any, place: str, given: Mapping[str, Any], unread: Iterable[str]) -> OptionQuestion:
    turns = row["messages"]
    if turns[-1]["role"] != "assistant":
        raise InputError(f"{place}: it ends without an assistant's turn, which tells the right answer")
    answer = "".join(block["text"] or "" for block in turns[-1]["content"])
    candidates = _candidates(options, answer, place)
    asked: Row = {**row, "messages": turns[:-1]}
    skipped = set(unread)
    columns = {
        name: value for name, value in given.items() if name not in skipped and isinstance(value, str | int | float)
    }
    cluster = str(given.get("clip") or row["id"])
    return OptionQuestion(row["id"], asked, candidates, candidates.index(answer), cluster, columns)


def _candidates(options: Any, answer: str, place: str) -> tuple[str, ...]:
    """What may be said: options as they are, or with letters where the answer has one."""
    if not options:
        return (answer,)
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise InputError(f"{place}: 'options' must be a list of texts")
    lettered = [f"{chr(ord('A') + number)}. {option}" for number, option in enumerate(options)]
    found = options if answer in options else lettered if answer in lettered else None
    if found is None:
        raise InputError(f"{place}: the answer '{answer}' is none of its options ({', '.join(options)})")
    if len(set(found)) < len(found) or len(found) < 2:
        raise InputError(f"{place}: give at least 2 options, each once")
    return tuple(found)
