"""Our own clips of shapes that move: there is no other script than ours, so that `official` is `t2vid_hf`.

A set of one's own clips may ask open questions: no options, and an answer that is no letter. A reply to one is right
word for word, as `t2vid evaluate` has it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from t2vid_hf.metrics.asked import Asked
from t2vid_hf.metrics.benchmarks.benchmark import Benchmark
from t2vid_hf.metrics.matched import OPEN, matched_outcome
from t2vid_hf.metrics.option_text import options_in
from t2vid_hf.metrics.question_record import COMMON, Fields, found, question
from t2vid_hf.metrics.tally import Scored, micro, tallies, tally


def printed(scored: Sequence[Scored]) -> dict[str, str]:
    """What `t2vid evaluate` prints: percentages with a decimal.

    Args:
        scored (`Sequence[Scored]`): The questions.
    """
    shown = {name: f"{counts.accuracy:.1%}" for name, counts in tallies(scored).items()}
    return {**shown, "all": f"{tally(scored).accuracy:.1%}"}


def _ask(record: Mapping[str, Any], place: str, *, known: str = "", group: str = "") -> Asked:
    prompt, answer = found(record, COMMON.prompt), found(record, COMMON.answer)
    is_open = isinstance(answer, str) and re.fullmatch(r"\s*\(?[A-J]\)?\.?\s*", answer) is None
    if not is_open or found(record, COMMON.options) or (isinstance(prompt, str) and options_in(prompt)):
        return question(record, place, fields=Fields(), known=known, group=group)
    asked = question({**record, COMMON.answer[0]: "A"}, place, fields=Fields(), known=known, group=group)
    return replace(asked, labels=(answer,), facts={OPEN: answer})


SHAPE_CLIPS = Benchmark(matched_outcome, "accuracy", micro, printed, ask=_ask)
