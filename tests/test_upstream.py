"""`.github/UPSTREAM.md`, the one table of other packages' private names that ours touches, held from both sides.

A name in the table must be there in the installed version, and in the file that is said to use it; and whatever private
name an import, an attribute, a keyword or an override in our code touches must be in the table.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = "t2vid_hf"
FOLDERS = (OURS, "recipes", "dataset_scripts")


@dataclass(frozen=True)
class Entry:
    """A line of the table."""

    name: str  # package.module.Class._name
    files: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def last(self) -> str:
        return self.name.rpartition(".")[2]


def table() -> list[Entry]:
    """The lines of the table: name, files, why, what retires it, the test that notices."""
    text = (ROOT / ".github/UPSTREAM.md").read_text("utf-8")
    entries = []
    for line in re.findall(r"^\| `.*\|$", text, re.MULTILINE):
        name, files, why, retired, tests = (cell.strip() for cell in line.strip("|").split(" | "))
        assert why and retired, line
        (name,) = re.findall(r"^`([\w.]+)`$", name)
        entries.append(Entry(name, tuple(re.findall("`([^`]+)`", files)), tuple(re.findall("`([^`]+)`", tests))))
    return entries


# --- The scan ---------------------------------------------------------------------------------------------------------


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


class Scan(ast.NodeVisitor):
    """Private names of others that a file touches, and public ones that it replaces.

    A name that the file itself defines, as a class member, a variable or an attribute that it assigns, is its own;
    behind `super()` it never is, and neither is a name that is imported.
    """

    def __init__(self, source: str) -> None:
        self.found: set[str] = set()
        self.modules: set[str] = set()  # names of this file that stand for other packages, or are out of them
        tree = ast.parse(source)
        self.own = set(self._defined(tree))
        self.visit(tree)

    @staticmethod
    def _defined(tree: ast.AST) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                yield node.name
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                if isinstance(node.value, ast.Name) and node.value.id == "self":
                    yield node.attr

    @staticmethod
    def _foreign(module: str | None) -> bool:
        top = (module or "").partition(".")[0]
        return top not in (OURS, "", "__future__") and top not in sys.stdlib_module_names

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if self._foreign(alias.name):
                self.modules.add((alias.asname or alias.name).partition(".")[0])
                self.found |= {part for part in alias.name.split(".") if private(part)}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if self._foreign(node.module):
            self.modules |= {alias.asname or alias.name for alias in node.names}
            parts = [*str(node.module).split("."), *(alias.name for alias in node.names)]
            self.found |= {part for part in parts if private(part)}
        elif not node.level:
            # a private name of another module of ours is ours
            self.own |= {alias.asname or alias.name for alias in node.names}

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.generic_visit(node)
        behind_super = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", None) == "super"
        of_a_module = self._root(node) in self.modules
        if private(node.attr) and (behind_super or of_a_module or node.attr not in self.own):
            self.found.add(node.attr)
        elif of_a_module and isinstance(node.ctx, ast.Store):
            self.found.add(node.attr)

    def visit_keyword(self, node: ast.keyword) -> None:
        self.generic_visit(node)
        self._named(node.arg)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """The pieces of an f-string are no names."""
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                self.visit(value)

    def visit_Constant(self, node: ast.Constant) -> None:
        self._named(node.value)  # for getattr, or a key of __dict__

    def _named(self, name: object) -> None:
        if isinstance(name, str) and name.isidentifier() and private(name) and name not in self.own:
            self.found.add(name)

    @staticmethod
    def _root(node: ast.expr) -> str | None:
        while isinstance(node, ast.Attribute):
            node = node.value
        return node.id if isinstance(node, ast.Name) else None


def touched() -> set[tuple[str, str]]:
    """(file, name) of everything that our files touch."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(paths) > 100
    return {(path.relative_to(ROOT).as_posix(), name) for path in paths for name in Scan(path.read_text("utf-8")).found}


def overridden() -> set[tuple[str, str]]:
    """(file, name) of the private members of others' classes that ours put something else for."""
    found = set()
    for module in modules():
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == module.__name__:
                path = Path(inspect.getfile(value)).relative_to(ROOT).as_posix()
                found |= {(path, name) for name in overrides(value)}
    return found


def overrides(kind: type) -> set[str]:
    """Private members of a class that a class of another package has, too."""
    bases = [base for base in kind.__mro__[1:] if Scan._foreign(base.__module__)]
    # Python itself gives `_abc_impl` to each class below an abstract one.
    own = {name for name in vars(kind) if private(name)} - {"_abc_impl"}
    return {name for name in own if any(name in vars(base) for base in bases)}


def modules() -> Iterator[Any]:
    package = importlib.import_module(OURS)
    for info in pkgutil.walk_packages(package.__path__, f"{OURS}."):
        if not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


def test_the_scan_finds_what_is_planted():
    source = """
import datasets.load
from datasets import _private_function
from trl.trainer import _private_module as renamed
from t2vid_hf._optional import require
from transformers.utils._hidden import public

class Trainer(SFTTrainer):
    _own = 1
    def step(self, other):
        self._mine = self._own + other._theirs + self._mine
        self._metrics["train"] = require(1)._ours_of_another_file
        setattr(self.model, "_by_text", super()._mine(_keyword=1))
        self.model.__dict__["_by_key"] = "_ not a name" + f"{other}_no_name"
        return self.__class__, datasets._own, other.public

datasets.load.Factory = Trainer
"""
    assert Scan(source).found == {
        "_private_function", "_private_module", "_hidden",  # imports
        "_theirs", "_metrics", "_ours_of_another_file",  # attributes that are set nowhere here
        "_by_text", "_by_key", "_keyword",
        "_mine",  # behind super(), though there is one of ours
        "_own",  # of a module, though there is one of ours
        "Factory",  # public, and replaced
    }  # fmt: skip


def test_an_override_is_seen():
    class Encoder(importlib.import_module("json").JSONEncoder):
        _ours = None

    assert overrides(Encoder) == set()

    from datasets import GeneratorBasedBuilder

    class Builder(GeneratorBasedBuilder):
        _ours = None

        def _info(self):
            return None

    assert overrides(Builder) == {"_info"}


def test_every_private_name_that_is_touched_is_in_the_table():
    listed = {(path, entry.last) for entry in table() for path in entry.files}
    assert sorted((touched() | overridden()) - listed) == []


# --- The table --------------------------------------------------------------------------------------------------------


def exists(name: str) -> bool:
    """Whether a dotted name can be imported; or its class or module sets an attribute of that name on objects."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        break
    else:
        return False
    for position, part in enumerate(parts[length:], length):
        if not hasattr(found, part):
            sources = [inspect.getsource(base) for base in getattr(found, "__mro__", (found, object))[:-1]]
            assigned = re.compile(rf"\b\w+\.{part}(: [^=\n]+)? = |__setattr__\(\"{part}\", ")
            return position == len(parts) - 1 and any(assigned.search(source) for source in sources)
        found = getattr(found, part)
    return True


def test_what_is_gone_upstream_is_seen():
    for name in ("datasets.load.load_dataset", "json.JSONDecoder.decode", "datasets.Dataset._fingerprint"):
        assert exists(name), name
    for name in ("nowhere.at_all", "datasets.load._gone", "datasets.Dataset._gone", "datasets.Dataset._gone.inner"):
        assert not exists(name), name


def test_no_name_stands_twice():
    names = [entry.name for entry in table()]
    assert names and len(names) == len(set(names))


@pytest.mark.parametrize("entry", table(), ids=lambda entry: entry.name)
def test_a_line_of_the_table(entry):
    """The name is there upstream, in each file that is named, and the tests that are named exist."""
    assert exists(entry.name)
    assert entry.files
    for path in entry.files:
        assert re.search(rf"\b{entry.last}\b", (ROOT / path).read_text("utf-8")), path
    assert entry.tests
    for test in entry.tests:
        path, _, function = test.partition("::")
        assert f"def {function}(" in (ROOT / path).read_text("utf-8"), test


# --- What no other test notices ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def minicpm(tmp_path_factory):
    pytest.importorskip("transformers")
    from tests.models.minicpm_checkpoint import write_model

    folder = tmp_path_factory.mktemp("minicpm")
    write_model(folder)
    return folder


def placed(folder: Path) -> tuple[set[str], set[str]]:
    """What of the resampler transformers puts on a device by itself, whatever fits there; and what no hook moves."""
    from transformers import AutoModelForImageTextToText

    from t2vid_hf.models import register

    register()
    load = AutoModelForImageTextToText.from_pretrained
    total = sum(value.numel() * value.element_size() for value in load(folder).parameters())
    placed: set[str] = set()
    for percent in range(30, 100, 10):
        options = {"max_memory": {"cpu": total * percent // 100}, "offload_folder": str(folder / "disk")}
        model = load(folder, device_map="auto", **options)
        placed |= {name for name in model.hf_device_map if "resampler" in name}
    return placed, set(model._hf_hook.skip_keys or ())


def test_a_block_is_never_divided_among_devices_and_the_cache_stays(minicpm, monkeypatch):
    from t2vid_hf.models.minicpm_llama3_v25.modeling import CACHE, MiniCPMVPreTrainedModel

    whole, stays = placed(minicpm)
    assert whole == {"model.resampler"}
    assert CACHE in stays
    monkeypatch.setattr(MiniCPMVPreTrainedModel, "_no_split_modules", [])
    monkeypatch.setattr(MiniCPMVPreTrainedModel, "_skip_keys_device_placement", [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        divided, _ = placed(minicpm)
    assert "model.resampler.attn" in divided


def test_tied_weights_are_one(minicpm):
    from transformers import AutoConfig, AutoModelForImageTextToText

    from t2vid_hf.models import register

    register()
    for tied in (True, False):
        config = AutoConfig.from_pretrained(minicpm, tie_word_embeddings=tied)
        model = AutoModelForImageTextToText.from_config(config)
        assert (model.lm_head.weight is model.get_input_embeddings().weight) == tied


def test_what_accelerate_sets_on_a_model_is_taken_off(tmp_path):
    """In a process of its own: how numbers are rounded is settled once for all of a process's accelerators."""
    pytest.importorskip("accelerate")
    script = """
import pickle, torch
from accelerate import Accelerator
from t2vid_hf.training.forward_patches import ForwardPatches

model = torch.nn.Linear(2, 2)
before = set(vars(model))
patches = ForwardPatches([model])
with patches.in_place():
    Accelerator(cpu=True, mixed_precision="bf16").prepare(model)
    assert {"forward", "_original_forward"} <= vars(model).keys()
# the mark that accelerate leaves is a flag, and does no harm
assert vars(model).keys() - before <= {"_is_accelerate_prepared"}, vars(model).keys() - before
pickle.dumps(model)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
