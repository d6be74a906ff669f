"""A recipe's arguments: strict YAML, and a command line that wins."""

import sys
from pathlib import Path

import pytest

from t2vid_hf.errors import InputError
from t2vid_hf.mixtures.parts import MixturePart
from t2vid_hf.training.arguments import parse

ROOT = Path(__file__).resolve().parents[2]
NAMED = "model_name_or_path: a\nuse_cpu: true\nbf16: false\n"


def write(folder: Path, text: str) -> list[str]:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return ["--config", str(path)]


def test_a_named_mixture_has_its_paths_and_its_filter_on_pages_alone(tmp_path):
    paths = "{video_chatgpt: a, share_gemini: b, longalpaca: c, longqlora: d}"
    text = f"{NAMED}mixture: t2vid_30k\nmixture_paths: {paths}\nmixture_filter: t2vid_idefics3\n"
    parts = parse(write(tmp_path, text))[0].parts()
    assert [(part.path, part.filter) for part in parts] == [
        ("a", None), ("b", None), ("c", "t2vid_idefics3"), ("d", "t2vid_idefics3"),
    ]  # fmt: skip
    recipe, _ = parse(write(tmp_path, f"{NAMED}mixture: [{{path: x, share: 1}}]\nmixture_filter: t2vid_idefics3\n"))
    with pytest.raises(InputError, match="are for a named mixture"):
        recipe.parts()


def test_the_command_line_wins(tmp_path):
    argv = write(tmp_path, "model_name_or_path: a\nuse_cpu: true\nbf16: false\nlearning_rate: 5e-6\nnum_frames: 4\n")
    recipe, config = parse([*argv, "--num_frames", "9", "--model_name_or_path", "b"])
    assert (recipe.model_name_or_path, config.num_frames, config.learning_rate) == ("b", 9, 5e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_name_or_path: a\nnum_frame: 4\n", "unknown key 'num_frame'; did you mean num_frames"),
        ("- a\n", "a mapping of settings is expected"),
        ("a: [1\n", "not YAML"),
        ("use_cpu: true\nbf16: false\n", "no model is named"),
        (f"{NAMED}load_in_4bit: true\n", "set lora as well"),
        (f"{NAMED}learning_rate: fast\n", "invalid float value: 'fast'; see --help"),
    ],
)
def test_bad_yaml(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        parse(write(tmp_path, text))


def test_bad_command_line(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        parse(["--config", str(tmp_path / "none.yaml")])
    with pytest.raises(InputError, match="unknown option --frames"):
        parse([*write(tmp_path, "model_name_or_path: a\nuse_cpu: true\nbf16: false\n"), "--frames", "3"])


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        ("[{name: x, share: 1}]", "at least 'path'"),
        ("[{path: x, shar: 1}]", "unknown key of a mixture's part 'shar'"),
        ("[{path: x}]", "either share or count"),
        ("[{path: x, share: 0}]", "above 0"),
        ("[]", "nothing to train on"),
    ],
)
def test_bad_mixture(tmp_path, mixture, message):
    recipe, _ = parse(write(tmp_path, f"model_name_or_path: a\nuse_cpu: true\nbf16: false\nmixture: {mixture}\n"))
    with pytest.raises(InputError, match=message):
        recipe.parts()


CPU = ["--model_name_or_path", "a", "--use_cpu", "true"]


def test_a_data_set_of_the_command_line_alone():
    given = ["--dataset_name", "user/set", "--dataset_config", "video", "--dataset_test_split", "test"]
    recipe, _ = parse([*CPU, *given])
    assert recipe.parts() == [MixturePart("user/set", "video", share=1, eval_split="test")]
    recipe, _ = parse([*CPU, "--dataset_name", "set", "--dataset_train_split", "val", "--eval_share", "0.1"])
    assert recipe.parts() == [MixturePart("set", split="val", share=1)] and recipe.eval_share == 0.1


def test_a_mixture_of_the_command_line_alone():
    recipe, _ = parse([*CPU, "--mixture", "out/set,video:2", "me/texts@v1.0", "--seed", "3"])
    assert recipe.parts() == [
        MixturePart("out/set", "video", share=2),
        MixturePart("me/texts", revision="v1.0", share=1),
    ]
    recipe, _ = parse([*CPU, "--mixture=out/set=500"])
    assert recipe.parts() == [MixturePart("out/set", count=500)]


def test_a_mixture_of_the_command_line_wins_over_the_file_s(tmp_path):
    argv = write(
        tmp_path, f"{NAMED}mixture: [{{path: x, share: 1}}]\nmixture_paths: {{video_chatgpt: v, share_gemini: s}}\n"
    )
    recipe, _ = parse([*argv, "--mixture", "video_200k"])
    assert [part.path for part in recipe.parts()] == ["v", "s"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset_name", "a", "--mixture", "b:1"], "dataset_name and mixture: give one of them"),
        (["--dataset_config", "video"], "dataset_config and dataset_test_split are of dataset_name"),
        (["--mixture", "a:b:c"], "a part of a mixture is 'a:b:c'; give PATH"),
        (["--mixture", "a:two"], "a part of a mixture is 'a:two'"),
        (["--mixture", "a:0"], "must be above 0"),
        (["--mixture"], "--mixture: expected at least one argument"),
        ([], "there is nothing to train on; give --dataset_name or --mixture"),
    ],
)
def test_bad_data_of_the_command_line(options, message):
    with pytest.raises(InputError, match=message):
        parse([*CPU, *options])[0].parts()


def test_deepspeed_is_asked_for_and_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "deepspeed", None)  # what is not installed cannot be imported
    told = r"needs the package 'deepspeed', which is not installed: pip install 't2vid-hf\[deepspeed\]'"
    with pytest.raises(InputError, match=told):
        parse(write(tmp_path, f"{NAMED}deepspeed: {{zero_optimization: {{stage: 2}}}}\n"))
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")  # by accelerate launch, with a launch file of DeepSpeed's
    with pytest.raises(InputError, match=told):
        parse(write(tmp_path, NAMED))


@pytest.mark.parametrize("given", [True, False, None])
def test_checkpointing_has_its_old_name_in_recipes_and_warns_of_nothing(tmp_path, recwarn, given):
    text = NAMED + ("" if given is None else f"gradient_checkpointing: {str(given).lower()}\n")
    text += "gradient_checkpointing_kwargs: {use_reentrant: true}\n"
    _, args = parse(write(tmp_path, text))
    assert args.gradient_checkpointing is (given is not False)
    assert args.gradient_checkpointing_kwargs == {"use_reentrant": True}
    # the new names, where the installed transformers has them
    assert vars(args).get("activation_checkpointing", args.gradient_checkpointing) is args.gradient_checkpointing
    assert not [warning for warning in recwarn if "checkpointing" in str(warning.message)]


def test_the_two_names_of_checkpointing_are_one_setting(tmp_path):
    both = f"{NAMED}gradient_checkpointing: true\nactivation_checkpointing: "
    with pytest.raises(InputError, match="gradient_checkpointing is True and activation_checkpointing is False"):
        parse(write(tmp_path, both + "false\n"))
    assert parse(write(tmp_path, both + "true\n"))[1].gradient_checkpointing
    alone = f"{NAMED}activation_checkpointing: false\n"
    assert not parse(write(tmp_path, alone))[1].gradient_checkpointing
