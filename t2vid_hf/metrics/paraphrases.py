"""Options that a reply says in words of its own.

A paraphrase counts only where the words that tell an option from each of the others are there, and those of the others
are not; which of two events comes first is read from their order. Of synonyms only those of motions are known: "photo"
is no "picture", and such replies stay without an answer.
"""

import re
from collections import Counter
from collections.abc import Sequence

from t2vid_hf.metrics.denial import denied_parts
from t2vid_hf.metrics.motions import by_sense, is_particle
from t2vid_hf.metrics.stems import outside, stem, stems

_ENOUGH = 0.6  # of an option's telling words
_HALF, _SHORT = 0.5, 8  # in a reply of a few words half is enough, where no other option's word is there
_LITTLE = 0.34
_TOGETHER = stem("simultaneously")  # says that no event came first
_TURN = frozenset(map(stem, "first then later afterwards become turn change finally".split()))
_FILLER = frozenset("how what to of on in at for with by from into onto then about its".split())
_NO_COUNT = re.compile(
    r"(?:\b(?:no|this|that|which|third|second|first|last|only|correct|right)\s+)one\b|\bone of\b|"
    r"\bright (?=answer|option|choice|one)|\b(?:that|this|which|it|option|[A-J])(?:'s| is) (?:all )?right\b|"
    r"\b(?:can|could|may|might|would) (?:all |also |well )?be right\b|\bleft (?=(?:the|his|her|a|with)\b)",
    re.IGNORECASE,
)


def no_count(text: str) -> list[tuple[int, int]]:
    """Where a reply has words that only look like an option: "no one" is not 1, "the right answer" no direction.

    Args:
        text (`str`): A reply.
    """
    return [match.span() for match in _NO_COUNT.finditer(text)]


class Paraphrases:
    """Options' reduced words, to be compared with those of a reply.

    Args:
        letters (`str`): The options' letters.
        sequences (`Sequence[tuple[str, ...]]`): The options' reduced words.
    """

    def __init__(self, letters: str, sequences: Sequence[tuple[str, ...]]) -> None:
        self.letters = letters
        self.sequences = sequences

    def find(self, text: str) -> str | None:
        """The one option that a reply says in words of its own, as far as its words leave no doubt.

        Args:
            text (`str`): A reply.
        """
        heard = self._heard(text)
        known = set(heard)
        best = [
            letter
            for letter in self.letters
            if all(self._beats(letter, other, known) for other in self.letters if other != letter)
        ]
        if len(best) == 1 and self._told(best[0], known):
            return best[0]
        moved = by_sense(heard, self.sequences)
        return self._ordered(heard) or (None if moved is None else self.letters[moved])

    def rivals(self, letter: str, text: str, named: set[str]) -> list[str]:
        """The other options that a reply says too, in words of its own.

        Args:
            letter (`str`): The option that it says word for word.
            text (`str`): A reply.
            named (`set[str]`): The options that it says word for word, in whatever sense.
        """
        heard = set(self._heard(text))
        extra = {
            rival: self._content(rival) - self._content(letter)
            for rival in self.letters
            if letter in self.letters and rival not in named
        }
        return [rival for rival, words in extra.items() if words and words <= heard]

    def holds(self, letter: str, part: str) -> bool:
        """Whether an option says all that another one says.

        Args:
            letter (`str`): The option.
            part (`str`): The other.
        """
        return self._content(letter) >= self._content(part)

    def _heard(self, text: str) -> list[str]:
        """The words of a reply where it neither denies nor doubts."""
        gone = denied_parts(text) + no_count(text)
        heard = [word.stem for word in outside(stems(text), gone)]
        bare = {("up",), ("down",)} & set(self.sequences)  # else "sat down" may be in an option
        return [word for place, word in enumerate(heard) if not (bare and is_particle(heard, place))]

    def _beats(self, letter: str, rival: str, heard: set[str]) -> bool:
        """Whether the words that tell an option from a rival are heard, and the rival's are not."""
        mine, theirs = self._content(letter) - self._content(rival), self._content(rival) - self._content(letter)
        own, other = _share(mine, heard), 0.0 if "not" in theirs - heard else _share(theirs, heard)
        if not mine:
            return bool(theirs) and not other
        enough = own >= _ENOUGH and other <= _LITTLE
        return enough or (own >= _HALF and not other and len(heard) <= _SHORT)

    def _told(self, letter: str, heard: set[str]) -> bool:
        """Whether half of what not all options say is heard, and each of its numbers, and its "not"."""
        shared = set.intersection(*(self._content(other) for other in self.letters))
        content = self._content(letter) - shared or self._content(letter)
        exact = {word for word in content if word.isdigit() or word == "not"}
        if _TOGETHER in heard - content:
            return False
        return exact <= heard and (_share(content, heard) >= _HALF or heard <= self._content(letter))

    def _content(self, letter: str) -> set[str]:
        words = set(self._words(letter))
        return words - _FILLER or words

    def _ordered(self, heard: list[str]) -> str | None:
        """The one option whose order is heard, among those made of the same words."""
        makings = Counter(tuple(sorted(sequence)) for sequence in self.sequences)
        making = max(makings, key=lambda words: (makings[words], len(set(words) & set(heard))))
        same = [letter for letter in self.letters if tuple(sorted(self._words(letter))) == making]
        if len(same) < 2 or {_TOGETHER, "whil"} & set(heard):
            return None
        turns = bool(_TURN & set(heard))  # "green at first, then red" is the order of "from green to red"
        words = [word for word in self._words(same[0]) if not turns or word not in _FILLER]
        told = [word for word in heard if word in words]
        ranked = sorted(((_common(self._words(letter), told), letter) for letter in same), reverse=True)
        in_order = ranked[0][0] == len(told) > ranked[1][0]
        return ranked[0][1] if in_order and len(told) >= _ENOUGH * len(words) else None

    def _words(self, letter: str) -> tuple[str, ...]:
        return self.sequences[self.letters.index(letter)]


def _share(words: set[str], heard: set[str]) -> float:
    return len(words & heard) / len(words) if words else 0.0


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for item in one:
        diagonal = 0
        for n, rival in enumerate(other, 1):
            diagonal, row[n] = row[n], diagonal + 1 if item == rival else max(row[n], row[n - 1])
    return row[-1]
