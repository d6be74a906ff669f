"""What goes wrong on purpose, and the log of what was asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from tests.hub_server.wire import HubError, Reply, Request

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
