"""Questions about single images, in a file like SEED-Bench's: what tuning on video has cost.

SEED-Bench's own way ranks options by likelihood. The rule for replies is lmms-eval's: the first character, in any case.
"""

from collections.abc import Callable, Sequence

from t2vid_hf.metrics.asked import LETTERS, Asked, Outcome, Predicted, by_letter
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark, listed_questions
from t2vid_hf.metrics.question_record import Fields
from t2vid_hf.metrics.tally import Scored, micro, tallies, tally


def official(predicted: Predicted) -> Outcome:
    """What the rule makes of a reply.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    first = (predicted.reply or "").strip()[:1].upper()
    return by_letter(predicted.asked, first if first and first in LETTERS else None)


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """Fractions of 1, as lmms-eval prints them: each kind of question, and all.

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    return {
        **{name: str(counts.accuracy) for name, counts in tallies(scored).items()},
        "Acc": str(tally(scored).accuracy),
    }


def questions(path: str, ask: Callable[..., Asked], task: str | None) -> list[Asked]:
    """The questions about images; SEED-Bench's file holds others, about its videos, which are no part of this.

    Args:
        path (`str`): The file.
        ask (`Callable[..., Asked]`): A question out of a record.
        task (`str` or `None`): There is one alone.
    """
    listed = listed_questions(path, ask, task)
    return [asked for asked in listed if asked.facts.get("data_type") != "video"]


IMAGE_QUESTIONS = Benchmark(
    official,
    "Acc",
    micro,
    printed,
    Fields(
        video=("image", "data_id"),
        group=("question_type_id", "question_type"),
        each_option=("choice_a", "choice_b", "choice_c", "choice_d"),
        facts={"data_type": ("data_type",)},
    ),
    questions=questions,
    metrics=("seed_all",),
)
