"""A judge for replies that no rule matches: another model, which may only name one of the options, or none.

It goes by the reply alone: it is not told which option is right. What it says is kept in a file beside the answers, so
that a score that is computed again asks nothing. A verdict of a model is no rule: its share is told with the score.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import LETTERS, Asked, Outcome, Predicted, by_letter
from t2vid_hf.metrics.growing_file import append_line, whole_lines
from t2vid_hf.metrics.reply_text import answer_text
from t2vid_hf.metrics.tally import Scored

JUDGE_FILE = "judge.jsonl"
_PROMPT = """A model was asked a question, and replied in its own words. Say which option its reply chooses.

Question:
{question}

Options:
{options}

Reply:
{reply}

Go by the reply alone, be it right or wrong, and do not answer the question yourself. Where the reply chooses no \
option, or several, it is none. Say one letter ({letters}) or the word none, and nothing else."""

AskJudge = Callable[[Sequence[str]], Iterator[tuple[int, str | None]]]
"""Prompts -> the number of each and what the judge says to it, as it comes; `None` where it refuses."""


@dataclass(frozen=True)
class Judge:
    """A judge.

    Args:
        name (`str`): What reports call it.
        identity (`str`): What its verdicts depend on: a hash of its weights, or a model's name.
        ask (`Callable[[Sequence[str]], Iterator[tuple[int, str | None]]]`): Asks it.
        kept (`Path`): The file of what it has said.
    """

    name: str
    identity: str
    ask: AskJudge
    kept: Path


@dataclass
class Verdicts:
    """What a judge was asked, and what came of it.

    Args:
        name (`str`): The judge.
        identity (`str`): What its verdicts depend on.
        asked (`int`, *optional*, defaults to `0`): Replies that no rule matched, and that it was shown.
        chosen (`int`, *optional*, defaults to `0`): Those that it takes for an option.
        none (`int`, *optional*, defaults to `0`): Those in which it finds none.
        unparsed (`int`, *optional*, defaults to `0`): Those to which it said neither a letter nor "none".
        refused (`int`, *optional*, defaults to `0`): Those to which it said nothing.
    """

    name: str
    identity: str
    asked: int = 0
    chosen: int = 0
    none: int = 0
    unparsed: int = 0
    refused: int = 0

    def record(self) -> dict[str, str | int]:
        """As plain values."""
        return asdict(self)

    def told(self, n: int) -> str:
        """In a line for people.

        Args:
            n (`int`): The replies of the score.
        """
        return (
            f"judge {self.name}: no rule matched {self.asked} of {n} replies; it takes {self.chosen} for an option "
            f"({self.chosen / n:.1%} of all), {self.none} for none, said neither to {self.unparsed} and nothing to "
            f"{self.refused}: these are no answers"
        )


def judge_prompt(asked: Asked, reply: str) -> str:
    """What a judge is asked.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question, with its options.
        reply (`str`): What of the reply is its answer.
    """
    letters = LETTERS[: len(asked.options)]
    listed = "\n".join(f"{letter}. {option}" for letter, option in zip(letters, asked.options, strict=True))
    prompt = _PROMPT.format(question=asked.prompt, options=listed, reply=reply, letters=", ".join(letters))
    return prompt.encode("utf-8", "replace").decode()  # half a character, as files may hold it, cannot be sent


def verdict(said: str, options: Sequence[str]) -> str | None:
    """The letter that a judge says, or "none"; `None` where it is neither.

    Args:
        said (`str`): What it said.
        options (`Sequence[str]`): The options.

    Example:

    ```python
    >>> from t2vid_hf.metrics.judged import verdict
    >>> replies = ("B", "<think>A?</think> **b.**", "B. to the right", "None.", "C", "I would say B", "")
    >>> [verdict(said, ["to the left", "to the right"]) for said in replies]
    ['B', 'B', 'B', 'none', None, None, None]

    ```
    """
    text = answer_text(said).strip(" \n.\"'()[]")
    if text.casefold() == "none":
        return "none"
    match = re.fullmatch(r"([A-Za-z])(?:[.):]+\s*(\S.*))?", text, re.DOTALL)
    if not match:
        return None
    place = LETTERS.find(match[1].upper())
    if not 0 <= place < len(options):
        return None
    with_text = match[2] is not None and match[2].casefold() != options[place].strip(" .\"'()[]").casefold()
    return None if with_text else LETTERS[place]


def to_judge(asked: Asked, reply: str | None, outcome: Outcome) -> str | None:
    """The prompt for a reply that no rule matched; `None` where there is nothing to judge.

    Args:
        asked ([`~t2vid_hf.metrics.asked.Asked`]): The question.
        reply (`str` or `None`): The reply.
        outcome ([`~t2vid_hf.metrics.asked.Outcome`]): What the matcher made of it. A label with another option's text
            is a finding of its own, and is not judged.
    """
    if outcome.answered or outcome.dropped or outcome.by is not None or not asked.options:
        return None
    said = answer_text(reply or "")
    return judge_prompt(asked, said) if said else None


def judged(judge: Judge, scored: Sequence[Scored]) -> tuple[list[Scored], Verdicts]:
    """Predictions with the verdicts of a judge where no rule matched.

    Args:
        judge ([`Judge`]): The judge.
        scored (`Sequence[Scored]`): Predictions, and what the matcher made of them.

    Raises:
        [`~t2vid_hf.errors.InputError`]: the file of what it has said is damaged.
    """
    prompts = [to_judge(each.predicted.asked, each.predicted.reply, each.outcome) for each in scored]
    said = _said(judge, [prompt for prompt in prompts if prompt is not None])
    verdicts = Verdicts(judge.name, judge.identity)
    made = []
    for each, prompt in zip(scored, prompts, strict=True):
        made.append(each if prompt is None else _with_verdict(each.predicted, said.get(prompt), verdicts))
    return made, verdicts


def _with_verdict(predicted: Predicted, said: str | None, verdicts: Verdicts) -> Scored:
    found = None if said is None else verdict(said, predicted.asked.options)
    verdicts.asked += 1
    verdicts.refused += said is None
    verdicts.unparsed += said is not None and found is None
    verdicts.none += found == "none"
    chosen = found is not None and found != "none"
    verdicts.chosen += chosen
    return Scored(predicted, by_letter(predicted.asked, found if chosen else None, "judge"))


def _said(judge: Judge, prompts: Iterable[str]) -> Mapping[str, str]:
    """What the judge says to prompts: what it has said before, and what it is asked now, each once."""
    said = _kept(judge)
    new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in said]
    if new:
        _check_writable(judge.kept)
    for number, reply in judge.ask(new) if new else ():
        if reply is not None:
            said[new[number]] = reply
            # the prompt holds question, options and reply
            append_line(judge.kept, {"judge": judge.identity, "prompt": new[number], "said": reply})
    return said


def _check_writable(path: Path) -> None:
    """Say that it cannot be written before anything is asked that may cost money."""
    try:
        path.open("ab").close()
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}; what the judge says is kept there: give another --judge_file"
        ) from None


def _kept(judge: Judge) -> dict[str, str]:
    said = {}
    for number, line in enumerate(whole_lines(judge.kept), 1):
        try:
            record = json.loads(line)
            of, prompt, reply = record["judge"], record["prompt"], record["said"]
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{judge.kept}, line {number} is nothing that a judge has said; remove it") from None
        if of == judge.identity:
            said[prompt] = reply
    return said
