"""Video-MME, by `eval_your_results.py` of thanku-all/parse_answer: the first capital A to D behind twelve phrases.

A comma is missing behind two of the twelve, so that ten are left. A reply without such a letter leaves the denominator,
which raises the score of a model that does not answer: here its questions are listed as dropped.
"""

from collections.abc import Sequence

from t2vid_hf.metrics.asked import Outcome, Predicted, by_letter
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark
from t2vid_hf.metrics.first_letter import first_letter
from t2vid_hf.metrics.question_record import Fields
from t2vid_hf.metrics.tally import Scored, Tally, micro, tallies, tally

_PHRASES = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option isThe correct option is",
    "Best answer:Best option:",
    "Answer:",
    "Option:",
    "The correct answer",
    "The correct option",
)


def official(predicted: Predicted) -> Outcome:
    """What the script makes of a reply.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    letter = first_letter(predicted.reply or "", _PHRASES, "ABCD")
    if letter is None:
        return Outcome(False, None, None, dropped=True, answered=False)
    return by_letter(predicted.asked, letter)


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """What the script prints of each length, domain, category and kind of question, and over all.

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    return {**{name: _percent(counts) for name, counts in tallies(scored).items()}, "Overall": _percent(tally(scored))}


def _percent(counts: Tally) -> str:
    return f"{100 * counts.correct / counts.n if counts.n else 0:.1f}%"


VIDEO_MME = Benchmark(
    official,
    "Overall",
    micro,
    printed,
    Fields(
        video=("videoID",),
        group=("task_type", "task_category"),
        facts={
            "duration": ("duration",),
            "domain": ("domain", "category"),
            "sub_category": ("sub_category",),
        },
        groups=("duration", "domain", "sub_category"),
    ),
    kinds=(
        "Temporal Perception",
        "Spatial Perception",
        "Attribute Perception",
        "Action Recognition",
        "Object Recognition",
        "OCR Problems",
        "Counting Problem",
        "Temporal Reasoning",
        "Spatial Reasoning",
        "Action Reasoning",
        "Object Reasoning",
        "Information Synopsis",
    ),
    metrics=("videomme_perception_score",),
)
