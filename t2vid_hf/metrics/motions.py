"""Options that a reply names by a synonym of a direction or of a change: "the leaf falls" is "downward".

Some forty words in fifteen senses, not a thesaurus: these are the words in which replies about motion differ from their
options most. A reply with the senses of two options names neither.
"""

from collections.abc import Iterator, Sequence

from t2vid_hf.metrics.stems import stem

_WORDS = {
    "up": "up ascend climb soar rise lift raise",
    "down": "down fall descend sink plummet plunge drop tumble lower",
    "left": "left",
    "right": "right",
    "more": "increase rise accelerate faster quicker quicken grow expand enlarge inflate swell bigger larger brighten"
    " brighter gain",
    "less": "decrease reduce drop decelerate slower slow shrink contract deflate smaller darken darker dim lose"
    " diminish",
    "fast": "accelerate faster fast quick quicker quicken",
    "slow": "decelerate slower slow",
    "big": "grow expand enlarge inflate swell bigger larger big large",
    "small": "shrink contract deflate smaller small",
    "bright": "brighten brighter bright lighter",
    "dark": "darken darker dark dim dimmer",
    "same": "constant same steady unchanged uniform consistent",
    "forward": "forward advance",
    "backward": "backward reverse retreat",
    "clockwise": "clockwise",
    "counterclockwise": "counterclockwise",
}
_SENSES: dict[str, frozenset[str]] = {
    root: frozenset(sense for sense, words in _WORDS.items() if root in map(stem, words.split()))
    for root in {stem(word) for words in _WORDS.values() for word in words.split()}
}
_PAIRS = {
    ("climb", "down"): frozenset({"down"}),
    ("speed", "up"): frozenset({"fast", "more"}),
    ("sped", "up"): frozenset({"fast", "more"}),
    ("slow", "down"): frozenset({"slow", "less"}),
    ("gain", "speed"): frozenset({"fast", "more"}),
    ("up", "speed"): frozenset({"fast", "more"}),
    ("not", "chang"): frozenset({"same"}),
    ("light", "up"): frozenset({"bright", "more"}),
}
_PARTICLE_VERBS = frozenset(
    "pick stand end set wak grow slow sped speed sit li writ clean mak giv show open clos warm look put".split()
)
_LIGHT = frozenset(map(stem, "get become move go stay turn remain keep motion direction to in at than more".split()))


def is_particle(words: Sequence[str], place: int) -> bool:
    """Whether "up" or "down" belongs to the verb ahead of it: "picks up".

    Args:
        words (`Sequence[str]`): Reduced words.
        place (`int`): Which of them.
    """
    return words[place] in ("up", "down") and place > 0 and words[place - 1] in _PARTICLE_VERBS


def senses(words: Sequence[str]) -> frozenset[str]:
    """The senses of direction and change that words have.

    Args:
        words (`Sequence[str]`): Reduced words in their order.

    Example:

    ```python
    >>> from t2vid_hf.metrics.motions import senses
    >>> sorted(senses(["balloon", "climb"])), sorted(senses(["pick", "up", "ball"]))
    (['up'], [])

    ```
    """
    return frozenset().union(*(sense for _, sense in _parts(words)))


def _parts(words: Sequence[str]) -> Iterator[tuple[set[str], frozenset[str]]]:
    """Words, those that go together as one, with their senses."""
    place = 0
    while place < len(words):
        pair = _PAIRS.get((words[place], words[place + 1])) if place + 1 < len(words) else None
        alone = frozenset() if is_particle(words, place) else _SENSES.get(words[place], frozenset())
        yield set(words[place : place + (2 if pair else 1)]), pair or alone
        place += 2 if pair else 1


def by_sense(heard: Sequence[str], sequences: Sequence[Sequence[str]]) -> int | None:
    """The place of the one option that has a sense of the reply, where nothing else tells it from the others.

    Args:
        heard (`Sequence[str]`): The reply's reduced words.
        sequences (`Sequence[Sequence[str]]`): The options' reduced words.

    Example:

    ```python
    >>> from t2vid_hf.metrics.motions import by_sense
    >>> by_sense(["leaf", "drop"], [["up"], ["down"]]), by_sense(["drop", "climb"], [["up"], ["down"]])
    (1, None)

    ```
    """
    meant, options = senses(heard), [senses(sequence) for sequence in sequences]
    fitting = [place for place, option in enumerate(options) if option & meant]
    if len(fitting) != 1 or sum(map(bool, options)) < 2:
        return None
    shared = set.intersection(*map(set, sequences))
    rest = set().union(*(words for words, sense in _parts(sequences[fitting[0]]) if not sense)) - shared - _LIGHT
    return fitting[0] if rest <= set(heard) else None
