"""The server: sockets, faults, the log, and what a test sees of the state."""

from __future__ import annotations

import math
import re
import sys
import threading
import traceback
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.hub_server.faults import Failure, Fault, LoggedRequest
from tests.hub_server.listings import Listings
from tests.hub_server.repository import Commit, Repo
from tests.hub_server.uploads import Uploads
from tests.hub_server.wire import ROUTES, HubError, Reply, Request, json_reply
from tests.hub_server.xet import Xet


class Api(Listings, Uploads, Xet):
    """The Hub without the sockets: what it answers to each call."""

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
        raise HubError(501, f"tests/hub_server has no route for {request.method} {request.path}")


class HubServer:
    """A Hub that runs between `__enter__` and `__exit__`.

    Args:
        port (`int`): 0 takes a free one.
        lfs_threshold (`int`): files of more bytes than this go by LFS, besides those with a suffix of `LFS_SUFFIXES`.
        users (`Sequence[str]`): the accounts. `hf_alice` is the token of `alice`, who writes under `alice/` only, and
            `hf_alice_read` one of hers that may not write.
        xet (`bool`): large files go by Xet, as on the Hub. False: by LFS.
        part_size (`int`, *optional*): LFS files of more bytes are uploaded in parts of this size.
        page_size (`int`): the longest listing that fits one reply.

    Attributes:
        url (`str`): the endpoint.
        requests (`list[LoggedRequest]`): every request in the order of its work, `requests[k - 1]` is number k.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        lfs_threshold: int = 10_000_000,
        users: Sequence[str] = ("alice", "bob"),
        xet: bool = False,
        part_size: int | None = None,
        page_size: int = 1000,
    ) -> None:
        self.requests: list[LoggedRequest] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.hub = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.users = tuple(users)
        tokens = {f"hf_{user}": (user, "write") for user in users} | {
            f"hf_{user}_read": (user, "read") for user in users
        }
        sizes = {"lfs_threshold": lfs_threshold, "part_size": part_size, "page_size": page_size}
        self._api = Api(self.url, tokens, **sizes, xet=xet)

    def __enter__(self) -> HubServer:
        # The default poll interval would make each exit wait up to half a second.
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def environment(
        self, home: Path, *, user: str | None = "alice", role: str = "write", xet: bool | None = None
    ) -> dict[str, str]:
        """What to lay over `os.environ` for a client: this endpoint, a token of `user`, and all caches in `home`.

        `user=None` is an anonymous client, `role="read"` one that may not write. Give each client a fresh `home`: a
        shared one answers from its cache. `xet` None: as the server.
        """
        if user not in (None, *self.users):
            raise ValueError(f"user is {user!r}: choose {', '.join(self.users)} or None (anonymous)")
        if role not in ("read", "write"):
            raise ValueError(f"role is {role!r}: choose read or write")
        if xet and not self._api.xet:
            raise ValueError("this server has no Xet store: make it with HubServer(xet=True)")
        xet = self._api.xet if xet is None else xet
        token = f"hf_{user}{'' if role == 'write' else '_read'}" if user else ""
        # The caches default to folders of HF_HOME, but one inherited from the shell would win over that.
        caches = {"HF_HUB_CACHE": "hub", "HF_DATASETS_CACHE": "datasets", "HF_MODULES_CACHE": "modules"}
        caches |= {"HF_XET_CACHE": "xet"}
        environment = {name: str(home / folder) for name, folder in {**caches, "HF_TOKEN_PATH": "token"}.items()}
        environment |= {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_TOKEN": token}
        environment |= {"HUGGING_FACE_HUB_TOKEN": "", "HF_OIDC_RESOURCE": ""}
        environment |= {"HF_HUB_OFFLINE": "0", "HF_DATASETS_OFFLINE": "0"}
        environment |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        # With hf_xet installed an upload does not fall back to LFS: where there is no Xet store, it must be off.
        environment |= {"HF_HUB_DISABLE_XET": str(int(not xet)), "HF_XET_TELEMETRY_ENABLED": "0"}
        # What fails is tried 6 times: with the delays of the Internet that took 140 to 240 seconds.
        environment |= {"HF_XET_CLIENT_RETRY_BASE_DELAY": "20ms"}
        return environment | {f"HF_HUB_DISABLE_{name}": "1" for name in ("TELEMETRY", "UPDATE_CHECK")}

    def repo(self, repo_id: str, *, repo_type: str = "model") -> Repo:
        """A repository with its branches, tags and visibility. `KeyError` if nobody has created it."""
        if (repo_type, repo_id) not in self._api.repos:
            raise KeyError(f"no {repo_type} {repo_id}; there are {sorted(self._api.repos)}")
        return self._api.repos[repo_type, repo_id]

    def repositories(self) -> dict[tuple[str, str], Repo]:
        """All repositories by type and id."""
        return dict(self._api.repos)

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
            status: int | Literal["dropped"] = reply.status if reply else "dropped"
            size = len(request.body)
            self.requests.append(LoggedRequest(number, request.method, request.path, status, request.user, size))
            return reply

    def _work(self, request: Request) -> Reply:
        try:
            return self._api.answer(request)
        except HubError as error:
            return error.reply
        except Exception as error:  # a mistake in this file or a malformed request: show where, and answer
            traceback.print_exc()
            return HubError(500, f"tests/hub_server failed: {error!r}").reply


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
