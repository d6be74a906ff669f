"""MVBench's prompt, from its authors' `mvbench.ipynb`, and where their 20 tasks have their videos.

The notebook begins the reply itself, with "Best option:("; here that ends the question, as not every chat template lets
a reply be begun. Five tasks are about a part of the video, of which alone frames are taken; the original's file has
lost the bounds, so that it asks about whole videos, with its own prompt.
"""

from collections.abc import Sequence

from t2vid_hf.evaluation.asking import Asking, lettered
from t2vid_hf.metrics.asked import Asked

_SYSTEM = (
    "Carefully watch the video and pay attention to the cause and sequence of events, the detail and movement of "
    "objects, and the action and pose of persons. Based on your observations, select the best option that accurately "
    "addresses the question."
)
_FOLDERS = {
    "action_sequence": "star/Charades_v1_480",
    "action_prediction": "star/Charades_v1_480",
    "action_antonym": "ssv2_video",
    "fine_grained_action": "Moments_in_Time_Raw/videos",
    "unexpected_action": "FunQA_test/test",
    "object_existence": "clevrer/video_validation",
    "object_interaction": "star/Charades_v1_480",
    "object_shuffle": "perception/videos",
    "moving_direction": "clevrer/video_validation",
    "action_localization": "sta/sta_video",
    "scene_transition": "scene_qa/video",
    "action_count": "perception/videos",
    "moving_count": "clevrer/video_validation",
    "moving_attribute": "clevrer/video_validation",
    "state_change": "perception/videos",
    "fine_grained_pose": "nturgbd",
    "character_order": "perception/videos",
    "egocentric_navigation": "vlnqa",
    "episodic_reasoning": "tvqa/frames_fps3_hq",
    "counterfactual_inference": "clevrer/video_validation",
}
_BOUND = ("action_sequence", "action_prediction", "object_interaction", "action_localization", "episodic_reasoning")


def prompt(asked: Asked, said: Sequence[str] | None) -> str:
    """The text behind the video.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
        said (`Sequence[str]` or `None`): Not used.
    """
    listed = lettered(asked.options, "({}) {}")
    return f"{_SYSTEM}\nQuestion: {asked.prompt}\nOptions:\n{listed}\nOnly give the best option.\nBest option:("


def names(asked: Asked) -> Sequence[str]:
    """What the video may be called: in the folder of its task, or as the question says.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
    """
    folder = _FOLDERS.get(asked.facts.get("file", ""))
    return [asked.video] if folder is None else [f"{folder}/{asked.video}", asked.video]


def span(asked: Asked) -> tuple[float, float] | None:
    """The seconds that a question is about, in the tasks that have them.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
    """
    facts = asked.facts
    if facts.get("file") not in _BOUND or "start" not in facts or "end" not in facts:
        return None
    return float(facts["start"]), float(facts["end"])


ASKING = Asking(prompt, names, span=span)
