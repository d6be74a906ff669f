"""What each packet of a clip holds, by what tells it best: its bytes, its codec, or the container and the decoder.

For most codecs no header needs to be read. Where every packet is a picture by itself, the codec's name says so. Where
pictures refer to the one before, the container says which are key frames, and the decoder, which reads it in the
picture itself, has to confirm it ([`~t2vid_hf.video.segments.decode_plan`]). Both are lists of names and not FFmpeg's
property "intra only", because some codecs with it repeat a frame or show none. Each name is tested against a full
decode; what is in no list is decoded in full.
"""

from collections.abc import Callable
from typing import Any

from t2vid_hf.video.bitstream import DISPOSABLE, SHOWN, START, UNREADABLE, Reader, reader
from t2vid_hf.video.h264_headers import Shown, h264
from t2vid_hf.video.picture_headers import READERS
from t2vid_hf.video.start_codes import mpeg_2, mpeg_4

PacketReader = Callable[[Any], int]

# FFmpeg's names of decoders.
ALONE = frozenset(
    (
        "amv", "asv1", "asv2", "avrp", "cljr", "dnxhd", "dpx", "dvvideo", "dxv", "exr", "ffvhuff", "huffyuv",
        "jpeg2000", "jpegls", "magicyuv", "mjpeg", "png", "prores", "r10k", "r210", "rawvideo", "sgi", "speedhq",
        "targa", "tiff", "utvideo", "v210", "y41p", "yuv4", "zlib",
    )
)  # fmt: skip
BY_KEY_FRAMES = frozenset(
    (
        "ffv1", "flv", "msmpeg4", "msmpeg4v2", "snow", "svq1", "wmv1", "zmbv"
    )
)  # fmt: skip
MPEG = {"mpeg1video": mpeg_2, "mpeg2video": mpeg_2, "mpeg4": mpeg_4}
_H264 = "h264"
_PALETTE = "pal8"  # a palette that comes with a packet holds for the packets after it, too
# A packet may hold one field of two: which frame it belongs to, only the decoder knows.
FIELDS_APART = frozenset(("mjpeg",))
_NUMBERED = "avi"  # a container that numbers packets as they are decoded


def places_to_read(container: Any, context: Any) -> list[Shown] | None:
    """A list for the packets' places in the order shown, where their times count them as they are decoded.

    Args:
        container (`av.container.InputContainer`): The container.
        context (`av.codec.CodecContext`): The decoder of the clip's stream.

    Returns:
        `list[tuple[int, int]]` or `None`: empty; `None` where the times are those of the order shown.
    """
    return [] if container.format.name == _NUMBERED and context.name == _H264 else None


def packet_reader(context: Any, places: list[Shown] | None = None) -> PacketReader:
    """The function that tells what a packet holds, in flags of [`~t2vid_hf.video.bitstream`].

    Args:
        context (`av.codec.CodecContext`): The decoder of the clip's stream. The function reads one pass over the
            stream, from its first packet.
        places (`list[tuple[int, int]]`, *optional*): What takes each packet's place; see [`places_to_read`].

    Returns:
        `Callable[[av.Packet], int]`: `UNREADABLE` with `SHOWN` for each packet of a codec of which nothing is known.
    """
    name, extradata = context.name, context.extradata or b""
    if name == _H264:
        read: Reader | None = h264(extradata, places)
    elif name in MPEG:
        read = MPEG[name](extradata)
    elif name in READERS:
        read = READERS[name](context.width, context.height)
    else:
        read = reader(name, extradata)
    if read is not None:
        return lambda packet: read(memoryview(packet))
    if stands_alone(context):
        return lambda packet: SHOWN | START | DISPOSABLE
    if name in BY_KEY_FRAMES and context.pix_fmt != _PALETTE:
        return lambda packet: SHOWN | START if packet.is_keyframe else SHOWN
    return lambda packet: SHOWN | UNREADABLE


def stands_alone(context: Any) -> bool:
    """Whether each packet of a stream is a picture by itself.

    Args:
        context (`av.codec.CodecContext`): The decoder of the stream.
    """
    return context.name in ALONE and context.pix_fmt != _PALETTE
