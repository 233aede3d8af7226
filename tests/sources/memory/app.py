"""An app on the loopback that exports its memory over real HTTP, well or badly."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "opensesame-7c1f.0a9e.d3"
TLS = Path(__file__).resolve().parent / "tls"
PACE_S = 0.02


@dataclass(frozen=True)
class Asked:
    """A request as the app got it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "")

    @property
    def wanted(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Wire(BaseHTTPRequestHandler):
    """One connection. What is answered is the business of the test."""

    server: App
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self.rfile.read(length))
        self.server.asked.append(asked)
        try:
            self.server.answer(asked, self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def send(
        self, body: Any = b"", status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with bytes or text as they are, and with anything else as JSON."""
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.begin(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def begin(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer with a status and headers, and leave the body to the test."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def drip(self, piece: bytes) -> None:
        """Write a piece now and then until the app is closed or the other side has gone."""
        while not self.server.closing.wait(PACE_S):
            self.wfile.write(piece)
            self.wfile.flush()
        self.close_connection = True


Answer = Callable[[Asked, Wire], None]


class App(ThreadingHTTPServer):
    """An app that waits for requests on a free port."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Wire)
        self.answer = answer
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self.scheme = "http"

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a connection that the other side gave up go by."""


@contextmanager
def app(answer: Answer, *, secure: bool = False) -> Iterator[App]:
    """Run an app for as long as the context lasts."""
    running = App(answer)
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
        running.socket = context.wrap_socket(running.socket, server_side=True)
        running.scheme = "https"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield running
    finally:
        running.closing.set()
        running.shutdown()
        running.server_close()
        thread.join()


@dataclass
class Brain:
    """An app that keeps to the protocol: it wants its token and sends rows as JSONL."""

    rows: list[Any] = field(default_factory=list)

    def __call__(self, asked: Asked, wire: Wire) -> None:
        if asked.token != f"Bearer {TOKEN}":
            wire.send({"detail": f"not {asked.token}"}, 401)
        elif (asked.method, asked.path) != ("POST", "/api/finetune/export"):
            wire.send({"detail": "Not Found"}, 404)
        else:
            wire.send("".join(json.dumps(row) + "\n" for row in self.rows))


def row(question: str, answer: str) -> dict[str, Any]:
    """Return a training row as the app exports it by default."""
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }
