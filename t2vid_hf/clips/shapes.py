"""Seeded short clips of plain moving shapes, with multiple-choice questions that are true of what is drawn.

The choice: a clip is first a small frozen description (actors and their timed events), and both the pixels and the
questions are derived from it, so an answer cannot drift away from the picture. Scenes come in shuffled blocks of ten,
which keeps the kinds of question balanced in any run of clips, and the wrong options mirror the right one, so that
guessing without looking stays near chance. The price: a tiny world (four shapes, four colours, plain backgrounds), so
a good score says that a model sees motion, not that it understands real video. At the default 16 frames, a reader
that keeps only every fourth frame, from the first, still sees the same answers.
"""

import random

from t2vid_hf.clips.actors import cast_actors
from t2vid_hf.clips.drawing import (
    ACTIONS,
    COLOURS,
    PACES,
    SHAPES,
    Actor,
    Clip,
    Question,
    render_clip,
    write_clip,
)
from t2vid_hf.clips.shape_questions import draft_questions, word_question
from t2vid_hf.errors import InputError
from t2vid_hf.seeding import stable_hash

__all__ = [
    "ACTIONS",
    "COLOURS",
    "KINDS",
    "PACES",
    "SCENES",
    "SHAPES",
    "Actor",
    "Clip",
    "Question",
    "make_clip",
    "render_clip",
    "write_clip",
]

KINDS = ("action", "direction", "speed", "order", "attribute_change")
SCENES = ("move", "pace", "turn", "size", "colour", "idle", "race", "sequence", "sequence", "relay")

_BACKGROUNDS = ((20, 20, 24), (232, 232, 232))


def make_clip(index: int, *, seed: int = 0, size: int = 96, num_frames: int = 16, fps: int = 8) -> Clip:
    """Describe clip number `index` of the endless series named by `seed`.

    Args:
        index (`int`): Number of the clip, from 0. Disjoint ranges make disjoint splits.
        seed (`int`, *optional*, defaults to `0`): The name of the series.
        size (`int`, *optional*, defaults to `96`): Width and height in pixels: even (for yuv420p), at least 48.
        num_frames (`int`, *optional*, defaults to `16`): Frames in the clip, at least 8.
        fps (`int`, *optional*, defaults to `8`): Frames per second.

    Returns:
        [`Clip`]: The description, with two or three questions.

    Example:

    ```python
    >>> from t2vid_hf.clips.shapes import make_clip
    >>> make_clip(3, seed=7) == make_clip(3, seed=7)
    True

    ```
    """
    if index < 0 or fps < 1 or num_frames < 8 or size < 48 or size % 2:
        given = f"index={index}, fps={fps}, num_frames={num_frames}, size={size}"
        raise InputError(f"{given}: a clip needs index >= 0, fps >= 1, num_frames >= 8 and an even size >= 48")
    block, slot = divmod(index, len(SCENES))
    scene = random.Random(stable_hash(f"shapes/{seed}/block/{block}")).sample(SCENES, len(SCENES))[slot]
    rng = random.Random(stable_hash(f"shapes/{seed}/clip/{index}"))
    actors, background = tuple(cast_actors(rng, scene)), rng.choice(_BACKGROUNDS)
    questions = []
    for number, draft in enumerate(draft_questions(rng, scene, actors)):
        # the right letters of four neighbouring clips are a shuffled ABCD: no letter is ahead, even in a small set
        letters = random.Random(stable_hash(f"shapes/{seed}/letters/{number}/{index // 4}")).sample(range(4), 4)
        questions.append(word_question(rng, draft, letters[index % 4]))
    name = f"shapes-{seed}-{index:05d}"
    return Clip(name, seed, size, size, fps, num_frames, scene, background, actors, tuple(questions))
