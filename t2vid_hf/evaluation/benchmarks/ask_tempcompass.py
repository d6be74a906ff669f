"""TempCompass's prompts, from its authors' `run_video_llava.py`: the question, and how its task is to be answered.

A caption names no option: captions are judged by a language model, so that they are written in the authors' form and
not scored. The original's multiple choice has a prompt of its own, which is asked as it is.
"""

from collections.abc import Sequence

from t2vid_hf.evaluation.asking import Asking
from t2vid_hf.metrics.asked import Asked

_ENDS = {
    "multi-choice": "\nPlease directly give the best option:",
    "yes_no": "\nPlease answer yes or no:",
    "caption_matching": "\nPlease directly give the best option:",
    "captioning": "",
}


def prompt(asked: Asked, said: Sequence[str] | None) -> str:
    """The text behind the video; the questions of this benchmark list their options themselves.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
        said (`Sequence[str]` or `None`): Not used.
    """
    return asked.prompt + _ENDS[asked.facts["task"]]


ASKING = Asking(prompt, scored=lambda asked: asked.facts.get("task") != "captioning")
