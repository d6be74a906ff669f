"""The packets of a clip from its container's index, where each is a picture by itself: only the wanted ones are read.

MP4, MOV and AVI list their packets, and a list is read in a hundredth of the time that the packets take. It is used
where it has as many entries as the header promises frames. That a packet is the one that the list promised, its time
tells; and the frame that comes out of it is checked like any other.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from t2vid_hf._optional import require
from t2vid_hf.video.bitstream import DISPOSABLE, SHOWN, START
from t2vid_hf.video.packet_kinds import stands_alone
from t2vid_hf.video.planning import Packets


class PacketIndex:
    """Packets that are read when they are asked for.

    Args:
        container (`av.container.InputContainer`): The clip, opened; it is not decoded from while packets are read.
        stream (`av.video.VideoStream`): Its video stream.
        times (`Sequence[int]`): When each packet is shown, in the stream's time base.
        sizes (`np.ndarray` of shape `(packets,)`, int64): Bytes of each.
    """

    def __init__(self, container: Any, stream: Any, *, times: Sequence[int], sizes: np.ndarray) -> None:
        self._container, self._stream, self._times = container, stream, times
        self.sizes = sizes

    def fetch(self, positions: Sequence[int]) -> dict[int, Any] | None:
        """Read packets; by their positions, or `None` where the index does not lead to one of them.

        Args:
            positions (`Sequence[int]`): Their positions.
        """
        found = {}
        for position in positions:
            time = self._times[position]
            self._container.seek(time, stream=self._stream)
            packet = next(self._container.demux(self._stream), None)
            if packet is None or packet.pts != time or packet.is_corrupt or packet.has_sidedata("new_extradata"):
                return None
            found[position] = packet
        return found


def read_index(container: Any, stream: Any) -> tuple[Packets, PacketIndex] | None:
    """What a container's index says of the packets, and the way to them; `None` where they are to be read in turn.

    Args:
        container (`av.container.InputContainer`): The clip, opened.
        stream (`av.video.VideoStream`): Its video stream.
    """
    if not stands_alone(stream.codec_context) or not stream.frames:
        return None
    entries = getattr(stream, "index_entries", None)  # PyAV 17 and later
    if entries is None or len(entries) != stream.frames:
        return None
    packets, sizes = Packets(), []
    for entry in entries:
        if not entry.is_keyframe or not entry.size:
            return None
        packets.times.append(entry.timestamp)
        packets.flags.append(START | DISPOSABLE | (0 if entry.is_discard else SHOWN))
        sizes.append(entry.size)
    index = PacketIndex(container, stream, times=packets.times, sizes=np.array(sizes))
    try:
        last = index.fetch([len(sizes) - 1])
    except require("av", extra="video").FFmpegError:
        return None
    if last is None:
        return None
    packets.duration = last[len(sizes) - 1].duration or 0
    return packets, index
