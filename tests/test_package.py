"""The package as a whole: what importing costs, who may import whom, and that the README tells the truth."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True)


def test_importing_brings_no_torch():
    code = "import sys, t2vid_hf, t2vid_hf.rendering, t2vid_hf.sources, t2vid_hf.schema; print('torch' in sys.modules)"
    assert python("-c", code).stdout.strip() == "False"


def lint_imports(folder: Path) -> subprocess.CompletedProcess:
    code = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"
    return python("-c", f"import sys; sys.path.insert(0, '.'); {code}", cwd=folder)


@pytest.fixture
def copy(tmp_path):
    pytest.importorskip("importlinter", reason="needs the extra 'dev'")
    shutil.copytree(ROOT / "t2vid_hf", tmp_path / "t2vid_hf", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        (None, "", None),
        ("rendering/layout.py", "import t2vid_hf.data.mixture", "Top may import"),
        ("evaluation/report.py", "import t2vid_hf.training", "Top may import"),
        ("video/reading.py", "import t2vid_hf.models", "Top may import"),
        ("evaluation/report.py", "import trl", "Only training"),
        ("sources/squad.py", "import torch", "neither torch"),
    ],
)
def test_a_breach_of_the_layers_is_reported(copy, module, line, contract):
    if module:
        path = copy / "t2vid_hf" / module
        path.write_text(path.read_text() + f"\n\n{line}  # planted\n")
    result = lint_imports(copy)
    broken = [entry for entry in result.stdout.splitlines() if entry.endswith("BROKEN")]
    if contract is None:
        assert not broken and result.returncode == 0, result.stdout + result.stderr
    else:
        assert any(contract in entry for entry in broken) and result.returncode == 1, result.stdout + result.stderr


def tree_paths(tree: str) -> set[str]:
    """The paths that an indented tree names: a line is a folder (its first word ends in "/") and files in it."""
    parents: list[str] = []
    named = set()
    for line in tree.strip("\n").splitlines():
        entry = line.split("#")[0].rstrip()
        words = entry.split()
        parents = parents[: (len(entry) - len(entry.lstrip())) // 2]
        if words and words[0].endswith("/"):
            parents.append(words.pop(0))
            named.add("".join(parents))
        named |= {"".join([*parents, word]) for word in words}
    return named


def test_the_readme_s_tree_is_the_files():
    """All that the tree names is there, and every module of the package and every recipe is in the tree."""
    named = tree_paths(README.split("```text", 1)[1].split("```", 1)[0])
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
    files = [*(ROOT / "t2vid_hf").rglob("*.py"), *(ROOT / "recipes").rglob("*.py"), *ROOT.glob("dataset_scripts/*.py")]
    there = {path.relative_to(ROOT).as_posix() for path in files if path.name != "__init__.py"}
    assert sorted(there - named) == []


def test_the_readme_s_code_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    result = python("-c", "\n".join(blocks), cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_the_readme_s_make_targets_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert used and used <= targets
