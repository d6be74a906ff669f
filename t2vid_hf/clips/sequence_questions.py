"""Stories of the sequence world, and questions that are true of them.

A story is some items of one domain in an order, none twice. Which orders a test may tell is decided by the order alone
(`use_of`), so that no row of any pool can hold one of them, whoever draws it. The price is a fifth of the orders.
"""

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

from t2vid_hf.clips.sequence_language import DOMAINS, NUMBERS
from t2vid_hf.seeding import stable_hash

Use = Literal["tuning", "validation", "test"]
CLIP_FRAMES, LONG_FRAMES = 5, 10
"""Frames of a clip to train on, and of the longest story."""
MOST_OPTIONS = 4


class Asked(NamedTuple):
    """A question about a story.

    Args:
        kind (`str`): A key of `KINDS`, "caption" or "look".
        wording (`str`): The wording, with `{0}` where it names something.
        question (`str`): The question.
        answer (`str`): The answer.
        options (`tuple[str, ...]`): Two to four answers of which one is right, in an order of no meaning; none where
            the answer is a whole story.
    """

    kind: str
    wording: str
    question: str
    answer: str
    options: tuple[str, ...]


def use_of(items: Sequence[str]) -> Use:
    """What an order may be used for. Those shorter than a clip are for tuning: there are few.

    Args:
        items (`Sequence[str]`): The story.

    Example:

    ```python
    >>> from t2vid_hf.clips.sequence_questions import use_of
    >>> use_of(["ring", "bar"]), use_of(["ring", "bar", "star", "moon", "pole"])
    ('tuning', 'tuning')

    ```
    """
    if len(items) < CLIP_FRAMES:
        return "tuning"
    return ("test", "validation", *["tuning"] * 8)[stable_hash(f"order/{' '.join(items)}") % 10]  # type: ignore[return-value]


def tell(rng: random.Random, domain: str, length: int, *, use: Use = "tuning") -> list[str]:
    """A story.

    Args:
        rng (`random.Random`): Draws it.
        domain (`str`): A key of `DOMAINS`.
        length (`int`): How many items.
        use (`str`, *optional*, defaults to `"tuning"`): What it is for: "tuning", "validation" or "test".
    """
    while True:
        items = rng.sample(DOMAINS[domain], length)
        if use_of(items) == use:
            return items


def ask(rng: random.Random, kind: str, items: Sequence[str], wordings: Sequence[str], *, domain: str) -> Asked:
    """Ask about a story.

    Args:
        rng (`random.Random`): Draws the wording, what is asked about and the wrong options.
        kind (`str`): A key of `KINDS`, "caption" or "look".
        items (`Sequence[str]`): The story; of two items at least where the kind compares them.
        wordings (`Sequence[str]`): The wordings to draw from.
        domain (`str`): Its domain, where what is not there is drawn from.

    Example:

    ```python
    >>> import random
    >>> from t2vid_hf.clips.sequence_questions import ask
    >>> asked = ask(random.Random(0), "last", ["ring", "bar", "star"], ["what is last ?"], domain="shape")
    >>> asked.answer, sorted(asked.options)
    ('star', ['bar', 'ring', 'star'])

    ```
    """
    wording = rng.choice(wordings)
    named, answer, wrong = _asked_about(rng, kind, items, domain)
    options = [answer, *rng.sample(wrong, min(MOST_OPTIONS - 1, len(wrong)))] if wrong else []
    rng.shuffle(options)
    return Asked(kind, wording, wording.format(*named), answer, tuple(options))


def _asked_about(
    rng: random.Random, kind: str, items: Sequence[str], domain: str
) -> tuple[Sequence[str], str, Sequence[str]]:
    """What a question names, its answer, and wrong answers."""
    if kind in ("read", "caption"):
        return (), " ".join(items), ()
    if kind == "look":
        return (), items[0], [other for other in DOMAINS[domain] if other != items[0]]
    if kind == "count":
        numbers = NUMBERS[1:]
        return (), NUMBERS[len(items)], [number for number in numbers if number != NUMBERS[len(items)]]
    if kind in ("earlier", "later"):
        pair = [items[place] for place in sorted(rng.sample(range(len(items)), 2))]
        answer, other = pair if kind == "earlier" else pair[::-1]
        return rng.sample(pair, 2), answer, (other,)
    place = {"first": 0, "last": len(items) - 1}.get(kind)
    if place is None:  # "at"
        place = rng.randrange(len(items))
    named = (NUMBERS[place + 1],) if kind == "at" else ()
    return named, items[place], [item for item in items if item != items[place]]
