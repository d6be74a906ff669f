"""How many of a group are right: the counts that every score prints, in integers until the last division."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from t2vid_hf.metrics.asked import Outcome, Predicted


@dataclass(frozen=True)
class Scored:
    """A prediction and what a mode makes of it.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
        outcome ([`~t2vid_hf.metrics.asked.Outcome`]): What it counts as.
    """

    predicted: Predicted
    outcome: Outcome

    @property
    def groups(self) -> tuple[str, ...]:
        """Every group that it counts in, its kind of question first, each once."""
        asked = self.predicted.asked
        return tuple(dict.fromkeys((asked.group, *asked.groups)))


@dataclass
class Tally:
    """Counts of a group.

    Args:
        n (`int`, *optional*, defaults to `0`): Questions in the denominator.
        correct (`int`, *optional*, defaults to `0`): Those that are right.
        no_answer (`int`, *optional*, defaults to `0`): Those without an answer, in the denominator or not.
    """

    n: int = 0
    correct: int = 0
    no_answer: int = 0

    @property
    def accuracy(self) -> float:
        """The share that is right, 0 of none."""
        return self.correct / self.n if self.n else 0.0

    def add(self, outcome: Outcome) -> None:
        """Count a question.

        Args:
            outcome ([`~t2vid_hf.metrics.asked.Outcome`]): What it counts as.
        """
        self.no_answer += not outcome.answered
        if not outcome.dropped:
            self.n += 1
            self.correct += outcome.correct


def tally(scored: Iterable[Scored]) -> Tally:
    """Counts of some questions.

    Args:
        scored (`Iterable[Scored]`): The questions.
    """
    counts = Tally()
    for each in scored:
        counts.add(each.outcome)
    return counts


def tallies(scored: Sequence[Scored], *, kinds_alone: bool = False) -> dict[str, Tally]:
    """Counts of every group, in the order in which the file has them; kinds of question first.

    Args:
        scored (`Sequence[Scored]`): The questions.
        kinds_alone (`bool`, *optional*, defaults to `False`): Whether to leave out what is no kind of question.
    """
    counts: dict[str, Tally] = {each.predicted.asked.group: Tally() for each in scored}
    for each in scored:
        for group in each.groups[:1] if kinds_alone else each.groups:
            counts.setdefault(group, Tally()).add(each.outcome)
    return counts


def macro(scored: Sequence[Scored]) -> float:
    """The mean of the kinds' accuracies; a kind without a question in the denominator is left out.

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    kinds = [counts.accuracy for counts in tallies(scored, kinds_alone=True).values() if counts.n]
    return sum(kinds) / len(kinds) if kinds else 0.0


def micro(scored: Sequence[Scored]) -> float:
    """The share of all questions that is right.

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    return tally(scored).accuracy
