"""How an option that a reply names is meant: said, denied, or only weighed; and where a reply takes itself back.

Words in regular expressions: no parser of a language stands behind this, and a denial that is told in a long way round
("I would be surprised to see A") is not seen.
"""

from t2vid_hf.metrics.claims import Stance, clause_start, sentence_end, sentence_start
from t2vid_hf.metrics.denial_words import (
    BOUNDED_BEFORE,
    CLAUSE_END,
    CONCEDED_BEFORE,
    CORRECTION,
    IF_AFTER,
    LISTING_BEFORE,
    NOT_AFTER,
    NOT_BEFORE,
    NOT_WITHIN,
    SENTENCE_END,
    TAKEN_BACK,
    TEXT_NOT_AFTER,
    TOPIC_BEFORE,
    UNSURE,
    WEIGHED_AFTER,
    WEIGHED_BEFORE,
    WOULD,
    YES,
)
from t2vid_hf.metrics.label_words import ANSWER_END


def _asked(text: str, start: int, end: int) -> bool:
    """Whether a sentence asks, in a reply that says more."""
    asks = text[max(start, end - 8) : end].rstrip().endswith(("?", "？", "؟"))
    return asks and bool(text[end:].strip() or text[:start].strip())


def label_stance(text: str, start: int, end: int, *, named: bool = False) -> Stance:
    """How a label (or several joined ones) is meant.

    Args:
        text (`str`): A reply.
        start (`int`): Where the label begins.
        end (`int`): Where it ends.
        named (`bool`, *optional*, defaults to `False`): Whether an option's text follows, whose own "cannot" denies
            nothing.
    """
    sentence, stop = sentence_start(text, start), sentence_end(text, end)
    before, after = text[sentence:start], text[end:stop]
    if TOPIC_BEFORE.search(before) and NOT_WITHIN.search(after):
        return Stance.DENIED
    if NOT_BEFORE.search(before) or (not named and NOT_AFTER.search(after)):
        return Stance.DENIED
    clause = text[clause_start(text, start) : start]
    weighed = WEIGHED_BEFORE.search(clause) or (not named and WEIGHED_AFTER.search(after)) or UNSURE.search(clause)
    supposed = CONCEDED_BEFORE.search(before) or (WOULD.search(clause) and IF_AFTER.search(after))
    return Stance.WEIGHED if weighed or supposed or _asked(text, sentence, stop) else Stance.SAID


def text_stance(text: str, start: int, end: int) -> Stance:
    """How an option's text is meant where a reply repeats it.

    Args:
        text (`str`): A reply.
        start (`int`): Where the option's text begins.
        end (`int`): Where it ends.
    """
    sentence, stop = sentence_start(text, start), sentence_end(text, end)
    clause, after = text[clause_start(text, start) : start], text[end:stop]
    if NOT_WITHIN.search(clause) or TEXT_NOT_AFTER.search(after):
        return Stance.DENIED
    unsure = any(match.end() <= start or match.start() >= end for match in UNSURE.finditer(text, sentence, stop))
    bounded = BOUNDED_BEFORE.search(text[sentence:start])
    listed = LISTING_BEFORE.search(text[sentence:start])
    conceded = CONCEDED_BEFORE.search(text[sentence:start])
    would = WOULD.search(clause) and not ANSWER_END.search(text[sentence:start])
    weighed = WEIGHED_BEFORE.search(clause) or bounded or unsure or listed or conceded or would
    return Stance.WEIGHED if weighed or _asked(text, sentence, stop) else Stance.SAID


def refuses(text: str) -> bool:
    """Whether a reply begins by saying that it cannot tell.

    Args:
        text (`str`): A reply.
    """
    return bool(UNSURE.search(text, 0, sentence_end(text, 0)))


def denied_parts(text: str) -> list[tuple[int, int]]:
    """The clauses of a reply that deny, ask without saying yes, or doubt, as spans.

    Args:
        text (`str`): A reply.
    """
    parts, start = [], 0
    ends = sorted(
        {match.end() for pattern in (SENTENCE_END, CLAUSE_END) for match in pattern.finditer(text)} | {len(text)}
    )
    for end in ends:
        if (
            NOT_WITHIN.search(text[start:end])
            or UNSURE.search(text, start, end)
            or WEIGHED_BEFORE.search(text[start:end])
            or (_asked(text, start, end) and not YES.match(text, end))
        ):
            parts.append((start, end))
        start = end
    return parts


def after_correction(text: str) -> str | None:
    """What follows the last word by which a reply takes itself back; `None` where there is none.

    Args:
        text (`str`): A reply.

    Example:

    ```python
    >>> from t2vid_hf.metrics.denial import after_correction
    >>> after_correction("B... no, C"), after_correction("It is B.")
    ('C', None)

    ```
    """
    found = list(CORRECTION.finditer(text))
    if not found or not text[: found[-1].start()].strip():
        return None
    return text[found[-1].end() :].lstrip(" ,.:;!-")


def takes_back(text: str) -> bool:
    """Whether words behind a correction say that what stood before is wrong.

    Args:
        text (`str`): What follows the correction.
    """
    return bool(TAKEN_BACK.search(text))
