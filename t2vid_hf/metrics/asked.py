"""What a score is made of: a question, what a model said to it, and what a mode's rules make of that.

Plain values without torch, transformers or datasets: a prediction file of 2,453 lines is scored in well under a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True)
class Asked:
    """A question of a benchmark.

    Args:
        id (`str`): The question's name, unique in its file.
        video (`str`): The video that it is about; empty where the file does not say.
        group (`str`): The kind of question, by the benchmark's own name.
        prompt (`str`): The question's text, with its options where the file has them there.
        options (`tuple[str, ...]`): What may be answered, without labels; empty where the file does not say.
        answer (`str`): The letter of the right option, from "A" on.
        labels (`tuple[str, ...]`, *optional*, defaults to `()`): What stands for the options in reports; empty is the
            letters.
        groups (`tuple[str, ...]`, *optional*, defaults to `()`): Other groups that it counts in: a video's domain, its
            length.
        facts (`Mapping[str, str]`, *optional*): What a benchmark's own rules need besides.
    """

    id: str
    video: str
    group: str
    prompt: str
    options: tuple[str, ...]
    answer: str
    labels: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def cluster(self) -> str:
        """What an interval takes as one: the video, or the question itself where no video is named."""
        return self.video or self.id

    def shown(self, letter: str | None) -> str | None:
        """How a report names an option.

        Args:
            letter (`str` or `None`): The option's letter.
        """
        return letter if letter is None or not self.labels else self.labels[LETTERS.index(letter)]


@dataclass(frozen=True)
class Stored:
    """A verdict that a file holds already.

    Args:
        rating (`int`): 1 right, 0 wrong, -1 where the benchmark's judge gave none.
        matched (`bool`): Whether a rule had found the answer, not a judge.
        letter (`str`, *optional*): The option that the verdict takes the reply for; `None` where the file does not say.
    """

    rating: int
    matched: bool
    letter: str | None = None


@dataclass(frozen=True)
class Predicted:
    """What a model said to a question.

    Args:
        asked ([`Asked`]): The question.
        reply (`str` or `None`): What was said; `None` where the model refused.
        stored ([`Stored`], *optional*): The verdict of the benchmark's authors.
        parsed (`str`, *optional*): The letter that the original's parser made of the reply, "Z" for none.
    """

    asked: Asked
    reply: str | None
    stored: Stored | None = None
    parsed: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a mode makes of a reply.

    Args:
        correct (`bool`): Whether it counts as right.
        choice (`str` or `None`): The letter of the option that it was taken for.
        by (`str` or `None`): "rule", "judge" or "stored"; where nothing found an answer, `None` or what was wrong.
        dropped (`bool`, *optional*, defaults to `False`): Whether the question has left the denominator.
        answered (`bool`, *optional*, defaults to `True`): Whether the reply holds an answer at all.
        mark (`int`, *optional*): What the benchmark's script adds up; `None` adds 1 where it is right.
    """

    correct: bool
    choice: str | None
    by: str | None
    dropped: bool = False
    answered: bool = True
    mark: int | None = None

    @property
    def points(self) -> int:
        """What the benchmark's script adds up of it."""
        return int(self.correct) if self.mark is None else self.mark


def by_letter(asked: Asked, letter: str | None, by: str = "rule") -> Outcome:
    """The outcome of a reply that was taken for an option.

    Args:
        asked ([`Asked`]): The question.
        letter (`str` or `None`): The option's letter; `None` is no answer, which is not right.
        by (`str`, *optional*, defaults to `"rule"`): What found it.

    Example:

    ```python
    >>> from t2vid_hf.metrics.asked import Asked, by_letter
    >>> by_letter(Asked("1", "v", "speed", "Which?", ("slow", "fast"), "B"), "B").correct
    True

    ```
    """
    if letter is None:
        return Outcome(False, None, None, answered=False)
    return Outcome(letter == asked.answer, letter, by)
