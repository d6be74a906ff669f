"""The figures of a benchmark's run, from its file of answers: those that `t2vid score` gives of the same file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from t2vid_hf.evaluation.question_files import Missing
from t2vid_hf.metrics.judged import Judge
from t2vid_hf.metrics.judged_file import with_judge
from t2vid_hf.metrics.original_rules import is_multiple_choice
from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import summary

_MODES = ("official", "t2vid_hf")
_TOLD = ("task", "n", "no_answer", "dropped", "correct", "accuracy", "headline", "low", "high")


def headlines(benchmark: str, answers: Path, model: str, *, judge: Judge | None = None) -> dict[str, dict[str, Any]]:
    """For each mode that can score the answers, what is quoted of a model: the original's knows multiple choice alone.

    Args:
        benchmark (`str`): A key of `t2vid_hf.metrics.benchmarks.BENCHMARKS`.
        answers (`Path`): The file of answers.
        model (`str`): Whose.
        judge ([`~t2vid_hf.metrics.judged.Judge`], *optional*): Who reads what no rule does, in our mode.
    """
    scored = {mode: score_file(benchmark, str(answers), mode=mode, model=model) for mode in _MODES}
    if all(is_multiple_choice(each.predicted.asked) for each in scored[_MODES[0]].scored):
        scored["t2vid"] = score_file(benchmark, str(answers), mode="t2vid", model=model)
    scored["t2vid_hf"] = with_judge(scored["t2vid_hf"], judge)
    told = {mode: summary(file) for mode, file in scored.items()}
    return {mode: {name: found[name] for name in _TOLD} for mode, found in told.items()}


def told_missing(missing: Sequence[Missing], asked: int) -> str:
    """What is missing, as a line for people.

    Args:
        missing (`Sequence[Missing]`): The questions that were not asked.
        asked (`int`): How many were.

    Example:

    ```python
    >>> from t2vid_hf.evaluation.benchmark_scores import told_missing
    >>> from t2vid_hf.evaluation.question_files import Missing
    >>> told_missing([Missing("7", "a.mp4", "no such file in videos")], 9)
    'over 9 of 10 questions: 1 could not be asked: 7 (a.mp4: no such file in videos)'

    ```
    """
    shown = ", ".join(f"{each.id} ({each.video}: {each.reason})" for each in missing[:5])
    more = f", and {len(missing) - 5} others" if len(missing) > 5 else ""
    return f"over {asked} of {asked + len(missing)} questions: {len(missing)} could not be asked: {shown}{more}"
