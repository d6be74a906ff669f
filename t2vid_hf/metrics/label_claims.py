"""Options that a reply names by a label: a letter, "Option 2", "Sentence B", "the third one".

A capital letter counts only where something around it makes it a label: the start of a line, a bracket, "answer is",
"option", the option's own text behind it. So "A man", "I see" and an agent called C are none.
"""

import re
from collections.abc import Callable, Iterator

from t2vid_hf.metrics.asked import LETTERS
from t2vid_hf.metrics.claims import Claim, Stance, first_and_last, sentence_end, sentence_start
from t2vid_hf.metrics.denial import label_stance
from t2vid_hf.metrics.label_words import (
    AFTER_FOREIGN,
    ANSWER,
    ANSWER_END,
    BE,
    DOING,
    FILL,
    GOOD,
    JOINER,
    LAST,
    LAST_BUT_ONE,
    NOUN,
    NUMBERS,
    ORDINALS,
    PAIR,
    SAYING,
    WHOLE_ORDINALS,
)  # fmt: skip

_ALONE = re.compile(r"(?<![A-Za-z0-9\u00c0-\u024f'_&-])([A-Ja-j])(?![A-Za-z0-9\u00c0-\u024f'_&]|-\w)")
_WHOLE = re.compile(r"\W*([A-Ja-j])\W*")
_WHOLE_NUMBER = re.compile(r"\W*(\d{1,2})\W*")
_ONLY_LETTERS = re.compile(r"[\s,./&;A-J()]*|(?:[A-J][\s,./&;]+(?:(?:and|or)\s+)?)+[A-J]\W*")
_NUMBERED = re.compile(
    rf"\b{NOUN}s?\s*(?:number|no\.?|nr\.?|#)?\s*[:#(]?\s*(\d{{1,2}}|{'|'.join(NUMBERS)})"
    r"(?!\w|[:.]\d| (?:at a|by one|after))",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    rf"(?:{ANSWER}\s*(?:{BE})?\s*[:#]?\s*(?:number|no\.)?|^\W*(?:number\s+|#))\s*(\d{{1,2}})(?=\W{{0,2}}(?:\s|"
    rf"$))(?!\s*-)",
    re.IGNORECASE,
)
_LINE_NUMBER = re.compile(r"^\W*(\d{1,2})[.):]\s+", re.MULTILINE)
_KOREAN_NUMBER = re.compile(r"(?<!\w)([1-9])\s?번(?!째)")
_JOINED = re.compile(rf"[)\]\"']*\s*(?:{JOINER})+\s*(?:{NOUN}s?\s*)?[(\[\"']*", re.IGNORECASE)
_OPENING = re.compile(r"[(\[\"'\s:#→-]*$")
_NOUN_END = re.compile(rf"(?<!\w){NOUN}s?\s*(?:number|is|:)?\s*$", re.IGNORECASE)
_SAYING_END = re.compile(rf"(?<![\w]){SAYING}\s*(?:{FILL}\s*|[:,]\s*)*$", re.IGNORECASE)
_FOREIGN_SAYING = re.compile(r"(?:选择|選擇|选|選|是|为|而是|أختار|هي|это)\s*[:]?\s*$")
_EXCEPT_END = re.compile(
    r"\b(?:everything|all|every\w*|each|others?)\b[^.!?\n]*\b(?:except|but|other than|besides|"
    r"apart from)\s*(?:for\s*)?$",
    re.IGNORECASE,
)
_PERHAPS_END = re.compile(r"\b(?:could|might|may|can) (?:only )?be\s*[(\"']*$", re.IGNORECASE)
_PREDICATE = re.compile(
    rf"^[)\]\"']*\s*(?:(?:{BE}|(?:looks?|seems?|appears?)(?: to be)?)\s+(?:the\s+)?{GOOD}|{DOING}|makes sense|"
    rf"remains\b|is left\b|(?:the\s+)?(?:correct|right|best|only|most \w+)\s+(?:answer|option|choice)\b|"
    rf"it (?:is|must)|is\s*(?:$|[.!])|(?:सही|верн|правильн))",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^[)\]\"']*\s*(?:$|[).:,;!\]\n(]|[-–—]+\s|\.\.|(?:because|since|over|instead|rather|given|for sure|not|"
    r"i (?:think|guess|believe|suppose))\b)",
    re.IGNORECASE,
)
_LATIN_WORD = re.compile(r"^\s+[a-z]")
_GOES_ON = re.compile(
    r"\s+(?:and|or|nor|but|that|which|who|because|since|porque|pero|y|o|weil|denn|und|oder|aber|parce|car|et|ou|"
    r"mais|perch[eé]|as the|here|for|over|instead|given|due|based|then|in (?:this|the)|to me|(?:can|could|would|"
    r"should|must|might) (?:not )?be|[Ii] (?:think|guess|believe|suppose|would say)|I'd say|imo)\b"
)  # what may follow a label; any other word makes it an article, a pronoun, or somebody's name
_RANGE = re.compile(r"(?<![\w'])\(?[A-J]\)?\s*(?:to|through|[-–—])\s*\(?[A-J]\)?(?![\w'])(?!\.\s+\w)")
_TICK_END = re.compile(r"[✓✔✅☑]\s*$")
_DASH_END = re.compile(r"\s[–—-]+\s*$")
_FOREIGN = re.compile(r"[^\W\d_A-Za-z\u00aa-\u024f]")

Begins = Callable[[int], tuple[str, int] | None]


def label_claims(text: str, count: int, begins: Begins, *, numbered: bool) -> list[Claim]:
    """Every label in a reply, with how it is meant.

    Args:
        text (`str`): The reply, without mark-up.
        count (`int`): How many options there are.
        begins (`Callable[[int], tuple[str, int] | None]`): Which option's text begins at a place of the reply, and
            where it ends.
        numbered (`bool`): Whether a bare number can be a label: no option is a number itself.
    """
    whole = _WHOLE.fullmatch(text) or (numbered and _WHOLE_NUMBER.fullmatch(text))
    if whole:
        return [Claim(_letter(whole[1]), 0, len(text), Stance.SAID, 5)]
    if _ONLY_LETTERS.fullmatch(text):
        return [Claim(match[1], *match.span(1), Stance.SAID, 5) for match in first_and_last([*_ALONE.finditer(text)])]
    claims = [*_spoken(text, count, begins, numbered=numbered)]
    for group in first_and_last(_groups(text, count)):
        claims += _of_group(text, group, begins)
    return sorted(claims, key=lambda claim: claim.start)


def _letter(label: str) -> str:
    """A label as a letter: "b" and "2" are B; "?" where no letter has that number."""
    number = NUMBERS.get(label.casefold()) or (int(label) if label.isdigit() else 0)
    if number or label.isdigit():
        return LETTERS[number - 1] if 0 < number <= len(LETTERS) else "?"
    return label.upper()


def _spoken(text: str, count: int, begins: Begins, *, numbered: bool) -> Iterator[Claim]:
    """Labels that are no letters: "Option 2", "the third one", "the latter"."""
    found = [
        (_letter(match[1]), *match.span())
        for pattern in (_NUMBERED, *([_KOREAN_NUMBER, _NUMBER] if numbered else []))
        for match in pattern.finditer(text)
    ]
    for letter, ordinal in zip(LETTERS, ORDINALS, strict=False):
        found += [(letter, *match.span()) for match in ordinal.finditer(text)]
        if WHOLE_ORDINALS[LETTERS.index(letter)].fullmatch(text):
            found.append((letter, 0, len(text)))
    found += [(LETTERS[count - 1], *match.span()) for match in LAST.finditer(text)]
    found += [(LETTERS[max(0, count - 2)], *match.span()) for match in LAST_BUT_ONE.finditer(text)]
    for match in _LINE_NUMBER.finditer(text):
        named = begins(match.end())
        if named and named[0] == _letter(match[1]):
            found.append((named[0], *match.span(1)))
    pair = PAIR.match(text)
    if pair and count == 2:
        found.append(("A" if pair[1].casefold() == "former" else "B", 0, pair.end()))
    for letter, start, end in first_and_last(found):
        rank = 5 if ANSWER_END.search(text[sentence_start(text, start) : start]) else 3
        yield Claim(letter, start, end, label_stance(text, start, end, named=begins(end) is not None), rank)


def _groups(text: str, count: int) -> list[list[re.Match[str]]]:
    """Letters that stand alone, those that a list joins together."""
    highest = LETTERS[max(count, 8) - 1]
    ranges = [match.span() for match in _RANGE.finditer(text)]  # "options A to E" names none
    groups: list[list[re.Match[str]]] = []
    for match in _ALONE.finditer(text):
        if match[1].upper() > highest or any(start <= match.start() < end for start, end in ranges):
            continue
        gap = text[groups[-1][-1].end() : match.start()] if groups else ""
        if groups and _joins(text, groups[-1], match, gap):
            groups[-1].append(match)
        else:
            groups.append([match])
    return groups


def _joins(text: str, group: list[re.Match[str]], match: re.Match[str], gap: str) -> bool:
    """Whether a letter goes on with a list: "A, B and C", "not A, not B", but not "B, not C"."""
    known = {other[1] for other in group}
    if match[1] in known or not (match[1] + group[-1][1]).isupper() or not _JOINED.fullmatch(gap):
        return False
    return "not" not in gap or label_stance(text, group[0].start(), group[-1].end()) is Stance.DENIED


def _of_group(text: str, group: list[re.Match[str]], begins: Begins) -> list[Claim]:
    start, end = group[0].start(), group[-1].end()
    rank = _rank(text, group, begins)
    if not rank:
        return []
    stance = label_stance(text, start, end, named=begins(end) is not None)
    if len(group) > 1 and stance is Stance.SAID and _PERHAPS_END.search(text[sentence_start(text, start) : start]):
        stance = Stance.WEIGHED
    if _EXCEPT_END.search(text[sentence_start(text, start) : start]):
        stance = Stance.SAID
    return [Claim(match[1].upper(), match.start(), match.end(), stance, rank) for match in group]


def _rank(text: str, group: list[re.Match[str]], begins: Begins) -> int:
    """How plainly a letter is a label: 0 where it is none, 5 behind "the answer is"."""
    first, last = group[0], group[-1]
    sentence = sentence_start(text, first.start())
    before = text[sentence : first.start()]
    after = text[last.end() : sentence_end(text, last.end())]
    bare = _OPENING.sub("", before)
    bracketed = before.rstrip().endswith(("(", "[")) and after.lstrip().startswith((")", "]"))
    noun = _NOUN_END.search(bare)
    named = begins(last.end())
    paired = bool(named and named[0] == last[1].upper())
    denied = label_stance(text, first.start(), last.end(), named=paired) is Stance.DENIED
    marked = bool(noun or ANSWER_END.search(bare)) or not bare.strip()
    if not _can_be_label(group, after, bracketed=bracketed, marked=marked, paired=paired, denied=denied, named=named):
        return 0
    bare = bare[: noun.start()] if noun else bare
    joined = bare.rstrip() + before[len(bare.rstrip()) :] if not noun else bare
    if ANSWER_END.search(bare) or (not noun and ANSWER_END.search(joined)) or (noun and ANSWER_END.search(before)):
        return 5
    if len(group) == 1 and before.rstrip(" ([\"'").endswith(":") and _LEADING.search(after):
        return 4
    if _TICK_END.search(before) or (_DASH_END.search(before) and not after.strip(" )].\"'!\n")):
        return 4
    if _EXCEPT_END.search(bare) or _SAYING_END.search(bare) or _PREDICATE.search(after):
        return 4
    if _foreign(text, before, after, first.start(), last.end()):
        return 4
    if not bare.strip() and (_LEADING.search(after) or paired):
        lone = not after.strip(" )].\"'!\n") and (
            text[sentence - 1 : sentence] == "\n" or not (text[last.end() + len(after) :].strip() or _ALONE.match(text))
        )
        return 4 if sentence == 0 or lone else 3
    if noun or bracketed or paired:
        return 3
    return 3 if len(group) > 1 or denied else 0


def _can_be_label(
    group: list[re.Match[str]],
    after: str,
    *,
    bracketed: bool,
    marked: bool,
    paired: bool,
    denied: bool,
    named: tuple[str, int] | None,
) -> bool:
    """Whether a letter can be a label at all: the article, the pronoun and lower case want more around them."""
    letter = group[-1][1]
    if letter == "A" and named and named[0] != "A" and re.match(r"\s+\w", after):
        return False  # "A paper cup" is an option's text
    if letter == "a" and not bracketed and re.match(r"\s+\w", after):
        return False  # an article
    if bracketed or paired:
        return True
    if letter.islower():
        return bool(re.match(r"\s*(?:$|[.):,;\n])", after)) and (
            marked or letter != "a" or bool(re.match(r"[.)]?\s*$", after))
        )
    if _LATIN_WORD.match(after) and (letter in "AI" or not marked):
        return bool(_PREDICATE.search(after) or _GOES_ON.match(after) or denied)
    return True


def _foreign(text: str, before: str, after: str, start: int, end: int) -> bool:
    """Whether a Latin letter stands in a text of another script, where it can be nothing but a label."""
    if not (_FOREIGN.search(text[max(0, start - 12) : start]) or _FOREIGN.search(text[end : end + 4])):
        return False
    return bool(before.strip(" (:")) or bool(re.match(AFTER_FOREIGN, after))
