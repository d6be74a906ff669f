"""The loopback Hub against the real clients.

Each client function runs in its own interpreter, because huggingface_hub reads HF_ENDPOINT when it is imported; its
source goes to `python -c`, and what it returns comes back as JSON. Importing takes seconds, so each does much.
"""

import base64
import hashlib
import http.client
import inspect
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub_server import HubServer, byte_range, git_sha1


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer(lfs_threshold=100) as server:
        yield server


def run_client(
    hub: HubServer, home: Path, client: Callable[[], Any], *, user: str | None = "alice", **more: str
) -> Any:
    """What `client` returns in a process of its own, with its caches in `home`. `more` goes into its environment."""
    code = f"{inspect.getsource(client)}\nimport json\nprint(json.dumps({client.__name__}()))"
    environment = {**os.environ, **hub.environment(home / "hf", user=user), **more}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def call(
    hub: HubServer, method: str, path: str, body: Any = None, *, user: str | None = "alice", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One raw request; anything but bytes is sent as JSON."""
    connection = http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=10)
    if user is not None:
        headers["Authorization"] = f"Bearer hf_{user}"
    connection.request(method, path, body if isinstance(body, bytes) else json.dumps(body or {}), headers)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, dict(response.headers), data


def create(hub: HubServer, name: str, **fields: str) -> None:
    assert call(hub, "POST", "/api/repos/create", {"name": name, "organization": "alice", **fields})[0] == 200


def commit(
    hub: HubServer, repo_id: str, *operations: tuple[str, dict[str, str]], branch: str = "main", parent: str = ""
) -> tuple[int, dict[str, str], bytes]:
    lines: list[tuple[str, dict[str, str]]] = [("header", {"summary": "a commit", "parentCommit": parent}), *operations]
    body = b"\n".join(json.dumps({"key": key, "value": value}).encode() for key, value in lines)
    return call(hub, "POST", f"/api/models/{repo_id}/commit/{branch}", body)


def file(path: str, content: bytes) -> tuple[str, dict[str, str]]:
    return "file", {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}


# --- The real clients -------------------------------------------------------------------------------------------------


def hub_client() -> dict:
    from pathlib import Path

    from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, HfApi, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    api, repo_id = HfApi(), "alice/tiny"
    out = {"user": api.whoami()["name"], "url": str(api.create_repo(repo_id))}
    api.create_repo(repo_id, exist_ok=True)
    folder = Path("folder")
    (folder / "sub dir").mkdir(parents=True)
    (folder / "a.txt").write_text("first\n")
    (folder / "sub dir" / "b.json").write_text("{}")
    (folder / "large.txt").write_text("x" * 1000)
    (folder / "empty.bin").touch()
    api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message="a folder", commit_description="of files")
    api.create_tag(repo_id, tag="v1/0", tag_message="first")
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"second\n", path_in_repo="a.txt")
    before = api.model_info(repo_id).sha
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"second\n", path_in_repo="a.txt")  # unchanged: no commit
    out["unchanged"] = api.model_info(repo_id).sha == before
    api.create_branch(repo_id, branch="dev", revision="v1/0")
    card = CommitOperationAdd("c.md", b"# card\n")
    operations = [card, CommitOperationCopy("large.txt", "copy.txt"), CommitOperationDelete("sub dir/")]
    made = api.create_commit(repo_id, operations, commit_message="dev work", revision="dev")
    try:
        card = CommitOperationAdd("c.md", b"# card\n")
        api.create_commit(repo_id, [card], commit_message="stale", parent_commit="0" * 40)
    except HfHubHTTPError as error:
        out["stale"] = error.response.status_code
    out["files"] = sorted(api.list_repo_files(repo_id))
    out["dev_files"] = sorted(api.list_repo_files(repo_id, revision=made.oid))
    out["at_tag"] = Path(hf_hub_download(repo_id, "a.txt", revision="v1/0")).read_text()
    out["at_main"] = Path(hf_hub_download(repo_id, "a.txt")).read_text()
    out["large"] = len(Path(hf_hub_download(repo_id, "large.txt")).read_text())
    out["nested"] = Path(hf_hub_download(repo_id, "sub dir/b.json")).read_text()
    out["snapshot"] = sorted(file.name for file in Path(api.snapshot_download(repo_id)).iterdir())
    tree = api.list_repo_tree(repo_id, recursive=True, expand=True)
    out["tree"] = {entry.path: entry.last_commit.title for entry in tree}
    out["root"] = [entry.path for entry in api.list_repo_tree(repo_id)]
    out["subtree"] = [entry.path for entry in api.list_repo_tree(repo_id, "sub dir")]
    out["paths"] = [info.path for info in api.get_paths_info(repo_id, ["a.txt", "sub dir", "missing"])]
    siblings = {file.rfilename: file for file in api.model_info(repo_id, files_metadata=True).siblings}
    out["blob"] = [siblings["a.txt"].blob_id, siblings["large.txt"].lfs.sha256, siblings["large.txt"].size]
    out["commits"] = [(commit.title, commit.message) for commit in api.list_repo_commits(repo_id)]
    out["exists"] = [
        api.file_exists(repo_id, "a.txt"),
        api.file_exists(repo_id, "z"),
        api.revision_exists(repo_id, "z"),
    ]
    refs = api.list_repo_refs(repo_id)
    out["refs"] = sorted(ref.name for ref in refs.branches + refs.tags)
    api.delete_tag(repo_id, tag="v1/0")
    api.delete_branch(repo_id, branch="dev")
    refs = api.list_repo_refs(repo_id)
    out["refs_left"] = sorted(ref.name for ref in refs.branches + refs.tags)
    api.create_repo("alice/other", repo_type="dataset", private=True)
    out["lists"] = [
        [repo.id for repo in api.list_models(author="alice", search="TIN")],
        [repo.id for repo in api.list_models(author="bob")],
        [repo.id for repo in api.list_datasets()],
    ]
    api.update_repo_settings("alice/other", repo_type="dataset", private=False)
    out["private"] = api.dataset_info("alice/other").private
    api.delete_repo("alice/other", repo_type="dataset")
    out["deleted"] = not api.repo_exists("alice/other", repo_type="dataset")
    return out


def test_huggingface_hub(hub: HubServer, tmp_path: Path) -> None:
    out = run_client(hub, tmp_path, hub_client)

    files = [".gitattributes", "a.txt", "empty.bin", "large.txt", "sub dir/b.json"]
    assert out["user"] == "alice" and out["url"] == f"{hub.url}/alice/tiny"
    assert out["files"] == files
    assert out["dev_files"] == [".gitattributes", "a.txt", "c.md", "copy.txt", "empty.bin", "large.txt"]
    assert (out["at_tag"], out["at_main"], out["large"], out["nested"]) == ("first\n", "second\n", 1000, "{}")
    assert out["snapshot"] == [".gitattributes", "a.txt", "empty.bin", "large.txt", "sub dir"]
    assert out["unchanged"] and out["stale"] == 412
    assert out["tree"] == {
        ".gitattributes": "initial commit",
        "a.txt": "Upload a.txt with huggingface_hub",
        "empty.bin": "a folder",
        "large.txt": "a folder",
        "sub dir": "a folder",
        "sub dir/b.json": "a folder",
    }
    assert out["root"] == [".gitattributes", "a.txt", "empty.bin", "large.txt", "sub dir"]
    assert out["subtree"] == ["sub dir/b.json"] and out["paths"] == ["a.txt", "sub dir"]
    assert out["blob"] == [git_sha1("blob", b"second\n"), hashlib.sha256(b"x" * 1000).hexdigest(), 1000]
    assert out["commits"] == [
        ["Upload a.txt with huggingface_hub", ""],
        ["a folder", "of files"],
        ["initial commit", ""],
    ]
    assert out["exists"] == [True, False, False]
    assert out["refs"] == ["dev", "main", "v1/0"] and out["refs_left"] == ["main"]
    assert out["lists"] == [["alice/tiny"], [], ["alice/other"]] and out["private"] is False and out["deleted"]
    # The same seen from the side of the test.
    assert hub.files("alice/tiny")["a.txt"] == b"second\n" and sorted(hub.files("alice/tiny")) == files
    assert [commit.title for commit in hub.commits("alice/tiny")] == [title for title, _ in out["commits"]]
    assert not [request for request in hub.requests if request.status >= 500]


def datasets_client() -> dict:
    from datasets import Dataset, get_dataset_config_names, load_dataset
    from huggingface_hub import HfApi

    rows = [{"question": f"q{n}", "frames": list(range(n)), "score": n / 8} for n in range(20)]
    Dataset.from_list(rows).push_to_hub("alice/text", split="train", commit_message="one")
    HfApi().create_tag("alice/text", tag="v1", repo_type="dataset")
    Dataset.from_list(rows[:5]).push_to_hub("alice/text", split="test", commit_message="two")
    Dataset.from_list(rows[5:]).push_to_hub("alice/text", "hard", split="train", private=True)
    return {
        "rows": rows,
        "loaded": load_dataset("alice/text", split="train").to_list(),
        "streamed": list(load_dataset("alice/text", split="train", streaming=True)),
        "test": load_dataset("alice/text", split="test").to_list(),
        "hard": load_dataset("alice/text", "hard", split="train").to_list(),
        "at_tag": {split: rows.to_list() for split, rows in load_dataset("alice/text", revision="v1").items()},
        "configs": get_dataset_config_names("alice/text"),
    }


def test_datasets(hub: HubServer, tmp_path: Path) -> None:
    out = run_client(hub, tmp_path, datasets_client)

    assert out["loaded"] == out["streamed"] == out["rows"] and out["at_tag"] == {"train": out["rows"]}
    assert out["test"] == out["rows"][:5] and out["hard"] == out["rows"][5:]
    assert sorted(out["configs"]) == ["default", "hard"]
    files = hub.files("alice/text", repo_type="dataset")
    assert {"README.md", "data/train-00000-of-00001.parquet", "hard/train-00000-of-00001.parquet"} <= set(files)
    assert files["data/train-00000-of-00001.parquet"].startswith(b"PAR1")
    assert [commit.title for commit in hub.commits("alice/text", repo_type="dataset")][1:3] == ["two", "one"]
    assert not [request for request in hub.requests if request.status >= 500]


def transformers_client() -> dict:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 32, "max_position_embeddings": 64}
    model = LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=32, **sizes))
    model.push_to_hub("alice/llama", private=True)
    loaded = LlamaForCausalLM.from_pretrained("alice/llama", revision="main").state_dict()
    state = model.state_dict()
    return {
        "keys": sorted(state) == sorted(loaded),
        "equal": all(torch.equal(state[name], loaded[name]) for name in state),
    }


def test_transformers(hub: HubServer, tmp_path: Path) -> None:
    assert run_client(hub, tmp_path, transformers_client) == {"keys": True, "equal": True}

    assert {"config.json", "model.safetensors"} <= set(hub.files("alice/llama"))
    assert hub.repo("alice/llama").private
    assert not [request for request in hub.requests if request.status >= 500]


def failing_client() -> dict:
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    def error(action) -> list:
        try:
            action()
        except HfHubHTTPError as caught:
            return [type(caught).__name__, caught.response.status_code]
        return ["none", 0]

    api = HfApi()
    add = {"path_or_fileobj": b"data", "path_in_repo": "a.txt", "repo_id": "alice/tiny"}
    return {
        "repository": error(lambda: api.model_info("alice/missing")),
        "secret": error(lambda: api.model_info("alice/secret")),
        "download": error(lambda: hf_hub_download("alice/secret", ".gitattributes")),
        "file": error(lambda: hf_hub_download("alice/tiny", "missing.json")),
        "revision": error(lambda: hf_hub_download("alice/tiny", ".gitattributes", revision="missing")),
        "folder": error(lambda: list(api.list_repo_tree("alice/tiny", "missing"))),
        "token": error(lambda: HfApi(token="hf_wrong").whoami()),
        "write": error(lambda: api.upload_file(**add)),
        "again": error(lambda: api.upload_file(**add)),
        "found": [repo.id for repo in api.list_models()],
    }


def test_errors_for_the_owner_and_injected_failures(hub: HubServer, tmp_path: Path) -> None:
    create(hub, "tiny")
    create(hub, "secret", visibility="private")
    hub.fail_next("POST", r"/commit/main$", 500)
    hub.fail_next("POST", r"/preupload/", 503)  # the client retries this one by itself

    out = run_client(hub, tmp_path, failing_client)

    assert out.pop("found") == ["alice/tiny", "alice/secret"]
    assert out == {
        "repository": ["RepositoryNotFoundError", 404],
        "secret": ["none", 0],
        "download": ["none", 0],
        "file": ["RemoteEntryNotFoundError", 404],
        "revision": ["RevisionNotFoundError", 404],
        "folder": ["RemoteEntryNotFoundError", 404],
        "token": ["HfHubHTTPError", 401],
        "write": ["HfHubHTTPError", 500],
        "again": ["none", 0],
    }
    statuses = [request.status for request in hub.requests if request.path.endswith("/commit/main")]
    assert statuses == [500, 200]
    assert [request.status for request in hub.requests if "preupload" in request.path] == [503, 200, 200]
    assert hub.files("alice/tiny")["a.txt"] == b"data"


OTHERS = [(None, 401, ["RepositoryNotFoundError", 401]), ("bob", 404, ["HfHubHTTPError", 403])]


@pytest.mark.parametrize(("user", "status", "write"), OTHERS)
def test_errors_for_others(hub: HubServer, tmp_path: Path, user: str | None, status: int, write: list) -> None:
    create(hub, "tiny")
    create(hub, "secret", visibility="private")

    out = run_client(hub, tmp_path, failing_client, user=user)

    assert out["found"] == ["alice/tiny"]
    assert out["secret"] == out["download"] == out["repository"] == ["RepositoryNotFoundError", status]
    assert out["file"] == ["RemoteEntryNotFoundError", 404] and out["write"] == write
    assert sorted(hub.files("alice/tiny")) == [".gitattributes"]


@pytest.fixture
def xet_hub() -> Iterator[HubServer]:
    with HubServer(lfs_threshold=100, xet=True) as server:
        yield server


def xet_upload_client() -> dict:
    import random
    from array import array
    from pathlib import Path

    from huggingface_hub import CommitOperationAdd, HfApi

    api, noise = HfApi(), random.Random(0)
    api.create_repo("alice/xet")
    folder = Path("folder")
    folder.mkdir()
    floats = array("f", (noise.gauss(0, 1) for _ in range(100_000)))
    (folder / "floats.safetensors").write_bytes(floats.tobytes())
    (folder / "noise.bin").write_bytes(noise.randbytes(1_000_000))
    (folder / "text.parquet").write_bytes(b"".join(b"line %d of a text that repeats\n" % n for n in range(20_000)))
    (folder / "config.json").write_text("{}")
    (folder / "empty.bin").touch()
    api.upload_folder(repo_id="alice/xet", folder_path=folder, commit_message="a folder")
    again = CommitOperationAdd("copy.bin", str(folder / "noise.bin"))
    api.create_commit("alice/xet", [again, CommitOperationAdd("raw.bin", noise.randbytes(5000))], commit_message="more")
    tree = api.list_repo_tree("alice/xet")
    return {entry.path: entry.xet_hash for entry in tree}


def xet_download_client() -> dict:
    import hashlib
    from pathlib import Path

    from huggingface_hub import HfFileSystem, hf_hub_download, snapshot_download

    one = Path(hf_hub_download("alice/xet", "noise.bin", cache_dir="one"))
    files = {file.name: file.read_bytes() for file in Path(snapshot_download("alice/xet")).iterdir()}
    with HfFileSystem().open("alice/xet/floats.safetensors", block_size=1000) as stream:
        stream.seek(4567)
        part = stream.read(89)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    return {"hashes": hashes, "one": one.read_bytes() == files["noise.bin"], "part": part.hex()}


def test_xet(xet_hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    (tmp_path / "down").mkdir()
    xet_hashes = run_client(xet_hub, tmp_path / "up", xet_upload_client)
    mark = len(xet_hub.requests)
    out = run_client(xet_hub, tmp_path / "down", xet_download_client)

    files = xet_hub.files("alice/xet")
    for name in ("floats.safetensors", "noise.bin", "text.parquet", "empty.bin", "config.json"):
        assert files[name] == (tmp_path / "up" / "folder" / name).read_bytes()
    assert out["hashes"] == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert out["one"] and out["part"] == files["floats.safetensors"][4567 : 4567 + 89].hex()
    by_xet = {"copy.bin", "floats.safetensors", "noise.bin", "raw.bin", "text.parquet"}
    assert {name for name, found in xet_hashes.items() if found} == by_xet
    assert xet_hashes["copy.bin"] == xet_hashes["noise.bin"]
    # The three ways to pack a chunk have been there, and nothing large went past Xet, either way.
    schemes = {scheme for xorb in xet_hub._api.xorbs.values() for _, _, scheme, _ in xorb.headers()}
    assert schemes == {0, 1, 2}
    assert not [request for request in xet_hub.requests if "/_lfs/" in request.path or "info/lfs" in request.path]
    downloads = [request for request in xet_hub.requests_from(mark) if request.path.startswith("/_xorbs/")]
    assert downloads and {request.status for request in downloads} == {206}
    assert (
        len([request for request in xet_hub.requests if "noise.bin" in request.path and request.method == "GET"]) == 0
    )
    assert not [request for request in xet_hub.requests if request.status >= 500]


def xet_single_client() -> dict:
    import random

    from huggingface_hub import CommitOperationAdd, HfApi

    HfApi().create_repo("alice/xet", exist_ok=True)
    data = random.Random(1).randbytes(1_000_000)
    try:
        HfApi().create_commit("alice/xet", [CommitOperationAdd("a.bin", data)], commit_message="noise")
    except OSError as error:
        return {"error": str(error)}
    return {}


@pytest.mark.parametrize("direct", ["0", "1"])
def test_a_repeated_xet_upload_sends_what_is_missing(xet_hub: HubServer, tmp_path: Path, direct: str) -> None:
    way = {"HF_XET_CLIENT_LEGACY_DIRECT_XORB_UPLOAD": direct}  # this one always sends its bytes
    sent = []
    for attempt in ("first", "second"):
        mark = len(xet_hub.requests)
        if attempt == "first":
            xet_hub.fail_next("POST", "/v1/shards", 503, times=50)
        (tmp_path / attempt).mkdir()  # with other caches: the client remembers nothing
        out = run_client(xet_hub, tmp_path / attempt, xet_single_client, **way)
        assert ("503" in out.get("error", "")) == (attempt == "first")
        xet_hub.lift_faults()
        sent.append(sum(request.received for request in xet_hub.requests_from(mark)))
    assert sent[0] > 1_000_000 and (sent[1] > 1_000_000 if direct == "1" else sent[1] < 10_000)
    assert len(xet_hub.files("alice/xet")["a.bin"]) == 1_000_000


@pytest.mark.parametrize("failure", [500, "drop before", "drop after"])
@pytest.mark.parametrize("path", ["/v1/xorb-grants/", "/_grants/", "/v1/xorb-commits/", "/v1/shards"])
def test_xet_uploads_survive_one_failure(xet_hub: HubServer, tmp_path: Path, path: str, failure: Any) -> None:
    xet_hub.fail_next("PUT" if path == "/_grants/" else "POST", path, failure)
    assert run_client(xet_hub, tmp_path, xet_single_client) == {}
    assert len(xet_hub.files("alice/xet")["a.bin"]) == 1_000_000
    assert (failure if failure == 500 else "dropped") in [request.status for request in xet_hub.requests]


def test_xet_tokens_and_shards_are_checked(xet_hub: HubServer, tmp_path: Path) -> None:
    run_client(xet_hub, tmp_path, xet_single_client)
    call(xet_hub, "PUT", "/api/models/alice/xet/settings", {"visibility": "private"})
    xet_hash = xet_hub.commits("alice/xet")[0].files["a.bin"].xet_hash
    reconstruction = f"/v1/reconstructions/{xet_hash}"

    def token(mode: str, user: str | None) -> tuple[int, str]:
        url = f"/api/models/alice/xet/xet-{mode}-token/main"
        status, headers, _ = call(xet_hub, "GET", url, user=user)
        return status, headers.get("X-Xet-Access-Token", "")

    assert [token(mode, user)[0] for mode in ("read", "write") for user in ("alice", "alice_read", "bob", None)] == [
        *(200, 200, 404, 401),
        *(200, 403, 404, 401),
    ]
    read, write = {"Authorization": f"Bearer {token('read', 'alice')[1]}"}, {}
    write["Authorization"] = f"Bearer {token('write', 'alice')[1]}"
    status, _, body = call(xet_hub, "GET", reconstruction, user=None, Range="bytes=900000-900009", **read)
    assert status == 200 and json.loads(body)["offset_into_first_range"] == 900_000
    assert call(xet_hub, "GET", reconstruction, user=None, Range="bytes=1000000-", **read)[0] == 416
    assert call(xet_hub, "GET", reconstruction, user=None)[0] == 401
    assert call(xet_hub, "GET", reconstruction, user="alice")[0] == 403
    assert call(xet_hub, "POST", "/v1/shards", b"", user=None, **read)[0] == 403
    assert call(xet_hub, "POST", "/v1/shards", bytes(100), user=None, **write)[0] == 400
    assert call(xet_hub, "POST", "/v1/xorbs/default/" + "0" * 64, b"\0\xff", user=None, **write)[0] == 400
    assert call(xet_hub, "PUT", "/_grants/none", b"", user=None)[0] == 403


def test_a_server_without_xet_says_so(hub: HubServer, tmp_path: Path) -> None:
    create(hub, "tiny")
    assert call(hub, "GET", "/api/models/alice/tiny/xet-write-token/main")[0] == 404
    with pytest.raises(ValueError, match=r"HubServer\(xet=True\)"):
        hub.environment(tmp_path, xet=True)


def multipart_client() -> dict:
    import random
    from pathlib import Path

    from huggingface_hub import HfApi, hf_hub_download

    data = random.Random(2).randbytes(2500)
    HfApi().create_repo("alice/parts")
    HfApi().upload_file(repo_id="alice/parts", path_or_fileobj=data, path_in_repo="a.bin")
    HfApi().upload_file(repo_id="alice/parts", path_or_fileobj=data[:1000], path_in_repo="b.bin")
    return {"same": Path(hf_hub_download("alice/parts", "a.bin")).read_bytes() == data}


def test_multipart_lfs(tmp_path: Path) -> None:
    with HubServer(part_size=1000) as hub:
        hub.fail_next("PUT", "/parts/2$", 503)
        hub.fail_next("POST", "/complete$", "drop after")
        assert run_client(hub, tmp_path, multipart_client) == {"same": True}

        assert len(hub.files("alice/parts")["a.bin"]) == 2500 and len(hub.files("alice/parts")["b.bin"]) == 1000
        uploads = [(r.method, r.path.rpartition("/")[2], r.status) for r in hub.requests if "/_lfs/" in r.path]
        assert uploads[:-1] == [
            *(("PUT", "1", 200), ("PUT", "2", 503), ("PUT", "2", 200), ("PUT", "3", 200)),
            *(("POST", "complete", "dropped"), ("POST", "complete", 200)),
        ]
        assert hub._api.parts == {}
        oid = "0" * 64
        part = {"oid": oid, "parts": [{"partNumber": 1, "etag": '"x"'}]}
        assert call(hub, "POST", f"/_lfs/{oid}/complete", part)[0] == 400


def pull_request_client() -> dict:
    from pathlib import Path

    from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download

    api = HfApi()
    add = CommitOperationAdd("new.bin", b"x" * 1000)
    made = api.create_commit("alice/tiny", [add], commit_message="from bob", create_pr=True)
    revision = made.pr_revision
    note = {"path_or_fileobj": b"note", "path_in_repo": "note.txt"}
    api.upload_file(repo_id="alice/tiny", **note, revision=revision)
    second = api.upload_file(repo_id="alice/tiny", **note, create_pr=True)
    refs = api.list_repo_refs("alice/tiny", include_pull_requests=True)
    return {
        "url": made.pr_url,
        "revisions": [revision, second.pr_revision],
        "refs": [ref.ref for ref in refs.pull_requests],
        "branches": [ref.name for ref in refs.branches],
        "no_refs": api.list_repo_refs("alice/tiny").pull_requests,
        "files": sorted(api.list_repo_files("alice/tiny", revision=revision)),
        "titles": [commit.title for commit in api.list_repo_commits("alice/tiny", revision=revision)],
        "read": Path(hf_hub_download("alice/tiny", "new.bin", revision=revision)).read_text(),
    }


@pytest.mark.parametrize("xet", [False, True])
def test_pull_requests(tmp_path: Path, xet: bool) -> None:
    with HubServer(xet=xet) as hub:
        create(hub, "tiny")
        head = hub.commits("alice/tiny")[0]
        out = run_client(hub, tmp_path, pull_request_client, user="bob")

        assert out["url"] == f"{hub.url}/alice/tiny/discussions/1"
        assert out["revisions"] == out["refs"] == ["refs/pr/1", "refs/pr/2"]
        assert out["branches"] == ["main"] and out["no_refs"] is None
        assert out["files"] == [".gitattributes", "new.bin", "note.txt"] and out["read"] == "x" * 1000
        assert out["titles"] == ["Upload note.txt with huggingface_hub", "from bob", "initial commit"]
        assert hub.commits("alice/tiny") == [head]
        assert [commit.parent for commit in hub.commits("alice/tiny", revision="refs/pr/2")] == [head, None]
        assert not [request for request in hub.requests if request.status >= 500]


def test_who_may_read_may_open_a_pull_request_from_an_older_commit(hub: HubServer) -> None:
    create(hub, "tiny")
    first = hub.commits("alice/tiny")[0]
    assert commit(hub, "alice/tiny", file("a", b"1"))[0] == 200

    def opens(user: str | None) -> int:
        header = {"key": "header", "value": {"summary": "pull", "parentCommit": first.id}}
        line = {"key": "file", "value": file("b", b"2")[1]}
        body = b"\n".join(json.dumps(value).encode() for value in (header, line))
        return call(hub, "POST", "/api/models/alice/tiny/commit/main?create_pr=1", body, user=user)[0]

    assert [opens(user) for user in ("bob", "alice", "bob_read", None)] == [200, 200, 403, 401]
    assert hub.commits("alice/tiny", revision="refs/pr/1")[1] is first
    assert sorted(hub.files("alice/tiny", revision="refs/pr/2")) == [".gitattributes", "b"]


def gated_client() -> dict:
    import os

    from huggingface_hub import HfApi, hf_hub_download, snapshot_download

    def error(action) -> list:
        try:
            action()
        except OSError as caught:
            response = getattr(caught, "response", None)
            return [type(caught).__name__, response.status_code if response else 0]
        return ["none", 0]

    api, name = HfApi(), os.environ["REPOSITORY"]
    return {
        "info": error(lambda: api.model_info(name)),
        "file": error(lambda: hf_hub_download(name, ".gitattributes")),
        "snapshot": error(lambda: snapshot_download(name)),
        "whoami": error(api.whoami),
        "write": error(lambda: api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id=name)),
        "create": error(lambda: api.create_repo("alice/new", exist_ok=True)),
        "tag": error(lambda: api.create_tag(name, tag="v1", exist_ok=True)),
    }


def gate(hub: HubServer) -> None:
    create(hub, "gated")
    create(hub, "private", visibility="private")
    assert call(hub, "PUT", "/api/models/alice/gated/settings", {"gated": "auto"})[0] == 200


NONE, MISSING, BAD = ["none", 0], "RepositoryNotFoundError", ["HfHubHTTPError", 401]


@pytest.mark.parametrize("repository", ["gated", "private"])
@pytest.mark.parametrize("client", ["owner", "read", "wrong", "other", "granted", "anonymous"])
def test_gated_and_private_repositories(hub: HubServer, tmp_path: Path, repository: str, client: str) -> None:
    gate(hub)
    if client == "granted":
        api = "/api/models/alice/gated/user-access-request/grant"
        assert call(hub, "POST", api, {"user": "bob"})[0] == 200
    user = {"owner": "alice", "read": "alice", "wrong": "alice", "anonymous": None}.get(client, "bob")
    token = {"read": "hf_alice_read", "wrong": "hf_nobody"}.get(client)
    more = {"HF_TOKEN": token} if token else {}

    out = run_client(hub, tmp_path, gated_client, user=user, REPOSITORY=f"alice/{repository}", **more)

    anonymous = client == "anonymous"
    closed, forbidden = [MISSING, 401 if anonymous else 404], ["HfHubHTTPError", 403]
    if client == "owner":
        assert list(out.values()) == [NONE] * 7
    elif client == "wrong":
        assert out["info"] == out["whoami"] == out["write"] == out["create"] == out["tag"] == BAD
        assert NONE not in (out["file"], out["snapshot"])
    elif client == "read":
        assert out["info"] == out["file"] == out["snapshot"] == out["whoami"] == NONE
        assert out["write"] == out["create"] == out["tag"] == forbidden
    elif repository == "private":
        assert out["info"] == out["file"] == out["snapshot"] == out["write"] == out["tag"] == closed
    else:
        gated = NONE if client == "granted" else ["GatedRepoError", 401 if anonymous else 403]
        assert out["info"] == NONE and out["file"] == out["snapshot"] == gated
        assert out["write"] == out["tag"] == (closed if anonymous else forbidden)
    assert sorted(hub.files(f"alice/{repository}"))[1:] == (["a.txt"] if client == "owner" else [])


def test_the_environment_of_a_token_that_may_only_read(hub: HubServer, tmp_path: Path) -> None:
    assert hub.environment(tmp_path, role="read")["HF_TOKEN"] == "hf_alice_read"
    _, _, body = call(hub, "GET", "/api/whoami-v2", user="alice_read")
    assert json.loads(body)["auth"]["accessToken"]["role"] == "read"
    with pytest.raises(ValueError, match="choose read or write"):
        hub.environment(tmp_path, role="admin")


def pages_client() -> dict:
    from huggingface_hub import HfApi

    api = HfApi()
    return {
        "tree": [entry.path for entry in api.list_repo_tree("alice/tiny", recursive=True)],
        "files": api.list_repo_files("alice/tiny"),
        "commits": len(list(api.list_repo_commits("alice/tiny"))),
        "models": [model.id for model in api.list_models()],
        "limited": [model.id for model in api.list_models(limit=1)],
    }


def test_long_listings_come_in_pages(tmp_path: Path) -> None:
    with HubServer(page_size=2) as hub:
        for name in ("tiny", "b", "c"):
            create(hub, name)
        for name in "1234":
            assert commit(hub, "alice/tiny", file(f"sub dir/{name}", b""))[0] == 200
        out = run_client(hub, tmp_path, pages_client)

    files = [".gitattributes", *(f"sub dir/{name}" for name in "1234")]
    assert out["tree"] == [".gitattributes", "sub dir", *files[1:]] and sorted(out["files"]) == files
    assert out["commits"] == 5 and out["models"] == ["alice/tiny", "alice/b", "alice/c"] and len(out["limited"]) == 1
    assert sum("/tree/" in request.path for request in hub.requests) == 6


def card_client() -> dict:
    from huggingface_hub import HfApi, ModelCard

    api, repo_id = HfApi(), "alice/tiny"
    empty = api.model_info(repo_id).card_data
    metadata = "license: mit\nlibrary_name: peft\nbase_model: a/b\ndatasets: [c/d]\ntags: [video]\nday: 2026-01-02\n"
    ModelCard(f"---\n{metadata}---\n# Hi\n").push_to_hub(repo_id)
    info = api.model_info(repo_id)
    refused = []
    for bad in ("---\nlicense: [a\n---\n", "---\n- a\n---\n", "---\nlicense: 3\n---\n"):
        upload = {"path_or_fileobj": bad.encode(), "path_in_repo": "README.md", "repo_id": repo_id}
        try:
            api.upload_file(**upload)
        except ValueError as error:
            refused.append(str(error).splitlines()[0])
    return {
        "empty": empty is None,
        "card": info.card_data.to_dict(),
        "library": info.library_name,
        "tags": info.tags,
        "refused": refused,
    }


def test_metadata_of_a_card(hub: HubServer, tmp_path: Path) -> None:
    create(hub, "tiny")
    out = run_client(hub, tmp_path, card_client)

    assert out["empty"] and out["library"] == "peft"
    assert out["tags"] == ["video", "license:mit", "dataset:c/d", "base_model:a/b"]
    assert out["card"]["license"] == "mit" and out["card"]["datasets"] == ["c/d"] and out["card"]["day"] == "2026-01-02"
    assert out["refused"] == ["Invalid metadata in README.md."] * 3
    # A client that does not ask before is refused by the commit.
    assert commit(hub, "alice/tiny", file("README.md", b"---\nlicense: 3\n---\n"))[0] == 400
    assert len(hub.commits("alice/tiny")) == 2


# --- Raw requests -----------------------------------------------------------------------------------------------------

RANGES = [
    (None, None),
    ("bytes=2-4", (2, 5)),
    ("bytes=8-", (8, 10)),
    ("bytes=-3", (7, 10)),
    ("bytes=-30", (0, 10)),
    ("bytes=5-500", (5, 10)),
    ("bytes=0-1,4-5", None),
    ("lines=0-1", None),
]


@pytest.mark.parametrize(("header", "span"), RANGES)
def test_ranges(hub: HubServer, header: str | None, span: tuple[int, int] | None) -> None:
    content = b"0123456789"
    create(hub, "tiny")
    assert commit(hub, "alice/tiny", file("a.txt", content))[0] == 200

    status, headers, data = call(hub, "GET", "/alice/tiny/resolve/main/a.txt", **({"Range": header} if header else {}))

    assert byte_range(header, 10) == span
    assert (status, data) == ((206, content[slice(*span)]) if span else (200, content))
    assert headers.get("Content-Range") == (f"bytes {span[0]}-{span[1] - 1}/10" if span else None)
    assert headers["ETag"] == f'"{git_sha1("blob", content)}"'
    assert headers["X-Repo-Commit"] == hub.commits("alice/tiny")[0].id


def test_a_range_outside_the_file(hub: HubServer) -> None:
    create(hub, "tiny")
    size = len(hub.files("alice/tiny")[".gitattributes"])
    path = "/alice/tiny/resolve/main/.gitattributes"
    status, headers, _ = call(hub, "GET", path, Range=f"bytes={size}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{size}")


def test_head_is_get_without_a_body_on_a_connection_that_stays_open(hub: HubServer) -> None:
    create(hub, "tiny")
    connection = http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=10)
    seen = []
    for method, path in (("HEAD", "main/.gitattributes"), ("HEAD", "main/no"), ("GET", "main/no"), ("HEAD", "no/no")):
        connection.request(method, f"/alice/tiny/resolve/{path}", b"a body nobody reads")
        response = connection.getresponse()
        seen.append((response.status, response.headers["X-Error-Code"], "X-Repo-Commit" in response.headers))
        assert bool(response.read()) == (method == "GET")
    connection.close()
    missing = (404, "EntryNotFound", True)
    assert seen == [(200, None, True), missing, missing, (404, "RevisionNotFound", False)]


def test_lfs_checks_the_hash_and_stores_once(hub: HubServer) -> None:
    create(hub, "tiny")
    data = b"weights"
    oid = hashlib.sha256(data).hexdigest()
    pointer = ("lfsFile", {"path": "a.bin", "algo": "sha256", "oid": oid})
    batch = {"operation": "upload", "objects": [{"oid": oid, "size": len(data)}]}

    def actions() -> bool:
        _, _, reply = call(hub, "POST", "/alice/tiny.git/info/lfs/objects/batch", batch)
        return "actions" in json.loads(reply)["objects"][0]

    assert actions() and commit(hub, "alice/tiny", pointer)[0] == 400
    assert call(hub, "PUT", f"/_lfs/{oid}", b"others", user=None)[0] == 400
    assert call(hub, "PUT", f"/_lfs/{oid}", data, user=None)[0] == 200
    assert not actions() and commit(hub, "alice/tiny", pointer)[0] == 200
    _, headers, body = call(hub, "GET", "/alice/tiny/resolve/main/a.bin")
    assert body == data and headers["X-Linked-Etag"] == headers["ETag"] == f'"{oid}"'


def test_a_failed_commit_changes_nothing(hub: HubServer) -> None:
    create(hub, "tiny")
    assert commit(hub, "alice/tiny", file("a/b.txt", b"1"), file("a/c.txt", b"2"))[0] == 200
    head = hub.commits("alice/tiny")[0]

    assert commit(hub, "alice/tiny", file("new", b""), ("deletedFile", {"path": "a"}))[0] == 404
    assert commit(hub, "alice/tiny", file("new", b""), ("renamedFile", {"path": "a"}))[0] == 400
    assert commit(hub, "alice/tiny", file("new", b""), parent="0" * 40)[0] == 412
    assert commit(hub, "alice/tiny", file("new", b""), branch="missing")[0] == 404
    assert commit(hub, "alice/tiny", file("new", b""), branch=head.id)[0] == 400
    hub.fail_next("POST", "/commit/", 412, times=2)
    assert [commit(hub, "alice/tiny", file("new", b""), parent=head.id[:7])[0] for _ in range(3)] == [412, 412, 200]

    assert hub.commits("alice/tiny")[1] is head
    assert commit(hub, "alice/tiny", ("deletedFolder", {"path": "a/"}))[0] == 200
    assert sorted(hub.files("alice/tiny")) == [".gitattributes", "new"]
    assert hub.files("alice/tiny", revision=head.id)["a/b.txt"] == b"1"


def test_faults_by_number_change_the_state_or_not(hub: HubServer) -> None:
    create(hub, "tiny")
    mark = len(hub.requests)
    hub.fail_at(mark + 1, 503, retry_after=7)
    hub.fail_at(mark + 2, "drop before")
    hub.fail_at(mark + 3, "drop after")

    def add(name: str) -> int | str:
        try:
            return commit(hub, "alice/tiny", file(name, b"1"))[0]
        except (http.client.RemoteDisconnected, ConnectionError):
            return "dropped"

    assert [add(name) for name in "abcd"] == [503, "dropped", "dropped", 200]
    assert sorted(hub.files("alice/tiny")) == [".gitattributes", "c", "d"]
    logged = hub.requests_from(mark)
    assert [request.number for request in logged] == [mark + 1, mark + 2, mark + 3, mark + 4]
    assert [request.status for request in logged] == [503, "dropped", "dropped", 200]
    assert {(request.method, request.path, request.user) for request in logged} == {
        ("POST", "/api/models/alice/tiny/commit/main", "alice")
    }
    assert len({request.received for request in logged}) == 1 and logged[0].received > 100


def test_a_fault_may_say_when_to_come_back(hub: HubServer) -> None:
    hub.fail_next("GET", "whoami", 429, retry_after=3, times=2)
    seen = [call(hub, "GET", "/api/whoami-v2") for _ in range(3)]
    assert [(status, headers.get("Retry-After")) for status, headers, _ in seen] == [
        (429, "3"),
        (429, "3"),
        (200, None),
    ]
    with pytest.raises(ValueError, match="a status, 'drop before' or 'drop after'"):
        hub.fail_next("GET", "whoami", "dropped")


@pytest.mark.parametrize("failure", [502, "drop before"])
def test_an_outage_lasts_until_it_is_lifted(hub: HubServer, failure: Any) -> None:
    create(hub, "tiny")
    mark = len(hub.requests)
    hub.fail_from(mark + 3, failure)
    for number in range(1, 7):
        if number == 6:
            hub.lift_faults()
        try:
            commit(hub, "alice/tiny", file(f"{number}", b""))
        except (http.client.RemoteDisconnected, ConnectionError):
            assert failure == "drop before"
    down = "dropped" if failure == "drop before" else failure
    assert [request.status for request in hub.requests_from(mark)] == [200, 200, down, down, down, 200]
    assert sorted(hub.files("alice/tiny")) == [".gitattributes", "1", "2", "6"]


def test_half_a_body_is_no_request(hub: HubServer) -> None:
    create(hub, "tiny")
    connection = http.client.HTTPConnection(hub.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/api/models/alice/tiny/commit/main")
    connection.putheader("Authorization", "Bearer hf_alice")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"key":"header","value":{"summary":"cut"}}\n')
    connection.sock.shutdown(1)
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()
    assert hub.requests[-1].status == "dropped" and hub.requests[-1].received == 43
    assert len(hub.commits("alice/tiny")) == 1


def test_refusals(hub: HubServer) -> None:
    create(hub, "tiny")
    tiny = {"name": "tiny", "organization": "alice"}
    status, _, body = call(hub, "POST", "/api/repos/create", tiny)
    assert status == 409 and json.loads(body)["url"] == f"{hub.url}/alice/tiny"
    assert call(hub, "POST", "/api/repos/create", {**tiny, "type": "space"})[0] == 400
    assert call(hub, "POST", "/api/repos/create", {**tiny, "organization": "bob"})[0] == 403
    assert call(hub, "POST", "/api/repos/create", tiny, user=None)[0] == 401
    assert call(hub, "DELETE", "/api/repos/delete", tiny, user="bob")[0] == 403
    assert call(hub, "DELETE", "/api/models/alice/tiny/branch/main")[0] == 403
    assert call(hub, "DELETE", "/api/models/alice/tiny/tag/v1")[0] == 404
    assert [call(hub, "POST", "/api/models/alice/tiny/tag/main", {"tag": "v1"})[0] for _ in "12"] == [201, 409]
    assert call(hub, "GET", "/api/models/alice/tiny", user="mallory")[0] == 401
    status, headers, _ = call(hub, "GET", "/api/spaces")
    assert status == 501 and headers["X-Error-Message"].endswith("no route for GET /api/spaces")
    assert hub.requests[-1] == (len(hub.requests), "GET", "/api/spaces", 501, "alice", 2)
    with pytest.raises(KeyError, match="no dataset alice/tiny"):
        hub.files("alice/tiny", repo_type="dataset")
    with pytest.raises(ValueError, match="choose alice, bob or None"):
        hub.environment(Path("home"), user="mallory")


def test_command_line() -> None:
    command = [sys.executable, "-m", "tests.hub_server"]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as server:
        line = server.stdout.readline()
        variables = dict(setting.split("=", 1) for setting in line.split()[1:])
        request = urllib.request.Request(f"{variables['HF_ENDPOINT']}/api/whoami-v2")
        request.add_header("Authorization", f"Bearer {variables['HF_TOKEN']}")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
            user = json.load(response)["name"]
        server.terminate()
    assert line.startswith("export ") and user == "alice" and variables["HF_HUB_DISABLE_XET"] == "1"
