"""Checkpoints that cannot be trained: one line and exit status 2 from the recipes, `InputError` from the trainer."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoProcessor, LlamaConfig, LlamaForCausalLM

from t2vid_hf.cli.make_clips import make_clips
from t2vid_hf.errors import InputError
from t2vid_hf.models import ADAPTERS
from t2vid_hf.models.loading import load_checkpoint
from tests.training.runs import config, load, ours

ROOT = Path(__file__).resolve().parents[2]
KNOWN = ", ".join(sorted(ADAPTERS))
PROJECTION = "model.connector.modality_projection.proj.weight"


def described(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def weighted(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def another_family(folder: Path) -> None:
    described(folder, model_type="videolm")


def code_of_its_own(folder: Path) -> None:
    described(folder, model_type="videolm", auto_map={"AutoConfig": "code.Config", "AutoModel": "code.Model"})
    (folder / "code.py").write_text("raise SystemExit('the code was run')\n")


def code_for_the_processor(folder: Path) -> None:
    path = folder / "processor_config.json"
    changes = {"processor_class": "VideoLMProcessor", "auto_map": {"AutoProcessor": "code.VideoLMProcessor"}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    (folder / "code.py").write_text("raise SystemExit('the code was run')\n")


def text_only(folder: Path) -> None:
    for name in ("config.json", "generation_config.json", "model.safetensors", "processor_config.json"):
        (folder / name).unlink()
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    LlamaForCausalLM(LlamaConfig(vocab_size=64, **sizes)).save_pretrained(folder)


def no_type(folder: Path) -> None:
    described(folder, model_type=None)


def no_chat_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def missing(folder: Path) -> None:
    weighted(folder, lambda weights: weights.pop(PROJECTION))


def left_over(folder: Path) -> None:
    weighted(folder, lambda weights: weights.update({f"model.extra.{n}": torch.zeros(1) for n in range(5)}))


def of_another_shape(folder: Path) -> None:
    weighted(folder, lambda weights: weights.update({PROJECTION: torch.zeros(3, 3)}))


def cut_short(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def an_adapter(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "some/base"}))


BAD: dict[Callable[[Path], None], list[str]] = {
    another_family: [f"no adapter for model_type 'videolm'; known: {KNOWN}.", "t2vid_hf/models/videolm.py"],
    code_of_its_own: [f"'videolm' is not known ({KNOWN})", "needs Python code of its own (auto_map)", "'-hf'"],
    code_for_the_processor: ["needs Python code of its own (auto_map)", "'-hf'"],
    text_only: ["model_type 'llama' is a text model, which takes no pages or frames", f"known: {KNOWN}"],
    no_type: ["no config.json with a model_type in it"],
    no_chat_template: ["its Idefics3Processor has no chat template", "put a chat_template.jinja beside the weights"],
    missing: [f"(1 missing: {PROJECTION})", "fetch it anew"],
    left_over: ["(5 left over: model.extra.0, model.extra.1, model.extra.2, ...)"],
    of_another_shape: [f"(1 of another shape: {PROJECTION} [3, 3] for [128, 384])"],
    cut_short: ["a file of weights is damaged or cut short"],
    no_weights: ["no file named model.safetensors"],
    an_adapter: ["it is a LoRA adapter of 'some/base'", "t2vid merge"],
}


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_a_checkpoint_that_is_spoilt(spoil, tiny_checkpoint, tmp_path, capfd):
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    load_checkpoint(str(folder), dtype="float32")
    spoil(folder)
    with pytest.raises(InputError) as refused:
        load_checkpoint(str(folder), dtype="float32")
    told = str(refused.value)
    assert told.startswith(f"model '{folder}': ")
    for words in BAD[spoil]:
        assert words in told
    # neither transformers' table of weights nor its question whether to run code
    assert "REPORT" not in "".join(capfd.readouterr())


@pytest.fixture
def offline(monkeypatch):
    """The library has read the environment by now, and without a network would try for 20 seconds."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_an_adapter_whose_base_is_not_there(tiny_checkpoint, tmp_path, offline):
    shutil.copytree(tiny_checkpoint, tmp_path, dirs_exist_ok=True)
    an_adapter(tmp_path)
    with pytest.raises(InputError, match=f"^model '{tmp_path}', a LoRA adapter of 'some/base': "):
        load_checkpoint(str(tmp_path), lora=True)
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="names no base_model_name_or_path"):
        load_checkpoint(str(tmp_path), lora=True)


def test_a_model_that_is_nowhere(offline):
    with pytest.raises(InputError, match="^model 'no/such': "):
        load_checkpoint("no/such")


def run(script: str, *options: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "recipes" / script), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("spoil", [code_of_its_own, missing], ids=lambda spoil: spoil.__name__)
def test_the_recipes_say_it_in_a_line(spoil, tiny_checkpoint, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    spoil(folder)
    make_clips(tmp_path / "set", count=2)  # rows are looked at before weights are
    part = {"path": str(tmp_path / "set"), "name": "video", "share": 1}
    (tmp_path / "recipe.yaml").write_text(
        json.dumps({"model_name_or_path": str(folder), "mixture": [part], "use_cpu": True,
                    "bf16": False, "report_to": "none", "output_dir": str(tmp_path / "out")})
    )  # fmt: skip
    done = run("sft.py", "--config", tmp_path / "recipe.yaml")
    (line,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert line.startswith(f"error: model '{folder}': ") and BAD[spoil][-1] in line
    assert not (tmp_path / "out").exists()


def test_eval_video_says_it_in_a_line(tiny_checkpoint, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    left_over(folder)
    done = run("make_clips.py", "--count", 2, "--output", tmp_path / "set")
    assert done.returncode == 0, done.stderr
    options = ("--models", f"bad={folder}", "--output", tmp_path / "scores.json")
    done = run("eval_video.py", "--dataset", tmp_path / "set", *options)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"error: model '{folder}': the weights are not those" in done.stderr and not done.stdout


# --- the trainer, given what a program of one's own has loaded ---------------------------------------------------


def test_the_trainer_knows_no_such_family(tiny_checkpoint, rows, tmp_path):
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=64, **sizes))
    given = model, AutoProcessor.from_pretrained(tiny_checkpoint)
    with pytest.raises(InputError, match=f"no adapter for model_type 'llama'; known: {KNOWN}"):
        ours(tiny_checkpoint, config(tmp_path), rows, given=given)


def test_the_trainer_needs_a_chat_template(tiny_checkpoint, rows, tmp_path):
    model, processor = load(tiny_checkpoint)
    processor.chat_template = None
    with pytest.raises(InputError, match="Idefics3Processor has no chat template; set processor.chat_template"):
        ours(tiny_checkpoint, config(tmp_path), rows, given=(model, processor))
