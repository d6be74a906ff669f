"""Video-MME's prompt, from its authors' README ("Evaluation Pipeline"), with the subtitles of the frames or without.

As they say, the subtitles are those at the times of the frames that are fed, and a video without any is asked without.
"""

from collections.abc import Sequence

from t2vid_hf.evaluation.asking import Asking, lettered
from t2vid_hf.metrics.asked import Asked


def prompt(asked: Asked, said: Sequence[str] | None) -> str:
    """The text behind the video.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
        said (`Sequence[str]` or `None`): The subtitles; `None` is asked without.
    """
    listed = "This video's subtitles are listed below:\n" + "\n".join(said) + "\n" if said else ""
    by = "the video and the subtitles" if said else "the video"
    return (
        f"{listed}Select the best answer to the following multiple-choice question based on {by}. Respond with only "
        f"the letter (A, B, C, or D) of the correct option.\n{asked.prompt}\n{lettered(asked.options)}\n"
        "The best answer is:"
    )


ASKING = Asking(prompt, subtitle_names=lambda asked: [asked.video])
