"""Whether a file was cut off: the outermost lengths in it against its size, and what its header promises.

FFmpeg reads a half-downloaded mkv, webm or avi to its end without a word. A file whose own lengths reach past its end
is cut off for certain; whether video is missing, and not an index behind it, the promised frames or seconds tell.
"""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_EBML, _SEGMENT, _VOID = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\xec"
_BOXES = frozenset((b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"sidx", b"free", b"skip", b"wide", b"uuid"))
_MEDIA_BOXES = frozenset((b"moov", b"moof", b"mdat"))  # what is cut off of the others is no frame
_MOST_PARTS = 1_000_000


@dataclass(frozen=True)
class Promise:
    """What a file says of its length.

    Args:
        frames (`int`, *optional*, defaults to `0`): Frames that the container says it holds; 0 where it does not say.
        seconds (`float`, *optional*, defaults to `0.0`): When the last stream ends, as the header says; 0 where it does
            not say or FFmpeg has guessed.
        missing_bytes (`int`, *optional*, defaults to `0`): Bytes by which the file is shorter than it says.
    """

    frames: int = 0
    seconds: float = 0.0
    missing_bytes: int = 0

    @classmethod
    def read(cls, video: Path | bytes, stream: Any) -> "Promise":
        """What an open clip promises.

        Args:
            video (`Path` or `bytes`): The file, or its content.
            stream (`av.video.VideoStream`): Its video stream.
        """
        container = stream.container
        header = "matroska" in container.format.name and container.duration
        return cls(stream.frames, header / 1e6 if header else 0.0, missing_bytes(video))

    def broken(self, packets: int, end: float, *, frame_seconds: float) -> str | None:
        """Why a clip is not whole; `None` where it is, or where nothing tells.

        Args:
            packets (`int`): Packets of frames that are there.
            end (`float`): When the last frame ends, in seconds.
            frame_seconds (`float`): How long a frame is shown; 0 where nobody says.

        Example:

        ```python
        >>> from t2vid_hf.video.truncation import Promise
        >>> Promise(0, 60.0, 2_000_000).broken(750, 30.0, frame_seconds=0.04)
        'Cut off at 30.0 of 60.0 seconds: the file lacks 2,000,000 bytes'
        >>> Promise(0, 60.0, 10).broken(1500, 60.0, frame_seconds=0.04)  # only the index behind the frames is missing

        ```
        """
        if not self.missing_bytes or 0 < self.frames <= packets:
            return None
        if self.seconds and end > self.seconds - 0.5 * frame_seconds:
            return None
        there = f" at {end:.1f} of {self.seconds:.1f} seconds" if self.seconds else ""
        there = f" after {packets} of {self.frames} frames" if self.frames else there
        return f"Cut off{there}: the file lacks {self.missing_bytes:,} bytes"

    def expected(self, frame_seconds: float) -> int:
        """Frames that the whole clip would hold, by count or by length; 0 where nobody says."""
        return self.frames or (round(self.seconds / frame_seconds) if frame_seconds else 0)


def missing_bytes(video: Path | bytes) -> int:
    """How many bytes a file is shorter than the outermost lengths in it say; 0 for a whole file and unknown formats.

    Args:
        video (`Path` or `bytes`): A file, or its content: Matroska (mkv, webm), AVI or ISO media (mp4, mov).

    Example:

    ```python
    >>> from t2vid_hf.video.truncation import missing_bytes
    >>> missing_bytes(b"RIFF" + (100).to_bytes(4, "little") + b"AVI LIST")
    92

    ```
    """
    file: BinaryIO
    with io.BytesIO(video) if isinstance(video, bytes) else open(video, "rb", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(12)
        if head[:4] == _EBML:
            end = _segment_end(file, size)
        elif head[:4] == b"RIFF" and head[8:] == b"AVI ":
            end = _riff_end(file, size)
        elif head[4:8] in _BOXES:
            end = _boxes_end(file, size)
        else:
            return 0
    return max(end - size, 0)


def _segment_end(file: BinaryIO, size: int) -> int:
    """Where Matroska's one segment ends; 0 where it does not say (a live recording)."""
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(12)
        name = head[:1] if head[:1] == _VOID else head[:4]
        if name not in (_EBML, _VOID, _SEGMENT) or len(head) < len(name) + 1:
            return 0
        first = head[len(name)]
        width = 9 - first.bit_length()  # zero bits before the first one, and that bit
        length = int.from_bytes(head[len(name) :][:width], "big") - (1 << 7 * width)
        if width > 8 or length == (1 << 7 * width) - 1:
            return 0
        position += len(name) + width + length
        if name == _SEGMENT:
            return position
    return position


def _riff_end(file: BinaryIO, size: int) -> int:
    """Where the last of an AVI's parts ends; one that was not finished says 0."""
    position = 0
    for _ in range(_MOST_PARTS):
        file.seek(position)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF" or not length:
            return 0
        position += 8 + length + length % 2
        if position >= size:
            # the byte that fills up an odd length is often left out
            return position - length % 2
    return 0


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Where the last box of frames or of their index ends; 0 where what follows is no box."""
    position = 0
    for _ in range(_MOST_PARTS):
        file.seek(position)
        head = file.read(16)
        length, name, least = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, least = int.from_bytes(head[8:], "big"), 16
        if len(head) < 8 or length < least:
            return 0
        position += length
        if position >= size:
            return position if name in _MEDIA_BOXES else 0
    return 0
