"""What the server stores, and who may see and change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tests.hub_server.repository import Blob, Repo
from tests.hub_server.wire import HubError, Reply, Request, json_reply


class Store:
    """The state behind all endpoints.

    Args:
        url (`str`): where clients reach the server.
        tokens (`Mapping[str, tuple[str | None, str]]`): the user and the role of each token.
        lfs_threshold (`int`): files of more bytes than this go by LFS, besides those with a suffix of `LFS_SUFFIXES`.
        part_size (`int | None`): LFS files of more bytes are uploaded in parts of this size. None: in one.
        page_size (`int`): the longest listing that fits one reply.
        xet (`bool`): whether there is a Xet store.
    """

    def __init__(
        self,
        url: str,
        tokens: Mapping[str, tuple[str | None, str]],
        *,
        lfs_threshold: int,
        part_size: int | None,
        page_size: int,
        xet: bool,
    ) -> None:
        self.url, self.tokens = url, dict(tokens)
        self.lfs_threshold, self.part_size, self.page_size, self.xet = lfs_threshold, part_size, page_size, xet
        self.repos: dict[tuple[str, str], Repo] = {}  # by type and id
        self.lfs: dict[str, Blob] = {}  # by sha256, for all repositories

    def identify(self, request: Request) -> bool:
        """Notes whose token the request carries. False if it carries one that nobody has."""
        authorization = request.headers.get("Authorization")
        token = (authorization or "").removeprefix("Bearer ")
        request.user, request.role = self.tokens.get(token, (None, None))
        return authorization is None or token in self.tokens

    def signed_in(self, request: Request) -> str:
        if request.user is None:
            # Over https a 401 on a repository's URL is RepositoryNotFoundError without a code; over http it needs one.
            raise HubError(401, "Invalid username or password.", "RepoNotFound" if "id" in request.args else "")
        return request.user

    def signed_in_to_write(self, request: Request) -> str:
        user = self.signed_in(request)
        if request.role != "write":
            raise HubError(403, "Forbidden: you must use a write token to upload to a repository.")
        return user

    def readable(self, request: Request, **named: str) -> Repo:
        """The repository in the path. One that the user may not see answers like one that does not exist."""
        named = named or request.args
        repo = self.repos.get((named.get("kind", "models").removesuffix("s"), named["id"]))
        if repo is None or (repo.private and repo.owner != request.user):
            self.signed_in(request)
            raise HubError(404, "Repository not found", "RepoNotFound")
        return repo

    def open_files(self, request: Request) -> Repo:
        """The repository in the path, for one who wants its files: a gated one opens them to some only."""
        repo = self.readable(request)
        if repo.gated and request.user not in (repo.owner, *repo.granted):
            reason = f"Access to {repo.type} {repo.id} is restricted and you are not in the authorized list."
            raise HubError(403 if request.user else 401, f"{reason} Visit {self.url}/{repo.id} to ask.", "GatedRepo")
        return repo

    def writable(self, request: Request, **named: str) -> Repo:
        repo = self.readable(request, **named)
        if self.signed_in_to_write(request) != repo.owner:
            raise HubError(403, f"{request.user} may not write to {repo.id}")
        return repo

    def committable(self, request: Request) -> Repo:
        """The repository in the path, for an upload: who may only read it can open a pull request, and add to it."""
        repo = self.readable(request)
        author = repo.pull_authors.get(request.args["rev"])
        if request.flag("create_pr") or (author and author == request.user):
            self.signed_in_to_write(request)
            return repo
        return self.writable(request)

    def page(self, request: Request, items: Sequence[Any]) -> Reply:
        """The part of a long listing that `cursor` points at, and a link to the next one."""
        start = int(request.query.get("cursor", 0))
        stop = start + min(self.page_size, int(request.query.get("limit", self.page_size)))
        headers = {}
        if stop < len(items):
            headers["Link"] = f'<{self.url}{request.path}?{urlencode(request.query | {"cursor": stop})}>; rel="next"'
        return json_reply(items[start:stop], headers=headers)
