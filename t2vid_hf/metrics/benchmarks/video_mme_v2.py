"""Video-MME-v2, by its authors' `test_video_mme_v2.py`: four questions a video, scored as one.

Four questions about one thing give 0, 1/16, 4/16, 9/16 or 1 for 0 to 4 right. Four that lead up to one another give it
for those that are right before the first wrong one, by three kinds of order. The script marks a reply that holds no
letter A to H as -1 and then counts with it: it takes 1 off in the first kind, and passes for right in the second. Both
are kept in `official`; in the other modes such a reply is wrong.
"""

import ast
from collections.abc import Sequence
from dataclasses import replace

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.asked import Outcome, Predicted, by_letter
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark
from t2vid_hf.metrics.first_letter import first_letter
from t2vid_hf.metrics.question_record import Fields
from t2vid_hf.metrics.tally import Scored

_PHRASES = (
    "Final Answer:",
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option is",
    "The correct option is",
    "Best answer:",
    "Best option:",
    "Answer:",
    "Option:",
)
# per cent by how many count, for the orders of questions that the benchmark knows
_ALONE = (0.0, 100.0 / 16, 100.0 * 4 / 16, 100.0 * 9 / 16, 100.0)
_ORDERS = {
    "[1, 2, 3, 4]": _ALONE,
    "[1, [2, 3], 4]": (0.0, 100.0 / 12, 100.0 * 4 / 12, 100.0 * 7 / 12, 100.0),
    "[[1, 2], 3, 4]": (0.0, 100.0 / 10, 100.0 * 2 / 10, 100.0 * 5 / 10, 100.0),
}


def official(predicted: Predicted) -> Outcome:
    """What the script makes of a reply.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    letter = first_letter(predicted.reply or "", _PHRASES, "ABCDEFGH")
    return replace(by_letter(predicted.asked, letter), mark=-1 if letter is None else None)


def relevance(marks: Sequence[int]) -> float:
    """The score of four questions about one thing, in per cent.

    Args:
        marks (`Sequence[int]`): 1 right, 0 wrong, -1 without an answer.

    Example:

    ```python
    >>> from t2vid_hf.metrics.benchmarks.video_mme_v2 import relevance
    >>> relevance([1, 1, 1, 0]), relevance([1, 1, -1, 1])
    (56.25, 25.0)

    ```
    """
    count = sum(marks)
    return _ALONE[count] if 0 <= count <= 4 else 0.0


def logic(marks: Sequence[int], order: str) -> float:
    """The score of four questions that lead up to one another, in per cent.

    Args:
        marks (`Sequence[int]`): 1 right, 0 wrong, -1 without an answer, which passes for right.
        order (`str`): Which questions lead to which: "[1, 2, 3, 4]", or one with a pair that may come in any order.

    Example:

    ```python
    >>> from t2vid_hf.metrics.benchmarks.video_mme_v2 import logic
    >>> logic([1, 1, 0, 1], "[1, 2, 3, 4]"), logic([0, 1, 1, 1], "[[1, 2], 3, 4]")
    (25.0, 10.0)

    ```
    """
    known = str(ast.literal_eval(order))
    reached = next((index for index, mark in enumerate(marks) if not mark), len(marks))
    # of a pair that may come in any order, the second counts alone
    if (known == "[1, [2, 3], 4]" and reached == 1 and marks[2]) or (
        known == "[[1, 2], 3, 4]" and reached == 0 and marks[1]
    ):
        reached += 1
    return _ORDERS[known][reached]


def _fours(scored: Sequence[Scored]) -> list[tuple[Scored, list[int], float]]:
    """Each four of questions: its last one, which names its level and heads, its marks, and its score."""
    rated = []
    for start in range(0, len(scored), 4):
        four = scored[start : start + 4]
        last = four[-1].predicted.asked
        if len(four) < 4 or len({each.predicted.asked.video for each in four}) > 1:
            raise InputError(f"question {last.id}: Video-MME-v2 scores four questions of a video, one behind the other")
        kind, order = last.facts.get("group_type"), last.facts.get("group_structure", "")
        marks = [each.outcome.points for each in four]
        if kind == "relevance":
            rated.append((four[-1], marks, relevance(marks)))
        elif kind == "logic" and "".join(order.split()) in {"".join(known.split()) for known in _ORDERS}:
            rated.append((four[-1], marks, logic(marks, order)))
        else:
            raise InputError(
                f"question {last.id}: group_type {kind!r}, group_structure '{order}'; known are relevance, and logic "
                f"with {', '.join(_ORDERS)} (they stand in the question file, --questions)"
            )
    return rated


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores) if scores else 0.0


def overall(scored: Sequence[Scored]) -> float:
    """The mean score of the fours.

    Args:
        scored (`Sequence[Scored]`): The questions, four of a video behind one another.
    """
    return _mean([score for _, _, score in _fours(scored)]) / 100


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """What the script prints: levels, kinds of four, heads, and the total, as percentages with two decimals.

    Args:
        scored (`Sequence[Scored]`): The questions, four of a video behind one another.
    """
    names = ("level_1", "level_2", "level_3", "relevance_score", "relevance_linear_score", "logic_score", "total")
    means: dict[str, list[float]] = {name: [] for name in names}
    for last, marks, score in _fours(scored):
        facts = last.predicted.asked.facts
        means["total"].append(score)
        means[f"{facts['group_type']}_score"].append(score)
        if facts["group_type"] == "relevance":
            means["relevance_linear_score"].append(sum(marks) * 25.0)
        level = f"level_{facts.get('level', 'None').removesuffix('.0')}"
        if level != "level_None":
            if level not in names:
                raise InputError(f"question {last.predicted.asked.id}: level '{facts['level']}'; levels are 1, 2 and 3")
            means[level].append(score)
        for head in ("second_head", "third_head"):
            if facts.get(head, "None") != "None":
                means.setdefault(facts[head], []).append(score)
    valid = [each.outcome.correct for each in scored if each.outcome.answered]
    simple = {"Simple accuracy (valid only)": f"{sum(valid) / len(valid) * 100:.2f}%"} if valid else {}
    return {**simple, **{name: f"{_mean(scores):.2f}" for name, scores in means.items()}}


VIDEO_MME_V2 = Benchmark(
    official,
    "total",
    overall,
    printed,
    Fields(
        group=("third_head", "second_head", "group_type"),
        facts={
            "group_type": ("group_type",),
            "group_structure": ("group_structure",),
            "level": ("level",),
            "second_head": ("second_head",),
            "third_head": ("third_head",),
        },
        groups=("second_head", "group_type"),
    ),
    metrics=("videomme_v2_overall_score",),
)
