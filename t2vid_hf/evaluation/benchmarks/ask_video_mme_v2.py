"""Video-MME-v2's prompts, from its authors' `test_video_mme_v2.py`, with subtitles between the frames or without.

Words become sentences at a pause of half a second, or of a tenth behind a full stop; a sentence stands behind each
frame in whose time it is heard, so that a long one stands there twice.
"""

from collections.abc import Sequence

from t2vid_hf.evaluation.asking import Asking, lettered
from t2vid_hf.evaluation.subtitles import Subtitle
from t2vid_hf.metrics.asked import Asked

_WITHOUT = "These are the frames of a video."
_WITH = (
    "These are the frames of a video with corresponding subtitles shown between frames. The subtitles indicate what is "
    "being said during the time interval between adjacent frames."
)


def prompt(asked: Asked, said: Sequence[str] | None) -> str:
    """The text behind the video.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
        said (`Sequence[str]` or `None`): The subtitles, which stand between the frames; `None` is asked without.
    """
    return (
        f"{_WITHOUT if said is None else _WITH}\nQuestion: {asked.prompt}\n{lettered(asked.options)}\n"
        "Select the best answer to the following multiple-choice question based on the video. Respond with only the "
        "letter (A, B, C, D, E, F, G, or H) of the correct option."
    )


def between(words: Sequence[Subtitle], seconds: Sequence[float], end: float) -> list[str]:
    """What is said before the first frame, which is nothing, and behind each.

    Args:
        words (`Sequence[Subtitle]`): The words.
        seconds (`Sequence[float]`): When each frame is shown.
        end (`float`): When the video ends.
    """
    said = _sentences(words)
    behind = [""]
    for start, stop in zip(seconds, [*seconds[1:], end], strict=True):
        heard = [each for each in said if each.end >= start and each.start < stop]
        behind.append("\n".join(f"[Subtitle {each.start:.2f}s - {each.end:.2f}s]: {each.text}" for each in heard))
    return behind


def _sentences(words: Sequence[Subtitle]) -> list[Subtitle]:
    made: list[Subtitle] = []
    for word in words:
        pause = word.start - made[-1].end if made else 0.0
        if not made or pause > 0.5 or (made[-1].text.endswith((".", "!", "?")) and pause > 0.1):
            made.append(word)
        else:
            made[-1] = Subtitle(made[-1].start, word.end, f"{made[-1].text} {word.text}")
    return made


ASKING = Asking(prompt, subtitle_names=lambda asked: [asked.video], between=between, together=True)
