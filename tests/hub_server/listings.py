"""Accounts and repositories: made, listed, read, named, and taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from tests.hub_server.repository import GIT_ATTRIBUTES, Blob, Commit, Repo, iso, read_card
from tests.hub_server.store import Store
from tests.hub_server.wire import HubError, Reply, Request, file_reply, json_reply, route


class Listings(Store):
    @route("GET", "/api/whoami-v2")
    def whoami(self, request: Request) -> Any:
        user = self.signed_in(request)
        auth = {"type": "access_token", "accessToken": {"displayName": "test", "role": request.role}}
        return {"type": "user", "name": user, "fullname": user, "orgs": [], "auth": auth}

    @route("POST", "/api/validate-yaml")
    def validate_yaml(self, request: Request) -> Any:
        try:
            read_card(request.json["content"])
        except ValueError as error:
            return json_reply({"errors": [{"message": str(error)}], "warnings": []}, 400)
        return {"errors": [], "warnings": []}

    @route("POST", "/api/repos/create")
    def create_repo(self, request: Request) -> Any:
        user, fields = self.signed_in_to_write(request), request.json
        namespace, repo_type = fields.get("organization") or user, fields.get("type") or "model"
        if repo_type not in ("model", "dataset"):
            raise HubError(400, f"type is {repo_type!r}: this server has only model and dataset repositories")
        if namespace != user:
            raise HubError(403, f"{user} may not create a repository under {namespace}")
        repo = Repo(repo_type, f"{namespace}/{fields['name']}", fields.get("visibility") == "private")
        url = f"{self.url}/{repo.url_path}"
        if (repo.type, repo.id) in self.repos:
            raise HubError(409, f"You already created this {repo_type} repo: {repo.id}", url=url)
        files = {".gitattributes": Blob(GIT_ATTRIBUTES)}
        repo.branches["main"] = repo.commit(None, files, "initial commit", "", user)
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
        repo.gated = request.json.get("gated", repo.gated)
        return {"private": repo.private, "gated": repo.gated}

    @route("POST", "/api/{repo}/user-access-request/grant")
    def grant_access(self, request: Request) -> Any:
        self.writable(request).granted.add(request.json["user"])
        return {}

    @route("GET", "/api/{kind}")
    def list_repos(self, request: Request) -> Any:
        author, search = request.query.get("author"), request.query.get("search", "").lower()
        found = [
            repo.info(repo.branches["main"])
            for repo in self.repos.values()
            if f"{repo.type}s" == request.args["kind"] and author in (None, repo.owner) and search in repo.id.lower()
            if not repo.private or repo.owner == request.user
        ]
        return self.page(request, found)

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
        return self.page(request, [commit.entry(path, expand=request.flag("expand")) for path in paths])

    @route("POST", "/api/{repo}/paths-info/{rev}")
    def paths_info(self, request: Request) -> Any:
        commit, form = self.readable(request).resolve(request.args["rev"]), parse_qs(request.body.decode())
        expand = form.get("expand", [""])[0].lower() == "true"
        return [commit.entry(path, expand=expand) for path in form.get("paths", []) if commit.oid(path) is not None]

    @route("GET", "/api/{repo}/commits/{rev}")
    def commits(self, request: Request) -> Any:
        history = self.readable(request).resolve(request.args["rev"]).history()
        listing = [
            {"id": c.id, "title": c.title, "message": c.message, "date": iso(c.date), "authors": [{"user": c.author}]}
            for c in history
        ]
        return self.page(request, listing)

    @route("GET", "/api/{repo}/refs")
    def refs(self, request: Request) -> Any:
        def listing(folder: str, commits: Mapping[str, Commit]) -> list[dict[str, str]]:
            return [{"name": n, "ref": f"{folder}{n}", "targetCommit": c.id} for n, c in commits.items()]

        repo = self.readable(request)
        refs = {"branches": listing("refs/heads/", repo.branches), "tags": listing("refs/tags/", repo.tags)}
        pulls = {"pullRequests": listing("", repo.pulls)} if request.flag("include_prs") else {}
        return {**refs, **pulls, "converts": []}

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

    @route("GET", "/{web_repo}/resolve/{rev}/{file}")
    def resolve(self, request: Request) -> Reply:
        repo = self.open_files(request)
        commit = repo.resolve(request.args["rev"])
        headers = {"X-Repo-Commit": commit.id}
        blob = commit.files.get(request.args["file"])
        if blob is None:
            # Given the commit, the client remembers that the file does not exist there and does not ask again.
            raise HubError(404, "Entry not found", "EntryNotFound", headers=headers)
        headers["ETag"] = f'"{blob.etag}"'
        if blob.lfs:
            headers |= {"X-Linked-Size": str(len(blob.data)), "X-Linked-Etag": f'"{blob.etag}"'}
        if blob.xet_hash:
            token_url = f"{self.url}/api/{repo.type}s/{repo.id}/xet-read-token/{commit.id}"
            headers |= {"X-Xet-Hash": blob.xet_hash, "Link": f'<{token_url}>; rel="xet-auth"'}
        return file_reply(blob.data, headers, request.headers.get("Range"))
