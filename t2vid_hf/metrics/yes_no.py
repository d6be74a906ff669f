"""Whether a reply says yes or no: its own word for it, at the start or as "the answer is"; nothing is concluded.

"The man is not running" is left without an answer, since only the question tells which of the two it means.
"""

import re
from collections.abc import Sequence

from t2vid_hf.metrics.denial import after_correction
from t2vid_hf.metrics.label_words import ANSWER, BE
from t2vid_hf.metrics.reply_text import answer_text
from t2vid_hf.metrics.stems import even_out

_WORDS = {
    "yes": r"(?:yes|yeah|yep|sí|sim|oui|ja|да|是的?|对|はい|네|예|نعم|हाँ|हां|correct|true)",
    "no": (
        r"(?:no(?! (?:way|idea|one|sign|clear|doubt|answer|evidence|information)\b)|nope|non|nein|não|нет|不是|"
        r"不|否|いいえ|아니요|아니오|لا|नहीं|false|incorrect)"
    ),
}
_LEAD = r"(?:[\W_]*(?:[AB]\s*[.):]\s*)?)"
_STATED = (
    rf"(?:{ANSWER}(?:\s+(?:to|for)\b[^.!?\n]{{0,60}}?)?\s*(?:{BE}|[:=-])*\s*|\b(?:so|therefore|thus|hence|"
    rf"conclusion)\b[,: ]*|\bsay\s+)[\"'(]*"
)
_PATTERNS = {
    word: (
        re.compile(rf"{_LEAD}{said}(?=\s*(?:$|[^\w\s])|\s+(?!and\b|or\b|y\b)\w)", re.IGNORECASE),
        re.compile(rf"{_STATED}{said}(?!\w)(?!\s*(?:or|and|/)\s*(?:yes|no)\b)", re.IGNORECASE),
    )
    for word, said in _WORDS.items()
}


def extract_yes_no(reply: str) -> str | None:
    """Whether a reply answers a question with yes or with no.

    Args:
        reply (`str`): What the model said.

    Returns:
        `str` or `None`: "yes", "no", or `None` where the reply says neither, or both.

    Example:

    ```python
    >>> from t2vid_hf.metrics.yes_no import extract_yes_no
    >>> replies = ("Yes.", "**No**, he is not.", "The answer is yes", "It is impossible to tell.")
    >>> [extract_yes_no(reply) for reply in replies]
    ['yes', 'no', 'yes', None]

    ```
    """
    return plain_yes_no(even_out(answer_text(reply)))


def plain_yes_no(text: str) -> str | None:
    """The same of a reply's text.

    Args:
        text (`str`): A reply without mark-up.
    """
    corrected = after_correction(text)
    if corrected and (word := plain_yes_no(corrected)):
        return word
    for rule in (1, 0):
        found = {
            word
            for word, patterns in _PATTERNS.items()
            if (patterns[1].search(text) if rule else patterns[0].match(text))
        }
        if len(found) == 1:
            return found.pop()
    return None


def yes_no_letters(options: Sequence[str]) -> dict[str, str]:
    """The letters of the options that are "yes" and "no"; none unless both are there.

    Args:
        options (`Sequence[str]`): The options' texts.

    Example:

    ```python
    >>> from t2vid_hf.metrics.yes_no import yes_no_letters
    >>> yes_no_letters(["Yes", "No", "Cannot be determined"]), yes_no_letters(["red", "blue"])
    ({'yes': 'A', 'no': 'B'}, {})

    ```
    """
    letters = {option.strip(" .").casefold(): "ABCDEFGHIJ"[n] for n, option in enumerate(options)}
    return {word: letters[word] for word in _WORDS} if _WORDS.keys() <= letters.keys() else {}
