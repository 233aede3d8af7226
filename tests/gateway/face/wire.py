"""Requests written byte by byte, for what no client library would send."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

from tests.gateway.face.serving import TOKEN


@contextlib.contextmanager
def wire(port: int, *, buffer: int = 0) -> Iterator[socket.socket]:
    """Connect; a small buffer makes a client that soon reads no more."""
    sock = socket.socket()
    try:
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.settimeout(60)
        sock.connect(("127.0.0.1", port))
        yield sock
    finally:
        sock.close()


def request(
    method: str, path: str, body: bytes = b"", *more: str, length: int | None = None
) -> bytes:
    """Return a request's bytes."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {TOKEN}", *more]
    if body or length is not None:
        head.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*head, "", ""]).encode() + body


def post(path: str, value: Any, *more: str) -> bytes:
    """Return a request with a body of JSON."""
    return request("POST", path, json.dumps(value).encode(), *more)


def until(sock: socket.socket, mark: bytes) -> bytes:
    """Read until something has come."""
    got = b""
    while mark not in got:
        piece = sock.recv(65536)
        assert piece, got
        got += piece
    return got


def rest(sock: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := sock.recv(65536):
            got += piece
    return got


def status(answer: bytes) -> int:
    """Return an answer's status."""
    return int(answer.split(b" ", 2)[1])


def code(answer: bytes) -> str:
    """Return the code of the first answer, which is an error in OpenAI's form."""
    body = answer.partition(b"\r\n\r\n")[2].decode()
    return str(json.JSONDecoder().raw_decode(body)[0]["error"]["code"])
