"""The script on `datasets` 3.6, the last that runs scripts, yields the rows of the registered builder here.

It runs in an environment of its own, `.venv-datasets3` beside `.venv`, made on first use (half a minute) and used
again while its list of packages is the same: no torch, and the versions of what draws are those of this environment,
so that pixels are compared, not likened. Without a network to make it the test is skipped; with CI=true it fails.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-datasets3"
DUMP = Path(__file__).parent / "dump_rows.py"
SCRIPT = ROOT / "dataset_scripts/t2vid.py"
# What draws, pinned to the versions here; and what 3.6 asks for, below the versions that it does not know.
DRAWING = (
    "Pillow numpy icu4py uharfbuzz fontpkg-arimo fontpkg-jetbrains-mono manimgx-fonts manimgx-fonts-cjk llvmlite "
    "filelock isal pyyaml tqdm"
).split()
OLD = ["datasets==3.6.0", "huggingface_hub<1"]


def wanted() -> list[str]:
    pins = []
    for name in DRAWING:
        try:
            pins.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            continue
    return [*OLD, *pins]


@pytest.fixture(scope="module")
def python3() -> Path:
    """The Python of the small environment."""
    python, made = ENVIRONMENT / "bin/python", ENVIRONMENT / "made-of.txt"
    packages = "\n".join(wanted())
    if made.is_file() and made.read_text("utf-8") == packages:
        return python
    made.unlink(missing_ok=True)
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted()],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            reason = f"cannot make {ENVIRONMENT.name}: {done.stderr.strip().splitlines()[-1]}"
            pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    (ENVIRONMENT / ".gitignore").write_text("*\n", encoding="utf-8")
    made.write_text(packages, encoding="utf-8")
    return python


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "questions.jsonl"
    texts = ["The keeper wound the clock. " * 60, "Nobody came.\n\n\tA table\tof two columns\n" * 30, "مرحبا بالعالم"]
    records = [
        {"id": f"d{number}", "context": text, "questions": [{"question": f"{n}?", "answer": "A."} for n in range(2)]}
        for number, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def dump(python: Path, path: str, home: Path, **options: Any) -> Iterator[dict[str, Any]]:
    """The rows of a set as another Python loads it, after a line about that Python."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
    command = [str(python), "-W", "ignore", str(DUMP), path, json.dumps({"split": "train", **options})]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=home, timeout=180)
    assert done.returncode == 0, done.stderr
    return (json.loads(line) for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    "options",
    [
        {"name": "long_qa", "render": "eager", "preset": "dense"},
        {"name": "long_qa", "render": "lazy", "render_config": {"margin_px": 30}},
        {"name": "long_qa", "streaming": True},
    ],
    ids=["eager", "lazy", "streaming"],
)
def test_the_same_rows_of_a_file(python3, file, tmp_path, options):
    assert_same(python3, tmp_path, data_files=str(file), **options)


def test_the_same_rows_of_the_sample(python3, tmp_path):
    assert_same(python3, tmp_path)


def assert_same(python3: Path, folder: Path, **options: Any) -> None:
    (folder / "old").mkdir(), (folder / "new").mkdir()
    old, *old_rows = dump(python3, str(SCRIPT), folder / "old", trust_remote_code=True, **options)
    new, *new_rows = dump(Path(sys.executable), "t2vid", folder / "new", **options)
    assert old == {"datasets": "3.6.0", "torch": False}
    assert new["datasets"] == version("datasets")
    assert len(new_rows) >= 6 and all(len(row["images"]) == row["num_frames"] > 0 for row in new_rows)
    assert old_rows == new_rows


def test_the_script_is_refused_here_with_a_word(tmp_path):
    from datasets import load_dataset

    with pytest.raises(RuntimeError, match="Dataset scripts are no longer supported"):
        load_dataset(str(SCRIPT), cache_dir=str(tmp_path))
