"""A server on the loopback that does what Ollama's API documents, and misbehaves when told to.

Files are stored and their digests checked; models are made of stored GGUFs. A prompt is what Go
makes of the model's template, and its tokens are those of llama.cpp with the stored file's own
vocabulary. Answers are given by the test.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from engine.models import Turn
from tests.support.go_templates import GoTemplates

Send = Callable[["Handler"], None]


@dataclass
class Fake:
    """What the server has, and how it misbehaves.

    ``wrong`` holds by "METHOD /path" what it does instead of an answer; ``asked`` every request
    as "METHOD /path" with the fields of its body.
    """

    folder: Path
    go: GoTemplates
    answer: str = "Good."
    done_reason: str = "stop"
    counts: bool = True
    add_tokens: int = 0
    wrong: dict[str, Send] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    def blob(self, digest: str) -> Path:
        return self.folder / digest.replace(":", "-")

    def paths(self) -> list[str]:
        """Return what was asked for, in order."""
        return [what for what, _ in self.asked]

    def body(self, what: str) -> dict[str, Any]:
        """Return the fields of the one request of a kind."""
        found = [body for path, body in self.asked if path == what]
        assert len(found) == 1, found
        return found[0]

    def tokens(self, model: Mapping[str, Any], messages: list[dict[str, str]]) -> list[int]:
        """Return the ids of a chat's prompt."""
        turns = [Turn(one["role"], one["content"]) for one in messages]  # type: ignore[arg-type]
        if model["system"] and turns[0].role != "system":
            turns.insert(0, Turn("system", model["system"]))
        text = self.go.fill([(model["template"] or "{{ .Prompt }}", turns)])[0]
        vocabulary = _vocabulary(model["digest"], str(self.blob(model["digest"])))
        return list(vocabulary.tokenize(text.encode(), add_bos=True, special=True))


_LOADED: dict[str, Any] = {}


def _vocabulary(digest: str, path: str) -> Any:
    """Return llama.cpp with a file's vocabulary, which is loaded once."""
    import llama_cpp

    if digest not in _LOADED:
        _LOADED[digest] = llama_cpp.Llama(path, vocab_only=True, verbose=False)
    return _LOADED[digest]


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    fake: Fake

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a client that has heard enough is gone
            super().handle()

    def reply(self, status: int, value: object = None, **headers: str) -> None:
        data = b"" if value is None else json.dumps(value).encode()
        self.raw(status, data, **headers)

    def raw(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def lines(self, *values: object, cut: bool = False) -> None:
        """Answer with objects, a line each; ``cut`` ends the connection in the middle."""
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for value in values:
            data = json.dumps(value).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if cut:
            self.hang_up()
        else:
            with contextlib.suppress(OSError):  # nobody has to wait for the end of the end
                self.wfile.write(b"0\r\n\r\n")

    def drip(self, data: bytes, each: bytes, pause: Callable[[], bool]) -> None:
        """Write bytes, then others again and again until the client has gone, or a pause ends it.

        Args:
            data: What begins the answer.
            each: What follows, again and again.
            pause: Waits a little before each; true where the test is over.
        """
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(data)
            while not pause():
                self.wfile.write(each)

    def hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def handle_one(self) -> None:
        path = re.sub("sha256:[0-9a-f]{64}", "DIGEST", self.path)
        what = f"{self.command} {path}"
        if what in self.fake.wrong and path != "/api/blobs/DIGEST":
            self.fake.asked.append((what, {}))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.fake.wrong[what](self)
        elif path == "/api/blobs/DIGEST":
            self.fake.asked.append((what, {}))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # called off
                self.fake.wrong.get(what, Handler.blobs)(self)
        else:
            data = self.rfile.read(int(self.headers.get("content-length", 0)))
            body = json.loads(data or b"{}")
            self.fake.asked.append((what, body))
            route = ROUTES.get(what)
            if route is None:
                self.raw(404, b"404 page not found")
            else:
                route(self, body)

    do_GET = do_POST = do_HEAD = handle_one  # noqa: N815  (the names are the library's)

    def blobs(self) -> None:
        digest = self.path.rpartition("/")[2]
        if self.command == "HEAD":
            self.reply(200 if self.fake.blob(digest).exists() else 404)
            return
        data = self.rfile.read(int(self.headers["content-length"]))
        got = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if got != digest:
            self.reply(400, {"error": f'digest mismatch, expected "{digest}", got "{got}"'})
            return
        self.fake.blob(digest).write_bytes(data)
        self.reply(201)


def _create(to: Handler, body: dict[str, Any]) -> None:
    known = {"model", "files", "template", "system", "parameters", "stream"}
    if set(body) - known or not isinstance(body.get("files"), dict):
        to.reply(400, {"error": f"unexpected fields: {sorted(set(body) - known)}"})
        return
    (name, digest), *others = body["files"].items()
    path = to.fake.blob(digest)
    if others or "/" in name or not path.exists() or path.read_bytes()[:4] != b"GGUF":
        to.lines({"status": "parsing GGUF"}, {"error": "unsupported content type"})
        return
    to.fake.models[body["model"]] = {
        "digest": digest,
        "template": body.get("template", ""),
        "system": body.get("system", ""),
        "parameters": body.get("parameters", {}),
        "size": path.stat().st_size,
    }
    steps = ("parsing GGUF", f"using existing layer {digest}", "writing manifest", "success")
    to.lines(*({"status": step} for step in steps))


def _tags(to: Handler, _: dict[str, Any]) -> None:
    at = "2026-11-04T17:37:44.706015396-07:00"
    found = [
        {"name": name, "model": name, "modified_at": at, "size": model["size"]}
        for name, model in to.fake.models.items()
    ]
    to.reply(200, {"models": found})


def _generate(to: Handler, body: dict[str, Any]) -> None:
    """Unload a model, which is all that is asked here: no prompt, and ``keep_alive`` 0."""
    assert body["keep_alive"] == 0
    assert "prompt" not in body
    to.fake.loaded.discard(body["model"])
    to.reply(200, {"model": body["model"], "response": "", "done": True, "done_reason": "unload"})


def _chat(to: Handler, body: dict[str, Any]) -> None:
    model = to.fake.models.get(body["model"])
    if model is None:
        to.reply(404, {"error": f"model '{body['model']}' not found"})
        return
    count = len(to.fake.tokens(model, body["messages"])) + to.fake.add_tokens
    # A prompt that is remembered is not read again, nor counted.
    count = 0 if body["model"] in to.fake.loaded else count
    to.fake.loaded.add(body["model"])
    last = {"done": True, "done_reason": to.fake.done_reason, "eval_count": 2}
    last |= {"prompt_eval_count": count} if to.fake.counts else {}
    words = [{"message": {"role": "assistant", "content": to.fake.answer}, "done": False}]
    to.lines(*words, {"message": {"role": "assistant", "content": ""}, **last})


ROUTES: dict[str, Callable[[Handler, dict[str, Any]], None]] = {
    "GET /api/version": lambda to, _: to.reply(200, {"version": "0.21.1"}),
    "GET /api/tags": _tags,
    "POST /api/create": _create,
    "POST /api/generate": _generate,
    "POST /api/chat": _chat,
}


@contextmanager
def serving(folder: Path, go: GoTemplates) -> Iterator[Fake]:
    """Serve as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    fake = Fake(folder, go)
    handler = type("FakeHandler", (Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
