"""`.github/CONTRIBUTING.md`: what it names is there. Its steps are followed by a test in each room's own folder."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / ".github/CONTRIBUTING.md").read_text("utf-8")
FOLLOWED = {
    "Adding a source": "tests/sources/test_adding_a_source.py",
    "Adding a family": "tests/models/test_adding_a_family.py",
    "Adding a benchmark": "tests/evaluation/test_adding_a_benchmark.py",
    "Adding an engine": "tests/data/test_adding_an_engine.py",
}
# What a reader makes, or what stands for any.
TO_BE_MADE = {"t2vid_hf/sources/quality.py", "t2vid_hf/evaluation/benchmarks/street.py"}


def section(title: str) -> str:
    """What stands under a heading."""
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def blocks(text: str) -> list[str]:
    """The Python code in it."""
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Steps:
    """A copy of the package in which a section's steps are done."""

    folder: Path
    registry: Path
    line: str

    def insert(self, new: str, *, before: str) -> None:
        """Put something into the registry that the section names, in the one place where something else stands."""
        text = self.registry.read_text("utf-8")
        assert text.count(before) == 1, before
        self.registry.write_text(text.replace(before, new + before), "utf-8")

    def python(self, *arguments: object, check: bool = True) -> subprocess.CompletedProcess:
        """Run Python where the copy is what `import t2vid_hf` finds."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=environment)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done


def followed(title: str, folder: Path) -> Steps:
    """Do a section's first step, the file, in a copy of the package; the second, the line, is for the caller."""
    (file,) = blocks(section(title))
    (path,) = re.findall(r"\*\*1\. A file\*\*, `(t2vid_hf/[\w/]+\.py)`", section(title))
    ((line, registry),) = re.findall(
        r"\*\*2\. A line\*\*, `([^`]+)`, in `\w+` of `(t2vid_hf/[\w/]+\.py)`", section(title)
    )
    for name in ("t2vid_hf", "model_cards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert not (folder / path).exists()
    (folder / path).write_text(file, "utf-8")
    return Steps(folder, folder / registry, line)


@pytest.mark.parametrize("title", FOLLOWED)
def test_each_section_names_the_test_that_follows_it(title):
    assert FOLLOWED[title] in section(title) and (ROOT / FOLLOWED[title]).is_file()


def test_every_way_to_add_something_is_followed():
    assert re.findall(r"^## (Adding .*)$", TEXT, re.MULTILINE) == list(FOLLOWED)


def test_paths_and_tests_exist():
    named = set(re.findall(r"`((?:t2vid_hf|tests|recipes|\.github|\.ci)/[\w./-]*|[A-Z]\w+\.md)(?:::(\w+))?`", TEXT))
    assert len(named) > 15
    for path, function in named:
        assert (ROOT / path).exists() or path in TO_BE_MADE, path
        assert not function or f"def {function}(" in (ROOT / path).read_text("utf-8"), function


def test_links_lead_somewhere():
    for link in re.findall(r"\]\((?!https?://)([^)]+)\)", TEXT):
        path, _, anchor = link.partition("#")
        text = (ROOT / ".github" / path).read_text("utf-8")
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}, link


def test_make_targets_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    used = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", TEXT, re.MULTILINE))
    assert len(used) > 5 and used <= targets


def test_the_code_has_the_house_s_form():
    """It is what a reader copies: it passes the linter and the formatter as it stands."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("needs the extra 'dev'")
    files = [code for title in FOLLOWED for code in blocks(section(title))]
    assert len(files) == 3
    for code in files:
        for command in (("check", "--quiet", "-"), ("format", "--diff", "--quiet", "-")):
            done = subprocess.run([ruff, *command], input=code, cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
