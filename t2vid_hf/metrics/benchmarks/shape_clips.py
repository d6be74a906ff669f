"""Our own clips of shapes that move: there is no other script than ours, so that `official` is `t2vid_hf`."""

from collections.abc import Sequence

from t2vid_hf.metrics.benchmarks.benchmark import Benchmark
from t2vid_hf.metrics.matched import matched_outcome
from t2vid_hf.metrics.tally import Scored, micro, tallies, tally


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """What `t2vid evaluate` prints: percentages with a decimal.

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    shown = {name: f"{counts.accuracy:.1%}" for name, counts in tallies(scored).items()}
    return {**shown, "all": f"{tally(scored).accuracy:.1%}"}


SHAPE_CLIPS = Benchmark(matched_outcome, "accuracy", micro, printed)
