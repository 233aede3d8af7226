"""A small hub on this machine: real HTTP, the routes that the hub's library asks for."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

_API = re.compile(
    r"/api/datasets/(?P<id>[\w.-]+/[\w.-]+)(?:/(?P<what>[\w-]+)/(?P<revision>[^/?]+))?"
)
_FILE = re.compile(r"/datasets/(?P<id>[\w.-]+/[\w.-]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")


@dataclass
class Hub:
    """What the hub has, and what it was asked for.

    ``files`` are by data set and revision; ``gated`` data sets are refused to everybody.
    """

    files: dict[str, dict[str, dict[str, bytes]]]
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    gated: frozenset[str] = frozenset()
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""


def sha_of(revision: str) -> str:
    return hashlib.sha1(revision.encode()).hexdigest()


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(_Handler):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        hub = self.served
        hub.requests.append((self.command, path, self.headers.get("Authorization", "")))
        api, file = _API.match(path), _FILE.match(path)
        match = api or file
        if match is None or match["id"] not in hub.files:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif match["id"] in hub.gated:
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        else:
            revision = self._revision(match["id"], match["revision"])
            if revision is None:
                self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            elif file:
                self._file(hub.files[match["id"]][revision].get(unquote(file["path"])))
            elif api:
                self._api(api, revision, body)

    def _revision(self, identifier: str, written: str | None) -> str | None:
        wanted = unquote(written or "main")
        known = self.served.files[identifier]
        return next((name for name in known if wanted in (name, sha_of(name))), None)

    def _api(self, match: re.Match[str], revision: str, body: bytes) -> None:
        identifier = match["id"]
        files = self.served.files[identifier][revision]
        if match["what"] == "tree":
            self._json([_entry(path, data) for path, data in files.items()])
        elif match["what"] == "paths-info":
            wanted = json.loads(body)["paths"]
            self._json([_entry(path, files[path]) for path in wanted if path in files])
        else:
            self._json(
                {
                    "id": identifier,
                    "sha": sha_of(revision),
                    "private": False,
                    "tags": [],
                    "siblings": [{"rfilename": path} for path in files],
                    "cardData": self.served.cards.get(identifier, {}),
                }
            )

    def _file(self, data: bytes | None) -> None:
        if data is None:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        asked = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._send(200, data, {"ETag": '"x"'})
            return
        start, end = int(asked[1]), int(asked[2] or len(data) - 1)
        part = data[start : end + 1]
        span = f"bytes {start}-{start + len(part) - 1}/{len(data)}"
        self._send(206, part, {"Content-Range": span, "ETag": '"x"'})

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _entry(path: str, data: bytes) -> dict[str, Any]:
    oid = hashlib.sha1(data).hexdigest()
    return {"type": "file", "path": path, "size": len(data), "oid": oid}
