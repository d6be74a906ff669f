"""Bases, the test set and the comparisons of an experiment, as its YAML file has them."""

from dataclasses import dataclass, field
from typing import Any

from t2vid_hf.errors import InputError
from t2vid_hf.experiments.yaml_parts import check_pair, check_score, check_seeds, made, read_where


@dataclass(frozen=True)
class Gate:
    """What a base must be able to do before anything is built on it.

    Args:
        path (`str`): A test set, see [`~t2vid_hf.evaluation.option_questions.read_option_questions`].
        name (`str`, *optional*): Its config.
        split (`str`, *optional*, defaults to `"test"`): Its split.
        by (`str`, *optional*): The column of which each value must be passed; `None` asks for all questions together.
        score (`str`, *optional*, defaults to `"exact"`): `"choice"` or `"exact"`.
        at_least (`float`, *optional*, defaults to `0.8`): The share that must be right.
    """

    path: str
    name: str | None = None
    split: str = "test"
    by: str | None = None
    score: str = "exact"
    at_least: float = 0.8

    def __post_init__(self) -> None:
        check_score(self.score, "gate")
        if not 0 < self.at_least <= 1:
            raise InputError(f"gate: at_least is {self.at_least}; give a share of the questions, above 0 and at most 1")


@dataclass(frozen=True)
class Bases:
    """What the arms begin with: checkpoints, or a recipe that makes one from each seed.

    Args:
        checkpoints (`list[str]`, *optional*): Folders, or names on the Hub.
        recipe (`str`, *optional*): A training recipe; `{seed}` in its texts becomes the seed.
        seeds (`list[int]`, *optional*): The seeds of `recipe`.
        gate (`dict`, *optional*): See [`Gate`]; `None` asks nothing.
    """

    checkpoints: list = field(default_factory=list)
    recipe: str | None = None
    seeds: list = field(default_factory=list)
    gate: dict | None = None

    def __post_init__(self) -> None:
        if bool(self.checkpoints) == bool(self.recipe):
            raise InputError("base: give either checkpoints, a list, or recipe and seeds")
        if not all(isinstance(path, str) and path for path in self.checkpoints):
            raise InputError(f"base: checkpoints is {self.checkpoints!r}; give a list of folders or names on the Hub")
        if len(set(self.checkpoints)) < len(self.checkpoints):
            raise InputError(f"base: a checkpoint stands twice in {', '.join(self.checkpoints)}; give each once")
        if bool(self.recipe) != bool(self.seeds):
            raise InputError("base: recipe and seeds go together; give a base for each seed, or checkpoints")
        check_seeds(self.seeds, "base: seeds")

    @property
    def checked(self) -> Gate | None:
        """The gate, if there is one."""
        return None if self.gate is None else made(Gate, self.gate, "gate")


@dataclass(frozen=True)
class QuestionSet:
    """What all arms are asked.

    Args:
        path (`str`): See [`~t2vid_hf.evaluation.option_questions.read_option_questions`].
        groups (`dict`): For each group of questions what their columns hold, see [`read_where`].
        name (`str`, *optional*): The data set's config.
        split (`str`, *optional*, defaults to `"test"`): Its split.
        by (`str`, *optional*): A column by whose values each group is told once more.
        leaks (`list[str]`, *optional*): Columns whose values are looked for in the rows of the arms, beside clips and
            texts.
        at_most (`int`, *optional*): How many questions are asked, spread over the set; `None` asks all.
    """

    path: str
    groups: dict
    name: str | None = None
    split: str = "test"
    by: str | None = None
    leaks: list = field(default_factory=list)
    at_most: int | None = None

    def __post_init__(self) -> None:
        if not self.groups:
            raise InputError("test: groups is empty; give at least one group of questions, such as all: {}")
        for name, where in self.groups.items():
            read_where(where, f"test: group '{name}'")
        if not all(isinstance(column, str) for column in self.leaks):
            raise InputError(f"test: leaks is {self.leaks!r}; give a list of columns")
        if self.at_most is not None and self.at_most < 1:
            raise InputError(f"test: at_most is {self.at_most}; ask at least 1 question, or leave it out")

    def where(self, group: str) -> dict[str, tuple[Any, ...]]:
        """What the columns of a group's questions hold."""
        return read_where(self.groups[group], f"test: group '{group}'")


@dataclass(frozen=True)
class Comparison:
    """Two arms, and on what they are compared: the first minus the second.

    Args:
        compare (`list[str]`): The two arms.
        group (`str`): A group of the test set.
        at (`Any`, *optional*): A value of the test set's `by`; `None` takes the whole group.
        score (`str`, *optional*, defaults to `"choice"`): `"choice"` or `"exact"`.
    """

    compare: list
    group: str
    at: Any = None
    score: str = "choice"

    def __post_init__(self) -> None:
        check_pair(self.compare, "compare")
        check_score(self.score, "score")


@dataclass(frozen=True)
class Primary:
    """The one comparison that the experiment is made for, with the margin that is fixed beforehand.

    Args:
        compare (`list[str]`): See [`Comparison`].
        group (`str`): See [`Comparison`].
        margin (`float`): The smallest difference that matters, as a share of the questions: 0.02 is two points.
        at (`Any`, *optional*): See [`Comparison`].
        score (`str`, *optional*, defaults to `"choice"`): See [`Comparison`].
    """

    compare: list
    group: str
    margin: float
    at: Any = None
    score: str = "choice"

    def __post_init__(self) -> None:
        self.comparison()
        if not 0 < self.margin < 1:
            raise InputError(f"primary: margin is {self.margin}; give a share of the questions above 0 and below 1")

    def comparison(self) -> Comparison:
        """It without its margin."""
        return Comparison(self.compare, self.group, self.at, self.score)
