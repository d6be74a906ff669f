"""LongVideoBench, by the script that its authors name (lmms-eval's): the first capital A to E behind eight phrases.

Where there is none that script guesses at random, so that no score comes out twice. Here such a reply is unparsed: the
score counts it as wrong, `printed` holds both ends, all of them wrong and all right, and the interval holds both.
"""

from collections.abc import Sequence

from t2vid_hf.metrics.asked import Outcome, Predicted, by_letter
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark
from t2vid_hf.metrics.first_letter import first_letter
from t2vid_hf.metrics.question_record import Fields
from t2vid_hf.metrics.tally import Scored, micro, tallies, tally

_PHRASES = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option is",
    "The correct option is",
    "Best answer:",
    "Best option:",
)


def official(predicted: Predicted) -> Outcome:
    """What the script makes of a reply, but for its guesses.

    Args:
        predicted ([`~t2vid_hf.metrics.asked.Predicted`]): The prediction.
    """
    letter = first_letter(predicted.reply or "", _PHRASES, "ABCDE")
    return by_letter(predicted.asked, letter) if letter else Outcome(False, None, "unparsed", answered=False)


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """What the script prints, to five decimals, and the range that unparsed replies leave.

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    counts = tally(scored)
    shown = {name: str(round(group.accuracy, 5)) for name, group in tallies(scored).items()}
    lowest = str(round(counts.accuracy, 5))
    highest = str(round((counts.correct + counts.no_answer) / counts.n, 5))
    return {**shown, "Overall": lowest, "unparsed": str(counts.no_answer), "lowest": lowest, "highest": highest}


LONG_VIDEO_BENCH = Benchmark(
    official,
    "Overall",
    micro,
    printed,
    Fields(
        video=("video_id", "video_path"),
        group=("question_category",),
        each_option=("option0", "option1", "option2", "option3", "option4"),
        answer=("correct_choice",),
        facts={"duration": ("duration_group",)},
        groups=("duration",),
    ),
    guesses=True,
    metrics=("lvb_acc",),
)
