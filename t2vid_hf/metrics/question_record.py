"""One question out of a record, by a benchmark's names of its fields.

Question files, lmms-eval's `doc` and our own lines differ in names and in little else, so that a benchmark's file is
mostly a table of names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Asked
from t2vid_hf.metrics.option_text import answer_letter, options_in, plain_options

# the kind of a question that no file names one for
ALL = "all"


@dataclass(frozen=True)
class Fields:
    """What a benchmark's files call things, besides `COMMON`; the first that is there is taken.

    Args:
        id (`tuple[str, ...]`, *optional*, defaults to `()`): The question's name.
        joined_id (`tuple[str, ...]`, *optional*, defaults to `()`): What makes the name where it has none, with "_"
            between.
        video (`tuple[str, ...]`, *optional*, defaults to `()`): The video.
        group (`tuple[str, ...]`, *optional*, defaults to `()`): The kind of question.
        prompt (`tuple[str, ...]`, *optional*, defaults to `()`): The question's text.
        options (`tuple[str, ...]`, *optional*, defaults to `()`): The list of options.
        each_option (`tuple[str, ...]`, *optional*, defaults to `()`): Names of single options, in order, where there
            is no list.
        answer (`tuple[str, ...]`, *optional*, defaults to `()`): The right answer.
        facts (`Mapping[str, tuple[str, ...]]`, *optional*): What the benchmark's own rules need, by their name for it.
        groups (`tuple[str, ...]`, *optional*, defaults to `()`): The facts whose values are groups too.
    """

    id: tuple[str, ...] = ()
    joined_id: tuple[str, ...] = ()
    video: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    each_option: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: tuple[str, ...] = ()


COMMON = Fields(
    id=("question_id", "id"),
    video=("video", "video_id", "clip"),
    group=("category", "group", "kind"),
    prompt=("prompt", "question"),
    options=("options", "candidates", "choices"),
    answer=("GT", "answer", "expected"),
)


def found(record: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The first of some fields that a record has, `None` where it has none.

    Args:
        record (`Mapping[str, Any]`): The record.
        names (`tuple[str, ...]`): The fields.
    """
    return next((record[name] for name in names if record.get(name) is not None), None)


def question(record: Mapping[str, Any], place: str, *, fields: Fields, known: str = "", group: str = "") -> Asked:
    """The question of a record.

    Args:
        record (`Mapping[str, Any]`): The record.
        place (`str`): What an error calls the record.
        fields ([`Fields`]): The benchmark's names.
        known (`str`, *optional*, defaults to `""`): The question's name where the record has none.
        group (`str`, *optional*, defaults to `""`): The kind of question where the record has none.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it has no name, no right answer, or options that are no list of texts.

    Example:

    ```python
    >>> from t2vid_hf.metrics.question_record import Fields, question
    >>> line = {"question_id": 7, "prompt": "Where?\\nA. up\\nB. down", "GT": "B", "category": "direction"}
    >>> asked = question(line, "line 1", fields=Fields())
    >>> asked.id, asked.options, asked.answer
    ('7', ('up', 'down'), 'B')

    ```
    """
    name = found(record, fields.id + COMMON.id)
    if name is None and fields.joined_id and set(fields.joined_id) <= set(record):
        name = "_".join(str(record[part]) for part in fields.joined_id)
    if name is None and not known:
        raise InputError(f"{place}: no {' or '.join(fields.id + COMMON.id)}")
    name = str(known if name is None else name)
    here = f"{place}, question {name}"
    prompt = found(record, fields.prompt + COMMON.prompt) or ""
    if not isinstance(prompt, str):
        raise InputError(f"{here}: its text is {type(prompt).__name__}")
    options = _options(record, fields, prompt, here)
    given = found(record, fields.answer + COMMON.answer)
    if given is None:
        raise InputError(f"{here}: no right answer ({', '.join(fields.answer + COMMON.answer)})")
    facts = {fact: str(value) for fact, names in fields.facts.items() if (value := found(record, names)) is not None}
    kind = found(record, fields.group + COMMON.group)
    return Asked(
        id=name,
        video=str(found(record, fields.video + COMMON.video) or ""),
        group=str(kind if kind is not None else group or ALL),
        prompt=prompt,
        options=options,
        # beside "candidates" MVBench and MLVU write the right one's text
        answer=answer_letter(given, options, here, is_text="candidates" in record and "GT" not in record),
        groups=tuple(dict.fromkeys(facts[fact] for fact in fields.groups if fact in facts)),
        facts=facts,
    )


def _options(record: Mapping[str, Any], fields: Fields, prompt: str, place: str) -> tuple[str, ...]:
    """From a list, from single fields, or from the text; empty where there are none."""
    given = found(record, fields.options + COMMON.options)
    if given is not None:
        return plain_options(given, place)
    single = [str(record[name]) for name in fields.each_option if record.get(name) not in (None, "N/A")]
    return tuple(single) or options_in(prompt)
