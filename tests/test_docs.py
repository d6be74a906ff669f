"""The documents tell the truth: their code runs, what they name is there, and the README stays short."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (
    "README.md",
    "recipes/README.md",
    "dataset_scripts/README.md",
    "t2vid_hf/README.md",
    "tests/benchmarks/README.md",
)
MOST_WORDS = 1000
MOST_PICTURE_BYTES = 300_000


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def words(text: str) -> list[str]:
    """What stands between white space, code and signs of tables included; only tags of HTML and comments are not."""
    return re.sub(r"<!--.*?-->|</?[a-z]+(?:\s[^<>]*)?>", " ", text, flags=re.DOTALL).split()


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    """Where links and pictures point to, addresses left out."""
    found = re.findall(r"\]\(([^()\s]+)\)", without_code(text)) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
    return [link for link in found if "://" not in link]


def dead(link: str, document: Path) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return not target.exists() or (bool(anchor) and anchor not in anchors(target.read_text("utf-8")))


def test_words_are_counted():
    assert words('<img alt="a b">\none | `two three` <!-- no -->\n```\nfour < 5\n```') == [
        "one", "|", "`two", "three`", "```", "four", "<", "5", "```",
    ]  # fmt: skip


def test_the_readme_is_short():
    """More than this belongs to one of the other documents."""
    assert len(words(read("README.md"))) <= MOST_WORDS


@pytest.mark.parametrize("name", ["README.md", "t2vid_hf/README.md"])
def test_code_runs(name, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", read(name), re.MULTILINE | re.DOTALL)
    assert blocks or name != "README.md"
    result = subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    assert [link for link in links(read(name)) if dead(link, ROOT / name)] == []


def test_a_dead_link_is_seen(tmp_path):
    document = tmp_path / "a.md"
    document.write_text("# One thing: `more`\n[x](b.md) [y](#one-thing-more) [z](#two) [w](https://example.org/c.md)\n")
    assert [link for link in links(document.read_text()) if dead(link, document)] == ["b.md", "#two"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_exist(name):
    targets = set(re.findall(r"^([\w-]+):", read("Makefile"), re.MULTILINE))
    used = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", read(name), re.MULTILINE))
    assert used <= targets and (used or name != "README.md")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_exist(name):
    from t2vid_hf.cli.app import app

    known = set(get_command(app).commands)
    used = set(re.findall(r"(?:^|[`/ ])t2vid ([a-z]+)", read(name), re.MULTILINE))
    assert used <= known and (used or name != "README.md")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_scripts_and_configurations_exist(name):
    """Paths of recipes and launch files in commands; a bare `--config` name is one of the shipped recipes'."""
    text = read(name)
    paths = set(re.findall(r"\b((?:recipes|dataset_scripts|tests)/[\w./-]+\.(?:py|yaml))\b", text))
    shipped = {f"recipes/{given}" for given in re.findall(r"--config ([\w./-]+\.yaml)", text) if given not in paths}
    assert sorted(path for path in paths | shipped if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("folder", ["recipes", "dataset_scripts"])
def test_every_script_is_in_the_readme_beside_it(folder):
    scripts = {path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).rglob("*.py")}
    assert scripts - set(re.findall(r"`([\w./]+\.py)`", read(f"{folder}/README.md"))) == set()


def architecture(*options: str, root: Path = ROOT) -> subprocess.CompletedProcess:
    command = [sys.executable, str(root / ".github/architecture.py"), *options]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)


def test_the_architecture_is_what_the_docstrings_say():
    result = architecture("--check")
    assert result.returncode == 0, result.stderr


def test_an_old_architecture_is_seen(tmp_path):
    for name in (".github/architecture.py", "setup.cfg", "t2vid_hf/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(read(name), "utf-8")
    room = tmp_path / "t2vid_hf/attic"
    room.mkdir()
    (tmp_path / "t2vid_hf/__init__.py").write_text('"""The package."""\n')
    (room / "__init__.py").write_text('"""What is kept above."""\n')
    (room / "box.py").write_text('"""A box, a | in it.\n\nMore.\n"""\n')
    contract = "[importlinter:contract:layers]\nlayers =\n    t2vid_hf.cli\n    (attic) | data\n"
    (tmp_path / "setup.cfg").write_text(contract)
    assert architecture("--check", root=tmp_path).returncode == 1
    assert architecture(root=tmp_path).returncode == 0
    written = (tmp_path / "t2vid_hf/README.md").read_text("utf-8")
    assert "```text\ncli\nattic | data\n```" in written
    assert r"| [`box.py`](attic/box.py) | A box, a \| in it. |" in written
    assert architecture("--check", root=tmp_path).returncode == 0


def test_every_result_is_in_the_numbers():
    results = {path.name for path in (ROOT / "tests/benchmarks/results").iterdir()}
    named = set(re.findall(r"\(results/([\w.]+)\)", read("tests/benchmarks/README.md")))
    assert named == results


def test_files_that_the_numbers_name_are_there():
    """Where a number is seen: a module (as seen from the package), a test, a recipe, a script or a result beside it."""
    text = read("tests/benchmarks/README.md")
    places = [ROOT, ROOT / "t2vid_hf", ROOT / "tests/benchmarks", ROOT / "tests/benchmarks/results"]
    named = set(re.findall(r"`([\w./-]+\.(?:py|json))[` ]", text))
    assert named
    assert sorted(name for name in named if not any((place / name).exists() for place in places)) == []


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_the_picture_is_small_and_named(shade):
    picture = ROOT / f".github/picture-{shade}.png"
    assert picture.stat().st_size < MOST_PICTURE_BYTES
    assert f".github/picture-{shade}.png" in read("README.md")
