"""Words reduced to what two ways of saying one thing share: "He dunks the ball" and "dunking a ball".

A table of irregular verbs and five endings, not a stemmer's library: options are a few words long, and what has to
agree is their tense, their number and their articles. Scripts without spaces are read character by character.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

# a word with its combining marks (Python's \w has no vowel signs of Indic scripts); a digit group; one East Asian sign
_EAST = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_MARKS = r"\u0300-\u036f\u064b-\u065f\u0900-\u0dff\u0e31-\u0e4e"
_TIME = r"(?<!\d)\d{1,3}:\d\d(?::\d\d)?(?!\d)"
_CLOCK = re.compile(_TIME)
_MINUS = "[-\u2212]"
_WORD = re.compile(rf"{_TIME}|(?<![\w.)]){_MINUS}?\d+(?:\.\d+)?|[{_EAST}]|(?:(?![\d_{_EAST}])[\w{_MARKS}])+")

_FUNCTION_WORDS = frozenset(
    "a an the is are was were be been being am do does did doing he she they it his her hers its their them him i we"
    " this that these those there has have had will el la los las un una se der die das ein eine einen le les und and"
    " er sie es он она оно वह यह 他 她 它 彼".split()
)
_IRREGULAR = {
    form: root
    for root, forms in {
        "run": "ran", "fly": "flew flown flies", "fall": "fell fallen", "go": "went gone goes", "take": "took taken",
        "eat": "ate eaten", "drink": "drank drunk", "sit": "sat", "stand": "stood", "throw": "threw thrown",
        "write": "wrote written", "drive": "drove driven", "ride": "rode ridden", "swim": "swam swum", "hold": "held",
        "make": "made", "come": "came", "give": "gave given", "get": "got gotten", "see": "saw seen", "say": "said",
        "break": "broke broken", "speak": "spoke spoken", "sing": "sang sung", "begin": "began begun",
        "grow": "grew grown",
        "blow": "blew blown", "draw": "drew drawn", "shake": "shook shaken", "wear": "wore worn", "tear": "tore torn",
        "build": "built", "bring": "brought", "buy": "bought", "catch": "caught", "feel": "felt", "find": "found",
        "keep": "kept", "lose": "lost", "meet": "met", "pay": "paid", "sell": "sold", "shoot": "shot", "sleep": "slept",
        "teach": "taught", "tell": "told", "think": "thought", "rise": "rose risen", "freeze": "froze frozen",
        "child": "children", "man": "men", "woman": "women", "foot": "feet", "knife": "knives",
        "person": "people persons",
        "up": "upward upwards", "down": "downward downwards", "left": "leftward leftwards",
        "right": "rightward rightwards",
        "forward": "forwards", "backward": "backwards", "toward": "towards", "counterclockwise": "anticlockwise",
        "gray": "grey", "color": "colour",
        "0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven",
        "8": "eight",
        "9": "nine", "10": "ten", "11": "eleven", "12": "twelve",
    }.items()
    for form in forms.split()
}  # fmt: skip
_SIDE = r"(?:[- ](?:hand )?(?:side|edge|end|part|of|the|screen|frame|image|picture|scene|video)\b)*"
_FROM = r"\b(?:from )?(?:the )?(?<!top )(?<!bottom )(?<!upper )(?<!lower )"
_END = r"(?:the )?(?:far )?"
_PHRASES = tuple(
    (re.compile(pattern, re.IGNORECASE), said)
    for pattern, said in {
        r"\b(?:at (?:exactly )?the same time|concurrently)\b": "simultaneously",
        r"\b(?:counter|anti)[- ]?clock[- ]?wise\b": "counterclockwise",
        r"\bonce\b": "1 time",
        r"\btwice\b": "2 times",
        r"\b(non|un|semi)-(?=[a-z])": r"\1",
        r"\bcan(?:no|')t\b": "can not",
        r"n't\b": " not",
        r"\bnot any\b": "no",
        rf"({_TIME})\s*(?:to|and|until|till|-|–|—)\s*(?=\d+:\d\d)": r"\1 - ",
        rf"{_FROM}left{_SIDE} to {_END}right{_SIDE}": "rightward",
        rf"{_FROM}right{_SIDE} to {_END}left{_SIDE}": "leftward",
        rf"\bfrom (?:the )?(?:top|above){_SIDE} to (?:the )?(?:bottom|below){_SIDE}": "downward",
        rf"\bfrom (?:the )?(?:bottom|below){_SIDE} to (?:the )?(?:top|above){_SIDE}": "upward",
    }.items()
)


@dataclass(frozen=True)
class Word:
    """A word of a text.

    Args:
        stem (`str`): What it is reduced to.
        start (`int`): Where it begins in the text.
        end (`int`): Where it ends.
    """

    stem: str
    start: int
    end: int


def even_out(text: str) -> str:
    """Write a text's fixed phrases in one way.

    Args:
        text (`str`): A reply or an option.

    Example:

    ```python
    >>> from t2vid_hf.metrics.stems import even_out
    >>> even_out("It doesn't turn anti-clockwise.")
    'It does not turn counterclockwise.'

    ```
    """
    for pattern, said in _PHRASES:
        text = pattern.sub(said, text)
    return text


def has_clock(text: str) -> bool:
    """Whether a text names a time as a player shows it: "0:15".

    Args:
        text (`str`): A text.
    """
    return bool(_CLOCK.search(text))


def without_clocks(text: str) -> str:
    """A text without the times in the video that it names, which are no numbers to be an option.

    Args:
        text (`str`): A text.
    """
    return _CLOCK.sub(lambda clock: " " * len(clock[0]), text)


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """What the forms of a word share.

    Args:
        word (`str`): A word in any case.

    Example:

    ```python
    >>> from t2vid_hf.metrics.stems import stem
    >>> [stem(word) for word in ("dunking", "dunks", "Dunked", "baking", "bake", "flew", "three")]
    ['dunk', 'dunk', 'dunk', 'bak', 'bak', 'fly', '3']

    ```
    """
    word = word.casefold()
    word = _IRREGULAR.get(word, word)
    if word[0] == "\u2212":
        return "-" + word[1:]
    if ":" in word:
        return word.removeprefix("0") if word[1] != ":" else word
    if not (word.isascii() and word.isalpha()):
        return word
    if len(word) > 4 and word.endswith("ly"):
        word = word[:-2]
    if len(word) > 4 and word.endswith(("ies", "ied")):
        return word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s"):
        root = word.removesuffix(ending)
        if root == word or len(root) < 3 or not re.search("[aeiouy]", root):
            continue
        if (ending == "es" and not root.endswith(("s", "x", "z", "ch", "sh"))) or word.endswith(("ss", "us")):
            continue
        word = _IRREGULAR.get(root, root)
        break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def stems(text: str) -> list[Word]:
    """A text's words, reduced, without those that only hold a sentence together (all of them where no other is there).

    Args:
        text (`str`): A text, evened out.

    Example:

    ```python
    >>> from t2vid_hf.metrics.stems import stems
    >>> [word.stem for word in stems("She is cutting the onions at 0:15")]
    ['cut', 'onion', 'at', '0:15']

    ```
    """
    found = list(_WORD.finditer(text))
    said = [match for match in found if match[0].casefold() not in _FUNCTION_WORDS] or found
    return [Word(stem(match[0]), *match.span()) for match in said]


def outside(words: Iterable[Word], spans: Iterable[tuple[int, int]]) -> list[Word]:
    """The words that begin in none of some parts of a text.

    Args:
        words (`Iterable[Word]`): Words in their order.
        spans (`Iterable[tuple[int, int]]`): Where the parts begin and end.

    Example:

    ```python
    >>> from t2vid_hf.metrics.stems import outside, stems
    >>> [word.stem for word in outside(stems("red, not blue"), [(4, 13)])]
    ['red']

    ```
    """
    gone = {place for start, end in spans for place in range(start, end)}
    return [word for word in words if word.start not in gone]
