"""The wheel, built from a clean copy: what is in it, and that it does the main job far from any checkout."""

import configparser
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from PIL import Image

from t2vid_hf.evaluation.item import Item
from t2vid_hf.evaluation.runs import judge, write_scores
from t2vid_hf.models.weights_hash import weights_hash
from tests.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
RECIPE = """
model_name_or_path: tiny
attn_implementation: sdpa
dtype: float32
mixture:
  - {path: set, name: video, split: train, count: 4, num_frames: 4, over_limit: thin}
  - {path: set, name: long_qa, split: train, count: 2, over_limit: drop}
output_dir: tuned
num_frames: 4
packing: true
max_length: 2048
max_steps: 1
use_cpu: true
bf16: false
gradient_checkpointing: false
dataloader_num_workers: 0
dataloader_pin_memory: false
save_strategy: "no"
report_to: none
"""


def run(*command: object, cwd: Path, **environment: str) -> str:
    """A command's output; its environment leads to no checkout."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    full = [str(part) for part in command]
    done = subprocess.run(full, cwd=cwd, capture_output=True, text=True, env={**inherited, **environment})
    assert done.returncode == 0, f"{full}\n{done.stdout}{done.stderr}"
    return done.stdout


def built(source: Path, output: Path, kind: str) -> Path:
    """A wheel or an sdist, by the backend that pip calls, without the network that an isolated build would need."""
    output.mkdir(exist_ok=True)
    return output / run(sys.executable, "-c", BUILD, kind, output, cwd=source).splitlines()[-1]


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """What a clean clone would hold: no file that git ignores."""
    pytest.importorskip("setuptools", minversion="77")
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    folder = tmp_path_factory.mktemp("copy")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def wheel(copy, tmp_path_factory) -> Path:
    return built(copy, tmp_path_factory.mktemp("dist"), "build_wheel")


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """The Python of an environment in which the wheel is installed; what it needs is this environment's.

    A line of a .pth file is a folder on the path, and the .pth files in that folder are not read: so an editable
    installation of ours that may be there is not found.
    """
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin/python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    here = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (site / "dependencies.pth").write_text("".join(f"{path}\n" for path in here))
    return python


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_what_is_in_the_wheel(wheel, copy):
    """The package's modules and data, the cards' templates and the recipes in it, and nothing else."""

    def below(folder: str, *patterns: str) -> set[str]:
        return {path.relative_to(copy).as_posix() for pattern in patterns for path in (copy / folder).rglob(pattern)}

    shipped = below("t2vid_hf", "*.py", "*.css", "*.j2", "*.js", "*.jsonl", "*.xz", "py.typed")
    shipped |= below("t2vid_hf/metrics", "README.md")  # the cards of evaluate's modules
    shipped |= {f"t2vid_hf/{name}" for name in below("model_cards", "*.jinja") | below("recipes", "*.yaml")}
    assert names_in(wheel) == shipped
    for name in (
        "t2vid_hf/model_cards/model_card.md.jinja",
        "t2vid_hf/recipes/accelerate/fsdp2.yaml",
        "t2vid_hf/recipes/qwen2.5-vl-7b/sft_lora.yaml",
        "t2vid_hf/gallery/answers_page.css",
        "t2vid_hf/gallery/answers_page.js",
        "t2vid_hf/gallery/run_report.html.j2",
        "t2vid_hf/loops.json.xz",
        "t2vid_hf/sources/sample.jsonl",
        "t2vid_hf/py.typed",
    ):
        assert name in shipped


@pytest.fixture(scope="module")
def settings() -> configparser.ConfigParser:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    return settings


def test_every_folder_of_the_package_is_listed(settings):
    """`packages` in setup.cfg is written by hand; a room that is missing there would be missing in the wheel."""
    listed = settings["options"]["packages"].split()
    folders = [path.parent.relative_to(ROOT) for path in (ROOT / "t2vid_hf").rglob("__init__.py")]
    assert listed == sorted([*(".".join(folder.parts) for folder in folders), "t2vid_hf.model_cards"])


def test_the_version_has_one_place(wheel):
    import t2vid_hf

    assert wheel.name.split("-")[1] == t2vid_hf.__version__


def test_the_pythons_that_are_promised_are_those_that_are_tried(settings):
    classifiers = settings["metadata"]["classifiers"]
    promised = re.findall(r"^Programming Language :: Python :: (3\.\d+)$", classifiers, re.MULTILINE)
    first, last = (int(version.removeprefix("3.")) for version in (promised[0], promised[-1]))
    assert promised == [f"3.{minor}" for minor in range(first, last + 1)]
    assert settings["options"]["python_requires"] == f">=3.{first},<3.{last + 1}"
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
    assert jobs["light"]["strategy"]["matrix"]["python"] == promised
    assert f'target-version = "py3{first}"' in (ROOT / ".ruff.toml").read_text("utf-8")
    # what an older Python lacks is found on the oldest alone
    assert f'python-version: "3.{first}"' in (ROOT / ".github/workflows/ci.yml").read_text("utf-8")


# Numbered by the year, or bounded by another requirement
UNBOUNDED = {"fsspec", "pyarrow", "manimgx-fonts", "manimgx-fonts-cjk", "setuptools", "types-PyYAML"}


def test_every_requirement_has_an_upper_bound_that_a_new_version_must_pass(settings):
    """And `make check-latest` takes out each of them."""
    lines = [settings["options"]["install_requires"], *settings["options.extras_require"].values()]
    wanted = [Requirement(line) for text in lines for line in text.splitlines() if line and not line.startswith("#")]
    assert len(wanted) > 30
    for requirement in wanted:
        operators = {part.operator for part in requirement.specifier}
        assert operators & {"<", "=="} or requirement.name in UNBOUNDED | {"t2vid-hf"}, requirement
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("$$", "$")
    (rules,) = re.findall(r"sed -E -i\.bak '(.*?)'", makefile)
    text = (ROOT / "setup.cfg").read_text("utf-8")
    for rule in rules.split("; "):
        _, pattern, new, _ = rule.split("/")
        text = re.sub(pattern, new, text, flags=re.MULTILINE)
    assert "<" not in text


def test_an_sdist_makes_the_same_wheel(copy, wheel, tmp_path):
    sdist = built(copy, tmp_path / "sdist", "build_sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.glob("t2vid_hf-*")
    assert names_in(built(unpacked, tmp_path / "wheel", "build_wheel")) == names_in(wheel)


def test_the_main_job_from_the_wheel(python, wheel, tmp_path):
    """Render, build, clips, train, push: each a command, in a folder that holds nothing of ours."""
    t2vid = python.parent / "t2vid"
    where = "import t2vid_hf; from t2vid_hf._packaged import packaged as p"
    where = f"{where}; print(t2vid_hf.__file__, p('recipes'), p('model_cards'), sep='\\n')"
    for path in run(python, "-c", where, cwd=tmp_path).splitlines():
        assert Path(path).is_relative_to(python.parents[1]), path

    (tmp_path / "text.txt").write_text("The keeper wound the clock. " * 60)
    run(t2vid, "render", "text.txt", "--output", "pages", cwd=tmp_path)
    assert Image.open(tmp_path / "pages/page-0003.png").size == (448, 448)

    run(t2vid, "build", "--output", "set", "--max_documents", "2", cwd=tmp_path)
    run(t2vid, "clips", "--output", "set", "--count", "4", "--test_share", "0.5", cwd=tmp_path)
    assert "video" in (tmp_path / "set/README.md").read_text()  # a card, from a template of the wheel

    tiny = "from t2vid_hf.models import tiny; tiny.build('tiny', ['What is it? A red circle moves to the left.'] * 4)"
    run(python, "-c", tiny, cwd=tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    # as `accelerate launch -m t2vid_hf train` runs it
    run(python, "-m", "t2vid_hf", "train", "--config", "recipe.yaml", "--seed", "7", cwd=tmp_path)
    record = json.loads((tmp_path / "tuned/run.json").read_text())
    assert record["cost"]["rows"] == 6 and record["settings"]["seed"] == 7
    assert record["versions"]["t2vid-hf"] == wheel.name.split("-")[1]
    trained, untrained = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("tuned", "tiny"))
    assert len(trained) > 1_000_000 and trained != untrained

    # `t2vid evaluate` needs nothing of the wheel that `train` has not shown; its file is made here, in less time
    item = Item("0", {}, "Where?", ("left", "right"), "B", "place", "clip")
    settings = {"benchmark": "clips", "dataset": "set", "num_frames": 4, "max_new_tokens": 4}
    answers = {"tuned": judge([item], ["B. right"])}
    weights = {"tuned": weights_hash(tmp_path / "tuned")}
    given = {"checkpoints": {"tuned": "tuned"}, "weights": weights, "settings": settings}
    write_scores(tmp_path / "scores.json", answers, **given)

    with HubServer() as hub:
        made = ("--dataset", "set", "--checkpoint", "tuned", "--scores", "scores.json")
        run(t2vid, "push", *made, "--to", "alice/tiny", cwd=tmp_path, **hub.environment(tmp_path / "home"))
        assert {"README.md", "config.json", "model.safetensors"} <= set(hub.files("alice/tiny"))
        data = hub.files("alice/tiny", repo_type="dataset")
        assert b'load_dataset("alice/tiny"' in data["README.md"]
        assert any(name.startswith("long_qa/train-") for name in data)
