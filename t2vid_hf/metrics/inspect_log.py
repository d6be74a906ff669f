"""A score as a log of inspect_ai (version 2, JSON), which its viewer opens: a sample a question, "C" right, "I" wrong.

Written from the log's fields alone, without inspect_ai, which brings 80 packages; read back by inspect_ai 0.3.285.
"""

from datetime import UTC, datetime
from typing import Any

from t2vid_hf.metrics.score_file import ScoredFile
from t2vid_hf.metrics.score_summary import summary
from t2vid_hf.metrics.tally import Scored


def inspect_log(file: ScoredFile, model: str) -> dict[str, Any]:
    """The log.

    Args:
        file ([`~t2vid_hf.metrics.score_file.ScoredFile`]): The scored file.
        model (`str`): What the log calls the model.
    """
    result = summary(file)
    name = f"{file.benchmark}/{file.mode}"
    metrics = {
        key: {"name": key, "value": value}
        for key, value in (
            ("accuracy", result["accuracy"]),
            ("macro", result["macro"]),
            (result["headline"]["name"], result["headline"]["value"]),
        )
    }
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "task": "_".join(filter(None, (file.benchmark, file.task))),
            "dataset": {"name": file.benchmark, "samples": len(file.scored)},
            "model": model,
            "config": {},
        },
        "results": {
            "total_samples": len(file.scored),
            "completed_samples": len(file.scored),
            "scores": [{"name": name, "scorer": name, "metrics": metrics}],
        },
        "samples": [_sample(each, name, model) for each in file.scored],
    }


def _sample(scored: Scored, name: str, model: str) -> dict[str, Any]:
    asked, outcome = scored.predicted.asked, scored.outcome
    reply = scored.predicted.reply or ""
    return {
        "id": asked.id,
        "epoch": 1,
        "input": asked.prompt,
        "choices": list(asked.options) or None,
        "target": asked.shown(asked.answer),
        "output": {
            "model": model,
            "choices": [{"message": {"role": "assistant", "content": reply}, "stop_reason": "stop"}],
            "completion": reply,
        },
        "scores": {name: {"value": "C" if outcome.correct else "I", "answer": asked.shown(outcome.choice)}},
        "metadata": {"video": asked.video, "group": asked.group, "by": outcome.by, "dropped": outcome.dropped},
    }
