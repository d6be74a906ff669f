"""Options that a reply names by their text: word for word, up to tense, number and articles, or cut off.

The longest option wins where one stands inside another. A paraphrase counts only where the words that tell an option
from the others are there and those of no other option are; which of two events comes first is read from their order.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from t2vid_hf.metrics.denial import Claim, Stance, denied_parts, text_stance
from t2vid_hf.metrics.label_words import LETTERS
from t2vid_hf.metrics.stems import Word, even_out, stems

_ENOUGH = 0.6  # of an option's telling words
_HALF, _SHORT = 0.5, 8  # in a reply of a few words half is enough, where no other option's word is there
_LITTLE = 0.34
_LONGEST = 600  # characters that an option's text is looked for in
_CUT_OFF = 8  # characters of an option that a reply which stops in the middle has to reach
_PARTICLE_VERBS = frozenset("pick stand end set wak grow slow sped speed sit li writ clean mak giv show open clos warm look put".split())
_NO_COUNT = re.compile(r"(?:\b(?:no|this|that|which|third|second|first|last|only|correct|right)\s+)one\b|\bone of\b|\bright (?=answer|option|choice|one)|\bleft (?=(?:the|his|her|a|with)\b)", re.IGNORECASE)
_LABELLED = re.compile(r"\W*[A-J]\s*[().:\]-]")  # an "A" here is no article
_FILLER = frozenset("how what to of on in at for with by from into onto then about its not".split())


class Options:
    """Options' texts, made ready to be found in replies.

    Args:
        options (`Sequence[str]`): The texts, without letters.
    """

    def __init__(self, options: Sequence[str]) -> None:
        self.texts = [even_out(option.strip()) for option in options]
        self.sequences = [tuple(word.stem for word in stems(text)) for text in self.texts]
        self.letters = LETTERS[: len(options)]
        self.numeric = any(len(sequence) <= 2 and any(stem.isdigit() for stem in sequence) for sequence in self.sequences)

    def exact(self, text: str) -> str | None:
        """The one option that a reply is, and nothing else.

        Args:
            text (`str`): A reply.
        """
        plain = _plain(text)
        same = [letter for letter, option in zip(self.letters, self.texts, strict=True) if plain and _plain(option) == plain]
        if not same and not _LABELLED.match(text):
            said = tuple(word.stem for word in stems(text))
            same = [letter for letter, sequence in zip(self.letters, self.sequences, strict=True) if sequence and sequence == said]
        return same[0] if len(same) == 1 else None

    def begins(self, text: str, place: int) -> tuple[str, int] | None:
        """The longest option whose text begins at a place of a reply, and where it ends.

        Args:
            text (`str`): A reply.
            place (`int`): Where.
        """
        words = stems(text[place : place + _LONGEST])
        said = tuple(word.stem for word in words)
        plain = _plain(text[place : place + _LONGEST])
        fitting = [
            (len(sequence), plain.startswith(_plain(option)), len(option), letter)
            for letter, option, sequence in zip(self.letters, self.texts, self.sequences, strict=True)
            if sequence and said[: len(sequence)] == sequence
        ]
        if not fitting:
            return None
        length, _, _, letter = max(fitting)
        return letter, place + words[length - 1].end

    def claims(self, text: str) -> list[Claim]:
        """Every option whose whole text stands in a reply, with how it is meant.

        Args:
            text (`str`): A reply.
        """
        words = [word for word in stems(text) if not any(a <= word.start < b for a, b in _spans(_NO_COUNT, text))]
        taken: set[int] = set()
        claims = []
        for length, letter, sequence in sorted(((len(s), a, s) for a, s in zip(self.letters, self.sequences, strict=True)), reverse=True):
            for first in range(len(words) - length + 1) if length else ():
                run = words[first : first + length]
                places = set(range(first, first + length))
                if tuple(word.stem for word in run) != sequence or not _one_piece(text, run) or _particle(words, first, sequence):
                    continue
                if not places & taken:
                    stance = text_stance(text, run[0].start, run[-1].end)
                    claims.append(Claim(letter, run[0].start, run[-1].end, stance, 2))
                    taken |= places
        return _inherit(text, sorted(claims, key=lambda claim: claim.start))

    def cut_off(self, text: str) -> str | None:
        """The one option whose text a reply begins before it stops.

        Args:
            text (`str`): A reply.
        """
        said = _plain(text)
        options = [_plain(option) for option in self.texts]
        for start in (match.start() for match in re.finditer(r"\b\w", said)):
            rest = said[start:]
            begun = [letter for letter, option in zip(self.letters, options, strict=True) if option.startswith(rest)]
            if len(rest) < _CUT_OFF:
                break
            if begun:
                return begun[0] if len(begun) == 1 else None
        return None

    def paraphrased(self, text: str) -> str | None:
        """The one option that a reply says in words of its own, as far as its words leave no doubt.

        Args:
            text (`str`): A reply.
        """
        denied = denied_parts(text)
        gone = _spans(_NO_COUNT, text)
        heard = [word.stem for word in stems(text) if not any(a <= word.start < b for a, b in denied + gone)]
        shares = [self._share(sequence, set(heard)) for sequence in self.sequences]
        ranked = sorted(zip(shares, self.letters, strict=True), reverse=True)
        best, second = ranked[0][0], ranked[1][0] if len(ranked) > 1 else 1.0
        if (best >= _ENOUGH and second <= _LITTLE) or (best >= _HALF and not second and len(heard) <= _SHORT):
            return ranked[0][1]
        return self._ordered(heard, [letter for share, letter in ranked if share == ranked[0][0]])

    def _share(self, sequence: Sequence[str], heard: set[str]) -> float:
        """How much of what tells an option from the others is heard."""
        holders = Counter(stem for other in self.sequences for stem in set(other))
        others = max(1, len(self.sequences) - 1)
        weights = {stem: 1 - (holders[stem] - 1) / others for stem in sequence if stem not in _FILLER or stem == "not"}
        if any((stem.isdigit() or stem == "not") and stem not in heard for stem in weights):
            return 0.0
        total = sum(weights.values())
        return sum(weight for stem, weight in weights.items() if stem in heard) / total if total else 0.0

    def _ordered(self, heard: list[str], letters: Sequence[str]) -> str | None:
        """Of options made of the same words, the one whose order is heard."""
        same = [letter for letter in letters if Counter(self._words(letter)) == Counter(self._words(letters[0]))]
        if len(same) < 2:
            return None
        told = [stem for stem in heard if stem in self._words(same[0])]
        ranked = sorted(((_common(self._words(letter), told), letter) for letter in same), reverse=True)
        in_order = ranked[0][0] == len(told) > ranked[1][0]
        return ranked[0][1] if in_order and len(told) >= _ENOUGH * len(self._words(same[0])) else None

    def _words(self, letter: str) -> tuple[str, ...]:
        return self.sequences[self.letters.index(letter)]


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s-]", " ", text.casefold()).split())


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(text)]


def _one_piece(text: str, run: Sequence[Word]) -> bool:
    """Whether words follow each other in one sentence."""
    return not any(re.search(r"[.!?;\n](?:\s|$)", text[a.end : b.start]) for a, b in zip(run, run[1:], strict=False))


def _particle(words: Sequence[Word], first: int, sequence: tuple[str, ...]) -> bool:
    """Whether "up" belongs to a verb: "picks up"."""
    return sequence in (("up",), ("down",)) and first > 0 and words[first - 1].stem in _PARTICLE_VERBS


def _inherit(text: str, claims: list[Claim]) -> list[Claim]:
    """A list has one stance: in "not A's text, B's text or C's text" all three are denied."""
    for n in range(1, len(claims)):
        before, claim = claims[n - 1], claims[n]
        if before.stance is Stance.SAID or claim.stance is not Stance.SAID:
            continue
        if re.fullmatch(r"\s*(?:,|,?\s*(?:or|and|nor))\s*(?:(?:or|and|nor|a|an|the)\s+)*", text[before.end : claim.start]):
            claims[n] = replace(claim, stance=before.stance)
    return claims


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for item in one:
        diagonal = 0
        for n, rival in enumerate(other, 1):
            diagonal, row[n] = row[n], diagonal + 1 if item == rival else max(row[n], row[n - 1])
    return row[-1]
