"""A recipe's arguments: strict YAML, and a command line that wins."""

from pathlib import Path

import pytest

from t2vid_hf.errors import InputError
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
        ("[]", "no mixture"),
    ],
)
def test_bad_mixture(tmp_path, mixture, message):
    recipe, _ = parse(write(tmp_path, f"model_name_or_path: a\nuse_cpu: true\nbf16: false\nmixture: {mixture}\n"))
    with pytest.raises(InputError, match=message):
        recipe.parts()
