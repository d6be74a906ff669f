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
_PART_START = re.compile(r"(?:^|[.;,!?:)✓✔✅✗✘❌])[\s(\[]*$")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
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
        lines = _run_in(text, begins)
    if not lines:
        return [], text
    likeliest = _likeliest(text, lines)
    if likeliest:
        return [likeliest], text[: lines[0][1]] + text[lines[-1][3] :]
    claims = [Claim(letter, start, start + 1, _verdict(text[told:end]), 3) for letter, start, told, end in lines]
    for _, start, _, end in lines:
        text = text[:start] + " " * (end - start) + text[end:]
    return claims, text


def _likeliest(text: str, lines: list[tuple[str, int, int, int]]) -> Claim | None:
    """The option with the highest share, where a list gives each a percentage."""
    shares = [_SHARE.search(text[told:end]) for _, _, told, end in lines]
    values = [float(share[1]) for share in shares if share]
    if len(values) < len(lines) or values.count(max(values)) > 1:
        return None
    letter, start, _, _ = lines[values.index(max(values))]
    return Claim(letter, start, start + 1, Stance.SAID, 4)


def _run_in(text: str, begins: Begins) -> list[tuple[str, int, int, int]]:
    """The parts of a list of three or more options in one line: "A: no, B: yes, C: no"."""
    marks = []
    for mark in _RUN_IN.finditer(text):
        named = begins(mark.end())
        own = bool(named and named[0] == mark[1])
        if own or _PART_START.search(text[: mark.start()]):
            marks.append((mark[1], mark.start(), named[1] if named and own else mark.end()))
    while marks and marks[0][0] != "A":
        marks = marks[1:]
    marks = _rising([(letter, start, told, told) for letter, start, told in marks])
    if len(marks) < 3:
        return []
    last = re.search(r"\n|[.;!?](?=\s|$)|$", text[marks[-1][3] :])
    ends = [mark[1] for mark in marks[1:]] + [marks[-1][3] + (last.end() if last else 0)]
    return [(letter, start, told, end) for (letter, start, told, _), end in zip(marks, ends, strict=True)]


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
