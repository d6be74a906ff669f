"""Predictions as lmms-eval writes them (`*_samples_*.jsonl`), so that its tools and ours read one file.

The question is in `doc` under the benchmark's own names. A refused reply, null in TempCompass's files, is "" there.
"""

from collections.abc import Iterator
from typing import Any

from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.metrics.score_file import ScoredFile


def sample_lines(file: ScoredFile) -> Iterator[dict[str, Any]]:
    """A line a prediction, in the file's order.

    Args:
        file ([`~t2vid_hf.metrics.score_file.ScoredFile`]): The scored file.
    """
    fields = BENCHMARKS[file.benchmark].fields
    for number, each in enumerate(file.scored):
        asked = each.predicted.asked
        right = asked.facts.get("right", asked.shown(asked.answer))
        doc = {
            "question_id": asked.id,
            "video": asked.video,
            (*fields.group, "category")[0]: asked.group,
            "question": asked.prompt,
            "options": list(asked.options),
            "answer": right,
            **{names[0]: asked.facts[fact] for fact, names in fields.facts.items() if fact in asked.facts},
        }
        yield {
            "doc_id": number,
            "doc": {name: value for name, value in doc.items() if value not in ("", [])},
            "target": right,
            "filtered_resps": each.predicted.reply or "",
            "correct": each.outcome.correct,
        }
