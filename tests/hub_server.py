"""A Hugging Face Hub on loopback, in memory, for tests that publish and load with the real clients.

It answers what huggingface_hub 2.4, datasets 5.2 and transformers 5.23 ask when they create, fill, list and read model
and dataset repositories, so publishing code is tested end to end without the network and without patching a client.
A commit is an immutable snapshot (path -> blob), so branches, tags and old revisions resolve as on the Hub. The price:
every byte stays in memory, and one lock serves one request at a time.

    with HubServer() as hub:
        environment = {**os.environ, **hub.environment(tmp_path)}
        subprocess.run([sys.executable, "recipes/publish.py"], env=environment, check=True)
        assert "config.json" in hub.files("alice/tiny")

`HF_ENDPOINT` is read when huggingface_hub is imported, so a client needs its own process. By hand:

    python tests/hub_server.py --port 8765

Left out: Xet (`environment` turns it off; uploads go by LFS), multipart LFS, pull requests, spaces, `.gitignore`,
pagination, and `cardData` (it needs a YAML parser; `ModelCard.load` works). A call without a route gets a 501.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

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
    """A file's content. Git holds only a pointer to an LFS file, so that has two hashes: `oid` and `sha256`."""

    data: bytes
    lfs: bool = False

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
    branches: dict[str, Commit] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)
    by_id: dict[str, Commit] = field(default_factory=dict, repr=False)  # outlives the branches

    @property
    def owner(self) -> str:
        return self.id.split("/")[0]

    @property
    def url_path(self) -> str:
        return self.id if self.type == "model" else f"{self.type}s/{self.id}"

    def resolve(self, revision: str) -> Commit:
        """The commit that a branch, a tag or a full commit id names."""
        for commits in (self.branches, self.tags, self.by_id):
            if revision in commits:
                return commits[revision]
        raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def commit(self, branch: str, files: Mapping[str, Blob], title: str, message: str, author: str) -> Commit:
        commit = Commit(files, self.branches.get(branch), title, message, author)
        self.branches[branch] = self.by_id[commit.id] = commit
        return commit

    def info(self, commit: Commit, *, blobs: bool = False) -> dict[str, Any]:
        """The repository as of `commit`; `blobs` adds size and hashes to the files."""
        first = min(known.date for known in self.by_id.values())
        siblings: list[dict[str, Any]] = []
        for path in commit.inside(""):
            blob = commit.files[path]
            hashes = {"size": len(blob.data), "blobId": blob.oid, **blob.lfs_info("sha256")}
            siblings.append({"rfilename": path, **(hashes if blobs else {})})
        state = {"private": self.private, "gated": False, "disabled": False, "downloads": 0, "likes": 0, "tags": []}
        dates = {"createdAt": iso(first), "lastModified": iso(commit.date)}
        return {"id": self.id, "author": self.owner, "sha": commit.id, **dates, **state, "siblings": siblings}


@dataclass
class Request:
    method: str
    path: str  # as sent: percent-encoded, without the query
    query: dict[str, str]
    headers: Message
    body: bytes
    whole: bool = True  # False: the connection broke before all of the body had come
    user: str | None = None
    args: dict[str, str] = field(default_factory=dict)  # the parts of the path that the route names, decoded

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")


@dataclass
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]


def json_reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


class HubError(Exception):
    """An error reply. The clients choose their exception by `code` (X-Error-Code) more than by the status."""

    def __init__(
        self, status: int, message: str, code: str = "", *, headers: Mapping[str, str] | None = None, **body: str
    ) -> None:
        super().__init__(message)
        text = message.encode("ascii", "replace").decode()
        errors = {"X-Error-Message": text, **({"X-Error-Code": code} if code else {})}
        self.reply = json_reply({"error": message, **body}, status, {**errors, **(headers or {})})


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The half-open range that a Range header asks for, None for the whole file (as for several ranges at once)."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header or "")
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    stop = min(int(last) + 1, size) if first and last else size
    if start >= stop:
        raise HubError(416, "Range Not Satisfiable", headers={"Content-Range": f"bytes */{size}"})
    return start, stop


# An endpoint returns a Reply, or a value that becomes a 200 with JSON.
Endpoint = Callable[["Api", Request], Any]
ROUTES: list[tuple[str, re.Pattern[str], Endpoint]] = []
# A revision is one percent-encoded segment ("step%2F100"); only the file of a resolve URL keeps its slashes.
PATTERNS = {name: f"(?P<{name}>[^/]+)" for name in ("rev", "name", "path", "oid")}
PATTERNS |= {"kind": "(?P<kind>models|datasets)", "ref": "(?P<ref>tag|branch)", "file": "(?P<file>.+)"}
PATTERNS["repo"] = PATTERNS["kind"] + "/(?P<id>[^/]+/[^/]+)"
PATTERNS["web_repo"] = "(?:(?P<kind>datasets)/)?(?P<id>[^/]+/[^/]+)"


def route(method: str, template: str) -> Callable[[Endpoint], Endpoint]:
    pattern = re.compile(re.sub(r"\{(\w+)\}", lambda match: PATTERNS[match[1]], template))

    def register(endpoint: Endpoint) -> Endpoint:
        ROUTES.append((method, pattern, endpoint))
        return endpoint

    return register


class Api:
    """The Hub without the sockets: what it stores, and what it answers to each call."""

    def __init__(self, url: str, lfs_threshold: int, tokens: Mapping[str, str]) -> None:
        self.url, self.lfs_threshold, self.tokens = url, lfs_threshold, tokens
        self.repos: dict[tuple[str, str], Repo] = {}  # by type and id
        self.lfs: dict[str, Blob] = {}  # by sha256, for all repositories

    def answer(self, request: Request) -> Reply:
        if not self.identify(request):
            raise HubError(401, "Invalid credentials in Authorization header")
        method = "GET" if request.method == "HEAD" else request.method
        for known, pattern, endpoint in ROUTES:
            match = pattern.fullmatch(request.path)
            if known == method and match is not None:
                request.args = {name: unquote(part) for name, part in match.groupdict().items() if part is not None}
                value = endpoint(self, request)
                return value if isinstance(value, Reply) else json_reply(value)
        raise HubError(501, f"tests/hub_server.py has no route for {request.method} {request.path}")

    def identify(self, request: Request) -> bool:
        """Notes whose token the request carries. False if it carries one that nobody has."""
        authorization = request.headers.get("Authorization")
        request.user = self.tokens.get((authorization or "").removeprefix("Bearer "))
        return authorization is None or request.user is not None

    def signed_in(self, request: Request) -> str:
        if request.user is None:
            # Over https a 401 on a repository's URL is RepositoryNotFoundError without a code; over http it needs one.
            raise HubError(401, "Invalid username or password.", "RepoNotFound" if "id" in request.args else "")
        return request.user

    def readable(self, request: Request, **named: str) -> Repo:
        """The repository in the path. One that the user may not see answers like one that does not exist."""
        named = named or request.args
        repo = self.repos.get((named.get("kind", "models").removesuffix("s"), named["id"]))
        if repo is None or (repo.private and repo.owner != request.user):
            self.signed_in(request)
            raise HubError(404, "Repository not found", "RepoNotFound")
        return repo

    def writable(self, request: Request, **named: str) -> Repo:
        repo = self.readable(request, **named)
        if self.signed_in(request) != repo.owner:
            raise HubError(403, f"{request.user} may not write to {repo.id}")
        return repo

    @route("GET", "/api/whoami-v2")
    def whoami(self, request: Request) -> Any:
        user = self.signed_in(request)
        auth = {"type": "access_token", "accessToken": {"displayName": "test", "role": "write"}}
        return {"type": "user", "name": user, "fullname": user, "orgs": [], "auth": auth}

    @route("POST", "/api/validate-yaml")
    def validate_yaml(self, request: Request) -> Any:
        return {"errors": [], "warnings": []}

    @route("POST", "/api/repos/create")
    def create_repo(self, request: Request) -> Any:
        user, fields = self.signed_in(request), request.json
        namespace, repo_type = fields.get("organization") or user, fields.get("type") or "model"
        if repo_type not in ("model", "dataset"):
            raise HubError(400, f"type is {repo_type!r}: this server has only model and dataset repositories")
        if namespace != user:
            raise HubError(403, f"{user} may not create a repository under {namespace}")
        repo = Repo(repo_type, f"{namespace}/{fields['name']}", fields.get("visibility") == "private")
        url = f"{self.url}/{repo.url_path}"
        if (repo.type, repo.id) in self.repos:
            raise HubError(409, f"You already created this {repo_type} repo: {repo.id}", url=url)
        repo.commit("main", {".gitattributes": Blob(GIT_ATTRIBUTES)}, "initial commit", "", user)
        self.repos[repo.type, repo.id] = repo
        return {"url": url}

    @route("DELETE", "/api/repos/delete")
    def delete_repo(self, request: Request) -> Any:
        namespace = request.json.get("organization") or self.signed_in(request)
        kind = f"{request.json.get('type') or 'model'}s"
        repo = self.writable(request, kind=kind, id=f"{namespace}/{request.json['name']}")
        del self.repos[repo.type, repo.id]
        return {}

    @route("PUT", "/api/{repo}/settings")
    def settings(self, request: Request) -> Any:
        repo = self.writable(request)
        if "visibility" in request.json:
            repo.private = request.json["visibility"] == "private"
        return {"private": repo.private}

    @route("GET", "/api/{kind}")
    def list_repos(self, request: Request) -> Any:
        author, search = request.query.get("author"), request.query.get("search", "").lower()
        found = [
            repo.info(repo.branches["main"])
            for repo in self.repos.values()
            if f"{repo.type}s" == request.args["kind"] and author in (None, repo.owner) and search in repo.id.lower()
            if not repo.private or repo.owner == request.user
        ]
        return found[: int(request.query.get("limit", len(found)))]

    @route("GET", "/api/{repo}")
    @route("GET", "/api/{repo}/revision/{rev}")
    def info(self, request: Request) -> Any:
        repo = self.readable(request)
        return repo.info(repo.resolve(request.args.get("rev", "main")), blobs=request.flag("blobs"))

    @route("GET", "/api/{repo}/tree/{rev}")
    @route("GET", "/api/{repo}/tree/{rev}/{path}")
    def tree(self, request: Request) -> Any:
        commit, folder = self.readable(request).resolve(request.args["rev"]), request.args.get("path", "")
        paths = commit.tree(folder, recursive=request.flag("recursive"))
        if folder and not paths:
            raise HubError(404, f"{folder} does not exist on {request.args['rev']}", "EntryNotFound")
        return [commit.entry(path, expand=request.flag("expand")) for path in paths]

    @route("POST", "/api/{repo}/paths-info/{rev}")
    def paths_info(self, request: Request) -> Any:
        commit, form = self.readable(request).resolve(request.args["rev"]), parse_qs(request.body.decode())
        expand = form.get("expand", [""])[0].lower() == "true"
        return [commit.entry(path, expand=expand) for path in form.get("paths", []) if commit.oid(path) is not None]

    @route("GET", "/api/{repo}/commits/{rev}")
    def commits(self, request: Request) -> Any:
        history = self.readable(request).resolve(request.args["rev"]).history()
        return [
            {"id": c.id, "title": c.title, "message": c.message, "date": iso(c.date), "authors": [{"user": c.author}]}
            for c in history
        ]

    @route("GET", "/api/{repo}/refs")
    def refs(self, request: Request) -> Any:
        def listing(folder: str, commits: Mapping[str, Commit]) -> list[dict[str, str]]:
            return [{"name": n, "ref": f"refs/{folder}/{n}", "targetCommit": c.id} for n, c in commits.items()]

        repo = self.readable(request)
        branches, tags = listing("heads", repo.branches), listing("tags", repo.tags)
        return {"branches": branches, "tags": tags, "converts": [], "pullRequests": []}

    @route("POST", "/api/{repo}/{ref}/{name}")
    def create_ref(self, request: Request) -> Any:
        repo, name = self.writable(request), request.args["name"]
        if request.args["ref"] == "tag":  # here the path names the revision, and the body the tag
            refs, name, revision = repo.tags, request.json["tag"], name
        else:
            refs, revision = repo.branches, request.json.get("startingPoint") or "main"
        if name in refs:
            raise HubError(409, f"Reference already exists: {name}")
        refs[name] = repo.resolve(revision)
        return json_reply({}, 201)

    @route("DELETE", "/api/{repo}/{ref}/{name}")
    def delete_ref(self, request: Request) -> Any:
        repo, ref, name = self.writable(request), request.args["ref"], request.args["name"]
        if (ref, name) == ("branch", "main"):
            raise HubError(403, "The branch main cannot be deleted")
        if (repo.tags if ref == "tag" else repo.branches).pop(name, None) is None:
            raise HubError(404, f"Invalid rev id: {name}", "RevisionNotFound")
        return {}

    @route("POST", "/api/{repo}/preupload/{rev}")
    def preupload(self, request: Request) -> Any:
        """Says which files go by LFS, and the hash of what is there: the client drops files that have not changed."""
        commit = self.writable(request).resolve(request.args["rev"])
        files: list[dict[str, Any]] = []
        for path, size in ((file["path"], file["size"]) for file in request.json["files"]):
            lfs = size > self.lfs_threshold or path.lower().endswith(LFS_SUFFIXES)
            known = {"oid": commit.files[path].etag} if path in commit.files else {}
            files.append({"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False, **known})
        return {"files": files}

    @route("POST", r"/{web_repo}\.git/info/lfs/objects/batch")
    def lfs_batch(self, request: Request) -> Any:
        self.writable(request)
        objects: list[dict[str, Any]] = []
        for item in request.json["objects"]:
            upload = {"upload": {"href": f"{self.url}/_lfs/{item['oid']}", "header": {}}}
            # Without actions the client takes the object as stored and skips the upload.
            objects.append(item if item["oid"] in self.lfs else {**item, "actions": upload})
        return {"transfer": "basic", "objects": objects}

    @route("PUT", "/_lfs/{oid}")
    def lfs_upload(self, request: Request) -> Any:
        """Stores an LFS object. The client sends no token here: on the Hub this is a signed URL of the storage."""
        blob = Blob(request.body, lfs=True)
        if blob.sha256 != request.args["oid"]:
            raise HubError(400, f"the body has sha256 {blob.sha256}, the URL says {request.args['oid']}")
        self.lfs[blob.sha256] = blob
        return {}

    @route("POST", "/api/{repo}/commit/{rev}")
    def commit(self, request: Request) -> Any:
        repo, branch = self.writable(request), request.args["rev"]
        head = repo.resolve(branch)
        if request.flag("create_pr") or branch not in repo.branches:
            raise HubError(501, f"this server commits to branches only: {branch} is none, or a pull request was asked")
        header, *operations = map(json.loads, request.body.splitlines())
        fields = header["value"]
        if not head.id.startswith(fields.get("parentCommit") or ""):  # the first characters are enough
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        files = dict(head.files)
        for operation in operations:
            self.apply(files, operation["key"], operation["value"])
        made = repo.commit(branch, files, fields["summary"], fields.get("description") or "", self.signed_in(request))
        url = f"{self.url}/{repo.url_path}/commit/{made.id}"
        return {"success": True, "commitOid": made.id, "commitUrl": url, "hookOutput": ""}

    def apply(self, files: dict[str, Blob], key: str, value: Mapping[str, Any]) -> None:
        """Changes `files` in place by one line of a commit."""
        path = value["path"].rstrip("/")
        if key == "file":
            files[path] = Blob(base64.b64decode(value["content"]))
        elif key == "lfsFile":
            if value["oid"] not in self.lfs:
                raise HubError(400, f"LFS pointer points to a file that does not exist: {path} ({value['oid']})")
            files[path] = self.lfs[value["oid"]]
        elif key in ("deletedFile", "deletedFolder"):
            gone = [name for name in files if name == path or (key == "deletedFolder" and name.startswith(f"{path}/"))]
            if not gone:
                raise HubError(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
            for name in gone:
                del files[name]
        else:
            raise HubError(400, f"unknown operation {key!r}: file, lfsFile, deletedFile or deletedFolder")

    @route("GET", "/{web_repo}/resolve/{rev}/{file}")
    def resolve(self, request: Request) -> Reply:
        commit = self.readable(request).resolve(request.args["rev"])
        headers = {"X-Repo-Commit": commit.id}
        blob = commit.files.get(request.args["file"])
        if blob is None:
            # Given the commit, the client remembers that the file does not exist there and does not ask again.
            raise HubError(404, "Entry not found", "EntryNotFound", headers=headers)
        size = len(blob.data)
        headers |= {"ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        if blob.lfs:
            headers |= {"X-Linked-Size": str(size), "X-Linked-Etag": f'"{blob.etag}"'}
        span = byte_range(request.headers.get("Range"), size)
        if span is None:
            return Reply(200, blob.data, headers)
        start, stop = span
        return Reply(206, blob.data[start:stop], headers | {"Content-Range": f"bytes {start}-{stop - 1}/{size}"})


# How a request fails: with a status, or without a reply before or after its work is done.
Failure = int | Literal["drop before", "drop after"]


class LoggedRequest(NamedTuple):
    number: int  # the server's count, the first request is 1
    method: str
    path: str  # as sent: percent-encoded, without the query
    status: int | Literal["dropped"]  # dropped: the client got no reply
    user: str | None  # None: anonymous, or a token that nobody has
    received: int  # bytes of the body


@dataclass
class Fault:
    """Which requests fail, and how."""

    failure: Failure
    retry_after: int | None = None
    times: float = 1
    method: str | None = None
    path: re.Pattern[str] = re.compile("")
    numbers: range | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.failure, int) and self.failure not in get_args(get_args(Failure)[1]):
            raise ValueError(f"failure is {self.failure!r}: a status, 'drop before' or 'drop after'")

    def hits(self, number: int, request: Request) -> bool:
        counted = self.numbers is None or number in self.numbers
        return (
            self.times > 0
            and counted
            and self.method in (None, request.method)
            and bool(self.path.search(request.path))
        )

    def reply(self) -> Reply:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return HubError(int(self.failure), "failure injected by the test", headers=headers).reply


class HubServer:
    """A Hub that runs between `__enter__` and `__exit__`.

    Args:
        port (`int`): 0 takes a free one.
        lfs_threshold (`int`): files of more bytes than this go by LFS, besides those with a suffix of `LFS_SUFFIXES`.
        users (`Sequence[str]`): the accounts; the token of `alice` is `hf_alice`, and she writes under `alice/` only.

    Attributes:
        url (`str`): the endpoint.
        requests (`list[LoggedRequest]`): every request in the order of its work, `requests[k - 1]` is number k.
    """

    def __init__(
        self, *, port: int = 0, lfs_threshold: int = 10_000_000, users: Sequence[str] = ("alice", "bob")
    ) -> None:
        self.requests: list[LoggedRequest] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.hub = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._api = Api(self.url, lfs_threshold, {f"hf_{user}": user for user in users})

    def __enter__(self) -> HubServer:
        # The default poll interval would make each exit wait up to half a second.
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(self, home: Path, *, user: str | None = "alice") -> dict[str, str]:
        """What to lay over `os.environ` for a client: this endpoint, the token of `user`, and all caches in `home`.

        `user=None` is an anonymous client. Give each client a fresh `home`: a shared one answers from its cache.
        """
        if user not in (None, *self._api.tokens.values()):
            raise ValueError(f"user is {user!r}: choose {', '.join(self._api.tokens.values())} or None (anonymous)")
        # The caches default to folders of HF_HOME, but one inherited from the shell would win over that.
        caches = {"HF_HUB_CACHE": "hub", "HF_DATASETS_CACHE": "datasets", "HF_MODULES_CACHE": "modules"}
        environment = {name: str(home / folder) for name, folder in {**caches, "HF_TOKEN_PATH": "token"}.items()}
        environment |= {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_TOKEN": f"hf_{user}" if user else ""}
        environment |= {"HUGGING_FACE_HUB_TOKEN": "", "HF_OIDC_RESOURCE": ""}
        environment |= {"HF_HUB_OFFLINE": "0", "HF_DATASETS_OFFLINE": "0"}
        environment |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        # Xet must be off: with hf_xet installed an upload does not fall back to LFS.
        return environment | {f"HF_HUB_DISABLE_{name}": "1" for name in ("XET", "TELEMETRY", "UPDATE_CHECK")}

    def repo(self, repo_id: str, *, repo_type: str = "model") -> Repo:
        """A repository with its branches, tags and visibility. `KeyError` if nobody has created it."""
        if (repo_type, repo_id) not in self._api.repos:
            raise KeyError(f"no {repo_type} {repo_id}; there are {sorted(self._api.repos)}")
        return self._api.repos[repo_type, repo_id]

    def files(self, repo_id: str, *, repo_type: str = "model", revision: str = "main") -> dict[str, bytes]:
        commit = self.repo(repo_id, repo_type=repo_type).resolve(revision)
        return {path: blob.data for path, blob in commit.files.items()}

    def commits(self, repo_id: str, *, repo_type: str = "model", revision: str = "main") -> list[Commit]:
        """The commits of a revision, newest first; the last one holds only .gitattributes."""
        return list(self.repo(repo_id, repo_type=repo_type).resolve(revision).history())

    def fail_next(
        self, method: str, path_regex: str, failure: Failure, *, times: int = 1, retry_after: int | None = None
    ) -> None:
        """Fails the next `times` requests with `method` and a match of `path_regex` in their path.

        The path is as sent: percent-encoded and without the query. `failure` is a status, "drop before" or "drop
        after": the connection closes without a reply, and the work is not done or is done. A request that fails in
        another way than "drop after" changes nothing. `retry_after` (seconds) becomes the header of that name.
        """
        self._add(Fault(failure, retry_after, times, method, re.compile(path_regex)))

    def fail_at(self, number: int, failure: Failure, *, retry_after: int | None = None) -> None:
        """Fails request `number` of this server's count, whatever it asks. The next one is `len(hub.requests) + 1`."""
        self._add(Fault(failure, retry_after, numbers=range(number, number + 1)))

    def fail_from(self, number: int, failure: Failure, *, retry_after: int | None = None) -> None:
        """An outage: fails every request from `number` of this server's count on, until `lift_faults`."""
        self._add(Fault(failure, retry_after, math.inf, numbers=range(number, sys.maxsize)))

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def lift_faults(self) -> None:
        """Ends an outage, and forgets faults that have not happened."""
        with self._lock:
            self._faults.clear()

    def requests_from(self, mark: int) -> list[LoggedRequest]:
        """The requests since `mark = len(hub.requests)` was noted."""
        with self._lock:
            return self.requests[mark:]

    def answer(self, request: Request) -> Reply | None:
        """The reply, None if the connection is to be closed without one."""
        with self._lock:
            number = len(self.requests) + 1
            fault = next((fault for fault in self._faults if fault.hits(number, request)), None)
            reply: Reply | None = None
            if fault is not None:
                fault.times -= 1
            if not request.whole or (fault and fault.failure == "drop before"):
                self._api.identify(request)
            elif fault and isinstance(fault.failure, int):
                self._api.identify(request)
                reply = fault.reply()
            else:
                reply = self._work(request)
                reply = None if fault else reply
            status = reply.status if reply else "dropped"
            logged = (number, request.method, request.path, status, request.user, len(request.body))
            self.requests.append(LoggedRequest(*logged))
            return reply

    def _work(self, request: Request) -> Reply:
        try:
            return self._api.answer(request)
        except HubError as error:
            return error.reply
        except Exception as error:  # a mistake in this file or a malformed request: show where, and answer
            traceback.print_exc()
            return HubError(500, f"tests/hub_server.py failed: {error!r}").reply


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that stops in the middle of a stream drops the connection: not worth a traceback.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body go out as two writes: else each reply may wait 40 ms
    server: _Server

    def handle_any(self) -> None:
        # The body is read even when nobody needs it: what is left would be taken for the next request.
        size = int(self.headers.get("Content-Length", 0))
        try:
            body = self.rfile.read(size)
        except ConnectionError:
            body = b""
        url = urlsplit(self.path)
        whole = len(body) == size  # else the client was killed while it sent
        request = Request(self.command, url.path, dict(parse_qsl(url.query)), self.headers, body, whole)
        reply = self.server.hub.answer(request)
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the output of the tests clean: `HubServer.requests` is the log."""


def main() -> None:
    parser = argparse.ArgumentParser(description="A Hugging Face Hub on loopback, in memory.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    with HubServer(port=parser.parse_args().port) as hub:
        print(f"export HF_ENDPOINT={hub.url} HF_TOKEN=hf_alice HF_HUB_DISABLE_XET=1", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
