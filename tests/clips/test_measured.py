"""Questions whose answers are measured from a clip's pixels."""

import numpy as np

from t2vid_hf.clips.measured import measured_questions
from t2vid_hf.video.pictures import Timing
from t2vid_hf.video.reading import Frames


def fading(levels: list[int]) -> Frames:
    data = np.stack([np.full((8, 8, 3), level, np.uint8) for level in levels])
    times = np.arange(len(levels)) * 1.0
    return Frames(data, times, len(levels), Timing(tuple(times), len(levels), 1.0))


def test_measured_answers_are_true():
    asked = {
        question.kind: question for question in measured_questions(fading([0, 10, 20, 30, 100, 170, 240, 255]), "a")
    }
    assert asked["attribute_change"].answer_text == "it is brighter"
    assert asked["speed"].answer_text == "the second half"
    assert asked["order"].answer_text == "the darkest moment"
    assert asked["duration"].answer_text == "about 7 seconds"


def test_nothing_is_asked_where_nothing_is_clear():
    still = {question.kind for question in measured_questions(fading([100] * 8), "a")}
    assert still == {"attribute_change", "duration"}
    assert measured_questions(fading([0, 255]), "a") == ()
