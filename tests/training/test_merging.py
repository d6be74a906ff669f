"""An adapter merged into its base: the answers are the adapter's, and nothing is lost or left half done."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from t2vid_hf.batches.encoding import RowEncoder
from t2vid_hf.batches.pixels import apply_table, normalisation_table
from t2vid_hf.errors import InputError
from t2vid_hf.evaluation.generation import answer
from t2vid_hf.models.loading import load_checkpoint
from t2vid_hf.schema import conversation, media_block
from t2vid_hf.training.arguments import RecipeArguments
from t2vid_hf.training.collator import DataCollatorForVideoLanguageModeling
from t2vid_hf.training.fine_tuning import choose_lora
from t2vid_hf.training.merging import merge
from t2vid_hf.training.tuning import lora_config
from tests.models.families import family
from tests.training.runs import config, ours

__all__ = ["family"]  # a fixture
ROOT = Path(__file__).resolve().parents[2]
LORA = {"r": 4, "alpha": 8, "dropout": 0.0}
WEIGHTS = "adapter_model.safetensors"


def train(folder: Path, model, processor, parts, rows, *, tune_vision: bool) -> Path:
    """An adapter, trained for two steps."""
    peft_config = lora_config(model, parts, **LORA, tune_vision=tune_vision)
    args = config(folder, max_steps=2, num_frames=2, learning_rate=3e-2)
    trainer = ours(folder, args, rows, given=(model, processor), peft_config=peft_config)
    trainer.train()
    trainer.save_model()
    return folder


@pytest.fixture
def adapter(tiny_checkpoint, rows, tmp_path) -> Path:
    """Of the tiny Idefics3."""
    model, processor, family = load_checkpoint(str(tiny_checkpoint), dtype="float32")
    return train(tmp_path / "adapter", model, processor, family.parts, rows, tune_vision=False)


def logits(model, processor, family, rows) -> torch.Tensor:
    batch = DataCollatorForVideoLanguageModeling(RowEncoder(processor, family, num_frames=2))(rows)
    pixels = family.model_inputs(apply_table(batch["pixels"], normalisation_table(processor)))
    with torch.no_grad():
        found = model.eval()(
            input_ids=batch["input_ids"], position_ids=batch["position_ids"], **pixels, use_cache=False
        )
    return found.logits


def question(row: dict) -> dict:
    return {**row, "messages": row["messages"][:1]}


# In a process that knows nothing of the run; a family that transformers lacks is made known by name.
FRESH = """
import sys, torch
from transformers import AutoModelForImageTextToText, AutoProcessor
if sys.argv[2] == "minicpmv":
    from t2vid_hf.models import register
    register()
model = AutoModelForImageTextToText.from_pretrained(sys.argv[1])
AutoProcessor.from_pretrained(sys.argv[1])
assert "peft" not in type(model).__module__ and not hasattr(model, "peft_config")
assert not ("t2vid_hf" in sys.modules and sys.argv[2] != "minicpmv")
torch.save(dict(model.state_dict()), sys.argv[3])
"""


@pytest.mark.parametrize("tune_vision", [False, True])
def test_the_merged_model_answers_as_the_adapter_does(family, rows, tmp_path, tune_vision):
    model, processor = family.model(dtype="float32"), family.processor()
    folder = train(tmp_path / "adapter", model, processor, family.adapter.parts, rows, tune_vision=tune_vision)
    merge(str(folder), tmp_path / "merged")
    adapted, given, adapter = load_checkpoint(str(folder), lora=True, dtype="float32")
    merged, saved, _ = load_checkpoint(str(tmp_path / "merged"), dtype="float32")
    base, _, _ = load_checkpoint(str(family.folder), dtype="float32")
    adapter.configure_model(base.config)
    questions = [question(row) for row in rows]
    asked = {"num_frames": 2, "max_new_tokens": 12}
    told = answer(adapted, given, questions, **asked)
    assert answer(merged, saved, questions, **asked) == told and any(told)
    of_adapter = logits(adapted, given, adapter, rows)
    torch.testing.assert_close(logits(merged, saved, adapter, rows), of_adapter, rtol=0, atol=1e-5)
    assert (logits(base, saved, adapter, rows) - of_adapter).abs().max() > 1e-2  # what was trained is seen
    assert saved.chat_template == given.chat_template
    state = tmp_path / "state.pt"
    command = [sys.executable, "-c", FRESH, str(tmp_path / "merged"), family.name, str(state)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    fresh = torch.load(state)
    assert all(torch.equal(value, fresh[name]) for name, value in merged.state_dict().items())


def test_the_base_s_type_is_kept_unless_another_is_asked_for(tiny_checkpoint, adapter, rows, tmp_path):
    half = tmp_path / "half"
    AutoModelForImageTextToText.from_pretrained(tiny_checkpoint, dtype="bfloat16").save_pretrained(half)
    AutoProcessor.from_pretrained(tiny_checkpoint).save_pretrained(half)
    described = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**described, "base_model_name_or_path": str(half)}))
    merge(str(adapter), tmp_path / "kept")
    merge(str(adapter), tmp_path / "asked", dtype="float32")
    kept, asked = (AutoModelForImageTextToText.from_pretrained(tmp_path / name) for name in ("kept", "asked"))
    assert {value.dtype for value in kept.parameters()} == {torch.bfloat16}
    assert {value.dtype for value in asked.parameters()} == {torch.float32}
    weights = load_file(tmp_path / "asked" / "model.safetensors")
    connector = next(name for name in weights if name.endswith("modality_projection.proj.weight"))
    trained = next(value for name, value in load_file(adapter / WEIGHTS).items() if "modality_projection" in name)
    assert torch.equal(weights[connector], trained)  # not rounded on its way
    with pytest.raises(InputError, match=r"unknown dtype 'int8'; known: auto, bfloat16, float16, float32"):
        merge(str(adapter), tmp_path / "wrong", dtype="int8")


def test_what_holds_something_is_not_written_to(adapter, tmp_path):
    full, file, empty = tmp_path / "full", tmp_path / "file", tmp_path / "empty"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    file.write_text("mine")
    for taken in (full, file, adapter):
        before = sorted(path.name for path in taken.parent.rglob("*"))
        with pytest.raises(InputError, match="there is something already"):
            merge(str(adapter), taken)
        assert sorted(path.name for path in taken.parent.rglob("*")) == before
    empty.mkdir()
    merge(str(adapter), empty)
    merge(str(adapter), tmp_path / "deep" / "down")
    assert (empty / "config.json").exists() and (tmp_path / "deep/down/config.json").exists()
    assert not [path for path in tmp_path.rglob(".*")] and empty.stat().st_mode == full.stat().st_mode


def test_a_merge_that_fails_leaves_nothing(adapter, tmp_path, monkeypatch):
    def fail(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("t2vid_hf.training.merging._carry_records", fail)
    with pytest.raises(KeyboardInterrupt):
        merge(str(adapter), tmp_path / "out" / "merged")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_run_is_carried_along_with_a_note(adapter, tmp_path):
    (adapter / "run.json").unlink(missing_ok=True)
    assert merge(str(adapter), tmp_path / "plain") == []
    run = {"base_model": "a", "parameters": 1, "mixture": [], "settings": {}, "versions": {}}
    (adapter / "run.json").write_text(json.dumps(run))
    (adapter / "recipe.yaml").write_text("lora: true\n")
    (adapter / "trainer_state.json").write_text("{}")
    assert merge(str(adapter), tmp_path / "merged") == ["run.json", "recipe.yaml", "trainer_state.json"]
    record = json.loads((tmp_path / "merged/run.json").read_text())
    weights = AutoModelForImageTextToText.from_pretrained(tmp_path / "merged").num_parameters()
    described = json.loads((adapter / "adapter_config.json").read_text())
    assert record.pop("merged") == {
        "adapter": str(adapter), "base_model": described["base_model_name_or_path"], "base_revision": None,
        "dtype": "float32",
    }  # fmt: skip
    assert record == {**run, "parameters": weights}
    first, *rest = (tmp_path / "merged/recipe.yaml").read_text().splitlines()
    assert first.startswith("#") and str(adapter) in first and rest == ["lora: true"]
    assert not (tmp_path / "merged/adapter_config.json").exists()


def rewrite(adapter: Path, change) -> None:
    weights = load_file(adapter / WEIGHTS)
    change(weights)
    save_file(weights, adapter / WEIGHTS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda weights: weights.pop(next(iter(weights))), "1 missing"),
        (lambda weights: weights.update(stray=torch.ones(1)), "1 left over"),
        (lambda weights: weights.update({next(iter(weights)): torch.ones(3, 5)}), "size mismatch|another shape"),
        (lambda weights: next(v for k, v in weights.items() if "lora_A" in k).fill_(float("nan")), "NaN"),
    ],
)
def test_weights_that_are_not_the_adapter_s_are_refused(adapter, tmp_path, change, told):
    rewrite(adapter, change)
    with pytest.raises(InputError, match=told):
        merge(str(adapter), tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_layer_that_the_base_shares_is_not_merged(tiny_checkpoint, tmp_path):
    """The head is tied to the embeddings: what is added to one would be added to both."""
    for number, settings in enumerate(({"target_modules": ["lm_head"]}, {"modules_to_save": ["lm_head"]})):
        model, processor, _ = load_checkpoint(str(tiny_checkpoint), dtype="float32")
        tuned = get_peft_model(model, LoraConfig(r=2, **{"target_modules": ["q_proj"], **settings}))
        tuned.save_pretrained(tmp_path / f"{number}")
        processor.save_pretrained(tmp_path / f"{number}")
        with pytest.raises(InputError, match="lm_head', whose weights the base shares"):
            merge(str(tmp_path / f"{number}"), tmp_path / "merged")


def test_prompts_quantised_bases_and_models_are_refused(tiny_checkpoint, adapter, tmp_path):
    with pytest.raises(InputError, match="adapter_config.json"):
        merge(str(tiny_checkpoint), tmp_path / "merged")
    with pytest.raises(InputError, match="nowhere"):
        merge(str(tmp_path / "nowhere"), tmp_path / "merged")
    PromptTuningConfig(num_virtual_tokens=2, task_type="CAUSAL_LM").save_pretrained(tmp_path / "prompt")
    with pytest.raises(InputError, match="learned prompts"):
        merge(str(tmp_path / "prompt"), tmp_path / "merged")
    described = json.loads((tiny_checkpoint / "config.json").read_text())
    (tmp_path / "four").mkdir()
    (tmp_path / "four/config.json").write_text(json.dumps({**described, "quantization_config": {"load_in_4bit": True}}))
    settings = json.loads((adapter / "adapter_config.json").read_text())
    four = {**settings, "base_model_name_or_path": str(tmp_path / "four")}
    (adapter / "adapter_config.json").write_text(json.dumps(four))
    with pytest.raises(InputError, match="is quantised"):
        merge(str(adapter), tmp_path / "merged")
    (adapter / "adapter_config.json").write_text(json.dumps({**settings, "base_model_name_or_path": "gone/away"}))
    with pytest.raises(InputError, match="gone/away"):
        merge(str(adapter), tmp_path / "merged")


def test_the_command_says_what_it_wrote_and_fails_in_a_line(adapter, tmp_path):
    command = [sys.executable, "-m", "t2vid_hf", "merge", "--adapter", str(adapter), "--output", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.splitlines()[0] == f"checkpoint: {tmp_path / 'out'}", done.stderr
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 2 and again.stderr.count("\n") == 1 and "there is something already" in again.stderr


def test_the_readme_s_way_to_serve_answers(adapter, rows, tmp_path):
    """The code of recipes/README.md on the tiny checkpoint; its reply is the benchmark's for the same pages."""
    merge(str(adapter), tmp_path / "merged")
    section = (ROOT / "recipes/README.md").read_text("utf-8").partition("## Serving what was trained")[2]
    code = re.search(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[1]
    code = code.replace("out/idefics3-8b/merged", str(tmp_path / "merged"))
    told, pages = [], rows[1]["images"]
    exec(code, {"pages": [page.convert("RGB") for page in pages], "print": told.append})
    model, processor, _ = load_checkpoint(str(tmp_path / "merged"))
    media = [media_block("image")] * len(pages)
    row = question({**rows[1], "messages": conversation(media, "Who wound the clock?", "")})
    assert [told[0].strip()] == answer(model, processor, [row], num_frames=2, max_new_tokens=32)


def test_the_adapter_names_the_revision_of_its_base(tiny_checkpoint, tmp_path):
    model, _, family = load_checkpoint(str(tiny_checkpoint), weights=False)
    recipe = RecipeArguments(model_name_or_path=str(tiny_checkpoint), model_revision="v2", mixture=[], lora=True)
    choose_lora(model, family, recipe, config(tmp_path)).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["revision"] == "v2"
