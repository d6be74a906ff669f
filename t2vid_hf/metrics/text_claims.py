"""Options that a reply names by their text: word for word, up to tense, number and articles, or cut off.

The longest option wins where one stands inside another: in "counter-clockwise" there is no "clockwise".
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from t2vid_hf.metrics.asked import LETTERS
from t2vid_hf.metrics.claims import Claim, Stance, first_and_last, sentence_end, sentence_start
from t2vid_hf.metrics.denial import text_stance
from t2vid_hf.metrics.label_words import ANSWER_END, GOOD
from t2vid_hf.metrics.motions import is_particle
from t2vid_hf.metrics.paraphrases import Paraphrases, no_count
from t2vid_hf.metrics.stems import Word, even_out, has_clock, outside, stems

_ALL = re.compile(r"(?:all|both) of (?:the above|these|them|the options)\W*|(?:all|both)\W*", re.IGNORECASE)
_CUT_OFF = 8  # characters of an option that a reply which stops in the middle has to reach
_ONLY = re.compile(r"\b(?:only|this leaves|that leaves|leaving)\b", re.IGNORECASE)
_MAYBE_BEFORE = re.compile(
    r"\b(?:may|might|could)\s+(?:(?:also|well|be|have been|he|she|it|they)\s+)*"
    r"(?:(?:a|an|the)\s+)*$",
    re.IGNORECASE,
)
_HOLDING = re.compile(r"[\"'(]*(?:\b(?:a|an|the|he|she|it|they|his|her|there|is|are|was|were)\s+)*$", re.IGNORECASE)
_BEST_AFTER = re.compile(
    rf"^[\"')]*\s*(?:is|seems|seems to be|"
    rf"appears to be|would be)\s+(?:the\s+)?{GOOD}",
    re.IGNORECASE,
)
_REMAINS_AFTER = re.compile(r"^\W*(?:remains|is left)\s*(?:[.,;!]|$)", re.IGNORECASE)
_TOTAL = re.compile(r"\btotal(?: \w+){0,3}?\s*(?:[:=]|is|of|are)\s*(\d+)(?![.:]?\d)", re.IGNORECASE)
_TOTAL_AFTER = re.compile(r"^(?:\s+\w+){0,2}?\s+(?:in total|in all|altogether|overall)\b", re.IGNORECASE)
_TOTAL_BEFORE = re.compile(
    r"(?:\bwhich (?:gives|makes|adds up to|sums up to)|\btotal(?:s|ling)?(?: of| is|:)?|=)\s*(?:us |a total of )?$",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"\W*[A-J]\s*[().:\]-]")  # an "A" here is no article
_NEGATION = re.compile(r"\b(?:not|no|never|neither|nor|whether|if)\b[^.,;]*$", re.IGNORECASE)


class Options:
    """Options' texts, made ready to be found in replies.

    Args:
        options (`Sequence[str]`): The texts, without letters.
    """

    def __init__(self, options: Sequence[str]) -> None:
        self.texts = [even_out(option.strip()) for option in options]
        self.sequences = [tuple(word.stem for word in stems(text)) for text in self.texts]
        self.letters = LETTERS[: len(options)]
        self.own_words = Paraphrases(self.letters, self.sequences)
        self.reach = 2 * max(map(len, self.texts), default=0) + 40
        self.numeric = any(
            len(sequence) <= 2 and any(part.isdigit() for part in sequence) for sequence in self.sequences
        )
        self.timed = any(map(has_clock, self.texts))

    def exact(self, text: str) -> str | None:
        """The one option that a reply is, and nothing else.

        Args:
            text (`str`): A reply.
        """
        plain = _plain(text)
        same = [
            letter for letter, option in zip(self.letters, self.texts, strict=True) if plain and _plain(option) == plain
        ]
        if not same and not _LABELLED.match(text) and not no_count(text):
            said = tuple(word.stem for word in stems(text))
            same = [
                letter
                for letter, sequence in zip(self.letters, self.sequences, strict=True)
                if sequence and sequence == said
            ]
        return same[0] if len(same) == 1 else None

    def begins(self, text: str, place: int) -> tuple[str, int] | None:
        """The longest option whose text begins at a place of a reply, and where it ends.

        Args:
            text (`str`): A reply.
            place (`int`): Where.
        """
        words = stems(text[place : place + self.reach])
        said = tuple(word.stem for word in words)
        plain = _plain(text[place : place + self.reach])
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
        words = outside(stems(text), no_count(text))
        taken: set[int] = set()
        claims = []
        for length, letter, sequence in sorted(
            ((len(s), a, s) for a, s in zip(self.letters, self.sequences, strict=True)), reverse=True
        ):
            starts = [n for n in range(len(words) - length + 1) if length and words[n].stem == sequence[0]]
            for first in first_and_last(starts):
                run = words[first : first + length]
                places = set(range(first, first + length))
                if (
                    tuple(word.stem for word in run) != sequence
                    or not _one_piece(text, run)
                    or (length == 1 and is_particle([word.stem for word in words[: first + 1]], first))
                ):
                    continue
                if not places & taken:
                    stance = text_stance(text, run[0].start, run[-1].end)
                    rank = _rank(text, run[0].start, run[-1].end)
                    claims.append(Claim(letter, run[0].start, run[-1].end, stance, rank))
                    taken |= places
        return _inherit(text, sorted(claims, key=lambda claim: claim.start))

    def total(self, text: str) -> str | None:
        """The one option with the number that a reply calls the total.

        Args:
            text (`str`): A reply.
        """
        numbers = [match[1] for match in _TOTAL.finditer(text)]
        fitting = [
            letter
            for letter, words in zip(self.letters, self.sequences, strict=True)
            if numbers and [word for word in words if word.isdigit()] == numbers[-1:]
        ]
        return fitting[0] if len(fitting) == 1 else None

    def together(self, letters: set[str]) -> str | None:
        """The one option that says what several others say, and nothing else: "a dog and a cat", "all of the above".

        Args:
            letters (`set[str]`): The others.
        """
        words = dict(zip(self.letters, map(set, self.sequences), strict=True))
        rest = [letter for letter in self.letters if letter not in letters]
        said = set().union(*(words[letter] for letter in letters))
        wider = [a for a in rest if words[a] == said and all(words[letter] < said for letter in letters)]
        if not wider and len(rest) == 1 and _ALL.fullmatch(self.texts[self.letters.index(rest[0])]):
            wider = rest
        return wider[0] if len(wider) == 1 else None

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


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s-]", " ", text.casefold()).split())


def _one_piece(text: str, run: Sequence[Word]) -> bool:
    """Whether words follow each other in one sentence."""
    return not any(re.search(r"[.!?;\n](?:\s|$)", text[a.end : b.start]) for a, b in zip(run, run[1:], strict=False))


def _rank(text: str, start: int, end: int) -> int:
    """How plainly an option's text is the answer: 5 where it is called so, 4 where it is left, 1 behind "it may be"."""
    if _is_called_answer(text, start, end):
        return 5
    if _is_left(text, start, end):
        return 4
    return 1 if _MAYBE_BEFORE.search(text[sentence_start(text, start) : start]) else 2


def _is_called_answer(text: str, start: int, end: int) -> bool:
    """Whether an option's text is what a reply calls its answer: "the answer is red", "red is the best match"."""
    before, after = _HOLDING.sub("", text[sentence_start(text, start) : start]), text[end : sentence_end(text, end)]
    return bool(ANSWER_END.search(before) or _BEST_AFTER.search(after))


def _is_left(text: str, start: int, end: int) -> bool:
    """Whether an option's text is what remains, or a sum."""
    before, after = text[sentence_start(text, start) : start], text[end : sentence_end(text, end)]
    if text[start:end].isdigit() and (_TOTAL_AFTER.search(after) or _TOTAL_BEFORE.search(before)):
        return True
    return bool(_REMAINS_AFTER.search(after) and _ONLY.search(before))


def _inherit(text: str, claims: list[Claim]) -> list[Claim]:
    """A list has one stance: in "not A's text, B's text or C's text" all three are denied."""
    for n in range(1, len(claims)):
        before, claim = claims[n - 1], claims[n]
        if (before.stance is Stance.SAID and before.rank != 1) or claim.stance is not Stance.SAID:
            continue
        if re.fullmatch(
            r"\s*(?:,|,?\s*(?:or|and|nor))\s*(?:(?:or|and|nor|a|an|the)\s+)*", text[before.end : claim.start]
        ):
            claims[n] = replace(claim, stance=before.stance, rank=min(before.rank, claim.rank))
    return claims
