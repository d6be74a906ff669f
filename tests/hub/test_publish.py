"""Publishing with the real client, against a Hub on loopback. The client reads its endpoint at import: subprocesses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from t2vid_hf.data.repository import write_config
from t2vid_hf.errors import InputError
from t2vid_hf.hub.cards import write_dataset_card
from t2vid_hf.hub.publish import publish
from t2vid_hf.schema import conversation, features
from tests.hub_server import HubServer


@pytest.fixture
def dataset_folder(tmp_path, rows) -> Path:
    folder = tmp_path / "dataset"
    stats = {
        "kind": "synthetic", "license": "cc0-1.0", "sources": ["test"], "input": "x.jsonl", "documents": 1,
        "render_preset": "paper", "render_config": "{}", "render_fingerprint": "0",
        "render": "eager", "not_read": {}, "dropped": {"train": {}},
    }  # fmt: skip
    one = {**rows[0], "messages": conversation([], "?", "!")}
    write_config(folder, "texts", {"train": lambda: iter([one])}, features=features(), stats=stats)
    write_dataset_card(folder)
    (folder / ".hidden").write_text("stays here")
    return folder


def client(hub: HubServer, home: Path, code: str, *, user: str | None = "alice") -> str:
    environment = {**os.environ, **hub.environment(home, user=user)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_data_set_is_one_commit_and_loads_by_name(dataset_folder, tmp_path):
    with HubServer() as hub:
        hub.fail_next("POST", r"/commit/", 503, times=1)
        out = client(
            hub,
            tmp_path / "home",
            f"""
from pathlib import Path
from t2vid_hf.hub.publish import publish
print(publish(Path({str(dataset_folder)!r}), "alice/set", repo_type="dataset", wait_seconds=0.01))
import datasets
print(datasets.load_dataset("alice/set", "texts", split="train")[0]["id"])
from t2vid_hf.data.repository import read_split
print(read_split("alice/set", "texts", "train")[0]["id"])
""",
        )
        commits = hub.commits("alice/set", repo_type="dataset")
        files = set(hub.files("alice/set", repo_type="dataset"))
    assert out.splitlines()[1:] == ["text", "text"]
    assert len(commits) == 2  # the empty repository, and ours
    assert {"README.md", "texts/train-00000-of-00001.parquet", "texts/stats.json"} <= files
    assert ".hidden" not in files


def test_no_right_to_write_is_one_line(dataset_folder, tmp_path):
    code = f"""
from pathlib import Path
from t2vid_hf.errors import InputError
from t2vid_hf.hub.publish import publish
try:
    publish(Path({str(dataset_folder)!r}), "alice/set", repo_type="dataset", wait_seconds=0.01)
except InputError as error:
    print("refused", error)
"""
    with HubServer() as hub:
        for number, user in enumerate((None, "bob")):
            assert client(hub, tmp_path / str(number), code, user=user).startswith("refused")


def test_a_hub_that_stays_broken_is_reported(dataset_folder, tmp_path):
    code = f"""
from pathlib import Path
from huggingface_hub.errors import HfHubHTTPError
from t2vid_hf.hub.publish import ATTEMPTS, publish
try:
    publish(Path({str(dataset_folder)!r}), "alice/set", repo_type="dataset", wait_seconds=0.01)
except HfHubHTTPError as error:
    print(error.response.status_code, ATTEMPTS)
"""
    with HubServer() as hub:
        hub.fail_next("POST", r"/commit/", 500, times=10)
        assert client(hub, tmp_path / "home", code).split() == ["500", "4"]
        assert sum("/commit/" in request.path and request.status == 500 for request in hub.requests) == 4


def test_what_cannot_be_published(dataset_folder, tmp_path):
    with pytest.raises(InputError, match="no repository's name"):
        publish(dataset_folder, "name", repo_type="dataset")
    with pytest.raises(InputError, match=r"no README\.md"):
        publish(tmp_path, "alice/set", repo_type="dataset")


def test_the_card_names_every_config_and_its_numbers(dataset_folder):
    card = (dataset_folder / "README.md").read_text()
    stats = json.loads((dataset_folder / "texts" / "stats.json").read_text())
    assert "config_name: texts" in card and "path: texts/train-*.parquet" in card
    assert f"| `texts` | train {stats['rows']['train']} |" in card
