"""A list in which a reply goes through the options one by one, each with its verdict, before or after it concludes.

What a line of such a list says about its option counts; that the option stands there does not.
"""

import re

from t2vid_hf.metrics.denial import Claim, Stance
from t2vid_hf.metrics.label_claims import Begins
from t2vid_hf.metrics.label_words import LETTERS, NOUN

_LINE = re.compile(r"^.*$", re.MULTILINE)
_MARK = re.compile(rf"^[\s\-•·–+]*(?:{NOUN}\s*)?[(\[]?([A-J])(?:[)\].:,]|\s*[-–—:✓✔✅✗✘❌×]|\s*$)")
_RUN_IN = re.compile(r"(?<!\w)[(\[]?([A-J])[)\].:]+")
_BULLET = re.compile(r"^[\s\-•·–+]*(?:\(?\d{1,2}[.)]\s*)?[\"']?")
_BAD = re.compile(r"[✗✘❌×✖]|\b(?:incorrect|wrong|false|no|not|never|cannot|nothing|nobody|ruled out|unlikely|eliminated?|irrelevant|without|lacks?)\b", re.IGNORECASE)
_GOOD = re.compile(r"[✓✔✅☑]|\b(?:correct|right answer|yes|match(?:es|ed)?|fits?|true|best|supported|aligns?|consistent)\b", re.IGNORECASE)


def listed(text: str, begins: Begins) -> tuple[list[Claim], str]:
    """The verdicts of a list of options, and the reply without the list.

    Args:
        text (`str`): A reply.
        begins (`Begins`): Which option's text begins at a place of the reply.
    """
    lines = []
    for line in _LINE.finditer(text):
        mark = _MARK.match(line[0])
        bullet = _BULLET.match(line[0])
        named = begins(line.start() + (mark or bullet).end()) if mark or bullet else None
        letter = mark[1] if mark else named and named[0]
        if letter and line[0].strip():
            told = named[1] if named and named[0] == letter else line.start()  # an option's own "not" is no verdict
            lines.append((letter, line.start(), min(told, line.end()), line.end()))
    lowest = min((line[0] for line in lines), default="A")
    while lines and lines[0][0] != lowest and any(line[0] == lowest for line in lines[1:]):
        lines = lines[1:]  # the answer itself, before the list
    lines = _rising(lines)
    if len(lines) < 2:
        return [], _without_run_in(text, begins)
    claims = [Claim(letter, start, start + 1, _verdict(text[told:end]), 3) for letter, start, told, end in lines]
    for _, start, _, end in lines:
        text = text[:start] + " " * (end - start) + text[end:]
    return claims, text


def _without_run_in(text: str, begins: Begins) -> str:
    """The reply without a list of three or more options in one line: "A. red, B. blue, C. green"."""
    pairs = [
        (mark[1], mark.start(), mark.end(), named[1])
        for mark in _RUN_IN.finditer(text)
        if (named := begins(mark.end())) and named[0] == mark[1]
    ]
    while pairs and pairs[0][0] != "A":
        pairs = pairs[1:]
    pairs = _rising(pairs)
    if len(pairs) < 3:
        return text
    end = next((match.end() for match in re.finditer(r"[.;!?\n](?=\s|$)|$", text) if match.start() >= pairs[-1][3]), len(text))
    return text[: pairs[0][1]] + " " * (end - pairs[0][1]) + text[end:]


def _rising(lines: list[tuple[str, int, int, int]]) -> list[tuple[str, int, int, int]]:
    """The lines up to where the letters stop rising: what comes after is the conclusion."""
    for n in range(1, len(lines)):
        if LETTERS.index(lines[n][0]) <= LETTERS.index(lines[n - 1][0]):
            return lines[:n]
    return lines


def _verdict(line: str) -> Stance:
    if _BAD.search(line):
        return Stance.DENIED
    return Stance.SAID if _GOOD.search(line) else Stance.WEIGHED
