"""Published figures out of their authors' files, to the digit; skipped where ../shared is not there."""

import json
from pathlib import Path

import pytest

from t2vid_hf.metrics.score_file import score_file
from t2vid_hf.metrics.score_summary import item_lines, summary

BENCH = Path(__file__).parents[3] / "shared/data/bench"
TEMPCOMPASS = BENCH / "tempcompass"
pytestmark = pytest.mark.skipif(not BENCH.is_dir(), reason="the published files are not here")


def expected(name: str):
    return json.loads((BENCH / name).read_text(encoding="utf-8"))


def score(*args, **options):
    return summary(score_file(*args, **options))


def same_figures(result, figures, match_rate: bool = True):
    printed = {name: float(text) for name, text in result["printed"].items()}
    assert {name: printed[name] for name in figures["aspects"]} == figures["aspects"]
    assert printed["match_rate"] == figures["match_rate"]
    counts = {name: [group["correct"], group["n"]] for name, group in result["groups"].items()}
    assert counts == figures["by_aspect_counts"]
    assert (result["n"], result["correct"]) == (figures["n"], figures["correct"])


@pytest.mark.parametrize("name", ["HGA-bert-ft-h256-val.json", "HGA-bert-ft-h256-val-example.json"])
def test_nextqa(name):
    questions = str(BENCH / "nextqa/val.csv")
    result = score("nextqa", str(BENCH / "nextqa" / name), mode="official", questions=questions)
    figures = expected("nextqa/EXPECTED.json")
    assert result["printed"] == {key: figures[key] for key in result["printed"]}
    assert len(result["printed"]) == 11
    assert (result["correct"], result["n"]) == (figures["correct"], figures["n"])
    assert result["headline"] == {"name": "Acc", "value": 2485 / 4996}


@pytest.mark.parametrize("task", ["multi-choice", "yes_no", "caption_matching", "captioning"])
@pytest.mark.parametrize("model", ["gemini", "video-llava"])
def test_stored_ratings(model, task):
    path = TEMPCOMPASS / "auto_eval_results" / model / f"{task}.json"
    result = score("tempcompass", str(path), mode="official", task=task)
    same_figures(result, expected("tempcompass/EXPECTED_official.json")["stored_auto_eval_results"][model][task])
    assert result["by"] == {"rule": 0, "judge": 0, "stored": result["n"]} and result["task"] == task
    assert score("tempcompass", str(path), mode="official")["task"] == task  # told by its content


@pytest.mark.parametrize("task", ["multi-choice", "yes_no", "caption_matching"])
@pytest.mark.parametrize("model", ["gemini", "video-llava"])
def test_official_rules(model, task):
    path = TEMPCOMPASS / "predictions" / model / f"{task}.json"
    questions = str(TEMPCOMPASS / "questions" / f"{task}.json")
    file = score_file("tempcompass", str(path), mode="official", questions=questions)
    figures = expected("tempcompass/EXPECTED_official.json")["official_scripts_disable_llm"][model][task]
    same_figures(summary(file), figures)
    stored = score_file("tempcompass", str(path).replace("predictions", "auto_eval_results"), mode="official")
    pairs = zip(file.scored, stored.scored, strict=True)
    both = [(a, b) for a, b in pairs if a.outcome.by == "rule" and b.predicted.stored.matched]
    assert len(both) > 1300 and all(a.outcome.correct == b.outcome.correct for a, b in both)


def test_the_leaderboard_pools_the_tasks():
    figures = expected("tempcompass/EXPECTED_official.json")["pooled_over_4_tasks"]
    for model, pooled in figures.items():
        groups = {}
        for path in sorted((TEMPCOMPASS / "auto_eval_results" / model).iterdir()):
            for name, counts in score("tempcompass", str(path), mode="official")["groups"].items():
                right, of = groups.get(name, (0, 0))
                groups[name] = (right + counts["correct"], of + counts["n"])
        shares = {name: round(100 * right / of, 2) for name, (right, of) in groups.items()}
        shares["all"] = round(100 * sum(r for r, _ in groups.values()) / sum(n for _, n in groups.values()), 2)
        assert shares == pooled


@pytest.mark.parametrize("model", ["gemini", "video-llava"])
def test_the_originals_rules(model):
    figures = expected("tempcompass/EXPECTED_t2vid_rules.json")[model]["parse_then_eval_vanilla_no_llm"]
    path = str(TEMPCOMPASS / "predictions" / model / "multi-choice.json")
    file = score_file("tempcompass", path, mode="t2vid")
    result = summary(file)
    assert (result["n"], result["correct"], len(result["dropped"])) == (1578, figures["correct"], figures["skipped"])
    assert result["no_answer"] == figures["needs_llm_or_Z"]
    assert result["printed"] == {**figures["per_category"], "Total Score": figures["total"]}
    stored = score_file("tempcompass", path.replace("predictions", "auto_eval_results"), mode="official")
    agree = [
        mine["correct"] == theirs["correct"]
        for mine, theirs in zip(item_lines(file), item_lines(stored), strict=True)
        if not mine["dropped"]
    ]
    said = expected("tempcompass/EXPECTED_t2vid_rules.json")[model]["agreement_with_stored_gpt_judged_rating"]
    assert f"{sum(agree)}/{len(agree)}" == said


@pytest.mark.parametrize("name", ["TempCompass", "mvbench", "mlvu"])
def test_the_originals_questions_are_read(name, tmp_path):
    """Its own questions, answered with the right letter: what is not right was left out, and is listed."""
    lines = [json.loads(line) for line in (BENCH / f"t2vid/{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    path = tmp_path / "pred.jsonl"
    path.write_text("".join(json.dumps({**line, "pred": line["GT"]}) + "\n" for line in lines))
    for mode in ("official", "t2vid_hf"):
        result = score(name.lower(), str(path), mode=mode)
        assert (result["n"], result["accuracy"], result["dropped"]) == (len(lines), 1, [])
    result = score(name.lower(), str(path), mode="t2vid", questions=str(BENCH / f"t2vid/{name}.jsonl"))
    assert result["n"] + len(result["dropped"]) == len(lines) and result["accuracy"] == 1
    assert set(result["groups"]) == {line["category"] for line in lines}
    assert len(result["dropped"]) == {"TempCompass": 2}.get(name, len(result["dropped"]))
