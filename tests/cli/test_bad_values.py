"""Wrong values, as a stranger gives them: one line that names the value and what is allowed, and exit status 2."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from t2vid_hf.cli.app import app
from t2vid_hf.cli.script import run_app
from t2vid_hf.cli.train import run
from t2vid_hf.errors import InputError, one_line_errors

# Neither model nor data is there: what is wrong is told before either is looked for.
RECIPE = {
    "model_name_or_path": "nowhere", "mixture": [{"path": "nowhere", "share": 1}], "use_cpu": True, "bf16": False,
    "report_to": "none",
}  # fmt: skip


def part(**changes: object) -> dict:
    return {"mixture": [{"path": "nowhere", "share": 1, **changes}]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # a part of a mixture
        (part(share="two"), "part 'nowhere': share is 'two'; give a number or null"),
        (part(share=True), "share is True; give a number"),
        (part(share=float("nan")), "share is nan"),
        (part(share=float("inf")), "share is infinite"),
        (part(share=None, count=2.5), "count is 2.5; give a whole number or null"),
        (part(num_frames="8"), "num_frames is '8'; give a whole number or null"),
        (part(fps="1", max_frames=3), "fps is '1'; give a number or null"),
        (part(max_pages="3"), "max_pages is '3'"),
        (part(name=7), "name is 7; give a text or null"),
        (part(path=3), "path is 3; give a text"),
        (part(path=""), "empty path"),
        (part(video="natve"), "unknown way of video 'natve'; .*did you mean 'native'"),
        (part(filter=["a"]), r"filter is \['a'\]; give a text or null"),
        (part(over_limit="dropp"), "unknown policy over_limit 'dropp'; .*did you mean 'drop'"),
        (part(media_root=3), "media_root is 3"),
        (part(shar=1), "unknown key of a mixture's part 'shar'; .*did you mean 'share'"),
        ({"mixture": 3}, "mixture is 3; give a list of parts, or the name"),
        ({"mixture": {"path": "a"}}, "give a list of parts"),
        ({"mixture": ["a"]}, "must be a mapping with at least 'path'"),
        ({"mixture": "t2vid_30"}, "unknown mixture 't2vid_30'; .*did you mean 't2vid_30k'"),
        ({"mixture": "video_200k", "mixture_paths": "x"}, "mixture_paths is 'x'"),
        ({"mixture": "video_200k", "mixture_paths": {"video_chatgpt": "a", "share_gemini": 3}}, "mixture_paths is"),
        (
            {"mixture": "video_200k", "mixture_paths": {"video_chatgpt": "a", "share_gemini": "b", "longalpaka": "c"}},
            "unknown source of the mixture 'video_200k' .* 'longalpaka'",
        ),
        # the recipe
        ({"model_name_or_path": ["a"]}, r"model_name_or_path is \['a'\]; give a text"),
        ({"dtype": "float33"}, "unknown dtype 'float33'; .*did you mean 'float32'"),
        ({"attn_implementation": None}, "attn_implementation is None; give a text"),
        ({"lora": True, "lora_r": 1.5}, "lora_r is 1.5; give a whole number"),
        ({"lora": "maybe"}, "--lora: Truthy value expected"),
        ({"eval_share": None}, "eval_share is None; give a number"),
        ({"ask_dataset": 3}, "ask_dataset is 3; give a text or null"),
        ({"ask_every": 0}, "ask_every is 0"),
        ({"mixture_seed": 1.5}, "mixture_seed is 1.5; give a whole number"),
        # the trainer's configuration
        ({"num_frame": 3}, "unknown key 'num_frame'; did you mean num_frames"),
        ({"num_frames": [8]}, r"num_frames is \[8\]; give a whole number or null"),
        ({"num_train_epochs": "many"}, "invalid float value: 'many'"),
        ({"num_train_epochs": 0}, "num_train_epochs is 0, which trains nothing"),
        ({"max_steps": 1.5}, "max_steps is 1.5; give a whole number"),
        ({"learning_rate": -1}, "learning_rate is -1; give at least 0"),
        ({"learning_rate": [1]}, r"learning_rate is \[1\]; give a number"),
        ({"per_device_train_batch_size": 0}, "per_device_train_batch_size is 0; give at least 1"),
        ({"gradient_accumulation_steps": 1.5}, "gradient_accumulation_steps is 1.5"),
        ({"lr_scheduler_type": "cosinus"}, "unknown lr_scheduler_type 'cosinus'; .*did you mean 'cosine'"),
        ({"lr_scheduler_type": "cosine_with_min_lr"}, "lr_scheduler_type=.*min_lr"),
        ({"lr_scheduler_kwargs": {"a": 1}}, "lr_scheduler_kwargs={'a': 1}.*unexpected keyword argument 'a'"),
        ({"lr_scheduler_kwargs": "{a"}, "lr_scheduler_kwargs is '{a', which is not JSON"),
        ({"lr_scheduler_kwargs": "a"}, "lr_scheduler_kwargs is 'a'; give a mapping"),
        ({"optim": "adamx"}, "unknown optim 'adamx'"),
        ({"optim": "adamw_bnb_8bit"}, "optim: .*bitsandbytes"),
        ({"optim_args": "a"}, "optim=.*, optim_args=a"),
        ({"adam_beta1": 2}, "adam_beta1=2"),
        ({"warmup_steps": -1}, "warmup_steps"),
        ({"save_strategy": "sometimes"}, "unknown save_strategy 'sometimes'; known: best, epoch, no, steps"),
        ({"save_strategy": False}, "save_strategy is False; give .*put them in quotes"),
        ({"save_strategy": "steps", "save_steps": 0}, "save_steps is 0, which saves nothing"),
        ({"logging_steps": 0}, "logging_steps"),
        ({"log_level": "loud"}, "unknown log_level 'loud'"),
        ({"seed": -1}, "seed is -1; give at least 0"),
        ({"dataloader_num_workers": -1}, "dataloader_num_workers is -1"),
        ({"dataloader_prefetch_factor": 2, "dataloader_num_workers": 0}, "dataloader_prefetch_factor"),
        ({"fp16": True, "bf16": True}, "fp16 and bf16"),
        ({"fsdp": "x"}, "Unknown `fsdp` option: x"),
        ({"accelerator_config": "none.json"}, "none.json"),
        ({"accelerator_config": {"a": 1}}, "unexpected keyword argument 'a'"),
        ({"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"a": 1}}, "_kwargs=.*'a': 1"),
        ({"gradient_checkpointing_kwargs": "x"}, "checkpointing_kwargs is 'x'"),
        ({"torch_compile_mode": "xx"}, "torch_compile_mode=xx"),
        ({"train_sampling_strategy": "x"}, "unknown train_sampling_strategy 'x'"),
        ({"loss_type": "nlll"}, "unknown loss_type 'nlll'; .*did you mean 'nll'"),
        ({"neftune_noise_alpha": -1}, "neftune_noise_alpha is -1"),
        ({"label_smoothing_factor": 3}, "label_smoothing_factor is 3"),
        ({"hub_strategy": "x"}, "x is not a valid HubStrategy"),
        ({"output_dir": 3}, "output_dir is 3; give a text"),
        (
            {"output_dir": "recipe.yaml/out"},
            "output_dir: recipe.yaml/out cannot be written: .*yaml is no folder",
        ),
        # what is not there
        ({}, "model 'nowhere': "),
        ({"model_name_or_path": "user/model"}, "model 'user/model': "),
        ({"model_name_or_path": "bad name!"}, "model 'bad name!': "),
    ],
)
def test_a_recipe(tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    Path("recipe.yaml").write_text(yaml.safe_dump({**RECIPE, **changes}))
    with pytest.raises(InputError, match=message):
        run(["--config", "recipe.yaml"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "a mapping of settings is expected, not list"),
        ("", "a mapping of settings is expected, not NoneType"),
        ("a: [1\n", "not YAML"),
        ("seed: 1\nseed: 2\n", "the key 'seed' stands twice"),
        ("\udcff", "not YAML: 'utf-8'"),
    ],
)
def test_a_file_that_is_none(tmp_path, text, message):
    (tmp_path / "recipe.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=message):
        run(["--config", str(tmp_path / "recipe.yaml")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--config"], "--config: expected one argument"),
        (["--config=none.yaml"], "none.yaml: no such file"),
        (["--config=debug/sft_cpu.yaml", "--config", "a.yaml"], "--config is given 2 times"),
        (
            ["--config=debug/sft_cpu.yaml", "--learning_rat", "1"],
            "unknown option --learning_rat; did you mean learning",
        ),
        (["--config=debug/sft_cpu.yaml", "--learning_rat=1"], "did you mean learning_rate"),
        (["--config=debug/sft_cpu.yaml", "--lr_scheduler_type", "cosinus"], "invalid choice: 'cosinus'"),
        (["--config=debug/sft_cpu.yaml", "--lr_scheduler_kwargs", "{a"], "not JSON"),
        (["--config=debug/sft_cpu.yaml", "--num_frames", "eight"], "invalid int value: 'eight'"),
    ],
)
def test_a_command_line(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        run(options)


@pytest.fixture
def files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("x")
    Path("none").mkdir()
    Path("text.txt").write_text("The keeper wound the clock.")
    Path("bytes").write_bytes(b"\xff\xfe\x00\x01" * 9)
    Path("qa.jsonl").write_text('{"context": "a b c", "question": "q?", "answer": "x"}\n')
    Path("bad.json").write_text("{no")
    Path("samples.json").write_text(json.dumps([{"q": "Who?", "a": "The keeper.", "video_id": "v"}]))


BUILD = "build --output out --data_files qa.jsonl"


@pytest.mark.parametrize(
    "command",
    [
        "build --output out --data_files none.jsonl",
        "build --output out --data_files bad.json",
        "build --output out --data_files bytes",
        "build --output out --data_files none",
        "build --output out --data_files =qa.jsonl",
        "build --output file --data_files qa.jsonl",
        "build --output file/out --data_files qa.jsonl",
        f"{BUILD} --preset papr",
        f"{BUILD} --columns {{no",
        f"{BUILD} --encoding utf-9",
        f"{BUILD} --max_frames 0",
        f"{BUILD} --max_missing 3",
        f"{BUILD} --name a/b",
        f"{BUILD} --name ..",
        f"{BUILD} --format llamafactory --name a/b",
        "clips --output out --videos nowhere",
        "clips --output out --videos none",
        "clips --output file --count 2 --clips clips",
        "clips --output out --count 2 --clips file",
        "clips --output out --count 2 --clips clips --name a/b",
        "frames --videos nowhere --output out",
        "frames --videos none --output file",
        "frames --videos none --output out --suffix gif",
        "convert --samples none.json --source a --output out",
        "convert --samples bad.json --source a --output out",
        "convert --samples samples.json --source a --output file",
        "convert --samples samples.json --source a --output out --format x",
        "evaluate --models a --dataset none --output scores.json",
        "evaluate --models a=none --dataset nowhere --output scores.json",
        "evaluate --models a=none --dataset none --output none",
        "evaluate --models a=none --dataset none --output file/scores.json",
        "evaluate --models a=none --dataset none --output scores.json --benchmark clip",
        "merge --adapter none --output out",
        "merge --adapter bad! --output out",
        "push",
        "push --dataset nowhere",
        "push --dataset nowhere=a/b",
        "push --checkpoint nowhere --to a/b",
        "push --checkpoint none=",
        "push --checkpoint none=a/b/c",
        "push --checkpoint none --to a",
        "push --checkpoint none=a/b --dataset none",
        "push --checkpoint none --tag v1",
        "push --checkpoint none=a/b --base_model ../tiny",
        "push --checkpoint none=a/b --base_revision v1",
        "push --dataset none=a/b --scores bad.json",
        "push --dataset none=a/b --license mit",
        "push --dataset none=a/b --base_model a/base",
        "push --dataset none=a/b --base_revision v1",
        "push --checkpoint none=a/b --accept_license",
        "push --checkpoint none --private --dry_run",
        "push --checkpoint none=a/b --create_pr --tag v1",
        "push --checkpoint none=a/b --scores bad.json",
        "render none.txt --output out",
        "render bytes --output out",
        "render text.txt --output file",
        "render text.txt --output out --preset papr",
        "train --config none.yaml",
        "rendr text.txt",
    ],
)
def test_a_command(files, monkeypatch, capsys, command):
    monkeypatch.setattr(sys, "argv", ["t2vid", *command.split()])
    with pytest.raises(SystemExit) as ended:
        run_app(app)
    told = capsys.readouterr().err
    assert ended.value.code == 2 and "Traceback" not in told
    assert told.startswith("error: ") and told.count("\n") == 1 or told.startswith("Usage: "), told


def test_what_may_not_be_written_is_told(capsys):
    with pytest.raises(SystemExit), one_line_errors():
        raise PermissionError(13, "Permission denied", "out/set")
    assert capsys.readouterr().err == "error: out/set: Permission denied; give another path\n"
    with pytest.raises(FileNotFoundError), one_line_errors():
        raise FileNotFoundError(2, "No such file", "of our own")
