"""A Xet store: files as chunks, many chunks in a xorb, and shards that say which chunks make which file.

A client sends what chunks are new in xorbs, then a shard; the commit names only the sha256 of the file. A shard is
taken only when its files, rebuilt from the xorbs, have the sha256 that it states: what is stored is whole. The price
is that each file is kept twice, as chunks and rebuilt for plain GETs. A xorb that is here is not sent again, so an
interrupted upload goes on where it was. Left out: deduplication against chunks that the client has not sent itself.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import pyarrow as pa

from tests.hub_server.repository import Blob
from tests.hub_server.store import Store
from tests.hub_server.wire import HubError, Reply, Request, byte_range, file_reply, json_reply, route

LZ4 = pa.Codec("lz4")  # the frame format


def hash_text(raw: bytes) -> str:
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", raw))


@dataclass(frozen=True)
class Xorb:
    """Chunks, each behind a header of 8 bytes: version 0, packed size, scheme, size. A footer may follow them."""

    data: bytes

    def headers(self) -> Iterator[tuple[int, int, int, int]]:
        """Where each chunk's packed bytes start and stop, the scheme, and the chunk's size."""
        position = 0
        while position < len(self.data) and self.data[position] == 0:  # a footer starts with "XETBLOB"
            packed = int.from_bytes(self.data[position + 1 : position + 4], "little")
            size = int.from_bytes(self.data[position + 5 : position + 8], "little")
            start, stop = position + 8, position + 8 + packed
            if stop > len(self.data):
                raise HubError(400, "the xorb stops in the middle of a chunk")
            yield start, stop, self.data[position + 4], size
            position = stop

    def unpack(self, first: int, last: int) -> bytes:
        return b"".join(self._unpack(*header) for header in list(self.headers())[first:last])

    def _unpack(self, start: int, stop: int, scheme: int, size: int) -> bytes:
        packed = self.data[start:stop]
        if scheme == 0:
            return packed
        data = LZ4.decompress(packed, decompressed_size=size).to_pybytes()
        if scheme == 1:
            return data
        if scheme != 2:
            raise HubError(400, f"a chunk is packed by scheme {scheme}, which this server does not know")
        # Scheme 2: bytes 0, 4, 8 ... of the chunk first, then bytes 1, 5, 9 ... and so on.
        chunk, position = bytearray(size), 0
        for offset in range(4):
            count = len(range(offset, size, 4))
            chunk[offset::4] = data[position : position + count]
            position += count
        return bytes(chunk)

    def bytes_of(self, first: int, last: int) -> tuple[int, int]:
        """The bytes, both ends included, that hold the chunks from `first` to before `last` with their headers."""
        headers = list(self.headers())
        return headers[first][0] - 8, headers[last - 1][1] - 1


@dataclass(frozen=True)
class Segment:
    """A run of chunks in a xorb; a file is a row of them."""

    xorb: str
    size: int
    first: int
    last: int  # not included


@dataclass(frozen=True)
class ShardFile:
    hash: str
    sha256: str
    segments: tuple[Segment, ...]


def shard_files(data: bytes) -> Iterator[ShardFile]:
    """The files that a shard describes."""
    position = 48  # behind the header

    def take() -> bytes:
        nonlocal position
        record = data[position : position + 48]
        if len(record) < 48:
            raise HubError(400, "the shard is cut")
        position += 48
        return record

    while (head := take())[:32] != b"\xff" * 32:
        flags, count = struct.unpack("<II", head[32:40])
        segments = []
        for record in [take() for _ in range(count)]:
            _, size, first, last = struct.unpack("<4I", record[32:])
            segments.append(Segment(hash_text(record[:32]), size, first, last))
        if flags & 1 << 31:  # verification of each segment
            _ = [take() for _ in range(count)]
        if not flags & 1 << 30:
            raise HubError(400, "the shard does not state the sha256 of a file, by which a commit names it")
        yield ShardFile(hash_text(head[:32]), hash_text(take()[:32]), tuple(segments))


class Xet(Store):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.xorbs: dict[str, Xorb] = {}
        self.xet_files: dict[str, ShardFile] = {}  # by their Xet hash
        self.grants: dict[str, bytes | None] = {}  # what came for each permission to upload a xorb

    @route("GET", "/api/{repo}/xet-{mode}-token/{rev}")
    def xet_token(self, request: Request) -> Any:
        """Changes the user's token into one for the store; the files' addresses are hashes that one must know."""
        if not self.xet:
            raise HubError(404, "Xet is not enabled on this server")
        mode = request.args["mode"]
        repo = self.committable(request) if mode == "write" else self.open_files(request)
        if not request.flag("create_pr"):  # else the client names no revision: it writes "None"
            repo.resolve(request.args["rev"])
        token, expires = f"xet_{mode}_{secrets.token_hex(8)}", int(time.time()) + 3600
        self.tokens[token] = request.user, f"xet {mode}"
        headers = {"X-Xet-Cas-Url": self.url, "X-Xet-Token-Expiration": str(expires), "X-Xet-Access-Token": token}
        return json_reply({"casUrl": self.url, "exp": expires, "accessToken": token}, headers=headers)

    def allow(self, request: Request, mode: str) -> None:
        if request.role not in (f"xet {mode}", "xet write"):
            raise HubError(403 if request.role else 401, f"a token to {mode} Xet files is needed")

    @route("GET", "/v1/chunks/default/{hash}")
    @route("POST", "/v2/shards")
    @route("GET", "/v2/reconstructions/{hash}")
    def not_here(self, request: Request) -> Any:
        """No chunks of others, and only the first version of the protocol: the client goes on by itself."""
        raise HubError(404, "Not found")

    @route("POST", "/v1/xorb-grants/default/{hash}")
    def xorb_grant(self, request: Request) -> Any:
        """Where to put a xorb. 200 instead of 201: it is here already."""
        self.allow(request, "write")
        if request.args["hash"] in self.xorbs:
            return {}
        grant = secrets.token_hex(8)
        self.grants[grant] = None
        return json_reply({"id": grant, "method": "PUT", "url": f"{self.url}/_grants/{grant}", "headers": {}}, 201)

    @route("PUT", "/_grants/{name}")
    def granted_upload(self, request: Request) -> Any:
        """On the Hub this is a signed URL of the storage: it asks for no token."""
        if request.args["name"] not in self.grants:
            raise HubError(403, "no such grant")
        self.grants[request.args["name"]] = request.body
        return {}

    @route("POST", "/v1/xorb-commits/default/{hash}/grant/{name}")
    def xorb_commit(self, request: Request) -> Any:
        """Takes what came. A client that got no reply asks again, when the grant is gone."""
        self.allow(request, "write")
        data = self.grants.pop(request.args["name"], None)
        if data is None and request.args["hash"] not in self.xorbs:
            raise HubError(404, "nothing came for this grant")
        return self.store_xorb(request.args["hash"], data)

    @route("POST", "/v1/xorbs/default/{hash}")
    def xorb_upload(self, request: Request) -> Any:
        """The way without grants, for HF_XET_CLIENT_LEGACY_DIRECT_XORB_UPLOAD=1."""
        self.allow(request, "write")
        return self.store_xorb(request.args["hash"], request.body)

    def store_xorb(self, name: str, data: bytes | None) -> Any:
        if name in self.xorbs or data is None:
            return {"was_inserted": False}
        xorb = Xorb(data)
        _ = list(xorb.headers())  # raises if it is cut
        self.xorbs[name] = xorb
        return {"was_inserted": True}

    @route("POST", "/v1/shards")
    def shard_upload(self, request: Request) -> Any:
        self.allow(request, "write")
        new = [file for file in shard_files(request.body) if file.hash not in self.xet_files]
        blobs = [self.rebuild(file) for file in new]
        for file, blob in zip(new, blobs, strict=True):
            self.xet_files[file.hash] = file
            self.lfs[file.sha256] = blob
        return {"result": 1}

    def rebuild(self, file: ShardFile) -> Blob:
        missing = sorted({segment.xorb for segment in file.segments} - set(self.xorbs))
        if missing:
            raise HubError(400, f"the shard names xorbs that nobody has sent: {', '.join(missing)}")
        pieces = (self.xorbs[segment.xorb].unpack(segment.first, segment.last) for segment in file.segments)
        blob = Blob(b"".join(pieces), lfs=True, xet_hash=file.hash)
        if blob.sha256 != file.sha256:
            raise HubError(400, f"the chunks make a file with sha256 {blob.sha256}, the shard says {file.sha256}")
        return blob

    @route("GET", "/v1/reconstructions/{hash}")
    def reconstruction(self, request: Request) -> Any:
        """From which bytes of which xorbs a client makes a file, or the part of it that it asks for."""
        self.allow(request, "read")
        file = self.xet_files.get(request.args["hash"])
        if file is None:
            raise HubError(404, "Not found")
        ends = list(accumulate(segment.size for segment in file.segments))
        start, stop = byte_range(request.headers.get("Range"), ends[-1]) or (0, ends[-1])
        wanted = [
            (end - segment.size, segment)
            for end, segment in zip(ends, file.segments, strict=True)
            if end > start and end - segment.size < stop
        ]
        fetch: dict[str, list[dict[str, Any]]] = {}
        terms = []
        for _, segment in wanted:
            chunks = {"start": segment.first, "end": segment.last}
            terms.append({"hash": segment.xorb, "unpacked_length": segment.size, "range": chunks})
            first, last = self.xorbs[segment.xorb].bytes_of(segment.first, segment.last)
            url = {"url": f"{self.url}/_xorbs/{segment.xorb}", "url_range": {"start": first, "end": last}}
            fetch.setdefault(segment.xorb, []).append({"range": chunks, **url})
        return {"offset_into_first_range": start - wanted[0][0], "terms": terms, "fetch_info": fetch}

    @route("GET", "/_xorbs/{hash}")
    def xorb_download(self, request: Request) -> Reply:
        """On the Hub this is a signed URL of the storage: it asks for no token."""
        if request.args["hash"] not in self.xorbs:
            raise HubError(404, "Not found")
        return file_reply(self.xorbs[request.args["hash"]].data, {}, request.headers.get("Range"))
