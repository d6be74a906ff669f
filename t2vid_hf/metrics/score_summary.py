"""A score as the object that `t2vid score --json` prints, and as lines an item; fractions of 1, unrounded."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.metrics.matched import CONFLICT
from t2vid_hf.metrics.score_file import ScoredFile
from t2vid_hf.metrics.scoring import Judged, score
from t2vid_hf.metrics.tally import macro, tallies, tally


def summary(file: ScoredFile) -> dict[str, Any]:
    """What a score says.

    `n` is the denominator: `dropped` questions, which a mode leaves out, are not in it, so that the accuracy is always
    `correct / n`. `answered` and `no_answer` count replies, in the denominator or not.

    Args:
        file ([`~t2vid_hf.metrics.score_file.ScoredFile`]): The scored file.
    """
    scored, rules = file.scored, BENCHMARKS[file.benchmark]
    counts = tally(scored)
    low, high, clusters = _interval(file)
    by = Counter(each.outcome.by for each in scored)
    return {
        "benchmark": file.benchmark,
        "task": file.task,
        "mode": file.mode,
        "form": file.form,
        "n": counts.n,
        "answered": sum(each.outcome.answered and not _is_unread(each) for each in scored),
        "no_answer": counts.no_answer,
        "dropped": [each.predicted.asked.id for each in scored if each.outcome.dropped],
        "correct": counts.correct,
        "accuracy": counts.accuracy,
        "macro": macro(scored),
        "headline": {"name": rules.headline, "value": rules.value(scored)},
        "low": low,
        "high": high,
        "clusters": clusters,
        "groups": {
            name: {"n": group.n, "correct": group.correct, "accuracy": group.accuracy, "no_answer": group.no_answer}
            for name, group in tallies(scored).items()
        },
        "printed": _printed(file) if counts.n else {},
        "by": {name: by[name] for name in ("rule", "judge", "stored")},
        **({} if file.verdicts is None else {"judge": file.verdicts.record()}),
    }


def _interval(file: ScoredFile) -> tuple[float, float, int]:
    """The 95 % interval, from all unparsed wrong to all of them right where the script guesses; and the videos."""
    kept = [each for each in file.scored if not each.outcome.dropped]
    if not kept:
        return 0.0, 1.0, 0
    guesses = file.mode == "official" and BENCHMARKS[file.benchmark].guesses
    ends = []
    for lucky in (False, guesses):
        judged = [
            Judged(
                each.predicted.asked.group,
                each.predicted.asked.cluster,
                each.outcome.correct or (lucky and not each.outcome.answered),
                each.outcome.answered,
            )
            for each in kept
        ]
        ends.append(score(judged, "all"))
    return ends[0].low, ends[1].high, ends[0].clusters


def _is_unread(each: Any) -> bool:
    """Whether a mode has left a question out before it looked at the reply."""
    return each.outcome.dropped and each.outcome.choice is None


def _printed(file: ScoredFile) -> dict[str, str]:
    if file.mode == "official":
        return BENCHMARKS[file.benchmark].printed(file.scored)
    if file.mode == "t2vid":
        kinds = tallies(file.scored, kinds_alone=True)
        shown = {name: f"{group.correct / group.n * 100:.2f}" for name, group in kinds.items() if group.n}
        counts = tally(file.scored)
        return {**shown, "Total Score": f"{counts.correct / counts.n * 100:.2f}"}
    return {CONFLICT: str(sum(each.outcome.by == CONFLICT for each in file.scored))}


def item_lines(file: ScoredFile) -> Iterator[dict[str, Any]]:
    """A line a prediction, in the file's order.

    Args:
        file ([`~t2vid_hf.metrics.score_file.ScoredFile`]): The scored file.
    """
    for each in file.scored:
        asked, outcome = each.predicted.asked, each.outcome
        yield {
            "id": asked.id,
            "video": asked.video,
            "group": asked.group,
            "choice": asked.shown(outcome.choice),
            "answer": asked.shown(asked.answer),
            "correct": outcome.correct,
            "by": outcome.by,
            "dropped": outcome.dropped,
        }
