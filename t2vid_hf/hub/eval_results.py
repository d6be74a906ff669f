"""Scores as the Hub takes them: `.eval_results/*.yaml` for a benchmark that it registers, `model-index` for others.

An entry names the data set that is registered and the task as that set's `eval.yaml` calls it
(huggingface.co/docs/hub/eval-results). A wrong one puts a score on a public leaderboard where it does not belong, so
none is guessed: `HUB_BENCHMARKS` says of each benchmark what was read, where, and when. One of nine is registered, and
of that one neither the task's name nor which of its two figures is ranked could be read: today all go to `model-index`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huggingface_hub import EvalResult, EvalResultEntry

READ = "2026-11-29"
"""When the sources were read, in copies of their pages that are months old."""


@dataclass(frozen=True)
class HubBenchmark:
    """A benchmark on the Hub.

    Args:
        dataset_id (`str`, *optional*): Its data set; `None` where its authors have none there.
        task_id (`str`, *optional*): The task, as the set's `eval.yaml` has it; `None` where none is registered, or its
            name was not to be read.
        source (`str`, *optional*, defaults to `""`): What was read of its registration.
    """

    dataset_id: str | None = None
    task_id: str | None = None
    source: str = ""


_NOT_FOUND = (
    "no registration found: of the 34 sets of huggingface.co/datasets?benchmark=benchmark:official 11 could be seen, "
    "and it is none of them"
)
HUB_BENCHMARKS = {
    "videomme": HubBenchmark(
        "lmms-lab/Video-MME",
        source="not registered: an entry in huggingface.co/api/datasets/MME-Benchmarks/Video-MME-v2/leaderboard says "
        "that it was put there because Video-MME-v2 is the closest registered one",
    ),
    "videomme_v2": HubBenchmark(
        "MME-Benchmarks/Video-MME-v2",
        source="registered: huggingface.co/MME-Benchmarks marks it 'Benchmark', and its leaderboard has values in "
        "percent; its eval.yaml was not to be read",
    ),
    "mvbench": HubBenchmark("OpenGVLab/MVBench", source=_NOT_FOUND),
    "tempcompass": HubBenchmark(source=_NOT_FOUND),
    "nextqa": HubBenchmark(source=_NOT_FOUND),
    "mlvu": HubBenchmark("MLVU/MVLU", source=_NOT_FOUND),
    "longvideobench": HubBenchmark(
        "longvideobench/LongVideoBench",
        source="not registered: huggingface.co/datasets?other=long+video+understanding lists it without the mark",
    ),
    "images": HubBenchmark("AILab-CVC/SEED-Bench", source=_NOT_FOUND),
    "clips": HubBenchmark(source="ours: each set of clips is another"),
}


def result_entries(scores: Mapping[str, Any] | None) -> list[EvalResultEntry]:
    """What goes to `.eval_results`: the official headline, where the benchmark is registered.

    Args:
        scores (`Mapping[str, Any]` or `None`): What `t2vid evaluate` wrote, the checkpoint's own first.
    """
    benchmark = HUB_BENCHMARKS.get(scores.get("benchmark", "")) if scores else None
    if scores is None or benchmark is None or benchmark.dataset_id is None or benchmark.task_id is None:
        return []
    model = scores["models"][0]
    official = model.get("headlines", {}).get("official")
    if official is None or model.get("missing"):
        return []  # a score of a part is no entry of a leaderboard
    told = scores["video"][model["name"]]["told"]
    value = round(100 * official["headline"]["value"], 2)
    return [EvalResultEntry(benchmark.dataset_id, benchmark.task_id, value, notes=told)]


def model_index(scores: Mapping[str, Any] | None) -> list[EvalResult] | None:
    """What goes to the metadata of the card, in the form of before `.eval_results`; nothing that goes there.

    Args:
        scores (`Mapping[str, Any]` or `None`): What `t2vid evaluate` wrote, the checkpoint's own first.
    """
    if scores is None or "benchmark" not in scores or result_entries(scores):
        return None
    name, model = scores["benchmark"], scores["models"][0]
    (all_,) = [score for score in model["scores"] if score["group"] == "all"]
    value = all_["accuracy"]
    told = f"Accuracy in %, 95 % interval {100 * all_['low']:.1f} to {100 * all_['high']:.1f}"
    if official := model.get("headlines", {}).get("official"):
        value, told = official["headline"]["value"], f"{official['headline']['name']} in %, by its authors' rules"
    return [
        EvalResult(
            task_type="video-text-to-text",
            dataset_type=HUB_BENCHMARKS.get(name, HubBenchmark()).dataset_id or name,
            dataset_name=f"{name}, {scores['questions']} questions",
            metric_type="accuracy",
            metric_name=told,
            metric_value=round(100 * value, 1),
        )
    ]
