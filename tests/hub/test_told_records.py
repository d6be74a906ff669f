"""What a release tells of a run: its records, without the folders of the machine that it ran on."""

import json
from pathlib import Path

import pytest
import yaml

from t2vid_hf.errors import InputError
from t2vid_hf.hub.release_part import ReleasePart, content_tag
from t2vid_hf.hub.told_records import without_folders
from tests.hub.test_release import publishing
from tests.hub_server import HubServer


def write(folder: Path, home: str) -> None:
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "answers.jsonl"):
        (folder / name).write_text("{}")
    (folder / "README.md").write_text("# a model\n")
    part = {"part": f"{home}/my data:video, held out", "rows": 3}
    (folder / "run.json").write_text(json.dumps({"base_model": f"{home}/tiny", "mixture": [part], "steps": 2}))
    recipe = {"mixture": [{"path": "user/set"}, {"path": f"{home}/set"}], "output_dir": "out/tuned"}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (folder / "trainer_state.json").write_text(json.dumps({"best_model_checkpoint": f"{home}/tuned/checkpoint-5"}))
    (folder / "scores.json").write_text(json.dumps({"models": [{"name": "tuned", "checkpoint": f"{home}/tuned/"}]}))


@pytest.mark.parametrize("home", ["/home/me/wörk", "~/work", "../work", "C:\\work"])
def test_folders_of_this_machine_stay_here(tmp_path, home):
    write(tmp_path / "tuned", home)
    files = ReleasePart(tmp_path / "tuned", "alice/m", "model").files
    told = {name: file.told for name, file in files.items()}
    assert [name for name, content in told.items() if content] == [
        "recipe.yaml", "run.json", "scores.json", "trainer_state.json",
    ]  # fmt: skip
    run = json.loads(told["run.json"])
    assert run == {"base_model": "tiny", "mixture": [{"part": "my data:video, held out", "rows": 3}], "steps": 2}
    assert yaml.safe_load(told["recipe.yaml"])["mixture"] == [{"path": "user/set"}, {"path": "set"}]
    assert not [name for name, content in told.items() if content and b"work" in content]
    assert json.loads((tmp_path / "tuned/run.json").read_text())["base_model"] == f"{home}/tiny"


def test_the_same_run_elsewhere_is_the_same_release(tmp_path):
    write(tmp_path / "one/tuned", "/home/me")
    write(tmp_path / "other/tuned", "/data/work")
    one, other = ([ReleasePart(tmp_path / name / "tuned", "alice/m", "model")] for name in ("one", "other"))
    assert content_tag(one) == content_tag(other)


def test_what_is_on_the_hub_has_none_of_them(tmp_path):
    write(tmp_path / "model1", str(tmp_path))
    with HubServer() as hub:
        for _ in range(2):
            assert publishing(hub, tmp_path, 'release([model], ReleaseTerms("v1"))')[0] == 0
        files = hub.files("alice/m", revision="v1")
        assert len(hub.commits("alice/m")) == 2  # the second time everything is there
    assert not [name for name, content in files.items() if str(tmp_path).encode() in content]
    assert json.loads(files["scores.json"])["models"][0]["checkpoint"] == "tuned"


def test_a_record_that_does_not_read(tmp_path):
    write(tmp_path / "tuned", "/home/me")
    (tmp_path / "tuned/run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json does not read"):
        _ = ReleasePart(tmp_path / "tuned", "alice/m", "model").files


def test_what_is_no_path_stays():
    values = ["user/name", "out/set", "./set", "24 frames, 1/2 a second", "a", "", "/", 3, None, True]
    assert without_folders(values) == values
