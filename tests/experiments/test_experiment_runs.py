"""An experiment from its file to its report, on a tiny model: what it writes, what it skips, and what it refuses."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from t2vid_hf.errors import InputError
from t2vid_hf.experiments import one_run
from t2vid_hf.experiments.conducting import run_experiment
from tests.experiments.designs import design, write_design, write_world
from tests.experiments.killed_experiment import same_table

ARMS = ("nothing", "large", "small", "some")


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """An experiment that was run: 7 runs of a tiny model."""
    folder = tmp_path_factory.mktemp("experiment")
    write_world(folder)
    run_experiment(write_design(folder), jobs=1)
    return folder


def file_of(done: Path, tmp_path: Path, **changes) -> str:
    """The same experiment, with changes, as a file elsewhere."""
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(design(done, **changes), sort_keys=False))
    return str(path)


def runs(folder: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("out/runs/*/run.json"))]


def test_every_arm_runs_with_every_seed(done):
    records = runs(done)
    assert sorted((run["arm"], run["seed"]) for run in records if run["seed"]) == [
        (arm, seed) for arm in ("large", "small", "some") for seed in (3, 4)
    ]
    assert [(run["arm"], run["steps"]) for run in records if run["seed"] is None] == [("nothing", 0)]
    assert {run["arm"]: run["steps"] for run in records} == {"nothing": 0, "large": 6, "small": 2, "some": 2}
    assert not list(done.glob("out/runs/*/checkpoint"))  # nobody asked to keep weights


def test_answers_are_stored_with_their_log_probabilities(done):
    (folder,) = done.glob("out/runs/nothing-*")
    lines = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
    assert len(lines) == 16 and all(len(line["log_probs"]) == len(line["tokens"]) == 4 for line in lines)
    for line in lines:
        means = [total / count for total, count in zip(line["log_probs"], line["tokens"], strict=True)]
        assert line["chosen"] == max(range(4), key=means.__getitem__)
        assert line["choice"] == (line["chosen"] == line["right"])


def test_the_report_has_its_parts(done):
    report = json.loads((done / "out/report.json").read_text())
    assert report["primary"]["verdict"] in (
        "better",
        "worse",
        "not shown",
        "equal within 2 points",
        "test not sensitive",
    )
    assert (report["primary"]["verdict"] == "test not sensitive") == (not report["control"]["rises"])
    cells = {(cell["group"], cell["at"], cell["score"]) for cell in report["cells"]}
    assert cells == {(g, at, s) for g in ("S", "every") for at in (None, 2, 3) for s in ("choice", "exact")}
    assert all(set(cell["arms"]) == set(ARMS) for cell in report["cells"])
    assert report["missing"] == [] and report["cells"][0]["chance"] == 0.25
    assert (done / "out/scores.png").read_bytes()[:4] == (done / "out/differences.png").read_bytes()[:4] == b"\x89PNG"
    page, table = (done / "out/report.html").read_text(), (done / "out/report.md").read_text()
    assert page.count("<svg") == 2
    assert "## What of the test stands in which arm" in table and report["sentence"] in table


def test_leaks_are_those_of_the_rows_that_each_arm_drew(done):
    plan = json.loads((done / "out/experiment.json").read_text())
    leaks = {arm: plan["arms"][arm]["leaks"] for arm in ARMS}
    assert leaks["some"]["kind"]["found"] == {"first": 8, "last": 8}  # a kind with each seed
    assert leaks["nothing"]["kind"] == {"of": 2, "questions": 0, "found": {}}
    assert all(leaks[arm]["wording"]["found"] == {} == leaks[arm]["texts"]["found"] for arm in ARMS)
    assert all(leaks[arm]["clips"]["questions"] == 0 for arm in ARMS)


def test_what_is_done_is_not_done_again(done, tmp_path, monkeypatch):
    shutil.copytree(done / "out", tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/runs/*/*")}
    monkeypatch.setattr(one_run, "fine_tune", lambda *args, **kwargs: pytest.fail("trained again"))
    run_experiment(file_of(done, tmp_path, output_dir=str(tmp_path / "out")), jobs=1)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("out/runs/*/*")}


def test_a_report_alone_is_the_same(done, tmp_path):
    first = json.loads((done / "out/report.json").read_text())
    assert json.loads(json.dumps(run_experiment(file_of(done, tmp_path), report=True), default=str)) == first


def test_a_report_of_another_file_is_refused(done, tmp_path):
    with pytest.raises(InputError, match="--report: the file's 'control' is not that of the runs"):
        run_experiment(file_of(done, tmp_path, control=None), report=True)


def test_a_comparison_that_is_changed_late_is_told(done, tmp_path):
    shutil.copytree(done / "out", tmp_path / "out")
    changed = {"compare": ["some", "small"], "group": "S", "margin": 0.1}
    given = file_of(done, tmp_path, primary=changed, output_dir=str(tmp_path / "out"))
    report = run_experiment(given, jobs=1)
    assert "was changed when 7 runs were done" in (tmp_path / "out/report.md").read_text()
    assert report["primary"]["compare"] == ["some", "small"]


def test_a_dry_run_tells_and_writes_nothing(tmp_path, capsys):
    write_world(tmp_path)
    assert run_experiment(write_design(tmp_path), dry_run=True) is None
    told = capsys.readouterr().out
    assert "7 runs, 0 done; 16 questions each" in told and "large" in told
    assert not (tmp_path / "out").exists()


WRONG = {
    "a column that no pool has": (
        {
            "pools": {
                "all": {"path": "PATH", "name": "rows"},
                "taught": {"path": "PATH", "name": "rows", "where": {"sort": "$S"}},
            }
        },
        "unknown column of pool 'taught' 'sort'",
    ),
    "a value that no row has": ({"rotate": {"S": [["first"], ["middle"]]}}, "no question is in group 'S' with seed 4"),
    "more rows than there are": (
        {"arms": {"large": {"all": 48}, "small": {"all": 4}, "some": {"taught": 25}}},
        "25 rows of pool",
    ),
    "a column of leaks": (
        {"test": {"path": "PATH", "name": "questions", "groups": {"S": {"kind": "$S"}}, "leaks": ["a"]}},
        "column of the test set in leaks",
    ),
    "a value of by": (
        {"primary": {"compare": ["some", "large"], "group": "S", "margin": 0.1, "at": 9}},
        "no question has frames 9; there are 2, 3",
    ),
    "a recipe with rows": (
        {"train": {"recipe": "RECIPE", "eval_share": 0.1}},
        "the recipe has 'eval_share', and in an experiment test asks",
    ),
    "a setting that is unknown": (
        {"train": {"recipe": "RECIPE", "learning_rat": 0.1}},
        "unknown key 'learning_rat'; did you mean",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_before_the_first_run(done, tmp_path, name):
    changes, message = WRONG[name]
    text = json.dumps(changes).replace("PATH", str(done / "set")).replace("RECIPE", str(done / "sft.yaml"))
    path = file_of(done, tmp_path, output_dir=str(tmp_path / "out"), **json.loads(text))
    with pytest.raises(InputError, match=message):
        run_experiment(path, jobs=1)
    assert not list(tmp_path.glob("out/runs/*"))


def test_an_experiment_that_is_killed_comes_to_the_same_table(tmp_path):
    """Ten times at random: python -m tests.experiments.killed_experiment."""
    told = same_table(tmp_path, kills=2, seed=1)
    assert told["same_table"] and told["runs"] == 7
