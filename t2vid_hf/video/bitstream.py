"""What a packet holds, read from its first bytes: is it shown, may decoding start at it, does anything refer to it.

The choice: a few header bits, read in Python at 2 microseconds a packet, buy what no container says reliably: frames to
which nothing refers (half the packets of a usual x264 clip) need not be decoded unless they are wanted, and key frames
after which nothing refers back are told from those that only look so. Here are the flags and the readers of HEVC and of
the codecs of the web; the others are those of [`~t2vid_hf.video.packet_kinds`]. Sources: ITU-T H.265 7.3.1.2 and table
7-1, RFC 6386 9.1, the VP9 bitstream specification 6.2, the AV1 bitstream specification 5.3 and 5.9.2.
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
        codec (`str`): FFmpeg's name of the codec: "hevc", "vp8", "vp9", "av1", "gif".
        extradata (`bytes`): The stream's header, which says how HEVC packets are divided.

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


def _hevc(extradata: bytes) -> Reader:
    size = (extradata[21] & 3) + 1 if len(extradata) > 22 and extradata[0] == 1 else 0

    def read(data: bytes | memoryview) -> int:
        flags, slices, layer, disposable = 0, 0, 0, True
        raw = data if size else bytes(data)
        for position in units(raw, size):
            head, second = raw[position], raw[position + 1]
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


def units(data: bytes | memoryview, size: int) -> list[int]:
    """Where the units of a packet of H.264 or HEVC begin.

    Args:
        data (`bytes`): The packet; a `memoryview` will do where `size` is not 0.
        size (`int`): Bytes of the length before each unit; 0 for start codes.

    Example:

    ```python
    >>> from t2vid_hf.video.bitstream import units
    >>> units(b"\\0\\2ab\\0\\3cde", 2), units(b"\\0\\0\\1ab\\0\\0\\1cde", 0)
    ([2, 6], [3, 8])

    ```
    """
    found, position, end = [], 0, len(data)
    if size:
        while position + size + 1 < end:
            found.append(position + size)
            position += size + int.from_bytes(data[position : position + size], "big")
        return found
    raw = data if isinstance(data, bytes) else bytes(data)
    position = raw.find(b"\0\0\1")
    while 0 <= position < end - 4:
        found.append(position + 3)
        position = raw.find(b"\0\0\1", position + 3)
    return found


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
    "hevc": _hevc,
    "vp8": _vp8,
    "vp9": _vp9,
    "av1": _av1,
    "libdav1d": _av1,
    "gif": _gif,
}
