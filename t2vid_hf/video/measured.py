"""Multiple-choice questions about any real clip whose answers are measured from its pixels.

For trying the pipeline on clips that nobody has written questions for. A question is asked only where the measure is
far from undecided, so every answer is true of the clip; they ask for little more than light and movement, and are no
substitute for questions written by people.
"""

import numpy as np

from t2vid_hf.seeding import rng_for
from t2vid_hf.video.reading import Frames
from t2vid_hf.video.shapes import Question

BRIGHTNESS_STEP = 6.0  # of 255: a clear change of the mean; below a third of it nothing changed
MOVEMENT_RATIO = 1.25  # one half moves this much more than the other


def measured_questions(frames: Frames, key: str, *, seed: int = 0) -> tuple[Question, ...]:
    """Questions about a clip.

    Args:
        frames ([`~t2vid_hf.video.reading.Frames`]): At least 4 frames, evenly spread over the clip.
        key (`str`): Names the clip, and with `seed` the order of options.
        seed (`int`): See `key`.

    Returns:
        `tuple[Question, ...]`: of the kinds "attribute_change", "speed", "order" and "duration"; none where nothing
        is clear enough, or the clip has fewer than 4 frames.
    """
    if len(frames.data) < 4:
        return ()
    luma = frames.data.mean(axis=(1, 2, 3))  # (n,)
    movement = np.abs(np.diff(frames.data.astype(np.int16), axis=0)).mean(axis=(1, 2, 3))  # (n - 1,)
    asked: list[tuple[str, str, str, tuple[str, ...]]] = []
    options: tuple[str, ...]
    edge = max(1, len(luma) // 6)
    change = luma[-edge:].mean() - luma[:edge].mean()
    if abs(change) >= BRIGHTNESS_STEP or abs(change) <= BRIGHTNESS_STEP / 3:
        options = ("it is brighter", "it is darker", "it is about as bright")
        right = options[2] if abs(change) < BRIGHTNESS_STEP else options[0] if change > 0 else options[1]
        question = "How bright is the picture at the end, compared with the start?"
        asked.append(("attribute_change", question, right, options))
    first, second = movement[: len(movement) // 2].mean(), movement[-(len(movement) // 2) :].mean()
    if max(first, second) >= MOVEMENT_RATIO * max(min(first, second), 0.1):
        options = ("the first half", "the second half")
        asked.append(("speed", "In which half does the picture change faster?", options[int(second > first)], options))
    bright, dark = int(luma.argmax()), int(luma.argmin())
    if luma[bright] - luma[dark] >= BRIGHTNESS_STEP and abs(bright - dark) >= len(luma) // 4:
        options = ("the brightest moment", "the darkest moment")
        asked.append(("order", "Which of the two comes first in the clip?", options[int(dark < bright)], options))
    seconds = round(float(frames.timestamps[-1] - frames.timestamps[0]))
    if seconds >= 2:
        options = tuple(f"about {value} seconds" for value in (seconds, seconds * 2, seconds * 4, seconds * 8))
        asked.append(("duration", "How long is the clip?", options[0], options))
    return tuple(_shuffled(*question, key=f"{key}/{number}", seed=seed) for number, question in enumerate(asked))


def _shuffled(kind: str, question: str, right: str, options: tuple[str, ...], *, key: str, seed: int) -> Question:
    order = rng_for(seed, f"measured/{key}").permutation(len(options))
    shuffled = tuple(options[position] for position in order)
    return Question(kind, question, shuffled, "ABCD"[shuffled.index(right)])
