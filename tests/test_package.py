"""The package as a whole: what importing costs, who may import whom, and the shape of its files."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True)


def rooms() -> list[str]:
    """The folders of the package that are packages themselves, as they are imported."""
    return [f"t2vid_hf.{path.parent.name}" for path in sorted((ROOT / "t2vid_hf").glob("*/__init__.py"))]


# What a room may bring with it. The rooms' own modules import torch and `datasets`; whoever names a room alone, as
# every import of a module in it does, waits for neither.
IMPORTS = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    heavy = [module for module in ("torch", "datasets", "transformers", "trl") if module in sys.modules]
    if heavy:
        sys.exit(f"{name} imports {', '.join(heavy)}")
"""


def test_importing_a_room_brings_neither_torch_nor_datasets():
    assert len(rooms()) >= 14
    done = python("-c", IMPORTS, "t2vid_hf", *rooms(), "t2vid_hf.schema")
    assert done.returncode == 0, done.stderr


def test_what_a_room_imports_is_seen(tmp_path):
    (tmp_path / "heavy.py").write_text("import datasets\n")
    done = python("-c", IMPORTS, "heavy", cwd=tmp_path)
    assert done.returncode == 1 and "heavy imports datasets" in done.stderr


# --- Who may import whom ----------------------------------------------------------------------------------------------


def lint_imports(folder: Path) -> subprocess.CompletedProcess:
    code = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"
    return python("-c", f"import sys; sys.path.insert(0, '.'); {code}", cwd=folder)


@pytest.fixture
def copy(tmp_path):
    pytest.importorskip("importlinter", reason="needs the extra 'dev'")
    shutil.copytree(ROOT / "t2vid_hf", tmp_path / "t2vid_hf", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


LAYERS, TRL, LIGHT = "Top may import", "Only training", "Below batches only models"


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        (None, "", None),
        # from below to above, each layer but the lowest once
        ("errors.py", "import t2vid_hf.schema", LAYERS),
        ("seeding.py", "import t2vid_hf.metrics.scoring", LAYERS),
        ("rendering/layout.py", "import t2vid_hf.data.pages", LAYERS),
        ("data/synthesis.py", "import t2vid_hf.mixtures.mixing", LAYERS),
        ("mixtures/mixing.py", "import t2vid_hf.batches.packing", LAYERS),
        ("batches/packing.py", "import t2vid_hf.training.collator", LAYERS),
        ("evaluation/item.py", "import t2vid_hf.gallery.run_report", LAYERS),
        ("hub/cards.py", "import t2vid_hf.cli.app", LAYERS),
        # neighbours; a late import counts
        ("video/reading.py", "import t2vid_hf.models", LAYERS),
        ("clips/rows.py", "import t2vid_hf.mixtures.mixing", LAYERS),
        ("evaluation/item.py", "def late():\n    import t2vid_hf.training", LAYERS),
        ("hub/sheets.py", "import t2vid_hf.clips.rows", LAYERS),
        ("_compiled.py", "import t2vid_hf.seeding", LAYERS),
        # what no layer names
        ("helpers/__init__.py", "", LAYERS),
        ("stray.py", "", LAYERS),
        ("gallery/run_report.py", "import trl", TRL),
        ("hub/cards.py", "import peft", TRL),
        ("models/loading.py", "def late():\n    from trl import SFTTrainer", TRL),
        ("cli/app.py", "import trl", TRL),
        ("helpers/__init__.py", "import trl", TRL),
        ("sources/squad.py", "import torch", LIGHT),
        ("data/pages.py", "def late():\n    import transformers", LIGHT),
        ("mixtures/parts.py", "from torch import Tensor", LIGHT),
        ("clips/shapes.py", "import torch.nn", LIGHT),
        # on a detour over a room that may
        ("video/reading.py", "import t2vid_hf.models.loading", LIGHT),
    ],
)
def test_a_breach_of_the_layers_is_reported(copy, module, line, contract):
    if module:
        path = copy / "t2vid_hf" / module
        path.parent.mkdir(exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + f"\n\n{line}  # planted\n")
    result = lint_imports(copy)
    told = result.stdout + result.stderr
    broken = [entry for entry in result.stdout.splitlines() if entry.endswith("BROKEN")]
    if contract is None:
        assert not broken and result.returncode == 0, told
    elif module in ("helpers/__init__.py", "stray.py") and contract == LAYERS:
        # a module without a layer is an error of the contract, not a link of it
        assert module.split("/")[0].removesuffix(".py") in told and result.returncode == 1, told
    else:
        assert any(contract in entry for entry in broken) and result.returncode == 1, told


# --- The shape of the files -------------------------------------------------------------------------------------------

MOST_LINES = 250


def too_long(package: Path) -> list[str]:
    """Modules of more lines than fit a head."""
    counts = {path: len(path.read_text("utf-8").splitlines()) for path in package.rglob("*.py")}
    return sorted(f"{path.relative_to(package)}: {count}" for path, count in counts.items() if count > MOST_LINES)


def twins(package: Path) -> list[str]:
    """Names that modules of different folders share: in a list of open files nobody can tell them apart."""
    found: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        if path.name != "__init__.py":
            found.setdefault(path.name, []).append(path.relative_to(package).as_posix())
    return sorted(" and ".join(paths) for paths in found.values() if len(paths) > 1)


def test_no_module_is_long_and_none_has_another_s_name():
    assert too_long(ROOT / "t2vid_hf") == []
    assert twins(ROOT / "t2vid_hf") == []


def test_a_long_module_and_a_twin_are_seen(tmp_path):
    for name, lines in (("a/report.py", 250), ("b/report.py", 251), ("a/__init__.py", 1), ("b/__init__.py", 1)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("pass\n" * lines)
    assert too_long(tmp_path) == ["b/report.py: 251"]
    assert twins(tmp_path) == ["a/report.py and b/report.py"]
