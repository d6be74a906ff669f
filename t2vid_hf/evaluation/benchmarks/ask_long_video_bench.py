"""LongVideoBench's prompt and subtitles, from its authors' `longvideobench_dataset.py`.

A subtitle stands behind the last frame that is shown before its middle, if any frame is shown while it is heard; one of
less than a second counts as heard for a second. It is asked without only where `--no_subtitles` says so.
"""

from collections.abc import Sequence

from t2vid_hf.evaluation.asking import Asking, directly
from t2vid_hf.evaluation.subtitles import Subtitle
from t2vid_hf.metrics.asked import Asked


def prompt(asked: Asked, said: Sequence[str] | None) -> str:
    """The text behind the video.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
        said (`Sequence[str]` or `None`): The subtitles, which stand between the frames.
    """
    return f"Question: {directly(asked)}"


def between(subtitles: Sequence[Subtitle], seconds: Sequence[float], end: float) -> list[str]:
    """What is said before the first frame, and behind each.

    Args:
        subtitles (`Sequence[Subtitle]`): The subtitles.
        seconds (`Sequence[float]`): When each frame is shown.
        end (`float`): When the video ends.
    """
    behind: list[list[str]] = [[] for _ in range(len(seconds) + 1)]
    for each in subtitles:
        middle = (each.start + each.end) / 2
        half = max((each.end - each.start) / 2, 0.5)
        if any(middle - half < second < middle + half for second in seconds):
            behind[sum(second <= middle for second in seconds)].append(each.text)
    return ["\n".join(texts) for texts in behind]


ASKING = Asking(
    prompt,
    subtitle_names=lambda asked: [asked.facts["subtitles"]] if "subtitles" in asked.facts else [asked.video],
    subtitles=True,
    between=between,
    offset=lambda asked: float(asked.facts.get("subtitles_from", 0.0)),
)
