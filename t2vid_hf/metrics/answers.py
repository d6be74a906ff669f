"""Which option a reply names. "No answer" is not "wrong": it is counted on its own.

The rules are tried in the order in which a reader would trust them: what the reply calls its answer, a label at its
start, the conclusion, other labels, the options' own words, elimination, a paraphrase. Truth is what a careful reader
finds, so a reply that names two options, or a label with another option's text, has no answer. Rules alone leave out
what only knowledge of the world maps to an option: tests/benchmarks/results/matcher.json counts both kinds of error.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import LETTERS
from t2vid_hf.metrics.claims import Claim, Stance, clause_start, sentence_end, sentence_start
from t2vid_hf.metrics.denial import after_correction, refuses, takes_back
from t2vid_hf.metrics.denial_words import NOT_WITHIN
from t2vid_hf.metrics.label_claims import label_claims
from t2vid_hf.metrics.label_words import latin_labels
from t2vid_hf.metrics.listed_options import listed
from t2vid_hf.metrics.reply_text import answer_text
from t2vid_hf.metrics.stems import even_out, without_clocks
from t2vid_hf.metrics.text_claims import Options
from t2vid_hf.metrics.yes_no import plain_yes_no, yes_no_letters

_NONE = "none"  # read, and found to hold no answer: no later rule may find one
_CONCLUSION = re.compile(
    r"\b(?:therefore|thus|hence|so|consequently|accordingly|conclusion|conclude|overall|in summary|to sum up|"
    r"all in all|tak\w+ together|"
    r"(?:putting|taking) (?:all|everything|it all|this)|"
    r"based on (?:this|the|these)|"
    r"suggests?|indicat\w+|points? to|shows? that|most (?:likely|plausible|appropriate|probable|accurate)|"
    r"main(?:ly)?|primar\w+|correspond\w*|in total|that makes|"
    r"total|reasonable|the question (?:is|asks|concerns)|"
    r"(?:is|are|'re|was) ask(?:ing|ed)|por (?:lo )?tanto|así que|donc|daher|deshalb|поэтому|значит)\b|"
    r"(?<=[?:])\s*(?:→|⇒|->|=>)|因此|所以|综上|したがって|따라서|इसलिए|لذلك",
    re.IGNORECASE,
)
_IT_IS = re.compile(
    r"\W*(?:it|that|this|he|she|they|there)(?:\s+(?:is|are|was)|'s|'re)\s+(?:(?:a|an|the|in|on|at)\s+)*", re.IGNORECASE
)
_OWN_LABEL = re.compile(
    r"\s*(?:(?:option|sentence|caption|choice|statement|description)\s*)?[(\[]?([A-J]|\d{1,2})[)\].:]+\s+",
    re.IGNORECASE,
)


def extract_choice(reply: str, options: Sequence[str]) -> str | None:
    """The letter of the option that a careful reader finds in a reply.

    Args:
        reply (`str`): What the model said.
        options (`Sequence[str]`): The options' texts; labels that all of them carry ("A. ", "Option 1: ") are left out.

    Returns:
        `str` or `None`: a letter from "A" on; `None` where the reply names no option, more than one, or a label with
        the text of another option, and where there are no options.

    Raises:
        [`~t2vid_hf.errors.InputError`]: more than ten options.

    Example:

    ```python
    >>> from t2vid_hf.metrics.answers import extract_choice
    >>> options = ["to the left", "to the right"]
    >>> replies = ("b", "<think>A?</think>\\\\boxed{B}", "The answer is A.", "It moved right, not left.", "A... no, B")
    >>> [extract_choice(reply, options) for reply in replies]
    ['B', 'B', 'A', 'B', 'B']
    >>> [extract_choice(reply, options) for reply in ("A shape moves about.", "A or B", "A. to the right")]
    [None, None, None]

    ```
    """
    if len(options) > len(LETTERS):
        raise InputError(f"{len(options)} options; a reply is matched with at most {len(LETTERS)}: give fewer")
    if not options:
        return None
    known = Options(_unlabelled(options))
    text = even_out(latin_labels(answer_text(reply)))
    text = text if known.timed else without_clocks(text)
    letter = _resolve(text, known)
    return letter if letter in known.letters else None


def _unlabelled(options: Sequence[str]) -> list[str]:
    """The options without labels, where all of them carry their own."""
    marks = [_OWN_LABEL.match(option) for option in options]
    for labels in (LETTERS, "1 2 3 4 5 6 7 8 9 10".split()):
        if all(mark and mark[1].upper() == label for mark, label in zip(marks, labels, strict=False)):
            return [option[mark.end() :] for option, mark in zip(options, marks, strict=True) if mark]
    return list(options)


def _resolve(text: str, options: Options) -> str:
    """The option that a text names, or `_NONE`; text behind "wait, no" counts before text ahead of it."""
    corrected = after_correction(text)
    if corrected is None:
        return _read(text, options)
    letter = _resolve(corrected, options)
    if letter != _NONE or takes_back(corrected):
        return letter
    return _read(text, options)


def _read(text: str, options: Options) -> str:
    """The option that a text without corrections names, by the first rule that finds any, or `_NONE`."""
    glued = re.match(r"([A-J])(?=\w)", text)
    if glued and not options.begins(text, 0) and (options.begins(text, 1) or "?")[0] == glued[1]:
        return glued[1]
    exact = options.exact(text)
    if exact and len(text.strip(" .()")) > 1:
        return exact
    verdicts, rest = listed(text, lambda place: options.begins(text, place))
    labels = label_claims(
        rest, len(options.letters), lambda place: options.begins(rest, place), numbered=not options.numeric
    )
    if {claim.letter for claim in verdicts if claim.stance is Stance.WEIGHED} == set(options.letters):
        verdicts = []  # the options repeated
    polar = yes_no_letters(options.texts)
    yes_no = polar.get(plain_yes_no(rest) or "")
    texts = [claim for claim in options.claims(rest) if claim.letter not in polar.values()]
    labels = _denied_with_text(labels, texts, rest)
    said = [claim for claim in labels if claim.stance is Stance.SAID]
    stated = [claim for claim in texts if claim.stance is Stance.SAID and claim.rank >= 4]
    concluded = _concluded([claim for claim in texts if claim.stance is Stance.SAID], rest)
    plain = [claim for claim in said if claim.rank >= 4]
    ticked = [claim for claim in verdicts if claim.stance is Stance.SAID]
    if said and len({claim.letter for claim in ticked}) > 1:
        ticked = []  # a list that tells what happens, not what is right
    named = [claim for claim in plain if claim.rank == 5]
    for found in (named, plain + stated, concluded, said + ticked):
        if found:
            letter = _one(found, rest)
            return _NONE if _contradicted(letter, found, rest, options) else letter
    if yes_no:
        return yes_no
    return _by_text(texts, labels + verdicts, rest, options)


def _by_text(texts: list[Claim], labels: list[Claim], text: str, options: Options) -> str:
    """The option that a reply without labels names by its words."""
    said = [claim for claim in texts if claim.stance is Stance.SAID and not _weighed_label(claim, labels)]
    if said:
        whole = options.together({claim.letter for claim in said})
        letter = _first_alone(said, text, options) or whole or _one(said, text)
        rivals = options.own_words.rivals(letter, text, {claim.letter for claim in texts})
        wider = [rival for rival in rivals if options.own_words.holds(rival, letter)]
        return letter if not rivals else wider[0] if len(rivals) == len(wider) == 1 else _NONE
    denied = {claim.letter for claim in (*labels, *texts) if claim.stance is Stance.DENIED}
    left = [letter for letter in options.letters if letter not in denied]
    exhaustive = len(options.letters) > 2 or labels or set(options.sequences) == {("tru",), ("fals",)}
    if denied and len(left) == 1 and exhaustive:
        return left[0]
    if any(claim.stance is not Stance.DENIED for claim in (*labels, *texts)) or refuses(text):
        return _NONE
    return (None if denied else options.cut_off(text)) or options.total(text) or _in_own_words(text, options) or _NONE


def _in_own_words(text: str, options: Options) -> str | None:
    """The option that a reply says in words of its own, all in all or in its last sentence."""
    closing = text.rstrip()[sentence_start(text, len(text.rstrip()) - 1) :]
    return options.own_words.find(text) or options.own_words.find(closing)


def _one(claims: list[Claim], text: str) -> str:
    """The one letter that the plainest claims share; where they differ, that of a conclusion."""
    highest = max(claim.rank for claim in claims)
    for found in ([claim for claim in claims if claim.rank == highest], _concluded(claims, text), _last(claims, text)):
        letters = {claim.letter for claim in found}
        if len(letters) == 1:
            return letters.pop()
    return _NONE


def _concluded(claims: list[Claim], text: str) -> list[Claim]:
    """The claims of the last sentence that concludes."""
    last: list[Claim] = []
    for claim in claims:
        words = list(_CONCLUSION.finditer(text, sentence_start(text, claim.start), claim.start))
        if words:
            last = [other for other in claims if words[-1].end() <= other.start < sentence_end(text, claim.end)]
    return last


def _last(claims: list[Claim], text: str) -> list[Claim]:
    """The claim with which a reply ends: "... of many colours. It is red."."""
    last = max(claims, key=lambda claim: claim.end)
    before = text[clause_start(text, last.start) : last.start]
    return [last] if last.rank == 2 and _IT_IS.fullmatch(before) and not text[last.end :].strip(" .!\"')*\n") else []


def _first_alone(claims: list[Claim], text: str, options: Options) -> str | None:
    """The option that the first sentence is, word for word."""
    return options.exact(text[: sentence_end(text, claims[0].end)])


def _weighed_label(claim: Claim, labels: list[Claim]) -> bool:
    """Whether an option's text stands behind a label that the reply does not take: "Option B says to the right"."""
    return any(label.stance is not Stance.SAID and 0 <= claim.start - label.end < 12 for label in labels)


def _denied_with_text(labels: list[Claim], texts: list[Claim], text: str) -> list[Claim]:
    """The labels; one in brackets is denied with the words ahead of it: "rather than sad (C)", "not the bus (B)"."""
    stances = {(claim.letter, claim.end): claim.stance for claim in texts}
    found = []
    for label in labels:
        if label.rank < 4 and re.search(r"\w\s*[(\[]$", text[: label.start][-9:]):
            own = [stances.get((label.letter, label.start - gap)) for gap in range(1, 4)]
            stance = next(filter(None, own), None)
            words = text[clause_start(text, label.start - 1) : label.start - 1]
            if stance is Stance.DENIED or (stance is None and NOT_WITHIN.search(words)):
                label = replace(label, stance=Stance.DENIED)
        found.append(label)
    return found


def _contradicted(letter: str, claims: list[Claim], text: str, options: Options) -> bool:
    """Whether the text of another option stands right behind the chosen label."""
    behind = [options.begins(text, claim.end) for claim in claims if claim.letter == letter and claim.rank != 2]
    return any(other is not None and other[0] != letter for other in behind)
