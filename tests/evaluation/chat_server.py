"""An OpenAI-compatible server on loopback: it logs what is asked, answers by a function, and fails by number."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

Fault = int | str
"""A status, or "drop", "half", "page", "junk", "list", "null", "filtered", "slow"."""
MESSAGES = {
    400: {"error": {"message": "At most 1 image(s) may be provided in one prompt.", "code": 400}},
    401: {"error": {"message": "Incorrect API key provided: secret-token", "code": "invalid_api_key"}},
    404: {"object": "error", "message": "The model `other` does not exist.", "code": 404},
    422: {"detail": [{"loc": ["body"], "msg": "too long"}]},
}


class ChatServer:
    """A server, as a context."""

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], str | None] = lambda body: "A",
        *,
        models: list[str] | None = None,
        faults: Callable[[int, dict[str, Any]], Fault | None] = lambda number, body: None,
        token: str | None = None,
    ) -> None:
        self.answer, self.faults, self.token = answer, faults, token
        self.models = ["tiny"] if models is None else models
        self.chats: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.busy = self.most_busy = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                listed = {"object": "list", "data": [{"id": name} for name in outer.models]}
                self.reply(200 if outer.models else 404, listed if outer.models else {"detail": "Not Found"})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                    outer.chats.append({**body, "path": self.path})
                    number = len(outer.chats)
                    outer.busy += 1
                    outer.most_busy = max(outer.most_busy, outer.busy)
                try:
                    outer.serve(self, number, body)
                finally:
                    outer.busy -= 1

            def reply(self, status: int, value: Any, *, cut: bool = False, **headers: str) -> None:
                data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
                self.send_response(status)
                kind = "text/html" if isinstance(value, str) else "application/json"
                for name, text in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if cut else data)
                self.close_connection = cut

            def log_message(self, *given: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def serve(self, handler: Any, number: int, body: dict[str, Any]) -> None:
        fault = self.faults(number, body)
        if self.token is not None and handler.headers.get("Authorization") != f"Bearer {self.token}":
            fault = 401
        if fault == "drop":
            handler.close_connection = True
            return
        if fault == "slow":
            time.sleep(3)
        if isinstance(fault, int):
            handler.reply(fault, MESSAGES.get(fault, {"error": "overloaded"}), **{"Retry-After": "0"})
        elif fault == "page":
            handler.reply(200, "<html><body>It works!</body></html>")
        elif fault in ("junk", "list"):
            handler.reply(200, {"choices": []} if fault == "junk" else ["no"])
        else:
            said = None if fault in ("null", "filtered") else self.answer(body)
            reason = "content_filter" if fault == "filtered" else "stop"
            choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": reason}
            made = {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice]}
            handler.reply(200, made, cut=fault == "half")

    def __enter__(self) -> "ChatServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *given: Any) -> None:
        self._server.shutdown()
        self._server.server_close()


def texts(body: dict[str, Any]) -> str:
    """What a request says, all turns and blocks."""
    blocks = [
        block
        for message in body["messages"]
        for block in (
            [{"type": "text", "text": message["content"]}]
            if isinstance(message["content"], str)
            else message["content"]
        )
    ]
    return "\n".join(block["text"] for block in blocks if block["type"] == "text")


def pictures(body: dict[str, Any]) -> list[Image.Image]:
    """The pictures of a request, in order."""
    urls = [
        block["image_url"]["url"]
        for message in body["messages"]
        for block in message["content"]
        if isinstance(block, dict) and block["type"] == "image_url"
    ]
    return [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]


def answering(model: Any, processor: Any) -> Callable[[dict[str, Any]], str]:
    """Answers of a model here, to what a request says and shows."""
    from t2vid_hf.evaluation.generation import answer

    lock = threading.Lock()

    def reply(body: dict[str, Any]) -> str:
        messages = []
        for message in body["messages"]:
            content = message["content"]
            content = [{"type": "text", "text": content}] if isinstance(content, str) else content
            blocks = [
                {"type": "text", "text": block["text"]} if block["type"] == "text" else {"type": "image", "text": None}
                for block in content
            ]
            messages.append({"role": message["role"], "content": blocks})
        shown = pictures(body)
        row = {"id": "r", "source": "s", "media": "image_sequence", "messages": messages, "images": shown,
               "videos": [], "num_frames": len(shown)}  # fmt: skip
        with lock:
            return answer(model, processor, [row], max_new_tokens=body["max_tokens"])[0]

    return reply
