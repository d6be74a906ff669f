"""Positions of a row's tokens for M-RoPE, in text, time, height and width: the arithmetic of Qwen-VL's own models.

By NumPy, where rows are encoded: `get_rope_index` computes them of a padded batch, on the device.
"""

import math
from collections.abc import Sequence

import numpy as np

from t2vid_hf.errors import InputError
from t2vid_hf.models.media_text import VideoTimes

# Of every published checkpoint: frames to a group, positions a second (Qwen2.5-VL).
GROUPED, TOKENS_PER_SECOND = 2, 2
Grid = tuple[int, int]
Medium = tuple[int, np.ndarray, Grid]
"""Where a medium begins, how far time advances from group to group of its frames, and a group's rows and columns."""


def mrope_positions(tokens: int, media: Sequence[Medium]) -> np.ndarray:
    """Positions of a row.

    Args:
        tokens (`int`): How many tokens the row has.
        media (`Sequence[Medium]`): Its media in order, see [`find_media`].

    Returns:
        `np.ndarray` of shape `(4, tokens)`, int64.

    Example:

    ```python
    >>> import numpy as np
    >>> from t2vid_hf.models.mrope import mrope_positions
    >>> mrope_positions(6, [(1, np.zeros(1, int), (2, 2))])[1:].tolist()
    [[0, 1, 1, 1, 1, 3], [0, 1, 1, 2, 2, 3], [0, 1, 2, 1, 2, 3]]

    ```
    """
    positions = np.empty((4, tokens), np.int64)
    positions[0] = np.arange(tokens)
    done = reached = 0  # tokens; the position of the next
    for begin, times, (rows, columns) in media:
        positions[1:, done:begin] = np.arange(reached, reached + begin - done)
        reached += begin - done
        places = np.indices((len(times), rows, columns)).reshape(3, -1)  # time, height, width
        places[0] = times[places[0]]
        done = begin + places.shape[1]
        positions[1:, begin:done] = reached + places
        reached += max(rows, columns)  # whatever the time has reached: it is the models' own arithmetic
    positions[1:, done:] = np.arange(reached, reached + tokens - done)
    return positions


def find_media(
    image_places: np.ndarray,
    video_places: np.ndarray,
    *,
    grids: Sequence[Grid],
    videos: Sequence[tuple[Grid, VideoTimes]],
    timestamps: bool,
) -> list[Medium]:
    """The media of a row, in order.

    Args:
        image_places (`np.ndarray` of shape `(n,)`): The places of the tokens of images.
        video_places (`np.ndarray` of shape `(n,)`): The places of the tokens of videos.
        grids (`Sequence[Grid]`): Rows and columns of the tokens of each image.
        videos (`Sequence[tuple[Grid, VideoTimes]]`): Rows and columns of the tokens of a group of each video's frames,
            and when these are shown.
        timestamps (`bool`): Whether the text tells the time (Qwen3-VL), so that a group is an image behind it.

    Raises:
        [`~t2vid_hf.errors.InputError`]: there are other tokens than these media take.
    """
    groups = [math.ceil(len(video) / GROUPED) for _, video in videos]
    wanted = sum(count * math.prod(grid) for count, (grid, _) in zip(groups, videos, strict=True))
    if wanted != len(video_places) or sum(map(math.prod, grids)) != len(image_places):
        raise InputError(
            f"a row has {len(image_places)} tokens of images and {len(video_places)} of groups of video frames, and "
            f"images of {sum(map(math.prod, grids))} tokens and videos of {groups} groups are told of it"
        )
    still = np.zeros(1, np.int64)
    media = [(begin, still, grid) for begin, grid in zip(_begins(image_places, grids), grids, strict=True)]
    if timestamps:
        each = [grid for count, (grid, _) in zip(groups, videos, strict=True) for _ in range(count)]
        media += [(begin, still, grid) for begin, grid in zip(_begins(video_places, each), each, strict=True)]
    else:
        whole = [(count, *grid) for count, (grid, _) in zip(groups, videos, strict=True)]
        begins = _begins(video_places, whole)
        media += [(begin, _group_times(video), grid) for begin, (grid, video) in zip(begins, videos, strict=True)]
    return sorted(media, key=lambda medium: medium[0])


def _begins(places: np.ndarray, grids: Sequence[tuple[int, ...]]) -> list[int]:
    """Where each medium begins, given the places of the tokens of all."""
    firsts = np.cumsum([0, *(math.prod(grid) for grid in grids)])[:-1]
    return places[firsts].tolist()


def _group_times(video: VideoTimes) -> np.ndarray:
    """Positions in time of the groups of a video on Qwen2.5-VL, from its first."""
    groups = math.ceil(len(video) / GROUPED)
    # float32, as in the model: another rounding would be another position
    step = np.float32(TOKENS_PER_SECOND) * np.float32(GROUPED / video.taken_fps)
    return (np.arange(groups, dtype=np.float32) * step).astype(np.int64)
