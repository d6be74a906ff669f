"""Every recipe is read as `sft.py` reads it, every launch file as accelerate does; dry runs from end to end."""

import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file
from PIL import Image

from t2vid_hf.mixtures.mixing import load_mixture
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.training import T2VidSFTConfig
from t2vid_hf.training.arguments import RecipeArguments, parse
from t2vid_hf.training.recipe_file import read_yaml

ROOT = Path(__file__).resolve().parents[2]
# An experiment gives its shared recipe the model and the rows: tests/recipes/test_miniature.py reads it.
SHARED = ROOT / "recipes/miniature/sft.yaml"
RECIPES = sorted(
    path
    for path in (ROOT / "recipes").glob("*/*.yaml")
    if path.parent.name != "accelerate" and path.stem != "experiment" and path != SHARED
)
PAPER = [path for path in RECIPES if path.parent.name not in ("debug", "my_data", "miniature")]
LAUNCH = sorted((ROOT / "recipes/accelerate").glob("*.yaml"))
MODELS = ("idefics3-8b", "internvl", "minicpm-llama3-v-2_5", "qwen2.5-vl-7b", "smolvlm2-2.2b")
TASKS = ("sft_lora", "sft_qlora", "sft_t2vid_30k", "sft_video_200k")
KEYS = {item.name for item in (*fields(RecipeArguments), *fields(T2VidSFTConfig)) if item.init}


def arguments(path: Path):
    """A recipe's arguments, on a machine without a GPU as well."""
    return parse(["--config", str(path), "--dry_run", "true"])


def launch_of(path: Path) -> Path:
    """The launch configuration that a recipe's first lines name."""
    named = re.search(
        r"^# accelerate launch --config_file (\S+) \\\n#   recipes/sft.py --config (\S+)$", path.read_text(), re.M
    )
    assert named is not None, path
    assert ROOT / named[2] == path
    return ROOT / named[1]


def test_no_recipe_is_missed():
    assert [path.relative_to(ROOT / "recipes").as_posix() for path in PAPER] == [
        f"{model}/{task}.yaml" for model in MODELS for task in TASKS
    ]
    assert len(RECIPES) == len(MODELS) * len(TASKS) + 3 == 23
    assert [path.stem for path in LAUNCH] == ["cpu", "ddp", "fsdp2", "single_gpu", "zero2", "zero3_offload"]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_recipe_is_read_whole(path):
    given = read_yaml(path, KEYS)
    assert set(given) <= KEYS
    recipe, config = arguments(path)
    for key, value in given.items():
        if key not in ("use_cpu", "mixture", "report_to"):
            taken = getattr(recipe if key in {item.name for item in fields(RecipeArguments)} else config, key)
            assert taken == value or str(getattr(taken, "value", taken)) == value, key
    assert recipe.model_name_or_path and recipe.parts()


@pytest.mark.parametrize("path", PAPER, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_paper_s_settings(path):
    recipe, config = arguments(path)
    launch = load_config_from_file(str(launch_of(path)))
    batch = config.per_device_train_batch_size * config.gradient_accumulation_steps * launch.num_processes
    assert batch == 64
    assert (config.num_train_epochs, config.lr_scheduler_type, config.warmup_steps) == (1, "cosine", 0.03)
    assert (config.num_frames, config.bf16, config.gradient_checkpointing) == (24, True, True)
    assert config.optim == "adamw_torch" and not config.packing
    minicpm_30k = (path.parent.name, path.stem) == ("minicpm-llama3-v-2_5", "sft_t2vid_30k")
    assert (config.weight_decay, config.adam_beta2) == ((0.05, 0.95) if minicpm_30k else (0.01, 0.999))
    assert config.labels == ("all_text" if path.parent.name == "idefics3-8b" else "assistant")
    rates = {"sft_lora": 5e-5, "sft_qlora": 2e-4}
    assert config.learning_rate == rates.get(path.stem, 5e-6)
    assert recipe.lora == (path.stem in rates) and recipe.load_in_4bit == (path.stem == "sft_qlora")
    assert config.tune_vision == (not recipe.lora and path.parent.name != "internvl")
    counts = [part.count for part in recipe.parts()]
    assert counts == ([100_000, 100_000] if path.stem == "sft_video_200k" else [10_000, 10_000, 5_000, 5_000])
    filters = {"idefics3-8b": "t2vid_idefics3", "minicpm-llama3-v-2_5": "sparrow_minicpm"}
    wanted = None if path.stem == "sft_video_200k" else filters.get(path.parent.name)
    assert [part.filter for part in recipe.parts()][2:] == [wanted] * (len(counts) - 2)
    assert [part.filter for part in recipe.parts()][:2] == [None, None]


@pytest.mark.parametrize("path", LAUNCH, ids=lambda path: path.stem)
def test_every_launch_configuration_is_read_by_accelerate(path):
    given = yaml.safe_load(path.read_text())
    config = load_config_from_file(str(path))
    assert isinstance(config, ClusterConfig)
    assert config.num_processes == given["num_processes"]
    # accelerate's own check: a key that it does not know is an error there.
    assert set(given) - {"dynamo_backend"} <= {item.name for item in fields(ClusterConfig)}


def test_the_key_check_can_fail(tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text((ROOT / "recipes/accelerate/ddp.yaml").read_text() + "num_gpus: 8\n")
    with pytest.raises(ValueError, match="num_gpus"):
        load_config_from_file(str(path))


def test_deepspeed_s_settings_are_the_stages_they_are_named_for():
    """Read only: DeepSpeed is not a dependency, and no test runs it."""
    stages = {path.stem: load_config_from_file(str(path)).deepspeed_config for path in LAUNCH}
    assert stages["zero2"]["zero_stage"] == 2 and stages["zero2"]["offload_optimizer_device"] == "none"
    zero3 = stages["zero3_offload"]
    assert (zero3["zero_stage"], zero3["offload_optimizer_device"], zero3["offload_param_device"]) == (3, "cpu", "cpu")


def test_the_readme_lists_every_recipe_and_launch_configuration():
    readme = (ROOT / "recipes/README.md").read_text("utf-8")
    for path in (*LAUNCH, *(ROOT / "recipes").glob("*.py")):
        assert f"`{path.relative_to(ROOT / 'recipes').as_posix()}`" in readme, path
    for name in (*MODELS, *TASKS, "debug/sft_cpu.yaml", "my_data/sft.yaml", "miniature/"):
        assert name in readme


def run(script: str, *options: object, cwd: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "recipes" / script), *map(str, options)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def video_set(tmp_path) -> Path:
    """Two clips as folders of frames, and VideoInstruct's JSON about three."""
    output = tmp_path / "data/video_chatgpt"
    for clip in ("v_a", "v_b"):
        (output / "frames" / clip).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (64, 48), (40 * number, 9, 9)).save(output / f"frames/{clip}/frame_{number}.jpg")
    samples = [{"q": "Who?", "a": "The keeper.", "video_id": f"v_{clip}"} for clip in "abca"]
    (tmp_path / "samples.json").write_text(json.dumps(samples))
    return output


def test_a_video_set_of_the_original_becomes_a_part(video_set, tmp_path):
    options = ("--samples", "samples.json", "--source", "video_chatgpt", "--output", video_set)
    done = run("convert_video_qa.py", *options, cwd=tmp_path)
    assert done.returncode == 2 and "video_chatgpt/#2': no frames in" in done.stderr and "Traceback" not in done.stderr
    done = run("convert_video_qa.py", *options, "--on_missing", "drop", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"3 rows of 2 clips: {video_set / 'video'}",
        "1 samples left out: 1 clips have no frames",
    ]
    mixture = load_mixture([MixturePart(str(video_set), share=1)])
    rows = {row["id"]: row for row in mixture.dataset}
    assert sorted(rows) == [f"video_chatgpt/#{number}" for number in (0, 1, 3)]
    row = rows["video_chatgpt/#1"]
    assert (row["num_frames"], row["videos"][0]["path"]) == (5, str(video_set / "frames/v_b"))
    assert [block["type"] for block in row["messages"][0]["content"]] == ["video", "text"]


@pytest.mark.parametrize(
    ("options", "trained", "message"),
    [
        ((), ["vision", "connector", "language", "all"], "6 steps of 2 rows"),
        (("--packing", "true", "--max_length", "256"), ["vision", "connector", "language", "all"], "3 steps of 2 bins"),
        (("--lora", "true", "--tune_vision", "false"), ["connector", "language", "all"], "6 steps of 2 rows"),
    ],
)
def test_a_dry_run_reports_and_trains_nothing(tiny_checkpoint, video_set, tmp_path, options, trained, message):
    run("convert_video_qa.py", "--samples", "samples.json", "--source", "video_chatgpt", "--output", video_set,
        "--on_missing", "drop", cwd=tmp_path)  # fmt: skip
    recipe = {
        "model_name_or_path": str(tiny_checkpoint), "mixture": [{"path": str(video_set), "share": 1}],
        "output_dir": "out", "num_frames": 4, "use_cpu": True, "per_device_train_batch_size": 2, "dry_run": True,
        "report_to": "none",
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    done = run("sft.py", "--config", "recipe.yaml", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "3 rows, " in done.stdout and message in done.stdout, done.stdout
    table = done.stdout.split("What trains")[1]
    shown = re.findall(r"│ (\w+) +│ ([\d,]+) +│", table)
    assert [name for name, trains in shown if trains != "0"] == trained, table
    assert re.search(r"each of 1 devices, at [\d,]+ tokens and \d+ images: [\d.]+ MiB: weights", done.stdout)
    assert "attention: sdpa_packed (" in done.stdout
    assert not (tmp_path / "out").exists()
