"""Options and right answers as files write them: with labels or without, as letters, numbers or whole texts.

One reading for every file, so that a benchmark's file lists names of fields and no parsing.
"""

import re
from collections.abc import Sequence
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import LETTERS

# "A. ...", "(A) ...", "A) ...", "A: ...", and TempCompass's "Option 1: ...", "Sentence B: ...", "Caption A: ..."
_LETTER = re.compile(r"^\(?([A-J])(?:[.):]|\))[ \t]*(.*)$")
_NAMED = re.compile(r"^(?:Option|Sentence|Caption) ([A-J1-9]):[ \t]*(.*)$")


def options_in(prompt: str) -> tuple[str, ...]:
    """The options that a prompt lists, a line each, without labels.

    The longest run of lines labelled A, B, ... counts: a question may hold a line of its own that looks like one.

    Args:
        prompt (`str`): The question and its options.

    Example:

    ```python
    >>> from t2vid_hf.metrics.option_text import options_in
    >>> options_in("Where?\\nA. up\\nB. down\\nAnswer with the option's letter.")
    ('up', 'down')
    >>> options_in("Which caption fits?\\nOption 1: It falls.\\nOption 2: It flies.")
    ('It falls.', 'It flies.')

    ```
    """
    longest: list[str] = []
    found: list[str] = []
    for line in prompt.split("\n"):
        match = _NAMED.match(line.strip()) or _LETTER.match(line.strip())
        if not match:
            continue
        number = int(match[1]) - 1 if match[1].isdigit() else LETTERS.index(match[1])
        if number == 0:
            found = [match[2]]
        elif number == len(found):
            found.append(match[2])
        longest = max(found, longest, key=len)
    return tuple(option.strip() for option in longest)


def plain_options(given: Any, place: str) -> tuple[str, ...]:
    """Options as a file's field gives them, without their labels.

    Args:
        given (`Any`): A list of texts, or one text with a line an option.
        place (`str`): What an error calls the question.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is neither.
    """
    if isinstance(given, str):
        return options_in(given)
    if not isinstance(given, list) or not all(isinstance(option, str | int | float) for option in given):
        raise InputError(f"{place}: its options are {type(given).__name__}, not a list of texts")
    texts = [str(option) for option in given]
    matches = [_LETTER.match(text.strip()) for text in texts]
    labelled = all(match and LETTERS.index(match[1]) == index for index, match in enumerate(matches))
    return tuple(match[2].strip() if labelled and match else text for match, text in zip(matches, texts, strict=True))


def check_options(options: Sequence[str], place: str) -> None:
    """Refuse options that cannot be asked.

    Args:
        options (`Sequence[str]`): The options; none at all are not known, and pass.
        place (`str`): What an error calls the question.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there is one, there are more than ten, or one is empty.
    """
    if options and not 2 <= len(options) <= len(LETTERS):
        raise InputError(
            f"{place}: {len(options)} option{'s' * (len(options) > 1)}; a question has 2 to {len(LETTERS)}"
        )
    for letter, option in zip(LETTERS, options, strict=False):
        if not option.strip():
            raise InputError(f"{place}: option {letter} is empty")


def answer_letter(given: Any, options: Sequence[str], place: str, *, is_text: bool = False) -> str:
    """The letter of the right option.

    Args:
        given (`Any`): A letter, "(A) text" or "A. text", a number from 0 on, or an option's text.
        options (`Sequence[str]`): The options; empty where they are not known.
        place (`str`): What an error calls the question.
        is_text (`bool`, *optional*, defaults to `False`): Whether a text comes before a letter: of the options "E" and
            "A", the answer "A" is then the second.

    Raises:
        [`~t2vid_hf.errors.InputError`]: it is none of these, or no option has it.

    Example:

    ```python
    >>> from t2vid_hf.metrics.option_text import answer_letter
    >>> [answer_letter(given, ("up", "down"), "here") for given in ("B", "(B) down", 1, "down")]
    ['B', 'B', 'B', 'B']

    ```
    """
    known = LETTERS[: len(options)] or LETTERS
    if isinstance(given, int) and not isinstance(given, bool):
        given = LETTERS[given] if 0 <= given < len(LETTERS) else str(given)
    if not isinstance(given, str):
        raise InputError(f"{place}: its right answer is {type(given).__name__}, not a letter")
    text = given.strip()
    letter = LETTERS[options.index(given)] if is_text and given in options else _letter_in(text, options)
    if letter is None or letter not in known:
        raise InputError(f"{place}: its right answer '{text}' is none of its options, {known[0]} to {known[-1]}")
    return letter


def _letter_in(text: str, options: Sequence[str]) -> str | None:
    if re.fullmatch(r"[A-Z]", text):
        return text
    if text in options:
        return LETTERS[options.index(text)]
    match = _NAMED.match(text) or _LETTER.match(text) or re.match(r"^\(([A-J])\)", text)
    if not match:
        return None
    return LETTERS[int(match[1]) - 1] if match[1].isdigit() else match[1]
