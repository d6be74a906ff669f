"""What a packet holds, read from its first bytes: is it shown, may decoding start at it, does anything refer to it.

The choice: a few header bits, read in Python at 2 microseconds a packet, buy what no container says reliably: H.264's
non-reference frames (half the packets of a usual x264 clip) need not be decoded unless they are wanted, and key frames
after which nothing refers back are told from those that only look so. The other codecs are those of
[`~t2vid_hf.video.packet_kinds`]. Sources: ITU-T H.264 7.3.1 and 7.4.1, H.265 7.3.1.2 and table 7-1, RFC 6386 9.1, the
VP9 bitstream specification 6.2, the AV1 bitstream specification 5.3 and 5.9.2.
"""

from collections.abc import Callable

SHOWN = 1  # gives one frame
START = 2  # what is shown after it refers to nothing before it
DISPOSABLE = 4  # nothing refers to it
PARAMETERS = 8  # carries parameter sets that later packets may need
UNREADABLE = 16  # not what its codec's packets look like: no prediction about this clip can be trusted
LAYER = 5  # bits above this one: the temporal layer

Reader = Callable[[bytes | memoryview], int]


def reader(codec: str, extradata: bytes) -> Reader | None:
    """The function that reads a codec's packets, or `None` where there is none.

    Args:
        codec (`str`): FFmpeg's name of the codec: "h264", "hevc", "vp8", "vp9", "av1", "gif".
        extradata (`bytes`): The stream's header, which says how H.264 and HEVC packets are divided.

    Returns:
        `Callable[[bytes], int]` or `None`: a packet's bytes to the flags of this module, its layer shifted by `LAYER`.
        One reader reads one pass over a stream, from its first packet.

    Example:

    ```python
    >>> from t2vid_hf.video.bitstream import DISPOSABLE, SHOWN, START, reader
    >>> read = reader("vp8", b"")
    >>> read(b"\\x10") == SHOWN | START, read(b"\\x11") == SHOWN, read(b"\\x01") == 0  # key, shown, hidden
    (True, True, True)

    ```
    """
    make = READERS.get(codec)
    return make(extradata) if make else None


def _h264(extradata: bytes) -> Reader:
    size = (extradata[4] & 3) + 1 if len(extradata) > 6 and extradata[0] == 1 else 0

    def read(data: bytes | memoryview) -> int:
        flags, slices, referred = 0, 0, 0
        for head, _ in _units(data, size):
            kind = head & 31
            if kind == 1 or kind == 5:
                slices += 1
                referred |= head & 0x60
                flags |= START if kind == 5 else 0
            elif kind in (7, 8, 13, 15):
                flags |= PARAMETERS
            elif kind in (2, 3, 4, 20, 21):  # data partitions, scalable and multi-view layers
                return UNREADABLE
        if not slices:
            return UNREADABLE
        return flags | SHOWN | (0 if referred or flags & PARAMETERS else DISPOSABLE)

    return read


def _hevc(extradata: bytes) -> Reader:
    size = (extradata[21] & 3) + 1 if len(extradata) > 22 and extradata[0] == 1 else 0

    def read(data: bytes | memoryview) -> int:
        flags, slices, layer, disposable = 0, 0, 0, True
        for head, second in _units(data, size):
            kind = head >> 1 & 63
            if kind < 32:
                if head & 1 or second >> 3:
                    return UNREADABLE  # a layer above the base one: 3D or scalable
                slices += 1
                layer = (second & 7) - 1
                disposable &= kind < 16 and kind % 2 == 0
                flags |= START if 16 <= kind <= 21 else 0
            elif kind in (32, 33, 34):
                flags |= PARAMETERS
        if not slices or layer < 0:
            return UNREADABLE
        # nothing of its own layer refers to it: whether a higher one may, the whole clip says (see planning)
        return flags | SHOWN | (DISPOSABLE if disposable and not flags & PARAMETERS else 0) | layer << LAYER

    return read


def _units(data: bytes | memoryview, size: int) -> list[tuple[int, int]]:
    """The first two bytes of each unit of a packet: after lengths of `size` bytes, or, where that is 0, start codes."""
    heads, position, end = [], 0, len(data)
    if size:
        while position + size + 1 < end:
            length = int.from_bytes(data[position : position + size], "big")
            position += size
            heads.append((data[position], data[position + 1]))
            position += length
        return heads
    raw = bytes(data)
    position = raw.find(b"\0\0\1")
    while 0 <= position < end - 4:
        heads.append((raw[position + 3], raw[position + 4]))
        position = raw.find(b"\0\0\1", position + 3)
    return heads


def _vp8(extradata: bytes) -> Reader:
    def read(data: bytes | memoryview) -> int:
        return (SHOWN if data[0] & 0x10 else 0) | (0 if data[0] & 1 else START)

    return read


def _vp9(extradata: bytes) -> Reader:
    def read(data: bytes | memoryview) -> int:
        head = data[0]
        if head >> 6 != 2:
            return UNREADABLE
        bits = head << 1 if head >> 4 & 3 == 3 else head  # profile 3 has one more bit before what follows
        if bits & 8:  # shows a frame decoded before
            return SHOWN
        # a superframe ends with its index and holds hidden frames and one that is shown
        shown = bits & 2 or data[-1] >> 5 == 6
        return (SHOWN if shown else 0) | (START if not bits & 4 and bits & 2 else 0)

    return read


def _av1(extradata: bytes) -> Reader:
    """A packet is a temporal unit: it shows one frame. Decoding starts where the first frame is a key frame shown."""

    def read(data: bytes | memoryview) -> int:
        position, end, flags = 0, len(data), SHOWN
        while position < end:
            head = data[position]
            kind, extended, sized = head >> 3 & 15, head >> 2 & 1, head >> 1 & 1
            position += 1 + extended
            length, shift = 0, 0
            while sized and position < end:
                byte = data[position]
                position, length, shift = position + 1, length | (byte & 127) << shift, shift + 7
                if byte < 128:
                    break
            if kind == 1:
                flags |= PARAMETERS
            elif kind in (3, 6) and position < end:
                first = data[position]  # show_existing_frame, frame_type (2 bits), show_frame
                return flags | (START if first >> 4 == 1 else 0)
            position = position + length if sized else end
        return UNREADABLE

    return read


def _gif(extradata: bytes) -> Reader:
    """Each frame is drawn over the one before it: decoding starts at the first. The last packet may hold no picture."""
    seen = 0

    def read(data: bytes | memoryview) -> int:
        nonlocal seen
        seen += 1
        position, end = 0, len(data)
        if seen == 1:  # the header of the file comes first, with a palette
            if bytes(data[:3]) != b"GIF" or end < 13:
                return UNREADABLE
            position = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
        start = START if seen == 1 else 0
        while position < end and data[position] != 0x3B:  # a semicolon ends the file
            if data[position] == 0x2C:
                return SHOWN | start
            if data[position] != 0x21:
                return UNREADABLE
            position += 2  # an extension: blocks of up to 255 bytes, up to one of none
            while position < end and data[position]:
                position += 1 + data[position]
            position += 1
        return start if position <= end else UNREADABLE

    return read


READERS: dict[str, Callable[[bytes], Reader]] = {
    "h264": _h264,
    "hevc": _hevc,
    "vp8": _vp8,
    "vp9": _vp9,
    "av1": _av1,
    "libdav1d": _av1,
    "gif": _gif,
}
