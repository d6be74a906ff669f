"""Every snippet of every card, run as a reader would: a fresh process, an empty cache, a Hub that has the release."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import t2vid_hf
from t2vid_hf.data.repository import write_config
from t2vid_hf.data.synthesis import synthesize
from t2vid_hf.hub.cards import write_dataset_card, write_model_card
from t2vid_hf.rendering import RenderConfig
from t2vid_hf.schema import LongTextQA, features
from tests.hub.trained import save_trained, snippets
from tests.hub_server import HubServer
from tests.models.families import build

CHECKPOINTS = ("base", "full", "native", "lora", "minicpm")
SETS = ("eager", "lazy")
PUBLISH = """
import sys
from huggingface_hub import HfApi
api = HfApi()
for folder, name, kind in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):
    api.create_repo(name, repo_type=kind)
    api.upload_folder(repo_id=name, folder_path=folder, repo_type=kind, ignore_patterns=["training_args.bin"])
    api.create_tag(name, tag="v1", repo_type=kind)
    api.delete_file("README.md", name, repo_type=kind)  # what comes after the tag is not read
"""


@pytest.fixture(scope="module")
def released(tiny_checkpoint, clip_file, tmp_path_factory):
    """The folders, published; and the Hub."""
    folder, clip = tmp_path_factory.mktemp("released"), clip_file.read_bytes()
    names = {name: f"alice/{name}" for name in (*CHECKPOINTS, *SETS)}
    shutil.copytree(tiny_checkpoint, folder / "base")
    (folder / "base/README.md").write_text("# base\n")
    for family in ("minicpmv", "smolvlm"):
        build(family, folder / "of" / family)
    save_trained(tiny_checkpoint, folder / "full", clip)
    save_trained(tiny_checkpoint, folder / "lora", clip, lora=True)
    save_trained(folder / "of/minicpmv", folder / "minicpm", clip)
    save_trained(folder / "of/smolvlm", folder / "native", clip)
    bases = {"lora": {"base_model": "alice/base", "base_revision": "v1"}}
    for name in CHECKPOINTS[1:]:
        write_model_card(folder / name, name=names[name], tag="v1", **bases.get(name, {}))
    write_sets(folder, names)
    with HubServer() as hub:
        kinds = {name: "dataset" if name in SETS else "model" for name in names}
        given = [word for name in names for word in (str(folder / name), names[name], kinds[name])]
        run(folder, hub, PUBLISH, *given)
        yield folder, hub


def write_sets(folder: Path, names: dict[str, str]) -> None:
    from t2vid_hf.data.pages import lazy_features  # behind `datasets`

    asked = [
        LongTextQA(id="0", source="test", context="The keeper wound the clock. " * 40, question="Who?", answer="He.")
    ]
    stats = {
        "kind": "synthetic", "license": "cc0-1.0", "sources": ["test"], "input": "x.jsonl", "documents": 1,
        "render_preset": "paper", "render_config": "{}", "render_fingerprint": "0", "not_read": {}, "dropped": {},
    }  # fmt: skip
    for name in SETS:
        rows = list(synthesize(asked, RenderConfig.preset("paper"), render=name))
        columns = lazy_features() if name == "lazy" else features()
        write_config(
            folder / name, "texts", {"train": lambda rows=rows: iter(rows)}, features=columns,
            stats={**stats, "render": name},
        )  # fmt: skip
        write_dataset_card(folder / name, name=names[name], tag="v1")


def run(folder: Path, hub: HubServer, code: str, *given: str) -> str:
    environment = {
        **os.environ,
        **hub.environment(folder / "home"),
        "PYTHONPATH": str(Path(t2vid_hf.__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *given], env=environment, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("name", "number"),
    [("full", 0), ("full", 1), ("native", 0), ("native", 1), ("lora", 0), ("minicpm", 0), ("eager", 0), ("lazy", 0)],
)
def test_a_snippet_works_as_it_stands(released, clip_file, tmp_path, name, number):
    folder, hub = released
    shutil.copy(clip_file, tmp_path / "clip.mp4")
    snippet = snippets(folder / name)[number]
    assert 'revision="v1"' in snippet and str(folder) not in snippet
    out = run(tmp_path, hub, snippet)
    assert out.endswith("\n") and (name in CHECKPOINTS or ("Who?" in out and out.endswith("] 2 pages\n")))
    assert not [request for request in hub.requests if request.status >= 500]


def test_every_snippet_was_run(released):
    folder, _ = released
    assert {name: len(snippets(folder / name)) for name in (*CHECKPOINTS[1:], *SETS)} == {
        "full": 2, "native": 2, "lora": 1, "minicpm": 1, "eager": 1, "lazy": 1
    }  # fmt: skip
