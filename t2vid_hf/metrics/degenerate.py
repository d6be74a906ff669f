"""Replies that are no replies: nothing, one thing again and again, or the same to everything. Told, and not scored.

A checkpoint that was loaded wrongly says "!!!!", and a score of chance is all that is seen of it. The same share is an
alarm for each kind; one reply to nearly everything is normal where a model says one letter, so its bar is higher.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

ALARM = 0.05
"""The share of empty or repeating replies from which on they are an alarm."""
ALARM_SAME = 0.9
"""The share of one and the same reply from which on it is one, of `FEWEST` questions or more."""
FEWEST = 10
# a unit that fills the text: four times or more where it is a word, eight times where it is a character
_UNIT = re.compile(r"(.{2,40}?)\1{3,}.{0,39}|(.)\2{7,}", re.DOTALL)
_LONGEST = 2_000


def is_repeating(reply: str) -> bool:
    """Whether a reply is one character, or one run of words, again and again.

    Args:
        reply (`str`): The reply.

    Example:

    ```python
    >>> from t2vid_hf.metrics.degenerate import is_repeating
    >>> [is_repeating(reply) for reply in ("!!!!!!!!", "the the the the the", "B", "1, 2, 3, 4", "No, no.")]
    [True, True, False, False, False]

    ```
    """
    text = " ".join(reply.split())[:_LONGEST]
    words = text.split()
    return bool(_UNIT.fullmatch(text)) or (len(words) > 3 and len(set(words)) == 1)


def alarms(replies: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """What is wrong with the replies of a model, as a whole.

    Args:
        replies (`Mapping[str, str | None]`): For each question's name what was said; `None` where nothing was.

    Returns:
        `list[dict]`: for each alarm its "kind", how many replies it is about as "n", their "share", the first "ids",
        and an "example".

    Example:

    ```python
    >>> from t2vid_hf.metrics.degenerate import alarms
    >>> [(alarm["kind"], alarm["n"]) for alarm in alarms({"1": "A", "2": "!!!!!!!!!", "3": ""})]
    [('empty', 1), ('repeating', 1)]

    ```
    """
    said = {name: (reply or "").strip() for name, reply in replies.items()}
    kinds = {
        "empty": ([name for name, reply in said.items() if not reply], ALARM),
        "repeating": ([name for name, reply in said.items() if is_repeating(reply)], ALARM),
        "same": (_same(said), ALARM_SAME),
    }
    return [
        {"kind": kind, "n": len(ids), "share": len(ids) / len(said), "ids": ids[:10], "example": said[ids[0]][:80]}
        for kind, (ids, bar) in kinds.items()
        if ids and len(ids) / len(said) >= bar
    ]


def _same(said: Mapping[str, str]) -> list[str]:
    if len(said) < FEWEST:
        return []
    most, _ = Counter(said.values()).most_common(1)[0]
    return [name for name, reply in said.items() if reply == most]


def told(alarm: Mapping[str, Any]) -> str:
    """An alarm as a line for people.

    Args:
        alarm (`Mapping[str, Any]`): One of what [`alarms`] gives.
    """
    what = {"empty": "are empty", "repeating": "repeat one thing", "same": "are one and the same"}[alarm["kind"]]
    shown = "" if alarm["kind"] == "empty" else f" ('{alarm['example']}')"
    return f"{alarm['share']:.0%} of the replies {what}{shown}: look at them before you believe the score"
