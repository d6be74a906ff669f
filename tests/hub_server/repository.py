"""What a repository holds: files, commits, branches, tags and pull requests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import yaml

from tests.hub_server.wire import HubError

# What the Hub's default .gitattributes sends to LFS whatever the size, as far as models and datasets need it.
LFS_SUFFIXES = tuple(
    ".7z .arrow .bin .bz2 .ckpt .flac .gguf .gz .h5 .jpeg .jpg .mp3 .mp4 .msgpack .npy .npz .onnx .parquet .pickle .pkl"
    " .png .pt .pth .safetensors .tar .tflite .wav .webm .webp .xz .zip .zst".split()
)
GIT_ATTRIBUTES = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LFS_SUFFIXES).encode()


def git_sha1(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()


def iso(date: datetime) -> str:
    return date.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Blob:
    """A file's content. Git holds only a pointer to an LFS file, so that has two hashes: `oid` and `sha256`.

    A file that came by Xet is an LFS file for git, and has a third one, of its chunks.
    """

    data: bytes = field(repr=False)
    lfs: bool = False
    xet_hash: str | None = None

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def pointer(self) -> bytes:
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {len(self.data)}\n".encode()

    @cached_property
    def oid(self) -> str:
        return git_sha1("blob", self.pointer if self.lfs else self.data)

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid

    def lfs_info(self, hash_name: str) -> dict[str, Any]:
        """The `lfs` entry of a listing; trees call the hash "oid", siblings call it "sha256"."""
        info = {hash_name: self.sha256, "size": len(self.data), "pointerSize": len(self.pointer)}
        return {"lfs": info} if self.lfs else {}


def read_card(text: str) -> dict[str, Any]:
    """The YAML block at the top of a README. `ValueError` if the Hub would refuse it."""
    block = re.match(r"---[ \t]*\r?\n(.*?)^---[ \t]*$", text, re.DOTALL | re.MULTILINE)
    try:
        card = yaml.safe_load(block[1]) if block else None
    except yaml.YAMLError as error:
        raise ValueError(f"the metadata is no YAML: {error}") from error
    if not isinstance(card or {}, dict):
        raise ValueError(f"the metadata is {type(card).__name__}, not a mapping")
    for name, kind in (("license", str), ("base_model_relation", str), ("model-index", list)):
        if card and name in card and not isinstance(card[name], kind):
            raise ValueError(f'"{name}" must be a {kind.__name__}')
    return json.loads(json.dumps(card or {}, default=str))


def card_tags(card: Mapping[str, Any]) -> list[str]:
    """The tags of a repository, from its card: `datasets: [a/b]` is found as `dataset:a/b`."""
    found: list[str] = []
    for name, prefix in (
        ("tags", ""),
        ("license", "license:"),
        ("datasets", "dataset:"),
        ("base_model", "base_model:"),
    ):
        values = card.get(name) or []
        found += [prefix + str(value) for value in (values if isinstance(values, list) else [values])]
    return found


@dataclass(frozen=True, eq=False)
class Commit:
    """A snapshot of a repository and the commit before it."""

    files: Mapping[str, Blob] = field(repr=False)
    parent: Commit | None = field(repr=False)
    title: str
    message: str
    author: str
    date: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def id(self) -> str:
        parent = self.parent.id if self.parent else None
        header = [parent, self.title, self.message, self.author, self.date.isoformat(), self.oid("")]
        return git_sha1("commit", json.dumps(header).encode())

    def history(self) -> Iterator[Commit]:
        """This commit and its ancestors, newest first."""
        commit: Commit | None = self
        while commit is not None:
            yield commit
            commit = commit.parent

    def inside(self, folder: str) -> list[str]:
        """The paths of the files under `folder` ("" is the root) at any depth."""
        return sorted(path for path in self.files if not folder or path.startswith(f"{folder}/"))

    def oid(self, path: str) -> str | None:
        """The hash of a file or folder, None if there is none. A folder's is made up: no client recomputes it."""
        if path in self.files:
            return self.files[path].oid
        listing = "".join(f"{name} {self.files[name].oid}\n" for name in self.inside(path))
        return git_sha1("tree", listing.encode()) if listing or not path else None

    def tree(self, folder: str, *, recursive: bool) -> list[str]:
        """The paths of the files and folders in `folder`, one level deep or all of them."""
        top = len(folder.split("/")) if folder else 0
        found: set[str] = set()
        for parts in (path.split("/") for path in self.inside(folder)):
            deepest = len(parts) if recursive else top + 1
            found.update("/".join(parts[:depth]) for depth in range(top + 1, deepest + 1))
        return sorted(found)

    def entry(self, path: str, *, expand: bool) -> dict[str, Any]:
        """A file or folder as tree listings show it; `expand` adds the last commit that changed it."""
        blob = self.files.get(path)
        kind, size, lfs = ("file", len(blob.data), blob.lfs_info("oid")) if blob else ("directory", 0, {})
        entry = {"type": kind, "path": path, "oid": self.oid(path), "size": size, **lfs}
        if blob and blob.xet_hash:
            entry["xetHash"] = blob.xet_hash
        if expand:
            changes = (c for c in self.history() if c.parent is None or c.parent.oid(path) != c.oid(path))
            last = next(changes)
            entry["lastCommit"] = {"id": last.id, "title": last.title, "date": iso(last.date)}
        return entry


@dataclass(eq=False)
class Repo:
    """A model or dataset repository."""

    type: str
    id: str
    private: bool
    gated: str | bool = False  # "auto" or "manual": all may see the repository, only the owner and `granted` its files
    granted: set[str] = field(default_factory=set)
    branches: dict[str, Commit] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)
    pulls: dict[str, Commit] = field(default_factory=dict)  # by revision: "refs/pr/1"
    pull_authors: dict[str, str] = field(default_factory=dict)
    by_id: dict[str, Commit] = field(default_factory=dict, repr=False)  # outlives the branches

    @property
    def owner(self) -> str:
        return self.id.split("/")[0]

    @property
    def url_path(self) -> str:
        return self.id if self.type == "model" else f"{self.type}s/{self.id}"

    def resolve(self, revision: str) -> Commit:
        """The commit that a branch, a tag or a full commit id names."""
        for commits in (self.branches, self.tags, self.pulls, self.by_id):
            if revision in commits:
                return commits[revision]
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def commit(self, parent: Commit | None, files: Mapping[str, Blob], title: str, message: str, author: str) -> Commit:
        """A new commit, which no branch names yet."""
        commit = Commit(files, parent, title, message, author)
        self.by_id[commit.id] = commit
        return commit

    def info(self, commit: Commit, *, blobs: bool = False) -> dict[str, Any]:
        """The repository as of `commit`; `blobs` adds size and hashes to the files."""
        first = min(known.date for known in self.by_id.values())
        siblings: list[dict[str, Any]] = []
        for path in commit.inside(""):
            blob = commit.files[path]
            hashes = {"size": len(blob.data), "blobId": blob.oid, **blob.lfs_info("sha256")}
            siblings.append({"rfilename": path, **(hashes if blobs else {})})
        card = read_card(commit.files["README.md"].data.decode()) if "README.md" in commit.files else {}
        state: dict[str, Any] = {
            "private": self.private,
            "gated": self.gated,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
        }
        state |= {name: card[name] for name in ("library_name", "pipeline_tag") if name in card}
        state |= {"tags": card_tags(card), **({"cardData": card} if card else {})}
        dates = {"createdAt": iso(first), "lastModified": iso(commit.date)}
        return {"id": self.id, "author": self.owner, "sha": commit.id, **dates, **state, "siblings": siblings}
