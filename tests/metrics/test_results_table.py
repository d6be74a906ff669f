"""`results.md`: our scores beside the paper's figures, and what of them may be compared."""

import pytest

from t2vid_hf.metrics.benchmarks import BENCHMARKS
from t2vid_hf.metrics.paper_figures import paper_figures
from t2vid_hf.metrics.results_table import COLUMNS, results_table

FOUND = {"n": 2700, "no_answer": 3, "dropped": [], "correct": 1350, "accuracy": 0.5, "low": 0.48, "high": 0.52,
         "headline": {"name": "Overall", "value": 0.5}}  # fmt: skip


def results(benchmark="videomme", *, task=None, modes=("official", "t2vid_hf", "t2vid"), name="tuned", missing=(),
            subtitles=False, **video):  # fmt: skip
    told = {"video": "as_frames", "num_frames": 24, "fps": None, "max_frames": None, "told": "24 frames", **video}
    score = {"group": "all", "n": 71, "clusters": 30, "accuracy": 0.25, "low": 0.1, "high": 0.4, "no_answer": 2 / 71}
    model = {"name": name, "checkpoint": "out/sft", "scores": [score], "missing": list(missing)}
    if modes:
        model["headlines"] = {mode: {"task": task, **FOUND} for mode in modes}
    return {"benchmark": benchmark, "subtitles": subtitles, "video": {name: told}, "models": [model]}


def rows(table):
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return [dict(zip(COLUMNS, line[2:-2].split(" | "), strict=True)) for line in lines[2:]]


def test_ours_stand_above_the_papers():
    found = rows(results_table(results()))
    assert [row["rules"] for row in found[:3]] == ["official", "t2vid_hf", "t2vid"]
    assert found[2] == {
        "model": "tuned", "trained on": "checkpoint sft", "frames": "24 frames", "rules": "t2vid", "n": "2,700",
        "no answer": "3", "right, %": "50.0", "95 % interval": "48.0 to 52.0", "headline": "Overall 50.0",
        "beside the paper": "as the paper's",
    }  # fmt: skip
    assert [row["right, %"] for row in found[3:9]] == ["48.2", "50.8", "53.0", "51.2", "53.3", "56.3"]
    assert {row["headline"] for row in found[9:]} == {"of long videos alone"} and len(found) == 16
    assert all(row["frames"] == "24" and row["beside the paper"] == "the paper's" for row in found[3:])
    assert "github.com/xjtupanda/T2Vid" in results_table(results())


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"modes": ["official"]}, "no: other rules (official)"),
        ({"num_frames": 8}, "no: other frames"),
        ({"num_frames": None, "fps": 1.0, "max_frames": 24}, "no: other frames"),
        ({"num_frames": None}, "as the paper's"),  # 24, where nothing is said
        ({"video": "native"}, "no: native video"),
        ({"subtitles": True}, "no: with subtitles"),
        ({"missing": [{}, {}]}, "no: 2 questions missing"),
        ({"modes": ["t2vid_hf"], "num_frames": 8}, "no: other rules (t2vid_hf), other frames"),
    ],
)
def test_what_may_not_be_compared_says_why(changed, told):
    assert rows(results_table(results(**{"modes": ["t2vid"], **changed})))[0]["beside the paper"] == told


def test_what_is_missing_is_told():
    assert "tuned: 2 questions could not be asked" in results_table(results(missing=[{}, {}]))


def test_without_a_figure_of_the_paper():
    table = results_table(results("nextqa", modes=["official"]))
    assert len(rows(table)) == 1 and rows(table)[0]["beside the paper"] == ""
    assert "The paper (arXiv 2411.19951) has no figure for this." in table
    clips = rows(results_table(results("clips", modes=())))
    assert [(row["n"], row["no answer"], row["right, %"]) for row in clips] == [("71", "2", "25.0")]


def test_a_name_stays_in_its_cell():
    found = results_table(results("nextqa", modes=["official"], name="a|b\n<i>"))
    assert "| a\\|b &lt;i> | " in found and len([line for line in found.splitlines() if line.startswith("| ")]) == 3


def test_the_papers_figures_are_those_that_were_read():
    counted = {name: len(paper_figures(name, "multi-choice" if name == "tempcompass" else None)) for name in BENCHMARKS}
    assert {name: n for name, n in counted.items() if n} == {
        "videomme": 13, "mvbench": 6, "tempcompass": 6, "mlvu": 7, "longvideobench": 7,
    }  # fmt: skip
    assert paper_figures("tempcompass") == paper_figures("tempcompass", "captioning") == []
    # the teaser's "general" is the mean of three: 46.7 untrained, 52.7 of the mixture (notes of the figure)
    asked = (("videomme", None), ("mvbench", None), ("tempcompass", "multi-choice"))
    general = [paper_figures(name, task) for name, task in asked]
    means = [round(sum(listed[place].accuracy for listed in general) / 3, 1) for place in (0, 2)]
    assert means == [46.7, 52.7]
    # its "overall" of long videos is the mean of three, too
    long = [each for name in ("videomme", "longvideobench", "mlvu") for each in paper_figures(name)]
    mixed = [each.accuracy for each in long if each.trained_on.startswith("30K mixed")]
    assert len(mixed) == 3 and abs(sum(mixed) / 3 - 48.5) < 0.1
