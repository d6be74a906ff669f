"""Questions about single images, in a file like SEED-Bench's: what tuning on video has cost.

SEED-Bench's own way ranks options by likelihood. The rule for replies is lmms-eval's: the first character, in any case.
"""

from collections.abc import Sequence

from t2vid_hf.metrics.asked import LETTERS, Outcome, Predicted, by_letter
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark
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
    metrics=("seed_all",),
)
