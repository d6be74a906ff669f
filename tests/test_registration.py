"""`load_dataset("t2vid")` and the column type `Pages` in processes of their own: whichever package is imported first,
in a worker that imports neither, and with a `datasets` in which a private name is gone.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Everyone's own folder is first on the path, as it is for a person's script.
SEES_US = {"PYTHONPATH": str(ROOT), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}


def run(script: str, *arguments: object, folder: Path, flags: tuple[str, ...] = ()) -> str:
    (folder / "script.py").write_text(script)
    command = [sys.executable, *flags, "script.py", *map(str, arguments)]
    environment = {**os.environ, **SEES_US, "HF_HOME": str(folder / "home")}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def files(tmp_path) -> list[Path]:
    """Two files of two texts: what two processes divide between them."""
    paths = [tmp_path / f"{name}.jsonl" for name in "ab"]
    for path in paths:
        records = [
            {"id": f"{path.stem}{n}", "context": f"Tower {n}. " * 200, "question": "Which?", "answer": f"{n}."}
            for n in range(2)
        ]
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return paths


LOAD = """
import json, sys
from datasets import Dataset, load_dataset

{then}
rows = load_dataset("t2vid", "long_qa", data_files=sys.argv[1:], split="train", num_proc=2)
rows.to_parquet("rows.parquet")
read = Dataset.from_parquet("rows.parquet")  # the type is found by its name in the file
print(json.dumps([[row["id"], [image.size for image in row["images"]]] for row in read]))
print(type(rows.features["images"]).__name__, len(rows.cache_files), "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("import datasets", "import t2vid_hf"),
        ("import t2vid_hf", "import datasets"),
        # as transformers asks whether it is there
        ("import t2vid_hf, importlib.util; importlib.util.find_spec('datasets')", ""),
        # a room of ours; and a part of theirs, which brings the whole
        ("import t2vid_hf.sources", ""),
        # the module of the type itself, which `datasets` must find whole
        ("import t2vid_hf.data.pages", ""),
        ("import t2vid_hf.data.builder", ""),
        ("from datasets.features import Features", "import t2vid_hf.errors"),
        # someone asks whether `datasets` is installed, as transformers and trl do, and does not import it
        ("import importlib.util, t2vid_hf\nassert importlib.util.find_spec('datasets')", ""),
    ],
)
def test_whichever_is_imported_first(files, tmp_path, first, then):
    # a warning is an error: importing us says nothing
    printed = run(f"{first}\n{LOAD.format(then=then)}", *files, folder=tmp_path, flags=("-W", "error::UserWarning"))
    rows, about = printed.splitlines()
    assert about == "Pages 2 False"
    rows = json.loads(rows)
    assert [name for name, _ in rows] == ["long_qa/a0", "long_qa/a1", "long_qa/b0", "long_qa/b1"]
    assert all(sizes and set(map(tuple, sizes)) == {(448, 448)} for _, sizes in rows)


def test_importing_us_imports_no_datasets_and_twice_registers_once(tmp_path):
    script = """
import sys, importlib, t2vid_hf
importlib.reload(t2vid_hf)
assert "datasets" not in sys.modules
assert sum(type(finder).__module__.startswith("t2vid_hf") for finder in sys.meta_path) == 1
import datasets.load
assert not any(type(finder).__module__.startswith("t2vid_hf") for finder in sys.meta_path)
from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES
assert _PACKAGED_DATASETS_MODULES["t2vid"] == ("t2vid_hf.data.builder", t2vid_hf.__version__)
assert "exec_module" not in vars(datasets.__spec__.loader)
"""
    run(script, folder=tmp_path)


SPAWNED = """
import multiprocessing, pickle, sys


def read(pickled):
    before = [name for name in ("t2vid_hf", "datasets") if name in sys.modules]
    rows = pickle.loads(pickled)
    return before, [image.tobytes() for image in rows[1]["images"]]


if __name__ == "__main__":
    import t2vid_hf
    from datasets import load_dataset

    rows = load_dataset("t2vid", "long_qa", data_files=sys.argv[1:], split="train")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before, pages = pool.apply(read, (pickle.dumps(rows),))
    assert before == [], before
    assert pages == [image.tobytes() for image in rows[1]["images"]] and len(pages) > 1
    print(len(pages))
"""


def test_a_spawned_worker_that_never_imports_us_reads_lazy_pages(files, tmp_path):
    assert int(run(SPAWNED, *files, folder=tmp_path)) > 1


RENAMED = """
import sys, warnings
import {module}

kept = {module}.{name}
del {module}.{name}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    import t2vid_hf
    import t2vid_hf.rendering
    from t2vid_hf import sources
    from t2vid_hf.data.synthesis import synthesize

ours = [str(warning.message) for warning in told if "t2vid_hf" in str(warning.message)]
assert len(ours) == 1, ours
row = next(synthesize(sources.read(sources.SAMPLE), t2vid_hf.rendering.RenderConfig.preset("paper"), render="{render}"))
assert row["num_frames"] > 0
print(ours[0])
{module}.{name} = kept  # upstream's own code would know the new name
{works}
"""
# What goes on where one of the two is gone: lazy pages of a table made in Python; and eager rows by name.
PAGES_WORK = """
from datasets import Dataset
from t2vid_hf.data.pages import lazy_features
Dataset.from_list([row], features=lazy_features()).to_parquet("rows.parquet")
assert len(Dataset.from_parquet("rows.parquet")[0]["images"]) == row["num_frames"]
"""
LOADING_WORKS = """
from datasets import load_dataset
rows = load_dataset("t2vid", split="train", render="eager", streaming=True)
assert len(next(iter(rows))["images"]) == row["num_frames"]
"""


@pytest.mark.parametrize(
    ("module", "name", "render", "works", "lost"),
    [
        ("datasets.packaged_modules", "_PACKAGED_DATASETS_MODULES", "lazy", PAGES_WORK, 'load_dataset("t2vid")'),
        ("datasets.load", "PackagedDatasetModuleFactory", "lazy", PAGES_WORK, 'load_dataset("t2vid")'),
        ("datasets.features.features", "register_feature", "eager", LOADING_WORKS, "with the column type 'Pages'"),
    ],
)
def test_a_name_that_is_gone_upstream_is_one_warning(tmp_path, module, name, render, works, lost):
    import datasets

    told = run(RENAMED.format(module=module, name=name, render=render, works=works), folder=tmp_path)
    assert f"{lost} does not work with datasets {datasets.__version__}" in told and name in told
    assert told.count("does not work") == 1


def test_training_arguments_where_the_system_names_no_processors(tmp_path):
    """macOS has no `os.sched_getaffinity`."""
    pytest.importorskip("trl")
    script = """
import os
del os.sched_getaffinity
from t2vid_hf.training import T2VidSFTConfig
print(T2VidSFTConfig("out", use_cpu=True, bf16=False).dataloader_num_workers)
"""
    assert 1 <= int(run(script, folder=tmp_path)) <= 4
