"""The sequence world as a data set: pictures, pools of rows to train on, and questions that nobody trains on.

Sizes are what the experiment in recipes/miniature takes: of 57,600 clips an arm draws 38,400. Written in half a minute
of one core, most of it Parquet; another seed is another world of the same words.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from t2vid_hf.clips.sequence_pictures import write_pictures
from t2vid_hf.clips.sequence_quiz import base_questions, clip_questions, quiz_features
from t2vid_hf.clips.sequence_rows import pool_rows, world_features
from t2vid_hf.data.repository import write_config

SIZES = {"video": 57_600, "oracle": 14_400, "pages": 14_400, "text": 14_400, "read": 4_800, "base": 96_000}
"""Rows of each pool; of those that hold six kinds of question 2,400 a kind."""
QUESTIONS = 60
"""Questions of a kind and a number of frames."""


def write_world(
    folder: Path, *, seed: int = 0, sizes: Mapping[str, int] | None = None, questions: int = QUESTIONS
) -> dict[str, int]:
    """Write the world: a config for each pool, and the configs "test", "validation" and "gate" of questions.

    Args:
        folder (`Path`): Where it goes; made if it is not there.
        seed (`int`, *optional*, defaults to `0`): Another one makes other pictures, rows and questions.
        sizes (`Mapping[str, int]`, *optional*): Rows of each pool; `None` takes `SIZES`. A pool that is left out is not
            written.
        questions (`int`, *optional*, defaults to `60`): Questions of a kind and a number of frames.

    Returns:
        `dict[str, int]`: the rows of each config.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = write_pictures(folder, seed=seed)
    stats = {"kind": "video", "sources": ["sequence_world"], "license": "cc0-1.0", "seed": seed, "pictures": pictures}
    written = {}
    for pool, count in (SIZES if sizes is None else sizes).items():
        rows = partial(pool_rows, pool, count, seed=seed)
        written[pool] = write_config(folder, pool, {"train": rows}, features=world_features(), stats=stats)["rows"]
    asked = {
        "test": partial(clip_questions, folder, "test", questions, seed=seed),
        "validation": partial(clip_questions, folder, "validation", questions, seed=seed),
        "gate": partial(base_questions, folder, questions, seed=seed),
    }
    for name, make in asked.items():
        written[name] = write_config(folder, name, {"test": make}, features=quiz_features(), stats=stats)["rows"]
    return {name: sum(rows.values()) for name, rows in written.items()}
