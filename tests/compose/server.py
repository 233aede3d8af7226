"""A real HTTP server on the loopback that speaks chat completions, and misbehaves when told to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What the server answers a request with."""

    body: bytes | str | dict[str, Any] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    behaviour: str = ""
    """"endless": more and more bytes; "drip": a byte now and then; "break": the connection
    ends within the body; "silent": nothing until the test is over."""


@dataclass
class Request:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.body["messages"]
        return found

    @property
    def last(self) -> str:
        """What the user said last."""
        return self.messages[-1]["content"]


Answer = Callable[[Request], "Reply | str"]


class ChatServer:
    """Answers by a function; keeps every request."""

    def __init__(self, answer: Answer) -> None:
        self.requests: list[Request] = []
        self.over = threading.Event()
        self._answer = answer
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = json.loads(self.rfile.read(length) or b"{}")
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, body)
                server.requests.append(request)
                reply = server._answer(request)
                self.send(Reply(completion(reply)) if isinstance(reply, str) else reply)

            def send(self, reply: Reply) -> None:
                body = reply.body
                if isinstance(body, dict):
                    body = json.dumps(body)
                data = body.encode() if isinstance(body, str) else body
                if reply.behaviour == "silent":
                    server.over.wait(60)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.behaviour in ("endless", "drip", "break"):
                    self.send_header("Content-Length", str(10**12))
                    self.end_headers()
                    self.misbehave(reply.behaviour)
                    return
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def misbehave(self, how: str) -> None:
                self.close_connection = True
                try:
                    if how == "break":
                        self.wfile.write(b'{"choices": [')
                        self.wfile.flush()
                        self.connection.shutdown(socket.SHUT_RDWR)
                    while how == "endless" and not server.over.is_set():
                        self.wfile.write(b" " * 100_000)
                    while how == "drip" and not server.over.wait(0.02):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                except OSError:
                    pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """The endpoint's address."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def close(self) -> None:
        self.over.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@contextmanager
def serving(answer: Answer) -> Iterator[ChatServer]:
    """Serve as long as the block lasts."""
    server = ChatServer(answer)
    try:
        yield server
    finally:
        server.close()


def completion(text: Any) -> dict[str, Any]:
    """Return a chat completion with a text."""
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def failure(status: int, message: str, **more: Any) -> Reply:
    """Return an error in OpenAI's form."""
    return Reply({"error": {"message": message, **more}}, status)


def in_turn(*replies: Reply | str) -> Answer:
    """Return what gives the replies one after the other, and the last of them from then on."""
    left = list(replies)
    lock = threading.Lock()

    def answer(_: Request) -> Reply | str:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return answer
