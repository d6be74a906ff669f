"""Mode `t2vid_hf`: one matcher for every benchmark. No answer is no answer, and counts as wrong; so does no reply.

A reply that is one option's label and another's text ("Option 2: <the text of option 1>") says two things: it is no
answer, and is counted on its own.
"""

import re
from collections.abc import Sequence

from t2vid_hf.metrics.answers import extract_choice
from t2vid_hf.metrics.asked import LETTERS, Outcome, Predicted, by_letter
from t2vid_hf.metrics.exact_match import is_exact_match

CONFLICT = "label against text"
# the fact of a question without options that holds its answer, to be given word for word
OPEN = "open"
_LABELLED = re.compile(
    r"(?:(?:option|sentence|caption|answer|choice)\s*\(?([a-j1-9])\)?|\(?([a-j])\)?)\s*(?:[.:)]|(?<=\)))\s*(\S.*)",
    re.IGNORECASE | re.DOTALL,
)


def matched_outcome(predicted: Predicted) -> Outcome:
    """What the matcher makes of a reply.

    MVBench's own files hold no options: there only the right one's text is known, and of the others the letters.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.

    Example:

    ```python
    >>> from t2vid_hf.metrics.asked import Asked, Predicted
    >>> from t2vid_hf.metrics.matched import matched_outcome
    >>> asked = Asked("1", "v", "direction", "Where?", ("up", "down"), "B")
    >>> [matched_outcome(Predicted(asked, reply)).correct for reply in ("(B) down", "Down.", "", "up")]
    [True, True, False, False]

    ```
    """
    asked, reply = predicted.asked, (predicted.reply or "").strip()
    if not reply:
        return by_letter(asked, None)
    if OPEN in asked.facts:
        correct = is_exact_match(reply, asked.facts[OPEN])
        return Outcome(correct, asked.answer if correct else None, "rule")
    options = asked.options
    if not options:
        right = asked.facts.get("right", "")
        text = right.partition(" ")[2] or right
        options = tuple(text if letter == asked.answer else f"option {letter}" for letter in LETTERS[:5])
    # an empty option, of which the original's files have four, is named by its letter alone
    options = tuple(option if option.strip() else f"option {LETTERS[index]}" for index, option in enumerate(options))
    if _is_conflict(reply, options):
        return Outcome(False, None, CONFLICT, answered=False)
    return by_letter(asked, extract_choice(reply, options))


def _is_conflict(reply: str, options: Sequence[str]) -> bool:
    match = _LABELLED.fullmatch(reply)
    if not match:
        return False
    mark = (match[1] or match[2]).upper()
    letter = LETTERS[int(mark) - 1] if mark.isdigit() else mark
    said = [name for name, option in zip(LETTERS, options, strict=False) if _bare(option) == _bare(match[3])]
    return bool(said) and letter in LETTERS[: len(options)] and letter not in said


def _bare(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .")
