"""The columns of a mixture's rows: those of the schema, and what a part says of its videos."""

from typing import Any

from t2vid_hf.schema import features

LIGHT = ("id", "source", "media", "messages", "num_frames")
"""What a filter and a price read; the pages and clips of a row are not touched by it."""


def take_columns() -> Any:
    """What a part says of its videos: how many frames to take, how many a second, and how they are fed."""
    from datasets import Features, Value

    return Features({"take_frames": Value("int32"), "take_fps": Value("float64"), "take_video": Value("string")})


def light_columns() -> Any:
    """The columns `LIGHT` and those of `take_columns`."""
    from datasets import Features

    return Features({**{name: features()[name] for name in LIGHT}, **take_columns()})
