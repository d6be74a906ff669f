"""The experiment that is shipped for one's own videos, told without weights and without a GPU."""

from pathlib import Path

import yaml

from t2vid_hf.cli.build import build
from t2vid_hf.cli.make_clips import make_clips
from t2vid_hf.experiments.conducting import run_experiment
from t2vid_hf.experiments.experiment_file import read_experiment
from tests.models import families

SHIPPED = "my_data/experiment.yaml"


def test_it_is_found_and_read():
    design = read_experiment(SHIPPED)
    assert (design.primary.compare, design.primary.margin) == (["two_to_one", "one_to_one"], 0.02)
    assert list(design.arms["two_to_one"].shares.values()) == [2, 1]


def test_its_dry_run(tmp_path, monkeypatch, capsys):
    families.build("smolvlm", tmp_path / "model")
    for weights in (tmp_path / "model").glob("*.safetensors"):
        weights.unlink()
    monkeypatch.chdir(tmp_path)
    make_clips(output=Path("out/my_data/set"))
    build(output=Path("out/my_data/set"), name="texts", max_documents=4, render="lazy")
    given = yaml.safe_load((Path(__file__).parents[2] / "recipes" / SHIPPED).read_text())
    given["base"] = {"checkpoints": ["model"]}
    given["budget"] = 30
    Path("experiment.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    capsys.readouterr()
    run_experiment("experiment.yaml", dry_run=True)
    told = capsys.readouterr().out
    assert "13 runs, 0 done" in told  # one without training, and three arms with four seeds
    for arm in given["arms"]:
        assert arm in told
    assert not Path("out/my_data/experiment").exists()
