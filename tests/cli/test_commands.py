"""The command line: options with underscores or hyphens, recipes and commands that are one thing, a quick start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from t2vid_hf.cli.app import app
from t2vid_hf.cli.script import run_app

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = {
    "build": "dataset_scripts/build_long_text_qa.py",
    "clips": "recipes/make_clips.py",
    "frames": "recipes/extract_frames.py",
    "convert": "recipes/convert_video_qa.py",
    "evaluate": "recipes/eval_video.py",
    "experiment": "recipes/experiment.py",
    "merge": "recipes/merge.py",
    "push": "recipes/push.py",
}


def run(*command: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *map(str, command)], cwd=cwd, capture_output=True, text=True)


def options(shown: str) -> set[str]:
    return set(re.findall(r"--[a-z][\w-]*", shown))


@pytest.mark.parametrize("command", SCRIPTS)
def test_a_recipe_and_its_command_take_the_same(command):
    by_script, by_command = run(SCRIPTS[command], "--help"), run("-m", "t2vid_hf", command, "--help")
    assert by_script.returncode == by_command.returncode == 0, by_script.stderr + by_command.stderr
    assert options(by_script.stdout) == options(by_command.stdout) and len(options(by_script.stdout)) > 2
    assert not [name for name in options(by_script.stdout) if "-" in name.removeprefix("--")]


def test_every_command_has_its_recipe():
    named = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert named == {*SCRIPTS, "train", "render", "info", "score", "compare", "diversity"}


@pytest.mark.parametrize("given", ["--of_two", "--of-two"])
def test_both_spellings_mean_the_same(given, monkeypatch, capsys):
    two = typer.Typer()

    @two.command()
    def show(of_two: int = 1, dry_run: bool = False) -> None:
        print(of_two, dry_run)

    monkeypatch.setattr(sys, "argv", ["show", given, "2", "--dry-run"])
    with pytest.raises(SystemExit) as ended:
        run_app(two)
    assert ended.value.code == 0 and capsys.readouterr().out == "2 True\n"


def test_training_options_reach_the_trainer_and_name_the_shipped_recipes(tmp_path):
    shown = run("-m", "t2vid_hf", "train", "--help", cwd=tmp_path)
    assert shown.returncode == 0 and {"--tune_vision", "--learning_rate", "--dry_run"} <= options(shown.stdout)
    done = run("-m", "t2vid_hf", "train", "--config", "none.yaml", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "none.yaml: no such file" in done.stderr and "idefics3-8b/sft_lora.yaml" in done.stderr
    done = run("-m", "t2vid_hf", "train", "--config", "debug/sft_cpu.yaml", "--of_no_use", "1", cwd=tmp_path)
    assert done.returncode == 2 and "unknown option --of_no_use" in done.stderr


def test_the_command_loads_nothing_heavy():
    heavy = "print(sorted({'torch', 'transformers', 'datasets', 'numba', *sys.argv[1:]} & set(sys.modules)))"
    assert run("-c", f"import sys; from t2vid_hf.cli.app import app; {heavy}").stdout.strip() == "[]"
    scores = "commands(['score', 'compare']).registered_commands"
    light = run(
        "-c", f"import sys; from t2vid_hf.cli.app import commands; {scores}; {heavy}", "numpy", "huggingface_hub"
    )
    assert light.stdout.strip() == "[]", light.stderr


def test_info_names_what_is_known():
    shown = run("-m", "t2vid_hf", "info").stdout
    for name in ("squality", "paper", "t2vid_30k", "clips", "qwen2_5_vl"):
        assert name in shown


def test_render_draws_a_file_in_the_style_of_its_text(tmp_path, capsys):
    from PIL import Image

    from t2vid_hf.cli.render import render
    from t2vid_hf.rendering import RenderConfig, TextRenderer

    text = "The keeper wound the clock. " * 90
    (tmp_path / "a.txt").write_text(text, "utf-8")
    expected = TextRenderer(RenderConfig.preset("paper", styles=("dark", "newspaper"), style_seed=3)).render(text)
    render(tmp_path / "a.txt", tmp_path / "out", styles="newspaper,dark", style_seed=3)
    assert f"{len(expected.frames)} pages in the style {expected.style}: " in capsys.readouterr().out
    for number, frame in enumerate(expected.frames, 1):
        assert Image.open(tmp_path / f"out/page-{number:04}.png").tobytes() == frame.tobytes()
