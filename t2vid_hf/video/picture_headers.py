"""What a packet of H.263, Windows Media 8, CineForm or Flash Screen Video holds, from its picture's first bytes.

These say themselves what AVI and ASF get wrong: their key frames are what the file was written with. A group of
CineForm pictures, a picture that repeats the one before, and whatever else is rare is unreadable, which is: decoded in
full. Sources: ITU-T H.263 5.1; SMPTE ST 2073-1; Adobe's SWF file format 10, Screen Video; FFmpeg's behaviour for the
one that Microsoft has not described.
"""

from collections.abc import Callable

from t2vid_hf.video.bitstream import DISPOSABLE, SHOWN, START, UNREADABLE, Reader

_MACROBLOCK = 16
_EXTENDED = 7  # H.263's format of the picture: more follows
_INTRA_SAMPLE, _SPATIAL = b"\0\1\0\x09", b"\0\x0a\0\0"  # CineForm's fields "sample type" and "transform type"


def h263(width: int, height: int) -> Reader:
    """The reader of H.263. Decoding starts at an I picture with the options of the first one.

    Args:
        width (`int`): Pixels of a line.
        height (`int`): Lines.

    Example:

    ```python
    >>> from t2vid_hf.video.bitstream import SHOWN, START
    >>> from t2vid_hf.video.picture_headers import h263
    >>> read = h263(176, 144)
    >>> read(b"\\0\\0\\x80\\2\\x08" + bytes(8)) == SHOWN | START, read(b"\\0\\0\\x80\\2\\x0a" + bytes(8)) == SHOWN
    (True, True)

    ```
    """
    first: list[int] = []

    def read(data: bytes | memoryview) -> int:
        bits = int.from_bytes(data[:8], "big")
        if len(data) < 8 or bits >> 42 != 0x20:
            return UNREADABLE
        options = bits >> 26 & 7
        if options != _EXTENDED:
            kind = bits >> 25 & 1
        elif bits >> 23 & 7 == 1:  # 18 bits of options come first
            options, kind = bits >> 5 & 0x3FFFF | 1 << 18, bits >> 2 & 7
        else:
            options, kind = -1, bits >> 20 & 7
        if kind > 1:
            return UNREADABLE
        if not first:
            first.append(options)
        return SHOWN | START if kind == 0 and options == first[0] >= 0 else SHOWN

    return read


def wmv2(width: int, height: int) -> Reader:
    """The reader of Windows Media Video 8. A picture that skips all that it has gives no frame: it is not read.

    Args:
        width (`int`): Pixels of a line.
        height (`int`): Lines.

    Example:

    ```python
    >>> from t2vid_hf.video.bitstream import SHOWN, START, UNREADABLE
    >>> from t2vid_hf.video.picture_headers import wmv2
    >>> [wmv2(32, 32)(data) for data in (b"\\0\\x20", b"\\xa0\\0", b"\\xa2\\xc0")] == [SHOWN | START, SHOWN, UNREADABLE]
    True

    ```
    """
    across, down = -(-width // _MACROBLOCK), -(-height // _MACROBLOCK)

    def read(data: bytes | memoryview) -> int:
        head = data[0]
        if not head & 0x80:
            return SHOWN | START
        if head & 2:  # columns or rows say with a bit each that they are skipped
            lines = across if head & 1 else down
            size = -(-lines // 8)
            skipped = int.from_bytes(data[1 : 1 + size], "big") >> (8 * size - lines)
            if len(data) <= size or skipped == (1 << lines) - 1:
                return UNREADABLE
        return SHOWN

    return read


def cineform(width: int, height: int) -> Reader:
    """The reader of CineForm.

    Args:
        width (`int`): Pixels of a line.
        height (`int`): Lines.
    """

    def read(data: bytes | memoryview) -> int:
        channels = data[7] if len(data) > 7 else 0
        kind = 8 + 4 * channels  # behind an entry for each in a table
        alone = data[:4] == _INTRA_SAMPLE and data[kind : kind + 4] == _SPATIAL
        return SHOWN | START | DISPOSABLE if alone else UNREADABLE

    return read


def flash_screen(width: int, height: int) -> Reader:
    """The reader of Flash Screen Video: a picture is blocks, and those of no bytes are as they were before.

    Args:
        width (`int`): Pixels of a line.
        height (`int`): Lines.
    """

    def read(data: bytes | memoryview) -> int:
        if len(data) < 4:
            return UNREADABLE
        across = -(-((data[0] & 15) << 8 | data[1]) // (16 * (data[0] >> 4) + 16))
        down = -(-((data[2] & 15) << 8 | data[3]) // (16 * (data[2] >> 4) + 16))
        position, whole, end = 4, True, len(data) - 1
        for _ in range(across * down):
            if position >= end:
                return UNREADABLE
            size = data[position] << 8 | data[position + 1]
            whole &= size > 0
            position += 2 + size
        if position != len(data):
            return UNREADABLE
        return SHOWN | START if whole else SHOWN

    return read


READERS: dict[str, Callable[[int, int], Reader]] = {
    "h263": h263,
    "wmv2": wmv2,
    "cfhd": cineform,
    "flashsv": flash_screen,
}
