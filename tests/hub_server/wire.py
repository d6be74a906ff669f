"""Requests, replies and routes, without the sockets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any


@dataclass
class Request:
    method: str
    path: str  # as sent: percent-encoded, without the query
    query: dict[str, str]
    headers: Message
    body: bytes
    whole: bool = True  # False: the connection broke before all of the body had come
    user: str | None = None
    role: str | None = None  # of the token: read or write, or that of a Xet token
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


def file_reply(data: bytes, headers: Mapping[str, str], asked: str | None) -> Reply:
    """All of `data`, or what the Range header `asked` for."""
    span = byte_range(asked, len(data))
    headers = {**headers, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    if span is None:
        return Reply(200, data, headers)
    start, stop = span
    return Reply(206, data[start:stop], headers | {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})


# An endpoint returns a Reply, or a value that becomes a 200 with JSON.
Endpoint = Callable[[Any, Request], Any]
ROUTES: list[tuple[str, re.Pattern[str], Endpoint]] = []
# A revision is one percent-encoded segment ("step%2F100"); only the file of a resolve URL keeps its slashes.
PATTERNS = {name: f"(?P<{name}>[^/]+)" for name in ("rev", "name", "path", "oid", "number", "hash", "mode")}
PATTERNS |= {"kind": "(?P<kind>models|datasets)", "ref": "(?P<ref>tag|branch)", "file": "(?P<file>.+)"}
PATTERNS["repo"] = PATTERNS["kind"] + "/(?P<id>[^/]+/[^/]+)"
PATTERNS["web_repo"] = "(?:(?P<kind>datasets)/)?(?P<id>[^/]+/[^/]+)"


def route(method: str, template: str) -> Callable[[Endpoint], Endpoint]:
    """Makes a method the answer to `method` and the paths of `template`. A HEAD goes to the GET route."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", lambda match: PATTERNS[match[1]], template))

    def register(endpoint: Endpoint) -> Endpoint:
        ROUTES.append((method, pattern, endpoint))
        return endpoint

    return register
