"""The scores as `evaluate` modules: `evaluate.load("t2vid_hf/metrics/score_mvbench")`, over the code of `t2vid score`.

A folder a benchmark beside this file, with a card and one import, because `evaluate` loads modules by folder.
"""

import json
from pathlib import Path
from typing import Any, ClassVar

import datasets
import evaluate

from t2vid_hf.errors import InputError
from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.metrics.result_file import ResultFile
from t2vid_hf.metrics.score_file import check_choices, score_results
from t2vid_hf.metrics.score_summary import summary

_INPUTS = """Args:
    predictions (`list[str]`): What the model said to each question.
    references (`list[str]`): Each question as a JSON object, with the names of the benchmark's own file or of our
        `answers.jsonl`: at least "id", "expected", "question" and "options".
    mode (`str`, *optional*, defaults to `"t2vid_hf"`): Whose rules: official, t2vid or t2vid_hf.
    task (`str`, *optional*): The task of a benchmark that has several.
Returns:
    `dict`: what `t2vid score --json` prints, with the headline as "score".
"""


class BenchmarkScore(evaluate.Metric):
    """The score of a benchmark; a module is a subclass that names it."""

    benchmark: ClassVar[str]

    def _info(self) -> Any:
        return evaluate.MetricInfo(
            description=f"{BENCHMARKS[self.benchmark].headline} of {self.benchmark}, see `t2vid score`",
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(
        self, predictions: list[str], references: list[str], mode: str = "t2vid_hf", task: str | None = None
    ) -> dict[str, Any]:
        check_choices(self.benchmark, mode, task)
        lines = [
            {**_object(line, n), "reply": said}
            for n, (line, said) in enumerate(zip(references, predictions, strict=True))
        ]
        file = ResultFile(Path("references"), lines, True)
        found = summary(score_results(self.benchmark, file, mode=mode, task=task))
        return {"score": found["headline"]["value"], **found}


def _object(reference: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(reference)
    except json.JSONDecodeError as error:
        raise InputError(f"reference {number}: no JSON ({error.msg}); give each question as json.dumps(...)") from None
    if not isinstance(record, dict):
        raise InputError(f"reference {number}: {type(record).__name__}, not an object")
    return record


class VideoMmeScore(BenchmarkScore):
    """`evaluate.load("t2vid_hf/metrics/score_videomme")`."""

    benchmark = "videomme"


class VideoMmeV2Score(BenchmarkScore):
    """`evaluate.load("t2vid_hf/metrics/score_videomme_v2")`."""

    benchmark = "videomme_v2"


class MvBenchScore(BenchmarkScore):
    """`evaluate.load("t2vid_hf/metrics/score_mvbench")`."""

    benchmark = "mvbench"


class TempCompassScore(BenchmarkScore):
    """`evaluate.load("t2vid_hf/metrics/score_tempcompass")`."""

    benchmark = "tempcompass"


class NextQaScore(BenchmarkScore):
    """`evaluate.load("t2vid_hf/metrics/score_nextqa")`."""

    benchmark = "nextqa"


class MlvuScore(BenchmarkScore):
    """`evaluate.load("t2vid_hf/metrics/score_mlvu")`."""

    benchmark = "mlvu"


class LongVideoBenchScore(BenchmarkScore):
    """`evaluate.load("t2vid_hf/metrics/score_longvideobench")`."""

    benchmark = "longvideobench"


class ImagesScore(BenchmarkScore):
    """`evaluate.load("t2vid_hf/metrics/score_images")`."""

    benchmark = "images"


class ClipsScore(BenchmarkScore):
    """`evaluate.load("t2vid_hf/metrics/score_clips")`."""

    benchmark = "clips"
