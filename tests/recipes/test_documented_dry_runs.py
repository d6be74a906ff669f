"""Every recipe's dry run as documented, "no weights, no GPU": nothing is taken back that a recipe asks a GPU for.

What stands for the published checkpoint is a tiny one of its family, with its weights taken away; what stands for the
paper's four sources are sets of a few rows. All else is the recipe's, and one process runs them all.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from t2vid_hf.cli.build import build
from t2vid_hf.cli.convert_video_qa import convert_video_qa
from t2vid_hf.cli.make_clips import make_clips
from t2vid_hf.cli.train import run
from t2vid_hf.errors import InputError
from t2vid_hf.mixtures import paper_mixtures
from t2vid_hf.mixtures.paper_mixtures import MIXTURES
from tests.models import families

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FAMILIES = {
    "idefics3-8b": "idefics3", "internvl": "internvl", "minicpm-llama3-v-2_5": "minicpmv",
    "qwen2.5-vl-7b": "qwen2_5_vl", "smolvlm2-2.2b": "smolvlm",
}  # fmt: skip
TASKS = ("sft_lora", "sft_qlora", "sft_t2vid_30k", "sft_video_200k")
TEXT = "The keeper wound the clock and went down to the boats. " * 60


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    for model, family in FAMILIES.items():
        families.build(family, folder / model)
        for weights in (folder / model).glob("*.safetensors"):
            weights.unlink()
    return {model: folder / model for model in FAMILIES}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """`datasets` keeps what it reads by the path that it is given, and every run here reads `data/`."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """The paper's four sources with three rows each, in `data/`, as `recipes/README.md` makes them."""
    folder = tmp_path_factory.mktemp("sources")
    for source in ("video_chatgpt", "share_gemini"):
        frames = folder / "data" / source / "frames" / "v_a"
        frames.mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (64, 48), (40 * number, 9, 9)).save(frames / f"frame_{number}.jpg")
        samples = [{"q": f"Who is number {number}?", "a": "The keeper.", "video_id": "v_a"} for number in range(3)]
        (folder / "samples.json").write_text(json.dumps(samples))
        convert_video_qa(folder / "samples.json", source=source, output=folder / "data" / source)
    opening = "Below is a paper. Memorize the paper and answer my question after the paper."
    prompt = f"{opening}\n {TEXT} \n Now the paper ends. Who?"
    for source, asked in (("longalpaca", "instruction"), ("longqlora", "input")):
        (folder / "texts.json").write_text(json.dumps([{asked: prompt, "output": "The keeper."}] * 3))
        build(folder / "data" / source, [str(folder / "texts.json")], source=source, render="lazy")
    return folder


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    mixtures = {name: tuple(replace(part, count=2) for part in parts) for name, parts in MIXTURES.items()}
    monkeypatch.setattr(paper_mixtures, "MIXTURES", mixtures)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("model", FAMILIES)
def test_a_recipe_of_a_model(checkpoints, data, tmp_path, monkeypatch, capsys, model, task):
    monkeypatch.chdir(data)  # the recipes look for data/
    text, named = (RECIPES / model / f"{task}.yaml").read_text("utf-8"), f"model_name_or_path: {checkpoints[model]}\n"
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(re.sub(r"^model_name_or_path: .*\n", named, text, count=1, flags=re.M), "utf-8")
    run(["--config", str(recipe), "--dry_run", "true"])
    shown = capsys.readouterr().out
    assert ("4 rows, " if task == "sft_video_200k" else "8 rows, ") in shown, shown
    assert "What trains" in shown and re.search(r"each of 1 devices, at [\d,]+ tokens and \d+ images: ", shown)
    assert not (data / "out").exists()


def test_a_dry_run_says_what_the_machine_lacks(checkpoints, data, monkeypatch, capsys):
    from transformers.utils import is_bitsandbytes_available, is_torch_bf16_gpu_available

    monkeypatch.chdir(data)
    model = str(checkpoints["qwen2.5-vl-7b"])
    run(["--config", "qwen2.5-vl-7b/sft_qlora.yaml", "--dry_run", "true", "--model_name_or_path", model])
    shown = capsys.readouterr().out
    assert ("bf16, in which it is counted, needs a GPU" in shown) == (not is_torch_bf16_gpu_available())
    assert ("load_in_4bit needs bitsandbytes" in shown) == (not is_bitsandbytes_available())


def test_the_recipe_of_the_demo(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    families.build("idefics3", tmp_path / "out/demo/untrained")
    make_clips(Path("out/demo/dataset"), count=4)
    build(Path("out/demo/dataset"), max_documents=2, name="synthetic")
    run(["--config", str(RECIPES / "debug/sft_cpu.yaml"), "--dry_run", "true"])
    assert "machine cannot train it" not in capsys.readouterr().out


def test_data_is_looked_at_before_weights(checkpoints, tmp_path, monkeypatch):
    """The weights are absent: whoever looked for them first would say so."""
    monkeypatch.chdir(tmp_path)
    named = ["--config", "idefics3-8b/sft_lora.yaml", "--model_name_or_path", str(checkpoints["idefics3-8b"])]
    with pytest.raises(InputError, match="data set 'data/video_chatgpt'"):
        run([*named, "--bf16", "false"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ask_dataset", "no/such"], "data set 'no/such'"),
        (["--ask_dataset", "x", "--ask_benchmark", "clip"], "unknown benchmark 'clip'"),
        (["--report_to", "wandbb"], "unknown tracker .* 'wandbb'; known: .*wandb"),
        (["--report_to", "clearml"], "report_to: clearml: .*pip install clearml"),
    ],
)
@pytest.mark.parametrize("dry", ["true", "false"])
def test_what_asks_and_what_is_reported_to_is_looked_at_first(tmp_path, monkeypatch, options, message, dry):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        run(["--config", "idefics3-8b/sft_lora.yaml", "--bf16", "false", "--dry_run", dry, *options])
