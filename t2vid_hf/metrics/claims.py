"""An option that a reply names, with how it is meant, and the sentence and clause around a place of a reply."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from t2vid_hf.metrics.denial_words import CLAUSE_END, SENTENCE_END

T = TypeVar("T")
_PLACES = 9
_REACH = 250  # characters of a sentence without end that are read: a reply that repeats itself takes no longer


class Stance(Enum):
    """How a reply means an option that it names."""

    SAID = "said"
    DENIED = "denied"
    WEIGHED = "weighed"


@dataclass(frozen=True)
class Claim:
    """An option that is named somewhere in a reply.

    Args:
        letter (`str`): The option.
        start (`int`): Where its name begins in the text.
        end (`int`): Where it ends.
        stance ([`Stance`]): How it is meant.
        rank (`int`): How plainly it is named as the answer, from 1 to 5.
    """

    letter: str
    start: int
    end: int
    stance: Stance
    rank: int


def first_and_last(places: list[T]) -> list[T]:
    """The places of a reply that are read: of very many, as in one that repeats itself, the first and the last.

    Args:
        places (`list`): What was found, in its order.
    """
    return places if len(places) <= 3 * _PLACES else places[:_PLACES] + places[-2 * _PLACES :]


def sentence_start(text: str, place: int) -> int:
    """Where the sentence around a place begins.

    Args:
        text (`str`): A reply.
        place (`int`): A place in it.
    """
    reach = max(0, place - _REACH)
    return max((match.end() for match in SENTENCE_END.finditer(text, reach, place)), default=reach)


def sentence_end(text: str, place: int) -> int:
    """Where the sentence around a place ends, its sign included.

    Args:
        text (`str`): A reply.
        place (`int`): A place in it.
    """
    match = SENTENCE_END.search(text, place, place + _REACH)
    return match.end() if match else min(len(text), place + _REACH)


def clause_start(text: str, place: int) -> int:
    """Where the clause around a place begins.

    Args:
        text (`str`): A reply.
        place (`int`): A place in it.
    """
    start = sentence_start(text, place)
    return max((match.end() for match in CLAUSE_END.finditer(text, start, place)), default=start)
