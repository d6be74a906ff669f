"""Where a score goes on the Hub: to `.eval_results` if its benchmark is registered, else to `model-index`."""

import pytest
from huggingface_hub import parse_eval_result_entries

from t2vid_hf.hub import eval_results
from t2vid_hf.hub.eval_results import HUB_BENCHMARKS, HubBenchmark, model_index, result_entries
from t2vid_hf.metrics.benchmarks import BENCHMARKS


def scores(benchmark, **more):
    score = {"group": "all", "accuracy": 0.25, "low": 0.2, "high": 0.3}
    official = {"official": {"headline": {"name": "M-Avg", "value": 0.47912}}}
    model = {"name": "tuned", "scores": [score], "headlines": official if benchmark != "clips" else {}, **more}
    return {"benchmark": benchmark, "questions": 9, "video": {"tuned": {"told": "24 frames"}}, "models": [model]}


def test_every_benchmark_is_in_the_table_with_its_source():
    assert list(HUB_BENCHMARKS) == list(BENCHMARKS)
    for each in HUB_BENCHMARKS.values():
        assert each.source and (each.dataset_id is None or each.dataset_id.count("/") == 1)
        assert each.task_id is None or each.source.startswith("registered")


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_what_is_not_registered_is_in_the_model_index(benchmark):
    assert result_entries(scores(benchmark)) == []
    (result,) = model_index(scores(benchmark))
    assert result.dataset_type == (HUB_BENCHMARKS[benchmark].dataset_id or benchmark)
    if benchmark == "clips":
        assert (result.metric_value, result.metric_name) == (25.0, "Accuracy in %, 95 % interval 20.0 to 30.0")
    else:
        assert (result.metric_value, result.metric_name) == (47.9, "M-Avg in %, by its authors' rules")


def test_what_is_registered_is_an_entry_and_nowhere_else(monkeypatch):
    monkeypatch.setitem(eval_results.HUB_BENCHMARKS, "mlvu", HubBenchmark("MLVU/MVLU", "dev", "registered: a test"))
    (entry,) = result_entries(scores("mlvu"))
    assert (entry.dataset_id, entry.task_id, entry.value, entry.notes) == ("MLVU/MVLU", "dev", 47.91, "24 frames")
    assert model_index(scores("mlvu")) is None
    part = scores("mlvu", missing=[{"id": "7"}])  # a score of a part is no entry of a leaderboard
    assert result_entries(part) == [] and model_index(part) is not None
    assert parse_eval_result_entries([{"dataset": {"id": "MLVU/MVLU", "task_id": "dev"}, "value": 47.91}])


def test_without_scores():
    assert result_entries(None) == [] and model_index(None) is None and model_index({}) is None
