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
from t2vid_hf.metrics.stems import Word, even_out, stem, stems

_ENOUGH = 0.6  # of an option's telling words
_HALF, _SHORT = 0.5, 8  # in a reply of a few words half is enough, where no other option's word is there
_LITTLE = 0.34
_LONGEST = 600  # characters that an option's text is looked for in
_CUT_OFF = 8  # characters of an option that a reply which stops in the middle has to reach
_PARTICLE_VERBS = frozenset("pick stand end set wak grow slow sped speed sit li writ clean mak giv show open clos warm look put".split())
_NO_COUNT = re.compile(r"(?:\b(?:no|this|that|which|third|second|first|last|only|correct|right)\s+)one\b|\bone of\b|\bright (?=answer|option|choice|one)|\b(?:that|this|which|it|option|[A-J])(?:'s| is) (?:all )?right\b|\bleft (?=(?:the|his|her|a|with)\b)", re.IGNORECASE)
_LABELLED = re.compile(r"\W*[A-J]\s*[().:\]-]")  # an "A" here is no article
_NEGATION = re.compile(r"\b(?:not|no|never|neither|nor|whether|if)\b[^.,;]*$", re.IGNORECASE)
_TOGETHER = stem("simultaneously")  # says that no event came first
_FILLER = frozenset("how what to of on in at for with by from into onto then about its".split())


class Options:
    """Options' texts, made ready to be found in replies.

    Args:
        options (`Sequence[str]`): The texts, without letters.
    """

    def __init__(self, options: Sequence[str]) -> None:
        self.texts = [even_out(option.strip()) for option in options]
        self.sequences = [tuple(word.stem for word in stems(text)) for text in self.texts]
        self.letters = LETTERS[: len(options)]
        self.numeric = any(len(sequence) <= 2 and any(part.isdigit() for part in sequence) for sequence in self.sequences)

    def exact(self, text: str) -> str | None:
        """The one option that a reply is, and nothing else.

        Args:
            text (`str`): A reply.
        """
        plain = _plain(text)
        same = [letter for letter, option in zip(self.letters, self.texts, strict=True) if plain and _plain(option) == plain]
        if not same and not _LABELLED.match(text) and not _NO_COUNT.search(text):
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
        if re.search(r"[.!?。]\W*$", text):
            return None
        said = _plain(text)
        options = [_plain(option) for option in self.texts]
        for start in (match.start() for match in re.finditer(r"\b\w", said)):
            rest = said[start:]
            begun = [letter for letter, option in zip(self.letters, options, strict=True) if option.startswith(rest)]
            if len(rest) < _CUT_OFF:
                break
            if begun:
                known = len(begun) == 1 and not _NEGATION.search(said[:start])
                return begun[0] if known else None
        return None

    def paraphrased(self, text: str) -> str | None:
        """The one option that a reply says in words of its own, as far as its words leave no doubt.

        Args:
            text (`str`): A reply.
        """
        heard = self._heard(text)
        known = set(heard)
        best = [letter for letter in self.letters if all(self._beats(letter, other, known) for other in self.letters if other != letter)]
        if len(best) == 1 and self._told(best[0], known):
            return best[0]
        return self._ordered(heard)

    def rivalled(self, letter: str, text: str, named: set[str]) -> bool:
        """Whether a reply says another option too, in words of its own.

        Args:
            letter (`str`): The option that it says word for word.
            text (`str`): A reply.
            named (`set[str]`): The options that it says word for word, in whatever sense.
        """
        heard = set(self._heard(text))
        rivals = [self._content(rival) - self._content(letter) for rival in self.letters if letter in self.letters and rival not in named]
        return any(words and words <= heard for words in rivals)

    def _heard(self, text: str) -> list[str]:
        """The words of a reply where it neither denies nor doubts."""
        gone = denied_parts(text) + _spans(_NO_COUNT, text)
        return [word.stem for word in stems(text) if not any(a <= word.start < b for a, b in gone)]

    def _beats(self, letter: str, rival: str, heard: set[str]) -> bool:
        """Whether the words that tell an option from a rival are heard, and the rival's are not."""
        mine, theirs = self._content(letter) - self._content(rival), self._content(rival) - self._content(letter)
        own, other = _share(mine, heard), 0.0 if "not" in theirs - heard else _share(theirs, heard)
        if not mine:
            return bool(theirs) and not other
        enough = own >= _ENOUGH and other <= _LITTLE
        return enough or (own >= _HALF and not other and len(heard) <= _SHORT)

    def _told(self, letter: str, heard: set[str]) -> bool:
        """Whether half of an option is heard, and each of its numbers, and its "not"."""
        content = self._content(letter)
        exact = {word for word in content if word.isdigit() or word == "not"}
        if _TOGETHER in heard - content:
            return False
        return exact <= heard and _share(content, heard) >= _HALF

    def _content(self, letter: str) -> set[str]:
        words = set(self._words(letter))
        return words - _FILLER or words

    def _ordered(self, heard: list[str]) -> str | None:
        """Of options made of the same words, the one whose order is heard."""
        makings = Counter(tuple(sorted(sequence)) for sequence in self.sequences)
        making = max(makings, key=lambda words: (makings[words], len(set(words) & set(heard))))
        same = [letter for letter in self.letters if tuple(sorted(self._words(letter))) == making]
        if len(same) < 2 or {_TOGETHER, "whil"} & set(heard):
            return None
        told = [word for word in heard if word in self._words(same[0])]
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
