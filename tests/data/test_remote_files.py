"""`load_dataset("t2vid", data_files=...)` of what is not here: the Hub, a web server, compressed files, folders."""

import gzip
import json
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest
from datasets import load_dataset

from t2vid_hf import sources
from t2vid_hf.errors import InputError
from tests.hub_server import HubServer


def lines(*names: str) -> bytes:
    """Questions about texts of a few pages, a line each."""
    records = [
        {"id": name, "context": f"{name}. " + "The clock. " * 200, "question": "?", "answer": "!"} for name in names
    ]
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def zstandard(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as file:
        file.write(content)
    return sink.getvalue().to_pybytes()


def fill(folder: Path) -> Path:
    """What a person may have in a folder, beside what is no data."""
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines("a"))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines("b", "c")))
    (folder / "c.jsonl.zst").write_bytes(zstandard(lines("d")))
    (folder / "README.md").write_text("# What these are\n")
    (folder / "notes.txt").write_text("Mine.\n")
    return folder


@pytest.fixture
def load(tmp_path):
    def load(files, **options) -> list[str]:
        rows = list(
            load_dataset("t2vid", data_files=files, split="train", cache_dir=str(tmp_path / "cache"), **options)
        )
        assert all(len(row["images"]) == row["num_frames"] > 1 for row in rows)
        return [row["id"].removeprefix("long_qa/") for row in rows]

    return load


ON_THE_HUB = """
import json, sys
import datasets
from datasets import load_dataset
from huggingface_hub import CommitOperationAdd, HfApi
import t2vid_hf
from t2vid_hf import sources

datasets.disable_progress_bars()
folder, base = sys.argv[1], "hf://datasets/alice/texts/"
api = HfApi()
api.create_repo("alice/texts", repo_type="dataset")
api.upload_folder(folder_path=folder, path_in_repo="x", repo_id="alice/texts", repo_type="dataset")
rows = load_dataset("t2vid", data_files=base + "x/a.jsonl", split="train")
t2vid_hf.without_pages(rows).to_parquet("lazy.parquet")
api.upload_file(path_or_fileobj="lazy.parquet", path_in_repo="kept/train-00000-of-00001.parquet",
                repo_id="alice/texts", repo_type="dataset")


def load(files, streaming):
    rows = list(load_dataset("t2vid", data_files=base + files, split="train", streaming=streaming))
    assert all(len(row["images"]) == row["num_frames"] > 1 for row in rows)
    return [row["id"] for row in rows]


for files in ("x/a.jsonl", "x/b.jsonl.gz", "x/c.jsonl.zst", "x", "x/*.jsonl*", "kept/*.parquet", "kept"):
    print(json.dumps([files, load(files, False), load(files, True)]))
more = open(folder + "/a.jsonl").read() + open(folder + "/a.jsonl").read().replace('"a"', '"e"')
for path, content in (("x/a.jsonl", more), ("x/new.txt", "")):
    api.upload_file(path_or_fileobj=content.encode(), path_in_repo=path, repo_id="alice/texts", repo_type="dataset")
    print(json.dumps(["again", load("x/a.jsonl", False), load("x/a.jsonl", True)]))
print(json.dumps(["read", *[[f"long_qa/{qa.id}" for qa in sources.read(base + "x/b.jsonl.gz")]] * 2]))
"""


def test_files_of_the_hub(tmp_path):
    folder = fill(tmp_path / "texts")
    with HubServer() as hub:
        command = [sys.executable, "-c", ON_THE_HUB, str(folder)]
        environment = {**os.environ, **hub.environment(tmp_path / "hf")}
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    read = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(loaded == streamed for _, loaded, streamed in read)
    names = [[files, "".join(name.removeprefix("long_qa/") for name in loaded)] for files, loaded, _ in read]
    assert names == [
        ["x/a.jsonl", "a"], ["x/b.jsonl.gz", "bc"], ["x/c.jsonl.zst", "d"], ["x", "abcd"], ["x/*.jsonl*", "abcd"],
        ["kept/*.parquet", "a"], ["kept", "a"], ["again", "ae"], ["again", "ae"], ["read", "bc"],
    ]  # fmt: skip


@pytest.fixture
def site(tmp_path):
    """A web server that tells no ETag, and its folder."""
    folder = fill(tmp_path / "site")
    handler = partial(type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None}), directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("streaming", [False, True])
def test_files_of_a_web_server(load, site, streaming):
    folder, url = site
    given = {"streaming": streaming}
    assert load(f"{url}/a.jsonl", **given) == ["a"]
    assert load([f"{url}/b.jsonl.gz", f"{url}/c.jsonl.zst"], **given) == ["b", "c", "d"]
    before = os.stat(folder / "a.jsonl")
    (folder / "a.jsonl").write_bytes(lines("z"))
    os.utime(folder / "a.jsonl", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load(f"{url}/a.jsonl", **given) == ["z"]
    if not streaming:
        assert load([f"{url}/a.jsonl", f"{url}/c.jsonl.zst"], num_proc=2) == ["z", "d"]
    with pytest.raises(FileNotFoundError, match=r"none\.jsonl"):
        load(f"{url}/none.jsonl", **given)


@pytest.mark.parametrize("streaming", [False, True])
def test_compressed_files_and_a_folder_here(load, tmp_path, streaming):
    folder = fill(tmp_path / "texts")
    assert load(str(folder / "b.jsonl.gz"), streaming=streaming) == ["b", "c"]
    assert load(str(folder / "*.zst"), streaming=streaming) == ["d"]
    assert load(str(folder), streaming=streaming) == load(folder, streaming=streaming) == ["a", "b", "c", "d"]
    assert load(None, data_dir=str(folder), streaming=streaming) == ["a", "b", "c", "d"]


def test_splits_of_a_folder(tmp_path):
    (tmp_path / "texts").mkdir()
    for split, names in (("train", "ab"), ("test", "c")):
        (tmp_path / f"texts/{split}.jsonl").write_bytes(lines(*names))
    rows = load_dataset("t2vid", data_files=str(tmp_path / "texts"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(part) for split, part in rows.items()} == {"train": 2, "test": 1}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl.gz", b"no gzip", r"a\.jsonl\.gz: cannot be read"),
        ("a.jsonl.gz", gzip.compress(lines("a", "b"), mtime=0)[:-20], r"a\.jsonl\.gz: cannot be read"),
        ("a.jsonl.gz", gzip.compress(b"", mtime=0), r"a\.jsonl\.gz: the file is empty"),
        ("a.jsonl.zst", zstandard(b'{"context": "x"}\n'), r"a\.jsonl\.zst:1: the field 'question'"),
        ("a.parquet.gz", gzip.compress(b"PAR1", mtime=0), r"a\.parquet\.gz: .*decompress"),
    ],
)
def test_compressed_files_that_cannot_be_taken(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told):
        list(sources.read(tmp_path / name, source="long_qa"))
    with pytest.raises(InputError, match=told):
        load_dataset("t2vid", "long_qa", data_files=str(tmp_path / name), cache_dir=str(tmp_path / "cache"))
