"""MLVU's dev set, by `choice_bench.py` of its authors: what stands before the first ")" is the letter, or nothing is.

"A", "A)" and "(A)" are right and "A." is wrong. M-Avg is the mean over the tasks: one published 74.8 is the mean over
the questions, and its M-Avg is 72.9. Both are in a score here, as the headline and as the accuracy.
"""

from collections.abc import Sequence

from t2vid_hf.metrics.asked import LETTERS, Outcome, Predicted, by_letter
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark
from t2vid_hf.metrics.benchmarks.mvbench import check_counts
from t2vid_hf.metrics.question_record import Fields
from t2vid_hf.metrics.tally import Scored, macro, tallies


def official(predicted: Predicted) -> Outcome:
    """What the script makes of a reply.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    said = predicted.reply or ""
    if ")" in said:
        end = said.index(")")
        said = said[max(0, end - 1) : end]
    return by_letter(predicted.asked, said if said and said in LETTERS and len(said) == 1 else None)


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """What the script prints: a percentage a task, and their mean as "Avg".

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    shares = {task: counts.correct / counts.n * 100 for task, counts in tallies(scored).items() if counts.n}
    return {**{task: str(share) for task, share in shares.items()}, "Avg": str(sum(shares.values()) / len(shares))}


MLVU = Benchmark(
    official,
    "M-Avg",
    macro,
    printed,
    Fields(video=("video_name",), group=("question_type", "task_type")),
    check=check_counts,
    holes=("589", "783", "1200"),
    kinds=("plotQA", "needle", "ego", "count", "order", "anomaly_reco", "topic_reasoning"),
    metrics=("mlvu_percetion_score",),  # as it is spelled there
)
