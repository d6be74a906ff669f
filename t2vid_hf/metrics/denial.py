"""How an option that a reply names is meant: said, denied, or only weighed; and where a reply takes itself back.

Words of eleven languages in regular expressions: no parser of a language stands behind this, and a denial that is told
in a long way round ("I would be surprised to see A") is not seen.
"""

import re
from dataclasses import dataclass
from enum import Enum


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


_NOT = (
    r"\b(?:not(?! only| just)|anything but|never|no(?! doubt)|neither|nor|without|cannot|rather than|instead of|unlike|as opposed to|"
    r"contrary to|(?:rul|eliminat|exclud|discard|reject|dismiss)\w*(?: out)?|incorrect|wrong|false|"
    r"ni|nunca|en (?:lugar|vez) de|incorrect[ao]|pas|sans|plut[oô]t que|nicht|kein\w*|weder|noch|statt|falsch|не|ни|нет|вместо)\b"
    r"|不是|并非|而非|不会|没有|并没有|排除|错误|既不|也不|\bليس\w*|\bولا\b|\bلا\b|\bبدلا من|\bوليس\w*|\bना\b|\bन\b"
)
_NOT_BEFORE = re.compile(
    rf"(?:{_NOT})\s*,?\s*(?:(?:out|the|la|el|les|die|das|option|options|opción|choice|answer|be|is|либо|either|[:(\"'])\s*)*$",
    re.IGNORECASE,
)
_NOT_WITHIN = re.compile(_NOT, re.IGNORECASE)
_BE = r"(?:is|are|was|were|would be|can be|could be|must be|seems?|looks?|appears?|'s|'re)"
_SURELY = r"(?:(?:also|all|both|clearly|obviously|therefore|thus|definitely|simply|likely|probably|so|then)\s+)*"
_WRONG = (
    r"(?:incorrect|wrong|false|out\b|ruled out|eliminated|excluded|discarded|dismissed|unlikely|impossible|inaccurate|"
    r"irrelevant|implausible|unsupported|invalid|to be excluded|less (?:likely|plausible)|contradicted)"
)
_NOT_AFTER = re.compile(
    rf"^[\s:)\"'-]*(?:no\b(?!\w)|not\b(?! only))|^[\s,:;)\"'.-]*(?:which |that |this |it )?(?:{_BE}\s+{_SURELY}(?:not\b(?! only)|never\b|{_WRONG})|{_WRONG}"
    rf"|(?:can|could|does|do|did|would|will|may|might|must|should)\s+{_SURELY}(?:not\b|never\b|be {_WRONG})"
    r"|(?:has|have) (?:no|not|never)\b|plays? no\b"
    r"|(?:no )?(?:es|son) incorrect[ao]|no es\b|n'est pas|ist (?:nicht|falsch)|sind falsch|неверн|неправильн|не подход"
    r"|不对|不是|错误|不正确|是错|不符|नहीं|गलत|ではな|じゃな|は(?:間違|誤|不正解)|(?:이|가|은|는)\s*(?:아니|아닙|틀)|[✗✘❌×✖])",
    re.IGNORECASE,
)
_TEXT_NOT_AFTER = re.compile(
    rf"^[\s,:;)\"'-]*(?:which |that |this |it )?(?:{_BE}\s+{_SURELY}(?:(?:not|never) (?:shown|seen|visible|present|depicted|correct|"
    rf"supported|right|accurate|possible|likely|mentioned|happening|what|the|there|a match|evident|observed)|{_WRONG})"
    rf"|(?:does|do|did|can|would|could) (?:not|never) (?:be|appear|fit|match|apply|happen|occur|describe|take|align|correspond|occur)"
    rf"|{_BE}\s+(?:also |equally )?(?:possible|plausible)\b|plays? no\b|(?:can|could|must|should) be {_WRONG}|[✗✘❌✖])",
    re.IGNORECASE,
)
_WEIGHED_BEFORE = re.compile(
    r"\b(?:if|whether|between|unless|suppose|assuming|either|first (?:thought|guess\w*|answer|choice|impression)|at first|initial(?:ly| \w+)?|"
    r"consider(?:ed|ing)?|compar(?:e|ed|ing)|evaluat\w+|look(?:ing)? at|options?(?: here)?(?: are| include|\s*:(?=\s*[A-J]\b\W*[A-J]\b))|choices are|"
    r"chosen from|один из|tempted|not sure|unsure|maybe)\b(?:(?![.!?\n]).)*$",
    re.IGNORECASE,
)
_WEIGHED_AFTER = re.compile(
    r"^[\s,:;)\"'.-]*(?:(?:would|could|might|may)\b(?! be (?:the|correct|right|best|most))|possible\b|(?:is|are) (?:also |all |both |equally )?"
    r"(?:possible|plausible|likely)\b|suggests?\b|says?\b|means?\b|states?\b|describes? (?:a|an|the|some)\b|involves?\b|refers?\b|implies\b|mentions?\b)",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\b(?:can ?not|could not|unable|impossible|not possible|difficult|not able|hard)\b(?:\W+\w+){0,3}?\W+(?:determin\w+|tell|say|see|view|watch|"
    r"answer|know|access|choose|decide|identify)\b|\bdo not know\b|\bnot enough\b|\binsufficient\b|no (?:way|idea)\b|not clear\b|unclear",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"\b(?:(?:wait|hold on|sorry)(?=\W*$|\s*[,.!?:;\u2026-]|,?\s+(?:no|that|actually|let|i|it|this|the (?:answer|correct|question))\b)|scratch that|correction(?=\s*:)|"
    r"i meant?\b|oops\b|on (?:second thoughts?|reflection)|on (?:closer|further|second) (?:inspection|look|review)|"
    r"let me (?:re-?\w+|check again|think again|correct)|actually,? no|no,? actually|actually[,:]|actually (?=it|the answer|option|[A-J]\b)|"
    r"better:|perd[oó]n|espera|mejor dicho|attendez|pardon|moment mal|nein,|entschuldigung|нет,|точнее|извините)"
    r"|(?<=[\w).*])\s*(?:\.{2,}|[,;.?!]|-+)\s*no\b(?=\s*[,:.!]|\s+(?:wait|it|the answer|rather|make))|(?<=[\w).*])\s*(?:\.{2,}|[?!]|-+)\s*no\s+(?=[A-J]\b)"
    r"|不对|等等|更正|抱歉|不,|いや|訂正|아니,|정정|عفوا|تصحيح|बल्कि",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(r"\b(?:wrong|incorrect|not (?:right|correct)|mistake|error)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<![A-Za-z0-9])[.]|(?<=\w\w)\.(?=\s|$)|(?<=\d)\.(?=\s)|[!?。！？؟।;\n]")
_CLAUSE_END = re.compile(
    r"[,:()\u2013\u2014、،]|\s-+\s|\b(?:but|however|while|whereas|yet|although|and(?! (?:never|not|nor|no)\b)|so|mais|pero|sino|sondern|"
    r"aber|но|а)\b|但是?|而是",
    re.IGNORECASE,
)


def sentence_start(text: str, place: int) -> int:
    """Where the sentence around a place begins.

    Args:
        text (`str`): A reply.
        place (`int`): A place in it.
    """
    return max((match.end() for match in _SENTENCE_END.finditer(text, 0, place)), default=0)


def sentence_end(text: str, place: int) -> int:
    """Where the sentence around a place ends, its sign included.

    Args:
        text (`str`): A reply.
        place (`int`): A place in it.
    """
    match = _SENTENCE_END.search(text, place)
    return match.end() if match else len(text)


def clause_start(text: str, place: int) -> int:
    """Where the clause around a place begins.

    Args:
        text (`str`): A reply.
        place (`int`): A place in it.
    """
    start = sentence_start(text, place)
    return max((match.end() for match in _CLAUSE_END.finditer(text, start, place)), default=start)


def _asked(text: str, start: int, end: int) -> bool:
    """Whether a sentence asks, in a reply that says more."""
    return text[:end].rstrip().endswith(("?", "？", "؟")) and bool(text[end:].strip() or text[:start].strip())


def label_stance(text: str, start: int, end: int, *, named: bool = False) -> Stance:
    """How a label (or several joined ones) is meant.

    Args:
        text (`str`): A reply.
        start (`int`): Where the label begins.
        end (`int`): Where it ends.
        named (`bool`, *optional*, defaults to `False`): Whether an option's text follows, whose own "cannot" denies
            nothing.
    """
    sentence, stop = sentence_start(text, start), sentence_end(text, end)
    before, after = text[sentence:start], text[end:stop]
    if _NOT_BEFORE.search(before) or (not named and _NOT_AFTER.search(after)):
        return Stance.DENIED
    clause = text[clause_start(text, start) : start]
    weighed = _WEIGHED_BEFORE.search(clause) or (not named and _WEIGHED_AFTER.search(after)) or _UNSURE.search(clause)
    return Stance.WEIGHED if weighed or _asked(text, sentence, stop) else Stance.SAID


def text_stance(text: str, start: int, end: int) -> Stance:
    """How an option's text is meant where a reply repeats it.

    Args:
        text (`str`): A reply.
        start (`int`): Where the option's text begins.
        end (`int`): Where it ends.
    """
    sentence, stop = sentence_start(text, start), sentence_end(text, end)
    clause, after = text[clause_start(text, start) : start], text[end:stop]
    if _NOT_WITHIN.search(clause) or _TEXT_NOT_AFTER.search(after):
        return Stance.DENIED
    unsure = any(match.end() <= start or match.start() >= end for match in _UNSURE.finditer(text, sentence, stop))
    weighed = _WEIGHED_BEFORE.search(text[sentence:start]) or unsure or re.search(r"\bwould\b", clause)
    return Stance.WEIGHED if weighed or _asked(text, sentence, stop) else Stance.SAID


def denied_parts(text: str) -> list[tuple[int, int]]:
    """The clauses of a reply that deny, ask or doubt, as spans.

    Args:
        text (`str`): A reply.
    """
    parts, start = [], 0
    ends = sorted({match.end() for pattern in (_SENTENCE_END, _CLAUSE_END) for match in pattern.finditer(text)} | {len(text)})
    for end in ends:
        if _NOT_WITHIN.search(text[start:end]) or _UNSURE.search(text, start, end) or _WEIGHED_BEFORE.search(text[start:end]):
            parts.append((start, end))
        start = end
    return parts


def after_correction(text: str) -> str | None:
    """What follows the last word by which a reply takes itself back; `None` where there is none.

    Args:
        text (`str`): A reply.

    Example:

    ```python
    >>> from t2vid_hf.metrics.denial import after_correction
    >>> after_correction("B... no, C"), after_correction("It is B.")
    ('C', None)

    ```
    """
    match = None
    for match in _CORRECTION.finditer(text):
        pass
    return text[match.end() :].lstrip(" ,.:;!-") if match and text[: match.start()].strip() else None


def takes_back(text: str) -> bool:
    """Whether words behind a correction say that what stood before is wrong.

    Args:
        text (`str`): What follows the correction.
    """
    return bool(_TAKEN_BACK.search(text))
