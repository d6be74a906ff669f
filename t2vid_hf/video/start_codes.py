"""What a packet of MPEG-1, MPEG-2 or MPEG-4 Part 2 holds, from the start codes in it.

In these B pictures are never referred to, so that they are decoded only where they are wanted, and an I picture refers
to nothing. Decoding starts at one only where the headers before it are those of the clip's first packet: a decoder
keeps what earlier headers said, quirks of the encoder that it has to imitate included. Sources: ISO/IEC 11172-2 2.4.2,
13818-2 6.2, 14496-2 6.2.
"""

from t2vid_hf.video.bitstream import DISPOSABLE, SHOWN, START, UNREADABLE, Reader

_MPEG_2_PICTURE, _MPEG_2_GROUP, _EXTENSION = b"\0\0\1\0", b"\0\0\1\xb8", b"\0\0\1\xb5"
_MPEG_4_PICTURE, _MPEG_4_GROUP = b"\0\0\1\xb6", b"\0\0\1\xb3"
_KINDS = {1: START, 2: 0, 3: DISPOSABLE}  # I, P and B as MPEG-1 and MPEG-2 number them
_WHOLE_PICTURE = 3  # and 1 and 2 are the top and bottom fields
# FFmpeg takes what is no longer for a picture that was left out, and shows nothing
_EMPTY_PICTURE = 19


def mpeg_2(extradata: bytes) -> Reader:
    """The reader of MPEG-1 and MPEG-2, whose packets are whole pictures or both fields of one.

    Args:
        extradata (`bytes`): The stream's header; the packets say all that is needed.

    Example:

    ```python
    >>> from t2vid_hf.video.bitstream import SHOWN, START
    >>> from t2vid_hf.video.start_codes import mpeg_2
    >>> mpeg_2(b"")(b"\\0\\0\\1\\0\\x00\\x08\\xff\\xf8") == SHOWN | START  # an I picture
    True

    ```
    """
    headers: list[bytes] = []

    def read(data: bytes | memoryview) -> int:
        raw = bytes(data)
        place = raw.find(_MPEG_2_PICTURE)
        if place < 0 or len(raw) < place + 8:
            return UNREADABLE
        another = raw.find(_MPEG_2_PICTURE, place + 4)
        extension = raw.find(_EXTENSION, place, place + 32)
        coded_as = raw[extension + 6] & 3 if 0 <= extension < len(raw) - 6 else _WHOLE_PICTURE
        # a field alone is half a frame, and two pictures are two frames
        if (coded_as == _WHOLE_PICTURE) != (another < 0):
            return UNREADABLE
        kind = _KINDS.get(raw[place + 5] >> 3 & 7, UNREADABLE)
        return SHOWN | _known_start(kind, raw, _MPEG_2_GROUP, place, headers)

    return read


def mpeg_4(extradata: bytes) -> Reader:
    """The reader of MPEG-4 Part 2. Two pictures in a packet ("packed bitstream") are not read.

    Args:
        extradata (`bytes`): The stream's header; the packets say all that is needed.

    Example:

    ```python
    >>> from t2vid_hf.video.bitstream import DISPOSABLE, SHOWN
    >>> from t2vid_hf.video.start_codes import mpeg_4
    >>> mpeg_4(b"")(b"\\0\\0\\1\\xb6\\x80" + 40 * b"\\xff") == SHOWN | DISPOSABLE  # a B picture
    True

    ```
    """
    headers: list[bytes] = []

    def read(data: bytes | memoryview) -> int:
        raw = bytes(data)
        place = raw.find(_MPEG_4_PICTURE)
        if place < 0 or len(raw) - place <= _EMPTY_PICTURE or raw.find(_MPEG_4_PICTURE, place + 4) >= 0:
            return UNREADABLE
        kind = (START, 0, DISPOSABLE, 0)[raw[place + 4] >> 6]  # I, P, B, and sprites, which are referred to
        return SHOWN | _known_start(kind, raw, _MPEG_4_GROUP, place, headers)

    return read


def _known_start(kind: int, raw: bytes, group: bytes, place: int, headers: list[bytes]) -> int:
    """A picture's kind, and no start where the headers before it are not those of the first packet."""
    before = raw.find(group, 0, place)  # a group's header has its time in it
    header = raw[: before if before >= 0 else place]
    if not headers:
        headers.append(header)
    return kind & ~START if header != headers[0] else kind
