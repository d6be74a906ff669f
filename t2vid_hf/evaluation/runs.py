"""Question -> reply -> choice -> score: the one way, for a benchmark's run and for questions during training."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from t2vid_hf.errors import InputError, unknown
from t2vid_hf.evaluation.benchmarks import BENCHMARKS
from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.ranks import Ranks
from t2vid_hf.evaluation.resuming import ANSWERS_FILE, AnswersFile, write_whole
from t2vid_hf.metrics.asked import Asked, Predicted
from t2vid_hf.metrics.exact_match import is_exact_match
from t2vid_hf.metrics.matched import matched_outcome
from t2vid_hf.metrics.scoring import Judged, Score, score_groups

_VERSIONS = ("t2vid-hf", "transformers", "datasets", "torch")


@dataclass(frozen=True)
class Answer:
    """What a model said to a question, and the option that it names.

    Args:
        item ([`~t2vid_hf.evaluation.item.Item`]): The question.
        reply (`str`): What the model said.
        choice (`str` or `None`): The letter of the option that the reply names, to an open question the reply; `None`
            where it names none, or says nothing.
        by (`str`, *optional*): "judge" where no rule found the choice.
    """

    item: Item
    reply: str
    choice: str | None
    by: str | None = None

    @property
    def correct(self) -> bool:
        """Whether the right option is named, or an open question answered word for word."""
        if not self.item.options:
            return is_exact_match(self.reply, self.item.answer)
        return self.choice == self.item.answer

    def to_judged(self) -> Judged:
        """What a score counts of it."""
        return Judged(self.item.group, self.item.cluster, self.correct, self.choice is not None)

    def record(self, model: str) -> dict[str, Any]:
        """A line of `answers.jsonl`.

        Args:
            model (`str`): The model's name.
        """
        return {
            "model": model,
            "id": self.item.id,
            "kind": self.item.group,
            "clip": self.item.cluster,
            "question": self.item.question,
            "expected": self.item.answer,
            **self.item.line,
            "reply": self.reply,
            "choice": self.choice,
            "correct": self.correct,
            **({"by": self.by} if self.by else {}),
        }


def load_items(benchmark: str, dataset: str, *, revision: str | None = None, at_most: int | None = None) -> list[Item]:
    """The questions of a benchmark.

    Args:
        benchmark (`str`): A key of `t2vid_hf.evaluation.benchmarks.BENCHMARKS`.
        dataset (`str`): The folder of its data set, or its name on the Hub.
        revision (`str`, *optional*): Branch, tag or commit on the Hub; `None` takes the main branch.
        at_most (`int`, *optional*): How many of them to take, spread over it; `None` takes all.

    Raises:
        [`~t2vid_hf.errors.InputError`]: an unknown benchmark, or a data set that is not its.
    """
    if benchmark not in BENCHMARKS:
        raise unknown("benchmark", benchmark, BENCHMARKS)
    if at_most is not None and at_most < 1:
        raise InputError(f"{at_most} questions of the benchmark '{benchmark}'; ask at least 1")
    of_revision = {} if revision is None else {"revision": revision}  # a benchmark of local files takes none
    items = BENCHMARKS[benchmark](dataset, **of_revision)
    return items if at_most is None else items[:: max(1, len(items) // at_most)][:at_most]


def judge(items: Sequence[Item], replies: Sequence[str]) -> list[Answer]:
    """Find the option that each reply names.

    Args:
        items (`Sequence[Item]`): The questions.
        replies (`Sequence[str]`): One to each.

    Example:

    ```python
    >>> from t2vid_hf.evaluation.item import Item
    >>> from t2vid_hf.evaluation.runs import accuracy, judge
    >>> items = [Item(str(n), {}, "Where?", ("left", "right"), "B", "place", "clip") for n in range(3)]
    >>> answers = judge(items, ["B. right", "To the left.", "I cannot say."])
    >>> [answer.choice for answer in answers], round(accuracy(answers), 2)
    (['B', 'A', None], 0.33)

    ```
    """
    return [Answer(item, reply, _choice(item, reply)) for item, reply in zip(items, replies, strict=True)]


def _choice(item: Item, reply: str) -> str | None:
    """What mode `t2vid_hf` of a score makes of a reply."""
    asked = Asked(item.id, item.cluster, item.group, item.question, item.options, item.answer)
    return matched_outcome(Predicted(asked, reply)).choice if item.options else reply.strip() or None


def ask(model: Any, processor: Any, items: Sequence[Item], **options: Any) -> list[Answer]:
    """Ask a model questions, and find the option that each reply names.

    Args:
        model ([`~transformers.PreTrainedModel`]): The model, left where it is, in evaluation mode.
        processor ([`~transformers.ProcessorMixin`]): The model's processor; it is set, in place, to one block of tokens
            a page.
        items (`Sequence[Item]`): The questions.
        **options (`Any`): What [`~t2vid_hf.evaluation.generation.answer`] takes besides: `num_frames` and others.
    """
    from t2vid_hf.evaluation.generation import answer

    return judge(items, answer(model, processor, [item.row for item in items], **options))


def ask_on(
    file: AnswersFile,
    name: str,
    model: Any,
    processor: Any,
    items: Sequence[Item],
    *,
    ranks: Ranks | None = None,
    **options: Any,
) -> list[Answer]:
    """Ask a model what it has not answered yet, and write each answer as it comes.

    Args:
        file ([`~t2vid_hf.evaluation.resuming.AnswersFile`]): Where answers go, and are.
        name (`str`): The model's name there, for which the file has been begun.
        model ([`~transformers.PreTrainedModel`]): The model.
        processor ([`~transformers.ProcessorMixin`]): Its processor.
        items (`Sequence[Item]`): The questions.
        ranks ([`~t2vid_hf.evaluation.ranks.Ranks`], *optional*): The processes that answer; `None` is this alone.
        **options (`Any`): What [`~t2vid_hf.evaluation.generation.replies`] takes besides.

    Returns:
        `list[Answer]`: those that were there and those that are new, in the order of the questions.
    """
    from t2vid_hf.evaluation.generation import replies

    ranks, said = ranks or Ranks(), file.replies(name)
    left = [item for item in items if item.id not in said and ranks.owns(item.id)]

    def ask_mine() -> dict[str, str]:
        new = {}
        for number, reply in replies(model, processor, [item.row for item in left], **options):
            new[left[number].id] = reply
            file.append(judge([left[number]], [reply])[0].record(name), ranks.number)
            ranks.check()
        return new

    for new in ranks.each(ask_mine):
        said.update(new)
    ranks.alone(file.join)
    return judge(items, [said[item.id] for item in items])


def accuracy(answers: Sequence[Answer]) -> float:
    """The share that is right; no answer counts as wrong.

    Args:
        answers (`Sequence[Answer]`): The answers, at least one.
    """
    return sum(answer.correct for answer in answers) / len(answers)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # an endpoint is asked without torch
        return None


def write_scores(
    output: Path,
    answers: Mapping[str, Sequence[Answer]],
    *,
    checkpoints: Mapping[str, str],
    weights: Mapping[str, str],
    settings: Mapping[str, Any],
    about: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, list[Score]]:
    """Score the answers of models to the same questions, and write scores and every answer.

    Args:
        output (`Path`): The file of scores, JSON; `answers.jsonl` goes beside it.
        answers (`Mapping[str, Sequence[Answer]]`): For each model's name, what it answered.
        checkpoints (`Mapping[str, str]`): For each model's name, where it is.
        weights (`Mapping[str, str]`): For each model's name, the hash of its weights; a card takes scores by it.
        settings (`Mapping[str, Any]`): What else is recorded of the run: benchmark, data set, frames.
        about (`Mapping[str, Mapping[str, Any]]`, *optional*): For each model's name what else is recorded of it.

    Returns:
        `dict[str, list[Score]]`: for each model a score of each kind of question, and "all" at the end.
    """
    scores = {name: score_groups(answer.to_judged() for answer in given) for name, given in answers.items()}
    options = [len(answer.item.options) for answer in next(iter(answers.values()))]
    written = {
        **settings,
        "questions": len(options),
        "chance": sum(1 / count for count in options if count) / len(options),
        "models": [
            {
                "name": name,
                "checkpoint": checkpoints[name],
                "weights": weights[name],
                "scores": [asdict(score) for score in scores[name]],
                **(about or {}).get(name, {}),
            }
            for name in answers
        ],
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _VERSIONS}},
    }
    write_answers(output.with_name(ANSWERS_FILE), answers)
    write_whole(output, json.dumps(written, indent=1) + "\n")
    return scores


def write_answers(path: Path, answers: Mapping[str, Sequence[Answer]]) -> None:
    """Write every answer, model by model, in the order of the questions.

    Args:
        path (`Path`): The file.
        answers (`Mapping[str, Sequence[Answer]]`): For each model's name, what it answered.
    """
    records = [each.record(name) for name, given in answers.items() for each in given]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
