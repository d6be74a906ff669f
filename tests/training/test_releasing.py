"""What a trainer publishes: one release at the end, with run.json, scores and our card; what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from peft import LoraConfig
from trl import SFTConfig

from t2vid_hf.errors import InputError
from t2vid_hf.hub import release as engine
from t2vid_hf.hub.cards import write_model_card
from t2vid_hf.hub.release_part import ReleasePart
from t2vid_hf.training import T2VidSFTTrainer, releasing
from tests.hub.trained import snippets
from tests.hub_server import HubServer
from tests.training.runs import SETTINGS, config, make_rows, ours

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def published(monkeypatch) -> list:
    """What would go to the Hub: parts and terms, with the card as it was then."""
    calls = []

    def note(parts, terms):
        calls.append((parts, terms, (parts[0].folder / "README.md").read_text()))
        return {part.title: f"https://hub/{part.repo_id}" for part in parts}

    monkeypatch.setattr(engine, "release", note)
    monkeypatch.setattr(releasing, "whoami", lambda: "alice")
    return calls


@pytest.fixture
def rows(clip_file):
    return make_rows(2, clip_file.read_bytes())


def test_one_release_with_our_card(tiny_checkpoint, rows, tmp_path, published):
    settings = {"push_to_hub": True, "save_strategy": "steps", "save_steps": 1, "max_steps": 2}
    run = ours(tiny_checkpoint, config(tmp_path / "tiny", **settings), rows)
    run.train()
    assert published == [] and not (tmp_path / "tiny/README.md").exists()  # of weights that are not there yet
    run.save_model()
    (((part,), terms, card),) = published
    assert (part.repo_id, part.repo_type, part.folder) == ("alice/tiny", "model", tmp_path / "tiny")
    assert terms.tag.startswith("t2vid-") and (terms.private, terms.revision) == (False, "main")
    assert f'"alice/tiny", revision="{terms.tag}"' in card and "| train_dataset | 2 | 2 | 0 |" in card
    sent = set(part.files)
    assert {"README.md", "run.json", "model.safetensors", "processor_config.json"} <= sent
    assert not [name for name in sent if "checkpoint-" in name or name.endswith((".bin", ".pt"))]
    record = json.loads((tmp_path / "tiny/run.json").read_text())
    assert record["steps"] == 2 and record["seconds"] > 0 and record["adapter"] is False


def test_a_checkpoint_of_the_way_can_be_pushed(tiny_checkpoint, rows, tmp_path):
    """As the refusal of hub_strategy says."""
    run = ours(tiny_checkpoint, config(tmp_path, save_strategy="steps", save_steps=1, max_steps=2), rows)
    run.train()
    folder = tmp_path / "checkpoint-1"
    write_model_card(folder, name="alice/way", tag="v1")
    sent = set(ReleasePart(folder, "alice/way", "model").files)
    assert {"README.md", "config.json", "model.safetensors", "processor_config.json", "run.json"} <= sent
    assert json.loads((folder / "run.json").read_text())["steps"] == 1 and "optimizer.pt" not in sent


def test_an_adapter_has_our_card_or_none(tiny_checkpoint, rows, tmp_path, published, capsys):
    """PEFT writes a card with each save, names the base by its folder, and changes one that is there."""
    adapter = {"peft_config": LoraConfig(r=2, target_modules=["q_proj"])}
    run = ours(tiny_checkpoint, config(tmp_path, save_strategy="steps", save_steps=1), rows, **adapter)
    run.train()
    run.save_model()
    assert not list(tmp_path.rglob("README*"))
    run.facts.base_model, run.facts.base_on_hub = "alice/base", True
    assert run.push_to_hub() == run.push_to_hub()
    run.save_model()
    assert [path.name for path in tmp_path.rglob("README*")] == ["README.md"]
    assert "A LoRA adapter of" in (tmp_path / "README.md").read_text() and "README" not in capsys.readouterr().out


def test_saving_twice_is_the_same_release(tiny_checkpoint, rows, tmp_path, published):
    run = ours(tiny_checkpoint, config(tmp_path / "tiny", push_to_hub=True), rows)
    run.train()
    run.save_model(str(tmp_path / "elsewhere"))
    assert run.push_to_hub() == "https://hub/alice/tiny"
    (_, first, before), (_, second, after) = published
    assert first.tag == second.tag and before == after and (tmp_path / "elsewhere/run.json").is_file()


def test_what_another_card_says_is_another_release(tiny_checkpoint, rows, tmp_path, published):
    """TRL's own script saves, which pushes, and pushes with the data set's name: the first tag has another card."""
    run = ours(tiny_checkpoint, config(tmp_path / "tiny", push_to_hub=True), rows)
    run.train()
    run.save_model()
    run.push_to_hub(dataset_name="bob/set")
    run.push_to_hub(dataset_name="bob/set")
    (_, first, _), (_, second, card), (_, third, same) = published
    assert first.tag != second.tag == third.tag and card == same
    assert ModelCard(card).data.datasets == ["bob/set"]


def test_a_push_as_it_is_asked_for(tiny_checkpoint, rows, tmp_path, published):
    settings = {"hub_model_id": "bob/named", "hub_private_repo": True, "hub_revision": "next"}
    run = ours(tiny_checkpoint, config(tmp_path, **settings), rows)
    run.push_to_hub("A title", tag="v1", license="mit", model_name="Mine", tags="demo")
    (((part,), terms, card),) = published
    assert part.repo_id == "bob/named"
    assert (terms.tag, terms.message, terms.private, terms.revision) == ("v1", "A title", True, "next")
    data = ModelCard(card).data
    assert data.license == "mit" and "demo" in data.tags and "\n# Mine\n" in card


@pytest.mark.parametrize(
    ("given", "told"),
    [({"blocking": False}, "blocking=False: a release ends with its tag"), ({"token": "hf_secret"}, "HF_TOKEN")],
)
def test_a_push_that_would_not_be_honoured_is_refused(tiny_checkpoint, rows, tmp_path, published, given, told):
    run = ours(tiny_checkpoint, config(tmp_path), rows)
    with pytest.raises(InputError, match=told) as error:
        run.push_to_hub(**given)
    assert "secret" not in str(error.value) and not published


@pytest.mark.parametrize("strategy", ["every_save", "checkpoint", "all_checkpoints"])
def test_pushes_on_the_way_are_refused(tiny_checkpoint, rows, tmp_path, published, strategy):
    with pytest.raises(
        InputError, match="^push_to_hub publishes one release, whole, when the run is done: set hub_str"
    ):
        config(tmp_path, push_to_hub=True, hub_strategy=strategy)
    plain = SFTConfig(**{**SETTINGS, "output_dir": str(tmp_path), "push_to_hub": True, "hub_strategy": strategy})
    with pytest.raises(InputError, match="hub_strategy='end'"):
        T2VidSFTTrainer(str(tiny_checkpoint), plain, train_dataset=rows)


def test_a_run_without_a_token_ends_before_it_trains(tiny_checkpoint, rows, tmp_path):
    with pytest.raises(InputError, match="^push_to_hub: .* or run `hf auth login`"):
        ours(tiny_checkpoint, config(tmp_path, push_to_hub=True), rows)


def test_a_recipe_that_pushes(tiny_checkpoint, rows, tmp_path):
    """For real: `push_to_hub: true` in a recipe is a release on a Hub, and its card's snippets are of its tag."""
    from datasets import Dataset

    from t2vid_hf.schema import features

    (tmp_path / "set/texts").mkdir(parents=True)
    made = Dataset.from_list(rows, features=features())
    made.to_parquet(str(tmp_path / "set/texts/train-00000-of-00001.parquet"))
    recipe = {
        "model_name_or_path": str(tiny_checkpoint), "mixture": [{"path": "set", "name": "texts", "count": 2}],
        "dtype": "float32", "output_dir": "tiny", "push_to_hub": True, "use_cpu": True, "bf16": False, "max_steps": 1,
        "report_to": "none", "num_frames": 3, "dataloader_num_workers": 0, "per_device_train_batch_size": 1,
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    with HubServer() as hub:
        environment = {**os.environ, **hub.environment(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "t2vid_hf", "train", "--config", "recipe.yaml"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        (tag,) = hub.repo("alice/tiny").tags
        files = hub.files("alice/tiny", revision=tag)
    card = files["README.md"].decode()
    assert "| set:texts | 2 | 2 | 0 |" in card and f'"alice/tiny", revision="{tag}"' in card
    assert json.loads(files["run.json"])["steps"] == 1
    assert not {"training_args.bin", "optimizer.pt"} & {name.rpartition("/")[2] for name in files}
    assert len(snippets(tmp_path / "tiny")) == 2
