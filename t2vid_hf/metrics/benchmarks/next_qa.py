"""NExT-QA, multiple choice, by `eval_mc.py` of its authors: the number of the option is the right one, or it is not."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from t2vid_hf.metrics.asked import Asked, Outcome, Predicted, by_letter
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark, listed_questions
from t2vid_hf.metrics.forms.next_qa_results import CATEGORIES, TYPES, read_csv
from t2vid_hf.metrics.question_record import Fields, question
from t2vid_hf.metrics.tally import Scored, micro, tallies, tally

_FIELDS = Fields(
    group=("type",), joined_id=("video", "qid"), each_option=("a0", "a1", "a2", "a3", "a4"), facts={"type": ("type",)}
)


def official(predicted: Predicted) -> Outcome:
    """What the script makes of a prediction. It takes numbers; of replies in words, the letter that stands alone.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    match = re.fullmatch(r"\(?([A-E])[.)]?", (predicted.reply or "").strip())
    return by_letter(predicted.asked, match[1] if match else None)


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """What the script prints: each type, the three categories, and "Acc" over all.

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    counts = tallies(scored)
    order = [name for name in (*TYPES, *CATEGORIES.values()) if name in counts]
    order += [name for name in counts if name not in order]
    shown = {name: f"{counts[name].correct * 100.0 / counts[name].n:.2f}" for name in order if counts[name].n}
    over_all = tally(scored)
    return {**shown, "Acc": f"{over_all.correct * 100.0 / over_all.n:.2f}"}


def ask(record: dict[str, object], place: str, *, known: str = "", group: str = "") -> Asked:
    """A question out of a record, in the type and category that the paper's table has.

    Args:
        record (`dict[str, object]`): The record.
        place (`str`): What an error calls it.
        known (`str`, *optional*, defaults to `""`): Its name where it has none.
        group (`str`, *optional*, defaults to `""`): Its type where it has none.
    """
    kind = {"TP": "TN"}.get(str(record.get("type")), record.get("type"))
    asked = question({**record, "type": kind}, place, fields=_FIELDS, known=known, group=group)
    category = CATEGORIES.get(asked.group[:1]) if asked.group in TYPES else None
    return asked if category is None else replace(asked, groups=(category,))


def questions(path: str, ask: Callable[..., Asked], task: str | None) -> list[Asked]:
    """The questions of `val.csv`, or of a list.

    Args:
        path (`str`): The file.
        ask (`Callable[..., Asked]`): A question out of a record.
        task (`str` or `None`): NExT-QA has one alone.
    """
    return read_csv(Path(path)) if str(path).lower().endswith(".csv") else listed_questions(path, ask, task)


NEXT_QA = Benchmark(official, "Acc", micro, printed, _FIELDS, ask=ask, questions=questions, kinds=TYPES)
