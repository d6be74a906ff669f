"""A list in which a reply goes through the options one by one, each with its verdict, before or after it concludes.

What a line of such a list says about its option counts; that the option stands there does not.
"""

import re
from typing import NamedTuple

from t2vid_hf.metrics.asked import LETTERS
from t2vid_hf.metrics.claims import Claim, Stance, first_and_last
from t2vid_hf.metrics.label_claims import Begins
from t2vid_hf.metrics.label_words import NOUN

_LINE = re.compile(r"^.*$", re.MULTILINE)
_MARK = re.compile(rf"^[\s\-•·–+]*(?:(?i:{NOUN})\s*)?[(\[]?([A-J])(?:[)\].:,]|\s*[-–—:✓✔✅✗✘❌×]|\s*$)")
_RUN_IN = re.compile(r"(?<!\w)[(\[]?([A-J])[)\].:]+")
_PART_START = re.compile(r"(?:^|[.;,!?:)✓✔✅✗✘❌])[\s(\[]*$")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_BULLET = re.compile(r"^[\s\-•·–+]*(?:\(?\d{1,2}[.)]\s*)?[\"']?")
_BAD = re.compile(
    r"[✗✘❌×✖]|\b(?:incorrect|wrong|false|no|not|never|cannot|nothing|nobody|ruled out|unlikely|eliminated?|"
    r"irrelevant|without|lacks?)\b",
    re.IGNORECASE,
)
_GOOD = re.compile(
    r"[✓✔✅☑]|\b(?:correct|right answer|yes|match(?:es|ed)?|fits?|true|"
    r"best|supported|aligns?|consistent|likely|plausible|possible)\b",
    re.IGNORECASE,
)


_CLOSING = re.compile(r"[.!?;–—→]\s+((?:\w+ ){0,2}\w+)[.!\s]*$")


class Part(NamedTuple):
    """What a list says about one option: from its label, and from behind its own text, to the end."""

    letter: str
    start: int
    told: int
    end: int


def listed(text: str, begins: Begins) -> tuple[list[Claim], str]:
    """The verdicts of a list of options, and the reply without the list.

    Args:
        text (`str`): A reply.
        begins (`Callable[[int], tuple[str, int] | None]`): Which option's text begins at a place of the reply, and
            where it ends.
    """
    parts = _lines(text, begins)
    lowest = min((part.letter for part in parts), default="A")
    while parts and parts[0].letter != lowest and any(part.letter == lowest for part in parts[1:]):
        parts = parts[1:]  # the answer itself, before the list
    parts = _rising(parts)
    if len(parts) < 2:
        parts = _run_in(text, begins)
    claims = _likeliest(text, parts) or [
        Claim(part.letter, part.start, part.start + 1, _verdict(text[part.told : part.end]), 3) for part in parts
    ]
    for part in parts:
        text = text[: part.start] + " " * (part.end - part.start) + text[part.end :]
    return claims, text


def _lines(text: str, begins: Begins) -> list[Part]:
    """The lines that begin with an option's label, or with its text."""
    parts = []
    for line in first_and_last([*_LINE.finditer(text)]):
        mark = _MARK.match(line[0])
        opening = mark or _BULLET.match(line[0])
        named = begins(line.start() + opening.end()) if opening else None
        letter = mark[1] if mark else named and named[0]
        if letter and line[0].strip():
            told = named[1] if named and named[0] == letter else line.start()  # an option's own "not" is no verdict
            parts.append(Part(letter, line.start(), min(told, line.end()), line.end()))
    return parts


def _likeliest(text: str, parts: list[Part]) -> list[Claim]:
    """The option with the highest share, where a list gives each a percentage."""
    shares = [_SHARE.search(text[part.told : part.end]) for part in parts]
    values = [float(share[1]) for share in shares if share]
    if not values or len(values) < len(parts) or values.count(max(values)) > 1:
        return []
    part = parts[values.index(max(values))]
    return [Claim(part.letter, part.start, part.start + 1, Stance.SAID, 4)]


def _run_in(text: str, begins: Begins) -> list[Part]:
    """The parts of a list of three or more options in one line: "A: no, B: yes, C: no"."""
    marks = []
    for mark in first_and_last([*_RUN_IN.finditer(text)]):
        named = begins(mark.end())
        told = named[1] if named and named[0] == mark[1] else 0
        if told or _PART_START.search(text[max(0, mark.start() - 8) : mark.start()]):
            marks.append(Part(mark[1], mark.start(), told or mark.end(), 0))
    while marks and marks[0].letter != "A":
        marks = marks[1:]
    marks = _rising(marks)
    if len(marks) < 3:
        return []
    last = re.search(r"\n|[.;!?](?=\s|$)|$", text[marks[-1].told :])
    ends = [mark.start for mark in marks[1:]] + [marks[-1].told + (last.end() if last else 0)]
    return [Part(mark.letter, mark.start, mark.told, end) for mark, end in zip(marks, ends, strict=True)]


def _rising(parts: list[Part]) -> list[Part]:
    """The lines up to where the letters stop rising: what comes after is the conclusion."""
    for n in range(1, len(parts)):
        if LETTERS.index(parts[n].letter) <= LETTERS.index(parts[n - 1].letter):
            return parts[:n]
    return parts


def _verdict(line: str) -> Stance:
    """What a line says about its option; a closing word such as "Unlikely." outweighs the rest."""
    closing = _CLOSING.search(line)
    if closing and (_BAD.search(closing[1]) or _GOOD.search(closing[1])):
        line = closing[1]
    if _BAD.search(line):
        return Stance.DENIED
    return Stance.SAID if _GOOD.search(line) else Stance.WEIGHED
