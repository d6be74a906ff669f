"""Cards of checkpoints: what they say is of these weights, and a snippet gives a clip as it was given in training."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import yaml
from huggingface_hub import EvalResultEntry, ModelCard, parse_eval_result_entries

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.pixels import model_pixels, normalisation_table, pixel_tensors
from t2vid_hf.batches.video_policy import trained_policy
from t2vid_hf.errors import InputError
from t2vid_hf.hub.cards import write_model_card
from t2vid_hf.hub.checkpoint_facts import is_trained_on
from t2vid_hf.metrics.scoring import Score
from t2vid_hf.models.weights_hash import weights_hash
from t2vid_hf.schema import conversation, media_block
from tests.hub.trained import save_trained, snippets
from tests.models.families import build, family

__all__ = ["family"]  # a fixture


@pytest.fixture(scope="module")
def saved(tiny_checkpoint, clip_file, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    save_trained(tiny_checkpoint, folder, clip_file.read_bytes(), steps=1)
    return folder


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    return shutil.copytree(saved, tmp_path / "checkpoint")


@pytest.fixture(scope="module")
def adapter(tiny_checkpoint, clip_file, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    save_trained(tiny_checkpoint, folder, clip_file.read_bytes(), lora=True)
    return folder


def metadata(folder: Path) -> dict:
    return ModelCard.load(folder / "README.md").data.to_dict()


def write_scores_of(path: Path, **weights: str | None) -> Path:
    score = asdict(Score("all", 40, 10, 0.5, 0.35, 0.65, 0.1))
    models = [{"name": name, "checkpoint": name, "weights": of, "scores": [score]} for name, of in weights.items()]
    path.write_text(json.dumps({"benchmark": "clips", "questions": 40, "chance": 0.25, "models": models}))
    return path


def prepare_row(clip: Path) -> dict:
    asked = conversation([media_block("video")], "What happens in the clip?", "x")[:1]
    return {"id": "a", "source": "s", "media": "video", "messages": asked, "images": [],
            "videos": [{"bytes": None, "path": str(clip)}], "num_frames": 16}  # fmt: skip


@pytest.mark.parametrize("args", [{}, {"video": "as_frames"}, {"num_frames": None, "fps": 2.0, "max_frames": 4}],
                         ids=["own", "as_frames", "fps"])  # fmt: skip
def test_a_snippet_gives_a_clip_as_in_training(family, clip_file, tmp_path, monkeypatch, capsys, args):
    """To the bit, tokens and pixels, of every family; and it prints a reply."""
    saved = save_trained(family.folder, tmp_path / "saved", clip_file.read_bytes(), **args)
    write_model_card(tmp_path / "saved")
    monkeypatch.chdir(tmp_path)
    shutil.copy(clip_file, "clip.mp4")
    processor, table = saved.processing_class, normalisation_table(saved.processing_class)
    encoder = RowEncoder(processor, family.adapter, policy=trained_policy(processor, family.adapter))
    expected = encoder.prompt(prepare_row(clip_file))
    pixels = model_pixels(family.adapter, dict(pixel_tensors([expected])), table)
    told: dict = {}
    exec(snippets(tmp_path / "saved")[0], told)
    assert told["inputs"]["input_ids"][0].tolist() == expected.input_ids.tolist()
    given = {name: tensor for name, tensor in told["inputs"].items() if name.startswith("pixel_values")}
    assert given.keys() == {name for name in pixels if name.startswith("pixel_values")}
    for name, tensor in given.items():
        assert torch.equal(tensor, pixels[name].to(tensor.dtype)), name
    assert capsys.readouterr().out.endswith("\n")


def test_squeezed_frames_are_squeezed_by_the_snippet(tmp_path, clip_file):
    """The processor alone would keep their proportions."""
    build("minicpmv", tmp_path / "base")
    save_trained(tmp_path / "base", tmp_path / "saved", clip_file.read_bytes(), frame_size="square")
    write_model_card(tmp_path / "saved")
    assert 'read_frames("clip.mp4", 3, size=(56, 56)).data  # 3 frames' in snippets(tmp_path / "saved")[0]


def test_what_a_run_was_stands_in_the_card(folder):
    write_model_card(folder, name="alice/tiny", tag="v1", datasets={"alice/set": "v1", "bob/other": None})
    card, run = (folder / "README.md").read_text(), json.loads((folder / "run.json").read_text())
    assert run["hardware"] == {"device": run["hardware"]["device"], "count": 1} and "CPU" in run["hardware"]["device"]
    assert 0 < run["seconds"] < 600 and run["steps"] == 1
    assert f"1 step in {run['seconds']:.1f} seconds on 1 x CPU" in card
    assert "| train_dataset | 2 | 2 | 0 |" in card and "| learning_rate | 0.01 |" in card
    assert "| max_steps | 1 |" in card and "num_train_epochs" not in card
    assert "[alice/set](https://huggingface.co/datasets/alice/set) at `v1`, [bob/other]" in card
    assert card.count('"alice/tiny", revision="v1"') == 3  # model, processor, pipeline
    assert metadata(folder)["datasets"] == ["alice/set", "bob/other"] and "Not evaluated." in card


def test_a_local_base_is_no_name_on_the_hub(folder):
    base = json.loads((folder / "run.json").read_text())["base_model"]
    write_model_card(folder, name="alice/tiny")
    card = (folder / "README.md").read_text()
    assert not {"base_model", "base_model_relation", "license"} & metadata(folder).keys()
    assert base not in card and f"Fine-tuned from a local checkpoint (`{Path(base).name}`, not on the Hub)" in card
    write_model_card(folder, name="alice/tiny", base_model="alice/base", license="apache-2.0")
    assert {"base_model": "alice/base", "base_model_relation": "finetune", "license": "apache-2.0",
            "library_name": "transformers"}.items() <= metadata(folder).items()  # fmt: skip


def test_whether_a_base_is_local_is_known_when_it_is_loaded(folder, monkeypatch, tmp_path):
    """A card that is written elsewhere, where the path leads nowhere, says the same."""
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**run, "base_model": "out/untrained"}))
    monkeypatch.chdir(tmp_path)
    write_model_card(folder, name="alice/tiny")
    assert "base_model" not in metadata(folder)


def test_an_adapter_is_peft_s_and_needs_a_base_that_others_have(adapter, tmp_path):
    folder = shutil.copytree(adapter, tmp_path / "adapter")
    with pytest.raises(InputError, match="an adapter of a base that is not on the Hub, .* or merge both"):
        write_model_card(folder, name="alice/lora")
    write_model_card(folder, name="alice/lora", tag="v2", base_model="alice/base", base_revision="v1")
    assert {"library_name": "peft", "base_model": "alice/base", "base_model_relation": "adapter"
            }.items() <= metadata(folder).items()  # fmt: skip
    named = json.loads((folder / "adapter_config.json").read_text())
    assert (named["base_model_name_or_path"], named["revision"]) == ("alice/base", "v1")
    (snippet,) = snippets(folder)
    assert 'from_pretrained("alice/base", revision="v1", device_map="auto")' in snippet
    assert 'PeftModel.from_pretrained(base, "alice/lora", revision="v2")' in snippet


def test_a_merged_adapter_says_so(adapter, tiny_checkpoint, tmp_path, monkeypatch):
    from t2vid_hf.training.merging import merge

    folder = tmp_path / "merged"
    merge(str(adapter), folder)
    write_model_card(folder, name="alice/merged", base_model="alice/base")
    assert {"library_name": "transformers", "base_model_relation": "merge"}.items() <= metadata(folder).items()
    assert "with a LoRA adapter merged into it" in (folder / "README.md").read_text()


def test_scores_of_other_weights_are_refused(folder, tmp_path):
    other = write_scores_of(tmp_path / "scores.json", base="0" * 64, old=None)
    with pytest.raises(InputError, match=r"its scores are of other weights than those in .* \('base', 'old'\); ask"):
        write_model_card(folder, scores=other)
    path = write_scores_of(tmp_path / "own.json", base="0" * 64, tuned=weights_hash(folder))
    write_model_card(folder, name="alice/tiny", scores=path)
    card = (folder / "README.md").read_text()
    own, compared = (line for line in card.splitlines() if "| all |" in line)
    assert own == "| this one | all | 40 | 10 | 50.0 [35.0, 65.0] | 10.0 |"
    assert compared.startswith("| base, to compare | all |")
    (result,) = metadata(folder)["model-index"][0]["results"]
    assert result["metrics"][0]["value"] == 50.0 and "35.0 to 65.0" in result["metrics"][0]["name"]


def test_scores_in_the_folder_are_taken_where_they_are_of_its_weights(folder, capsys):
    write_scores_of(folder / "scores.json", other="0" * 64)
    write_model_card(folder)
    assert "Not evaluated." in (folder / "README.md").read_text()
    assert "they are left out of the card" in capsys.readouterr().out
    write_scores_of(folder / "scores.json", tuned=weights_hash(folder))
    write_model_card(folder)
    assert "| this one | all | 40 |" in (folder / "README.md").read_text()


@pytest.mark.parametrize("content", ["{", "[]", '{"models": 3}'])
def test_a_broken_file_of_scores_is_one_line(folder, tmp_path, content):
    (tmp_path / "scores.json").write_text(content)
    with pytest.raises(InputError, match="not JSON|not what `t2vid evaluate` writes"):
        write_model_card(folder, scores=tmp_path / "scores.json")


@pytest.mark.parametrize(
    "change",
    [
        {"questions": None}, {"chance": "a quarter"}, {"scores": 5}, {"scores": []}, {"scores": [{"group": "all"}]},
        {"n": "two"}, {"accuracy": None}, {"other": 1}, {"group": "kind"},
    ],
)  # fmt: skip
def test_broken_scores_of_its_own_weights_are_one_line_too(folder, tmp_path, change):
    path = write_scores_of(tmp_path / "scores.json", tuned=weights_hash(folder))
    written = json.loads(path.read_text())
    model = written["models"][0]
    place = written if {"questions", "chance"} & set(change) else model if "scores" in change else model["scores"][0]
    place |= change
    path.write_text(json.dumps(written))
    with pytest.raises(InputError, match="not what `t2vid evaluate` writes"):
        write_model_card(folder, scores=path)


def test_evaluation_results_are_in_the_hub_s_form(folder):
    entries = [EvalResultEntry("lmms-lab/Video-MME", "default", 52.7, notes="24 frames")]
    write_model_card(folder, eval_results=entries)
    path = folder / ".eval_results/t2vid_hf.yaml"
    assert parse_eval_result_entries(yaml.safe_load(path.read_text())) == entries
    write_model_card(folder)
    assert not path.exists()


def test_the_record_of_another_run_is_refused(folder, adapter, tmp_path):
    run = json.loads((folder / "run.json").read_text())
    shutil.copy(adapter / "run.json", folder / "run.json")
    with pytest.raises(InputError, match="is of an adapter, and the weights beside it are a whole model"):
        write_model_card(folder)
    del run["video_ways"]
    (folder / "run.json").write_text(json.dumps(run))
    with pytest.raises(InputError, match="older t2vid_hf"):
        write_model_card(folder)
    (folder / "run.json").unlink()
    with pytest.raises(InputError, match=r"run\.json: no such file"):
        write_model_card(folder)


def test_a_data_set_of_the_release_is_training_data_where_the_run_names_it(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    run = json.loads((folder / "run.json").read_text())
    parts = [{"part": "data/one:pages"}, {"part": str(tmp_path / "two")}, {"part": "alice/three:clips"}]
    (tmp_path / "run/run.json").write_text(json.dumps({**run, "mixture": parts}))
    for name in ("config.json", "model.safetensors"):
        shutil.copy(folder / name, tmp_path / "run" / name)
    found = [is_trained_on(tmp_path / "run", Path(data)) for data in ("data/one", "two", "data", "alice/three", "none")]
    assert found == [True, True, False, True, False]


def test_a_revision_of_no_base_is_refused(folder):
    with pytest.raises(InputError, match="base_revision v1 is of no base_model"):
        write_model_card(folder, base_revision="v1")


def test_a_bar_in_a_name_does_not_end_a_cell(folder):
    run = json.loads((folder / "run.json").read_text())
    run["mixture"] = [{**part, "part": "a|b"} for part in run["mixture"]] or [
        {"part": "a|b", "rows": 1, "sampled": 1, "dropped": {}}
    ]
    run["settings"]["output_dir"] = "c|d"
    (folder / "run.json").write_text(json.dumps(run))
    write_model_card(folder)
    card = (folder / "README.md").read_text("utf-8")
    assert "| a\\|b | " in card and "| output_dir | c\\|d |" in card
