"""Multiple-choice questions about any real clip whose answers are measured from its pixels.

For trying the pipeline on clips that nobody has written questions for. A question is asked only where the measure is
far from undecided, so every answer is true of the clip; they ask for little more than light and movement, and are no
substitute for questions written by people.
"""

from dataclasses import replace

import numpy as np

from t2vid_hf.clips.shapes import Question
from t2vid_hf.seeding import rng_for
from t2vid_hf.video.reading import Frames

BRIGHTNESS_STEP = 6.0  # of 255: a clear change of the mean; below a third of it nothing changed
MOVEMENT_RATIO = 1.25  # one half moves this much more than the other


def measured_questions(frames: Frames, key: str, *, seed: int = 0) -> tuple[Question, ...]:
    """Questions about a clip.

    Args:
        frames ([`~t2vid_hf.video.reading.Frames`]): Frames of the clip, at least 4, evenly spread.
        key (`str`): Name of the clip; with the seed it decides the order of options.
        seed (`int`, *optional*, defaults to `0`): The seed of that order.

    Returns:
        `tuple[Question, ...]`: of the kinds "attribute_change", "speed", "order" and "duration"; none where nothing
        is clear enough, or the clip has fewer than 4 frames.
    """
    if len(frames.data) < 4:
        return ()
    luma = frames.data.mean(axis=(1, 2, 3))  # (n,)
    movement = np.abs(np.diff(frames.data.astype(np.int16), axis=0)).mean(axis=(1, 2, 3))  # (n - 1,)
    measured = (_ask_brightness(luma), _ask_speed(movement), _ask_order(luma), _ask_duration(frames.timestamps))
    clear = [question for question in measured if question is not None]
    return tuple(_shuffle_options(question, f"{key}/{number}", seed) for number, question in enumerate(clear))


def _ask_brightness(luma: np.ndarray) -> Question | None:
    edge = max(1, len(luma) // 6)
    change = luma[-edge:].mean() - luma[:edge].mean()
    if BRIGHTNESS_STEP / 3 < abs(change) < BRIGHTNESS_STEP:
        return None
    options = ("it is brighter", "it is darker", "it is about as bright")
    letter = "C" if abs(change) < BRIGHTNESS_STEP else "A" if change > 0 else "B"
    return Question(
        "attribute_change", "How bright is the picture at the end, compared with the start?", options, letter
    )


def _ask_speed(movement: np.ndarray) -> Question | None:
    half = len(movement) // 2
    first, second = movement[:half].mean(), movement[-half:].mean()
    if max(first, second) < MOVEMENT_RATIO * max(min(first, second), 0.1):
        return None
    options = ("the first half", "the second half")
    return Question("speed", "In which half does the picture change faster?", options, "B" if second > first else "A")


def _ask_order(luma: np.ndarray) -> Question | None:
    brightest, darkest = int(luma.argmax()), int(luma.argmin())
    if luma[brightest] - luma[darkest] < BRIGHTNESS_STEP or abs(brightest - darkest) < len(luma) // 4:
        return None
    options = ("the brightest moment", "the darkest moment")
    return Question("order", "Which of the two comes first in the clip?", options, "B" if darkest < brightest else "A")


def _ask_duration(timestamps: np.ndarray) -> Question | None:
    seconds = round(float(timestamps[-1] - timestamps[0]))
    if seconds < 2:
        return None
    options = tuple(f"about {seconds * factor} seconds" for factor in (1, 2, 4, 8))
    return Question("duration", "How long is the clip?", options, "A")


def _shuffle_options(question: Question, key: str, seed: int) -> Question:
    order = rng_for(seed, f"measured/{key}").permutation(len(question.options))
    shuffled = tuple(question.options[position] for position in order)
    return replace(question, options=shuffled, answer="ABCD"[shuffled.index(question.answer_text)])
