"""Answers of a run with a judge's verdicts: of those to which no rule found an option, as `t2vid score --judge` has."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.runs import Answer
from t2vid_hf.metrics.asked import Asked, Predicted
from t2vid_hf.metrics.judged import Judge, Verdicts, judged
from t2vid_hf.metrics.matched import matched_outcome
from t2vid_hf.metrics.tally import Scored


def with_verdicts_of(
    judge: Judge | None, answers: Mapping[str, Sequence[Answer]], about: Mapping[str, dict[str, Any]]
) -> Mapping[str, Sequence[Answer]]:
    """Answers with what a judge makes of the replies that no rule matched; it is told on standard output.

    Args:
        judge ([`~t2vid_hf.metrics.judged.Judge`] or `None`): The judge; `None` leaves them as they are.
        answers (`Mapping[str, Sequence[Answer]]`): For each model's name its answers.
        about (`Mapping[str, dict[str, Any]]`): For each model's name what is recorded of it, which gets a "judge".
    """
    if judge is None:
        return answers
    made = {}
    for name, given in answers.items():
        made[name], verdicts = with_verdicts(given, judge)
        about[name]["judge"] = verdicts.record()
        print(f"{name}: {verdicts.told(len(given))}")
    return made


def with_verdicts(answers: Sequence[Answer], judge: Judge) -> tuple[Sequence[Answer], Verdicts]:
    """Answers with what a judge makes of the replies that no rule matched.

    Args:
        answers (`Sequence[Answer]`): The answers.
        judge ([`~t2vid_hf.metrics.judged.Judge`]): The judge.

    Returns:
        `tuple[Sequence[Answer], Verdicts]`: the answers, and what the judge was asked.
    """
    closed = [answer for answer in answers if answer.item.options]
    predicted = [_predicted(answer.item, answer.reply) for answer in closed]
    made, verdicts = judged(judge, [Scored(each, matched_outcome(each)) for each in predicted])
    chosen = {
        answer.item.id: each.outcome.choice
        for answer, each in zip(closed, made, strict=True)
        if each.outcome.by == "judge"
    }
    return [
        replace(answer, choice=chosen[answer.item.id], by="judge") if answer.item.id in chosen else answer
        for answer in answers
    ], verdicts


def _predicted(item: Item, reply: str) -> Predicted:
    question = item.line.get("question", item.question)  # as `t2vid score` reads it
    return Predicted(Asked(item.id, item.cluster, item.group, question, item.options, item.answer), reply)
