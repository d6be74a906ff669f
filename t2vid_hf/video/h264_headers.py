"""What a packet of H.264 holds, from its units' first bytes and, where these do not tell, from its slices' headers.

The choice: a progressive clip in a container with times needs two bytes of each unit (2 microseconds a packet). Slice
headers (9 more) are read in two cases. Of an interlaced stream they tell whether a packet holds a whole frame, both
fields of one, or a field alone, of which only the decoder knows where it belongs. And of a container that numbers
packets as they are decoded (AVI) they tell in which order frames are shown. Source: ITU-T H.264 7.3.1 to 7.3.3, 8.2.1.
"""

from dataclasses import dataclass

from t2vid_hf.video.bitstream import DISPOSABLE, PARAMETERS, SHOWN, START, UNREADABLE, Reader, units

_SEQUENCE, _PICTURE = 7, 8  # kinds of units: parameter sets
_OTHER_PARAMETERS = (13, 15)
_UNKNOWN = (2, 3, 4, 20, 21)  # data partitions, scalable and multi-view layers
_WITH_CHROMA = frozenset((44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244))  # profiles
_HEADER_BYTES, _SET_BYTES = 32, 1024  # what is read of a slice's header and of a parameter set is shorter
_KEY_SLICE = 5
_FRAME, _BOTH_FIELDS = {0}, {1, 2}
_MALFORMED = (ValueError, IndexError, KeyError)

Shown = tuple[int, int]


@dataclass(frozen=True)
class Sequence:
    """What a sequence parameter set says of the slices that follow it.

    Args:
        frames_only (`bool`): Whether no picture is interlaced.
        colour_planes (`bool`): Whether slices name the plane that they are of.
        number_bits (`int`): Bits of a frame's number.
        order_kind (`int`): How pictures tell their place in the order shown: by bits of their own (0), or by the order
            of decoding (2).
        order_bits (`int`): Those bits.
    """

    frames_only: bool
    colour_planes: bool
    number_bits: int
    order_kind: int
    order_bits: int


class _Bits:
    """The bits of a unit, without the bytes that keep start codes out of it. Past the end: `ValueError`."""

    def __init__(self, data: bytes) -> None:
        data = data.replace(b"\0\0\3", b"\0\0")
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def number(self) -> int:
        """An unsigned number: as many zeros as it has bits behind its first 1."""
        rest = self._value & (1 << self._left) - 1
        return self.take(2 * (self._left - rest.bit_length()) + 1) - 1

    def signed(self) -> int:
        number = self.number()
        return (number + 1) // 2 if number & 1 else -(number // 2)


class _Stream:
    """The parameter sets so far, and what the place of the next picture depends on."""

    def __init__(self, extradata: bytes, places: list[Shown] | None) -> None:
        listed = len(extradata) > 6 and extradata[0] == 1
        self._size = (extradata[4] & 3) + 1 if listed else 0
        self._places, self._to_read = places, True
        self._sequences: dict[int, Sequence] = {}
        self._pictures: dict[int, int] = {}  # to the sequences
        self._starts = 0
        self._last = (0, 0)  # high and low part of the place of the last picture that is referred to
        sets = _listed_sets(extradata) if listed else [extradata[place:] for place in units(extradata, 0)]
        for each in sets:
            if each[0] & 31 in (_SEQUENCE, _PICTURE):
                self._keep(each)

    def _keep(self, unit: bytes) -> None:
        bits = _Bits(unit[1:])
        if unit[0] & 31 == _SEQUENCE:
            number, self._sequences[number] = _sequence(bits)
        else:
            number = bits.number()
            self._pictures[number] = bits.number()
        frames_only = all(each.frames_only for each in self._sequences.values())
        self._to_read = self._places is not None or not self._sequences or not frames_only  # the slices' headers

    def read(self, data: bytes | memoryview) -> int:
        """The flags of a packet."""
        flags, referred, parts, place = 0, 0, set(), (0, 0)
        raw = data if self._size else bytes(data)
        for position in units(raw, self._size):
            head = raw[position]
            kind = head & 31
            if kind == 1 or kind == 5:
                referred |= head & 0x60
                flags |= SHOWN | START if kind == 5 else SHOWN
                if self._to_read:
                    part, place = self._read_slice(head, bytes(raw[position + 1 : position + _HEADER_BYTES]))
                    parts.add(part)
            elif kind == _SEQUENCE or kind == _PICTURE:
                flags |= PARAMETERS
                self._keep(bytes(raw[position : position + _SET_BYTES]))
            elif kind in _OTHER_PARAMETERS:
                flags |= PARAMETERS
            elif kind in _UNKNOWN:
                return UNREADABLE
        if not flags or parts and parts != _FRAME and parts != _BOTH_FIELDS:
            return UNREADABLE
        if self._places is not None:
            self._places.append(place)
        return flags | (0 if referred or flags & PARAMETERS else DISPOSABLE)

    def _read_slice(self, head: int, data: bytes) -> tuple[int, Shown]:
        """The part of a frame that a slice is of (0: all, 1 and 2: the fields), and the frame's place when shown."""
        bits = _Bits(data)
        bits.number(), bits.number()  # where it begins, and its kind
        sequence = self._sequences[self._pictures[bits.number()]]
        bits.take(2 * sequence.colour_planes + sequence.number_bits)
        part = 0 if sequence.frames_only or not bits.take(1) else 1 + bits.take(1)
        if head & 31 == _KEY_SLICE:
            bits.number()
            self._starts, self._last = self._starts + 1, (0, 0)
        high, before = self._last
        if sequence.order_kind:  # as they are decoded
            self._last = high + 1, 0
            return part, (self._starts, high)
        low, span = bits.take(sequence.order_bits), 1 << sequence.order_bits
        high += span * ((before - low >= span // 2) - (low - before > span // 2))
        if head & 0x60:
            self._last = high, low
        return part, (self._starts, high + low)


def _listed_sets(extradata: bytes) -> list[bytes]:
    """The parameter sets of a header that counts them: those of sequences, then those of pictures."""
    found, position = [], 5
    for mask in (31, 255):
        count, position = extradata[position] & mask, position + 1
        for _ in range(count):
            length = int.from_bytes(extradata[position : position + 2], "big")
            found.append(extradata[position + 2 : position + 2 + length])
            position += 2 + length
    return found


def _sequence(bits: _Bits) -> tuple[int, Sequence]:
    profile, colour_planes = bits.take(8), False
    bits.take(16)
    number = bits.number()
    if profile in _WITH_CHROMA:
        chroma = bits.number()
        colour_planes = chroma == 3 and bool(bits.take(1))
        bits.number(), bits.number(), bits.take(1)  # depths of the samples
        if bits.take(1):
            for matrix in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling(bits, 16 if matrix < 6 else 64)
    number_bits, order_kind = bits.number() + 4, bits.number()
    if order_kind == 1:
        raise ValueError("an order by rules, which nobody uses")
    order_bits = 0 if order_kind else bits.number() + 4
    bits.number(), bits.take(1), bits.number(), bits.number()  # references, gaps, the picture's size
    return number, Sequence(bool(bits.take(1)), colour_planes, number_bits, order_kind, order_bits)


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        following = (last + bits.signed()) % 256 if following else 0
        last = following or last


def h264(extradata: bytes, places: list[Shown] | None = None) -> Reader:
    """The reader of H.264.

    Args:
        extradata (`bytes`): The stream's header, with its parameter sets and how packets are divided.
        places (`list[tuple[int, int]]`, *optional*): What takes each packet's place in the order shown, for containers
            that do not tell it; `None` where they do.

    Example:

    ```python
    >>> from t2vid_hf.video.bitstream import UNREADABLE
    >>> from t2vid_hf.video.h264_headers import h264
    >>> h264(b"")(b"\\0\\0\\1\\x41\\xe0") == UNREADABLE  # a slice without parameter sets
    True

    ```
    """
    try:
        read_whole = _Stream(extradata, places).read
    except _MALFORMED:
        return lambda data: UNREADABLE

    def read(data: bytes | memoryview) -> int:
        try:
            return read_whole(data)
        except _MALFORMED:
            return UNREADABLE

    return read
