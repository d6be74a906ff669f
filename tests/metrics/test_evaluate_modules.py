"""Every score is an `evaluate` module by its folder, with a card, over the code of `t2vid score`."""

import json
from pathlib import Path

import pytest

import t2vid_hf.metrics
from t2vid_hf.errors import InputError
from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import summary
from tests.metrics.prediction_files import write

evaluate = pytest.importorskip("evaluate")  # of the extra eval
FOLDER = Path(t2vid_hf.metrics.__file__).parent


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    """One for all tests: the modules' package is imported once in a process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate.config, "HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        yield


def questions(benchmark):
    more = {"group_type": "relevance", "group_structure": "[1, 2, 3, 4]"} if benchmark == "videomme_v2" else {}
    return [
        {"model": "m", "id": str(n), "clip": "v.mp4", "kind": "action", "question": "Where to?", "expected": "B",
         "options": ["up", "down"], **more}
        for n in range(4)
    ]  # fmt: skip


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_a_module_gives_what_the_command_gives(benchmark, tmp_path):
    replies, asked = ["B", "It goes up.", "(B)", "B. down"], questions(benchmark)
    metric = evaluate.load(str(FOLDER / f"score_{benchmark}"), cache_dir=str(tmp_path / "cache"))
    path = write(tmp_path / "a.jsonl", [{**line, "reply": said} for line, said in zip(asked, replies, strict=True)])
    for mode in ("official", "t2vid", "t2vid_hf"):
        given = metric.compute(predictions=replies, references=[json.dumps(line) for line in asked], mode=mode)
        wanted = summary(score_file(benchmark, path, mode=mode))
        assert given == {"score": wanted["headline"]["value"], **wanted}
    assert given["correct"] == 3


def test_each_has_a_card_and_one_import():
    for benchmark in BENCHMARKS:
        card = (FOLDER / f"score_{benchmark}/README.md").read_text("utf-8")
        assert f'evaluate.load("t2vid_hf/metrics/score_{benchmark}")' in card and card.startswith("---\ntitle: ")
        script = (FOLDER / f"score_{benchmark}/score_{benchmark}.py").read_text("utf-8")
        assert script.count("import ") == 1


def test_references_that_are_no_questions(tmp_path):
    metric = evaluate.load(str(FOLDER / "score_mlvu"), cache_dir=str(tmp_path / "cache"))
    for reference, told in (("B", "reference 0: no JSON"), ("[]", "reference 0: list, not an object")):
        with pytest.raises(InputError, match=told):
            metric.compute(predictions=["B"], references=[reference])
    with pytest.raises(InputError, match="unknown mode 'mine'"):
        metric.compute(predictions=["B"], references=["{}"], mode="mine")
