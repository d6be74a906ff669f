"""Commits, and the two ways by which large files come before them: LFS here, Xet beside it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tests.hub_server.repository import LFS_SUFFIXES, Blob, read_card
from tests.hub_server.store import Store
from tests.hub_server.wire import HubError, Request, json_reply, route


class Uploads(Store):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.parts: dict[tuple[str, int], bytes] = {}  # of uploads that are not complete, by sha256 and number

    @route("POST", "/api/{repo}/preupload/{rev}")
    def preupload(self, request: Request) -> Any:
        """Says which files go by LFS, and the hash of what is there: the client drops files that have not changed."""
        commit = self.committable(request).resolve(request.args["rev"])
        files: list[dict[str, Any]] = []
        for path, size in ((file["path"], file["size"]) for file in request.json["files"]):
            lfs = size > self.lfs_threshold or path.lower().endswith(LFS_SUFFIXES)
            known = {"oid": commit.files[path].etag} if path in commit.files else {}
            files.append({"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False, **known})
        return {"files": files}

    @route("POST", r"/{web_repo}\.git/info/lfs/objects/batch")
    def lfs_batch(self, request: Request) -> Any:
        self.signed_in_to_write(request)
        self.readable(request)  # the owner is asked for by the commit: the client does not say if it is a pull request
        objects: list[dict[str, Any]] = []
        for item in request.json["objects"]:
            # Without actions the client takes the object as stored and skips the upload.
            stored = item["oid"] in self.lfs
            objects.append(item if stored else {**item, "actions": {"upload": self.upload_action(**item)}})
        parted = any("chunk_size" in item.get("actions", {}).get("upload", {}).get("header", {}) for item in objects)
        return {"transfer": "multipart" if parted else "basic", "objects": objects}

    def upload_action(self, oid: str, size: int) -> dict[str, Any]:
        url = f"{self.url}/_lfs/{oid}"
        if self.part_size is None or size <= self.part_size:
            return {"href": url, "header": {}}
        parts = range(1, -(-size // self.part_size) + 1)
        urls = {f"{number:05}": f"{url}/parts/{number}" for number in parts}
        return {"href": f"{url}/complete", "header": {"chunk_size": str(self.part_size), **urls}}

    @route("PUT", "/_lfs/{oid}")
    def lfs_upload(self, request: Request) -> Any:
        """Stores an LFS object. The client sends no token here: on the Hub this is a signed URL of the storage."""
        return self.store_lfs(request.args["oid"], request.body)

    @route("PUT", "/_lfs/{oid}/parts/{number}")
    def lfs_part(self, request: Request) -> Any:
        self.parts[request.args["oid"], int(request.args["number"])] = request.body
        return json_reply({}, headers={"ETag": f'"{hashlib.md5(request.body).hexdigest()}"'})

    @route("POST", "/_lfs/{oid}/complete")
    def lfs_complete(self, request: Request) -> Any:
        """Joins the parts. A client that got no reply asks again, when there are none any more."""
        oid = request.args["oid"]
        if oid in self.lfs:
            return {}
        found = [self.parts.get((oid, part["partNumber"])) for part in request.json["parts"]]
        for data, part in zip(found, request.json["parts"], strict=True):
            if data is None or hashlib.md5(data).hexdigest() != part["etag"].strip('"'):
                raise HubError(400, f"part {part['partNumber']} of {oid} is missing or another one")
        reply = self.store_lfs(oid, b"".join(filter(None, found)))
        self.parts = {key: data for key, data in self.parts.items() if key[0] != oid}
        return reply

    def store_lfs(self, oid: str, data: bytes) -> Any:
        blob = Blob(data, lfs=True)
        if blob.sha256 != oid:
            raise HubError(400, f"the body has sha256 {blob.sha256}, the URL says {oid}")
        self.lfs[oid] = blob
        return {}

    @route("POST", "/api/{repo}/commit/{rev}")
    def commit(self, request: Request) -> Any:
        """Makes a commit on a branch or a pull request, or opens a pull request with it."""
        repo, revision, opens = self.committable(request), request.args["rev"], request.flag("create_pr")
        head = repo.resolve(revision)
        header, *operations = map(json.loads, request.body.splitlines())
        fields = header["value"]
        parent = fields.get("parentCommit") or ""  # its first characters are enough
        if opens:
            head = next((commit for commit in head.history() if commit.id.startswith(parent)), head)
        if not head.id.startswith(parent):
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        if opens:
            refs, revision = repo.pulls, f"refs/pr/{len(repo.pulls) + 1}"
        else:
            refs = repo.pulls if revision in repo.pulls else repo.branches
            if revision not in refs:
                raise HubError(400, f"Commits go to a branch or a pull request: {revision} is neither")
        files = dict(head.files)
        for operation in operations:
            self.apply(files, operation["key"], operation["value"])
        title, message, user = fields["summary"], fields.get("description") or "", self.signed_in(request)
        made = refs[revision] = repo.commit(head, files, title, message, user)
        if opens:
            repo.pull_authors[revision] = user
        url = f"{self.url}/{repo.url_path}"
        pull = {"pullRequestUrl": f"{url}/discussions/{revision.removeprefix('refs/pr/')}"} if opens else {}
        done = {"success": True, "commitOid": made.id, "commitUrl": f"{url}/commit/{made.id}", "hookOutput": ""}
        return {**done, **pull}

    def apply(self, files: dict[str, Blob], key: str, value: Mapping[str, Any]) -> None:
        """Changes `files` in place by one line of a commit."""
        path = value["path"].rstrip("/")
        if key == "file":
            files[path] = Blob(base64.b64decode(value["content"]))
            if path == "README.md":
                check_card(files[path].data)
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


def check_card(data: bytes) -> None:
    try:
        read_card(data.decode())
    except ValueError as error:
        raise HubError(400, f"Invalid metadata in README.md: {error}") from error
