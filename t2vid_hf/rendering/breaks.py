"""Where a line may end: Unicode's rules (UAX 14) by ICU, asked once for each pattern of a text and then remembered.

ICU takes 0.12 us a word and the loop from Python another 0.1; the memory takes 0.01. It never answers otherwise than
ICU: what is remembered is where ICU broke a stretch of the same pattern, and a stretch ends only where the rules
forget what came before.
"""

from collections.abc import Iterable

import numpy as np
from icu4py.breakers import CharacterBreaker, LineBreaker

from t2vid_hf.rendering.characters import kind_of
from t2vid_hf.rendering.kernels import find_breaks
from t2vid_hf.rendering.slots import SPACE, SYMBOL_LAST_RUN

_CELLS = 2**14


class BreakMemory:
    """Patterns of text and where they break. Bounded: begun anew when half full.

    Args:
        flow (`bool`): Whether white space runs together.
    """

    def __init__(self, *, flow: bool) -> None:
        self._flow = flow
        self._clear()

    def _clear(self) -> None:
        self._keys = np.zeros(_CELLS, np.uint64)
        self._values = np.zeros(_CELLS, np.int32)
        self._patterns = np.zeros(0, np.int32)
        self._count = 0

    def find(self, text: str, slots: np.ndarray, kind: np.ndarray, symbol: np.ndarray) -> np.ndarray:
        """Where lines may begin.

        Args:
            text (`str`): A text of `n` characters.
            slots (`np.ndarray` of shape `(n,)`, int32): The slot of each character.
            kind (`np.ndarray` of shape `(slots,)`, uint8): The kind of each slot.
            symbol (`np.ndarray` of shape `(slots,)`, int64): What each slot is to the line breaker.

        Returns:
            `np.ndarray` of shape `(n + 1,)`, uint8: 1 before the characters where a line may begin.
        """
        n = len(text)
        breaks = np.zeros(n + 1, np.uint8)
        positions, missed, hashes = np.empty(n, np.int32), np.empty((n, 2), np.int32), np.empty(n, np.uint64)
        outputs = breaks, positions, missed, hashes
        count = find_breaks(slots, kind, symbol, self._keys, self._values, self._patterns, *outputs)
        if not count:
            return breaks
        # One stretch of each unknown pattern, and all without a pattern.
        first: dict[int, int] = {}
        chosen = [i for i, key in enumerate(hashes[:count].tolist()) if not key or first.setdefault(key, i) == i]
        self._ask(text, missed[chosen], breaks)
        self._remember(symbol[slots], missed[chosen], hashes[chosen], breaks)
        if len(chosen) < count:
            count = find_breaks(slots, kind, symbol, self._keys, self._values, self._patterns, *outputs)
            left = np.flatnonzero(hashes[:count])  # the memory was full
            if len(left):
                self._ask(text, missed[left], breaks)
        return breaks

    def _ask(self, text: str, spans: np.ndarray, breaks: np.ndarray) -> None:
        """Ask ICU for stretches in one call, and mark their breaks."""
        source = np.concatenate([np.arange(start, end) for start, end in spans.tolist()])
        shown = self._plain("".join([text[start:end] for start, end in spans.tolist()]))
        lengths = [len(piece) for piece in LineBreaker(shown, "en")]
        breaks[source[np.cumsum([0, *lengths[:-1]])]] = 1

    def _remember(self, symbols: np.ndarray, spans: np.ndarray, hashes: np.ndarray, breaks: np.ndarray) -> None:
        if self._count + len(spans) > _CELLS // 2:
            self._clear()
        patterns: list[int] = []
        for (start, end), key in zip(spans.tolist(), hashes.tolist(), strict=True):
            if key and self._count < _CELLS // 2 and self._insert(key, len(self._patterns) + len(patterns)):
                pattern = _pattern(symbols[start:end], breaks[start:end])
                patterns += [len(pattern), *pattern]
        self._patterns = np.concatenate([self._patterns, np.array(patterns, np.int32)])

    def _insert(self, key: int, value: int) -> bool:
        cell = key & (_CELLS - 1)
        while self._keys[cell]:
            if int(self._keys[cell]) == key:
                return False
            cell = (cell + 1) & (_CELLS - 1)
        self._keys[cell], self._values[cell] = key, value
        self._count += 1
        return True

    def _plain(self, text: str) -> str:
        """What ICU is shown: no surrogates, which it does not take, and white space as it will be drawn."""
        odd = {char for char in set(text) if char != " " and (char.isspace() or "\ud800" <= char <= "\udfff")}
        for char in odd:
            if not char.isspace():
                text = text.replace(char, "\ufffd")
            elif self._flow and kind_of(char, flow=True) == SPACE:
                text = text.replace(char, " ")
        return text


def _pattern(symbols: np.ndarray, breaks: np.ndarray) -> list[int]:
    """The numbers of the symbols before which a line may begin; the first, 0, is known."""
    new = np.ones(len(symbols), bool)
    new[1:] = (symbols[1:] != symbols[:-1]) | (symbols[1:] > SYMBOL_LAST_RUN)
    numbers = np.cumsum(new) - 1
    return numbers[np.flatnonzero(breaks)][1:].tolist()


def clusters(text: str) -> Iterable[str]:
    """What a reader takes for characters: a letter with its marks, an emoji with its parts (UAX 29)."""
    shown = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return CharacterBreaker(shown, "en")
