"""How a benchmark asks: the words of its prompt, where its videos lie, and what is said between their frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from t2vid_hf.evaluation.media_folder import Kind
from t2vid_hf.evaluation.subtitles import Subtitle
from t2vid_hf.metrics.asked import LETTERS, Asked
from t2vid_hf.metrics.original_rules import SUFFIX

Between = Callable[[Sequence[Subtitle], Sequence[float], float], list[str]]
"""Subtitles, when each frame is shown, when the video ends -> what is said before the first frame, and behind each."""


def lettered(options: Sequence[str], form: str = "{}. {}") -> str:
    """Options, a line each.

    Args:
        options (`Sequence[str]`): The options.
        form (`str`, *optional*, defaults to `"{}. {}"`): How a letter and its option stand in a line.

    Example:

    ```python
    >>> from t2vid_hf.evaluation.asking import lettered
    >>> lettered(["up", "down"], "({}) {}").splitlines()
    ['(A) up', '(B) down']

    ```
    """
    return "\n".join(form.format(letter, option) for letter, option in zip(LETTERS, options, strict=False))


def one_video(asked: Asked) -> Sequence[str]:
    """The video by the name that the question has for it.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
    """
    return [asked.video]


def _whole(asked: Asked) -> tuple[float, float] | None:
    return None


def _from_the_start(asked: Asked) -> float:
    return 0.0


def _by_rule(asked: Asked) -> bool:
    return True


@dataclass(frozen=True)
class Asking:
    """How a benchmark asks.

    Args:
        prompt (`Callable[[Asked, Sequence[str] | None], str]`): The text behind the video, of a question and what is
            said in the frames' seconds; `None` is asked without subtitles.
        names (`Callable[[Asked], Sequence[str]]`, *optional*, defaults to `one_video`): What the medium may be called
            in its folder, best first.
        kind (`str`, *optional*, defaults to `"video"`): "video" or "image".
        span (`Callable[[Asked], tuple[float, float] | None]`, *optional*, defaults to `_whole`): The seconds that a
            question is about, `None` for all.
        subtitle_names (`Callable[[Asked], Sequence[str]]`, *optional*): What its subtitles may be called; `None` for a
            benchmark without.
        subtitles (`bool`, *optional*, defaults to `False`): Whether it is asked with them where nothing is said.
        between (`Callable`, *optional*): What is said before the first frame and behind each; `None` for a benchmark
            whose prompt holds the subtitles.
        offset (`Callable[[Asked], float]`, *optional*, defaults to `_from_the_start`): The second of the subtitles at
            which the video begins.
        scored (`Callable[[Asked], bool]`, *optional*, defaults to `_by_rule`): Whether a rule can score the replies.
        together (`bool`, *optional*, defaults to `False`): Whether the questions of a video are scored as one.
    """

    prompt: Callable[[Asked, Sequence[str] | None], str]
    names: Callable[[Asked], Sequence[str]] = one_video
    kind: Kind = "video"
    span: Callable[[Asked], tuple[float, float] | None] = _whole
    subtitle_names: Callable[[Asked], Sequence[str]] | None = None
    subtitles: bool = False
    between: Between | None = None
    offset: Callable[[Asked], float] = _from_the_start
    scored: Callable[[Asked], bool] = _by_rule
    together: bool = False


def is_whole_prompt(asked: Asked) -> bool:
    """Whether a question's text is a prompt already: the original's files hold them, and they are asked as they are.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
    """
    return asked.prompt.endswith(SUFFIX)


def directly(asked: Asked, said: Sequence[str] | None = None) -> str:
    """The original's prompt, and lmms-eval's of several benchmarks: question, options, "Answer with the letter".

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
        said (`Sequence[str]`, *optional*): Not used.
    """
    return f"{asked.prompt}\n{lettered(asked.options)}\n{SUFFIX}"
