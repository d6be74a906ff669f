"""MLVU's prompt, from its authors' `choice_bench.py`, and where its seven tasks have their videos.

The script begins the reply itself, with "Best Option: ("; here that ends the question. The original's file holds
prompts of its own, which are asked as they are.
"""

from collections.abc import Sequence

from t2vid_hf.evaluation.asking import Asking, lettered
from t2vid_hf.metrics.asked import Asked

_SYSTEM = (
    "Carefully watch this video and pay attention to every detail. Based on your observations, select the best option "
    "that accurately addresses the question."
)


def prompt(asked: Asked, said: Sequence[str] | None) -> str:
    """The text behind the video.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
        said (`Sequence[str]` or `None`): Not used.
    """
    listed = lettered(asked.options, "({}) {}")
    return f"{_SYSTEM}\nQuestion: {asked.prompt}\nOptions:\n{listed}\nOnly give the best option.\nBest Option: ("


def names(asked: Asked) -> Sequence[str]:
    """What the video may be called: in the folder of its task, or as the question says.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
    """
    folder = asked.facts.get("file")
    return [asked.video] if folder is None else [f"{folder}/{asked.video}", asked.video]


ASKING = Asking(prompt, names)
