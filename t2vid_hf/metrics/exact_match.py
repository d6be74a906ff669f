"""Whether a reply is the answer to an open question."""

import re
from collections.abc import Sequence


def is_exact_match(reply: str, answer: str) -> bool:
    """Whether a reply is the answer to an open question: case, punctuation, articles and spaces aside, as in SQuAD.

    Args:
        reply (`str`): What the model said.
        answer (`str`): What is right.

    Example:

    ```python
    >>> from t2vid_hf.metrics.exact_match import is_exact_match
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
