"""Which option a reply names, or whether it is the answer. "No answer" is not "wrong": it is counted on its own.

The rules are tried in the order in which a reader would trust them, and a letter counts only where it stands as an
option's mark. A capital A at the start of "A man runs" is an article, not option A.
"""

import re
from collections.abc import Sequence

LETTERS = "ABCDEFGHIJ"


def extract_choice(reply: str, options: Sequence[str]) -> str | None:
    """The letter of the option that a reply names.

    Args:
        reply (`str`): What the model said.
        options (`Sequence[str]`): The options' texts, without letters.

    Returns:
        `str` or `None`: a letter from "A" on; `None` where the reply names no option, or more than one.

    Example:

    ```python
    >>> from t2vid_hf.metrics.answers import extract_choice
    >>> options = ["to the left", "to the right"]
    >>> [extract_choice(reply, options) for reply in ("B", "(B) to the right", "The answer is A.", "To the right.")]
    ['B', 'B', 'A', 'B']
    >>> extract_choice("A shape moves about.", options) is None
    True

    ```
    """
    letters = LETTERS[: len(options)]
    text = reply.strip()
    marked = re.match(rf"\(?([{letters}])(?:[.):]|\s*$)", text)
    if marked:
        return marked[1]
    stated = re.findall(rf"(?:answer|option|choice)\s*(?:is|:)?\s*\(?([{letters}])\b(?!\w)", text, re.IGNORECASE)
    stated = [letter for letter in stated if letter.isupper()]
    if len(set(stated)) == 1:
        return stated[0]
    spoken = _plain(text)
    exact = [letter for letter, option in zip(letters, options, strict=True) if _plain(option) == spoken]
    if len(exact) == 1:
        return exact[0]
    named = [
        letter
        for letter, option in zip(letters, options, strict=True)
        if re.search(rf"(?<!\w){re.escape(_plain(option))}(?!\w)", spoken)
    ]
    return named[0] if len(named) == 1 else None


def is_exact_match(reply: str, answer: str) -> bool:
    """Whether a reply is the answer to an open question: case, punctuation, articles and spaces aside, as in SQuAD.

    Args:
        reply (`str`): What the model said.
        answer (`str`): What is right.

    Example:

    ```python
    >>> from t2vid_hf.metrics.answers import is_exact_match
    >>> [is_exact_match(reply, "a red circle") for reply in ("Red circle.", "The red circle", "It is a red circle")]
    [True, True, False]

    ```
    """
    said, right = (_plain(text).split() for text in (reply, answer))
    return said == right or _without_articles(said) == _without_articles(right) != []


def _without_articles(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in ("a", "an", "the")]


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s-]", " ", text.casefold()).split())
