"""What the rows of a set ask: the instructions of any data set, mixture or file of questions, and what is left out.

An instruction is the text of one user turn, or a question of a file that has no turns. Tags of media are taken out, and
white space is made one blank. Answers, system turns and pages do not count, nor does a long text before the question
where the prompt has the shape of a known set (LongAlpaca, BookSum, Natural Questions); options in a benchmark's prompt
do, because they are text of the turn. No medium is opened.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t2vid_hf.data.repository import read_split
from t2vid_hf.data.undecoded import keep_undecoded
from t2vid_hf.errors import InputError, unknown
from t2vid_hf.mixtures.leaks import read_parts
from t2vid_hf.mixtures.normalise import MEDIA_COLUMNS
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.mixtures.turn_shapes import ROLES
from t2vid_hf.sources import booksum, longalpaca, natural_questions, records
from t2vid_hf.sources.opening import SUFFIXES, is_remote, kind_of, open_bytes
from t2vid_hf.sources.refused_characters import bad_character

NO_TEXT, TOO_LONG, UNSTORABLE = "no text", "too long", "a character that cannot be stored"
_TURNS = ("messages", "conversations", "prompt")
_QUESTIONS = ("question", "question_text", "q", "instruction", "prompt", "input")
_TAG = re.compile(r"<(?:image|video|audio|image_\d+)>")
_MEDIA = {column for pair in MEDIA_COLUMNS.values() for column in pair} | {"audio", "audios"}


@dataclass
class InstructionSet:
    """The instructions of a set.

    Args:
        texts (`list[str]`, *optional*): The instructions, in the set's order.
        ids (`list[str]`, *optional*): For each the id of its row, or its place in a file.
        left_out (`Counter[str]`, *optional*): How many turns or questions were left out, by reason.
    """

    texts: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def take(self, name: str, asked: Iterable[str], max_words: int | None) -> None:
        """Take the instructions of a row, or count why one is left out.

        Args:
            name (`str`): The row's id.
            asked (`Iterable[str]`): Its turns or questions.
            max_words (`int` or `None`): The most words of one.
        """
        for given in asked:
            text = clean_instruction(given)
            if not text:
                self.left_out[NO_TEXT] += 1
            elif bad_character(text) is not None:
                self.left_out[UNSTORABLE] += 1
            elif max_words is not None and len(text.split()) > max_words:
                self.left_out[TOO_LONG] += 1
            else:
                self.texts.append(text)
                self.ids.append(name)


def clean_instruction(text: str) -> str:
    """An instruction without media's tags and the long text before it, its white space made one blank.

    Args:
        text (`str`): The text of a turn, or a question.

    Example:

    ```python
    >>> from t2vid_hf.mixtures.instructions import clean_instruction
    >>> clean_instruction("<video>\\nWho  is it?"), clean_instruction("It snowed.\\n\\nQ: What did it do?\\nA:")
    ('Who is it?', 'What did it do?')

    ```
    """
    parts = longalpaca.split_prompt(text) or booksum.split_prompt(text)
    if parts is None and "\nDocument [1]" in text:
        parts = natural_questions.split_prompt(text)
    return " ".join(_TAG.sub(" ", parts[1] if parts else text).split())


def read_instructions(
    given: Sequence[str], *, column: str | None = None, split: str = "train", max_words: int | None = None
) -> dict[str, InstructionSet]:
    """The instructions of several sets.

    Args:
        given (`Sequence[str]`): For each set `NAME=WHERE` or `WHERE`: a `.json`, `.jsonl`, `.csv`, `.tsv` or `.parquet`
            file, a folder or a name on the Hub (with `,CONFIG` and `@REVISION` behind it or not), or a recipe's `.yaml`
            file for the parts of its mixture. Of one name several make one set.
        column (`str`, *optional*): The column that holds the instruction; `None` finds turns or a question.
        split (`str`, *optional*, defaults to `"train"`): The split of folders and of sets on the Hub.
        max_words (`int`, *optional*): Instructions of more words are left out, and counted.

    Raises:
        [`~t2vid_hf.errors.InputError`]: one cannot be read, or has no instruction.

    Example:

    ```python
    >>> from t2vid_hf import sources
    >>> from t2vid_hf.mixtures.instructions import read_instructions
    >>> found = read_instructions([f"sample={sources.SAMPLE}"])
    >>> len(found["sample"].texts) > 14
    True

    ```
    """
    sets: dict[str, InstructionSet] = {}
    for item in given:
        name, where = _named(item)
        for label, rows in _places(where, split):
            taken = sets.setdefault(name or label, InstructionSet())
            for place, fields in rows:
                taken.take(str(fields.get("id") or place), _asked(fields, place, column), max_words)
    for name, found in sets.items():
        if not found.texts:
            told = ", ".join(f"{count} {reason}" for reason, count in found.left_out.items())
            raise InputError(f"'{name}' has no instruction ({told or 'no rows'}); leave it out")
    return sets


def _named(item: str) -> tuple[str | None, str]:
    """The name before `=`, if there is one, and what stands behind it."""
    name, separator, where = item.partition("=")
    if not separator or "/" in name or "://" in name or Path(item).exists():
        return None, item
    if not name or not where:
        raise InputError(f"'{item}': give NAME=PATH, or a path alone")
    return name, where


def _places(where: str, split: str) -> Iterator[tuple[str, Iterator[tuple[str, Mapping[str, Any]]]]]:
    """The sets that a file, folder or name stands for: a label, and rows with where each is."""
    if Path(where).suffix in (".yaml", ".yml"):
        for part in read_parts(where):
            yield part.label, _split_rows(part)
    elif kind_of(where) in SUFFIXES and not Path(where).is_dir():
        yield Path(where).name.partition(".")[0], _file_rows(where)
    else:
        if not Path(where).is_dir() and (is_remote(where) or where.count("/") != 1 or where.startswith((".", "/"))):
            path = where.partition(",")[0]
            if not Path(path).is_dir():
                raise InputError(f"{where}: no such file or folder; give a {', '.join(SUFFIXES)} or .yaml file, a "
                                 f"folder that holds a data set, or its name on the Hub")  # fmt: skip
        part = MixturePart.from_text(where) if not Path(where).is_dir() else MixturePart(where, share=1)
        yield part.label, _split_rows(MixturePart(part.path, part.name, split, part.revision, share=1))


def _split_rows(part: MixturePart) -> Iterator[tuple[str, Mapping[str, Any]]]:
    dataset = read_split(part.path, part.name, part.split, revision=part.revision)
    columns = [name for name in dataset.column_names if name not in _MEDIA]
    for number, row in enumerate(keep_undecoded(dataset.select_columns(columns))):
        yield f"{part.label}/{number}", row  # as `normalise` names a row without an id


def _file_rows(path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if kind_of(path) == ".parquet":
        yield from _parquet_rows(path)
        return
    for record in records.read(path):
        yield record.place, record.fields


def _parquet_rows(path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows of a Parquet file, without the bytes of their media: pages are a megabyte a row."""
    from pyarrow import ArrowInvalid
    from pyarrow import parquet as pq

    try:
        with open_bytes(path) as file:
            reader = pq.ParquetFile(file)
            columns = [name for name in reader.schema_arrow.names if name not in _MEDIA]
            number = 0
            for batch in reader.iter_batches(columns=columns):
                for fields in batch.to_pylist():
                    yield f"{path}[{number}]", fields
                    number += 1
    except ArrowInvalid as error:
        raise InputError(f"{path}: not a Parquet file that can be read ({error})") from None


def _asked(fields: Mapping[str, Any], place: str, column: str | None) -> list[str]:
    """What a row asks: its user turns, its questions, or its one question."""
    if column is not None:
        if column not in fields:
            raise InputError(f"{place}: no column '{column}'; it has {', '.join(fields)}")
        return [_text(fields[column], place, column)]
    for name in _TURNS:
        if isinstance(fields.get(name), list):
            return list(_user_turns(fields[name], place))
    if isinstance(fields.get("paragraphs"), list):
        return [text for paragraph in fields["paragraphs"] for text in _children(paragraph, "qas", place)]
    if isinstance(fields.get("questions"), list):
        return _children(fields, "questions", place)
    for name in _QUESTIONS:
        if name in fields:
            return [_text(fields[name], place, name)]
    raise InputError(
        f"{place}: neither turns ({', '.join(_TURNS)}) nor a question ({', '.join(_QUESTIONS)}) in its columns "
        f"{', '.join(map(str, fields))}; name one with --column"
    )


def _children(fields: Any, name: str, place: str) -> list[str]:
    """The questions in a list of them: texts, or records that have one each."""
    items = fields.get(name) if isinstance(fields, Mapping) else None
    if not isinstance(items, list):
        raise InputError(f"{place}: '{name}' is not a list of questions")
    return [text for item in items for text in _one(item, place)]


def _one(item: Any, place: str) -> list[str]:
    if isinstance(item, str):
        return [item]
    if not isinstance(item, Mapping):
        raise InputError(f"{place}: a question is {item!r:.40}; give a text, or an object with one")
    return _asked(item, place, None)


def _user_turns(turns: Sequence[Any], place: str) -> Iterator[str]:
    for turn in turns:
        if not isinstance(turn, Mapping):
            raise InputError(f"{place}: a turn is {turn!r:.40}; give an object with a role and a text")
        role = turn.get("role") or turn.get("from")
        if role not in ROLES:
            raise InputError(f"{place}: {unknown('role', role, ROLES)}")
        content = turn.get("value") if turn.get("content") is None else turn["content"]
        if ROLES[role] != "user":
            continue
        if isinstance(content, list):
            blocks = [block for block in content if isinstance(block, Mapping) and block.get("type") == "text"]
            yield "\n".join(_text(block.get("text"), place, "text") for block in blocks)
        else:
            yield _text(content, place, "content")


def _text(value: Any, place: str, name: str) -> str:
    """A text; nothing is an empty one, which is counted."""
    if value is None or isinstance(value, str):
        return value or ""
    raise InputError(f"{place}: '{name}' is {records.abbreviate(value)}; an instruction is a text")
