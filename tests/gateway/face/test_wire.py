"""What comes over the wire: slow, large, malformed, pipelined, and clients that go away."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.gateway.face.limits import Limits
from engine.gateway.state import ServerState
from tests.gateway.face.serving import (
    SLOTS,
    TOKEN,
    BareEngine,
    OneModel,
    Running,
    running,
    wait_until,
)
from tests.gateway.face.wire import code, post, request, rest, status, until, wire

ASKED = {"prompt": "x", "max_tokens": 2}
LONG = {"prompt": "x", "max_tokens": 4000, "ignore_eos": True, "stream": True}
MOST_UNREAD = 500
"""Tokens of a stream, of some 250 bytes each, that the system takes for one who does not read."""
SHORT = Limits(
    body=64 * 1024,
    header=4096,
    header_s=0.4,
    body_s=0.4,
    stalled_s=0.4,
    idle_s=1.0,
    connections=6,
    shutdown_s=0.5,
)


@pytest.fixture(scope="module")
def strict(engine: BareEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a server that is soon impatient."""
    folder = tmp_path_factory.mktemp("strict")
    with running(OneModel([engine]), folder, limits=SHORT, queue=2) as started:
        yield started


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /health HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: 1"],
)
def test_headers_that_do_not_come_are_not_waited_for(strict: Running, sent: bytes) -> None:
    with wire(strict.port) as sock:
        sock.sendall(sent)
        answer = rest(sock)
    assert status(answer) == 408
    assert code(answer) == "request_timeout"


def test_nor_are_those_of_a_second_request(strict: Running) -> None:
    with wire(strict.port) as sock:
        sock.sendall(request("GET", "/health"))
        until(sock, b"}")
        sock.sendall(b"GET /health HT")
        assert status(rest(sock)) == 408


def test_a_connection_without_a_request_is_closed(strict: Running) -> None:
    with wire(strict.port) as sock:
        sock.sendall(request("GET", "/health"))
        until(sock, b"}")
        assert rest(sock) == b""


def test_a_body_that_does_not_come_is_not_waited_for(strict: Running) -> None:
    with wire(strict.port) as sock:
        sock.sendall(request("POST", "/v1/completions", b'{"prompt":', length=100))
        answer = rest(sock)
    assert status(answer) == 408
    assert code(answer) == "request_timeout"
    assert strict.models.leased == 0


def test_large_headers_are_refused(strict: Running) -> None:
    for line in ("X-A: " + "a" * 10_000, "\r\n".join(f"X-{i}: {'b' * 50}" for i in range(300))):
        with wire(strict.port) as sock:
            sock.sendall(request("GET", "/health", b"", line))
            assert status(rest(sock)) == 431
    with wire(strict.port) as sock:
        sock.sendall(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n")
        assert status(rest(sock)) in (400, 431)


def test_a_large_body_is_refused_before_it_is_read(strict: Running) -> None:
    with wire(strict.port) as sock:
        head = request("POST", "/v1/completions", b"", length=10**9)
        sock.sendall(head)
        answer = until(sock, b"}}")
    assert status(answer) == 413
    assert code(answer) == "request_too_large"
    assert b"\r\nconnection: close\r\n" in answer


def test_after_a_body_that_was_not_read_the_next_request_is_answered(server: Running) -> None:
    """A client that was told of the connection's end opens another (RFC 9112, 9.6)."""
    large = b'{"prompt": "' + b"x" * 10_000_000 + b'"}'
    with server.client() as client:
        for headers, expected in (
            ({}, 413),
            ({"Content-Encoding": "gzip"}, 415),
            ({"Authorization": "Bearer x"}, 401),
            ({"Host": "evil.example"}, 421),
            ({"Origin": "https://evil.example"}, 403),
        ):
            answer = client.post("/v1/completions", content=large, headers=headers)
            assert answer.status_code == expected
            assert answer.headers.get_list("connection") == ["close"]
            assert client.get("/v1/models").status_code == 200


def test_after_a_body_that_was_read_the_connection_is_kept(server: Running) -> None:
    with wire(server.port) as sock:
        for _ in range(2):
            sock.sendall(post("/v1/completions", {"prompt": 5}))
            answer = until(sock, b"}}")
            assert status(answer) == 400
            assert b"connection: close" not in answer.lower()


def test_a_body_in_chunks_is_counted(strict: Running) -> None:
    with wire(strict.port) as sock:
        sock.sendall(request("POST", "/v1/completions", b"", "Transfer-Encoding: chunked"))
        chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
        sock.sendall(chunk * 17)
        assert status(until(sock, b"}}")) == 413


def test_a_body_without_an_end_is_cut_off(strict: Running) -> None:
    """What follows an answer is thrown away, and not for ever."""
    with wire(strict.port) as sock:
        sock.sendall(request("POST", "/nowhere", b"", "Transfer-Encoding: chunked"))
        until(sock, b"}}")
        chunks = (b"1000\r\n" + b" " * 4096 + b"\r\n") * 5_000
        with pytest.raises((ConnectionError, TimeoutError)):
            sock.sendall(chunks)


def test_a_body_in_chunks_is_read(server: Running) -> None:
    body = json.dumps(ASKED).encode()
    pieces = b"".join(b"%x\r\n%b\r\n" % (1, body[i : i + 1]) for i in range(len(body)))
    with wire(server.port) as sock:
        sock.sendall(request("POST", "/v1/completions", b"", "Transfer-Encoding: chunked"))
        sock.sendall(pieces + b"0\r\n\r\n")
        assert status(until(sock, b"tiny:f16")) == 200


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\n{}\r\n", b"2\n{}\n0\n\n\r\n", b"2\r\n{}xx", b"-2\r\n{}\r\n", b"2\r\n{}5\r\n0\r\n\r\n"],
)
def test_chunks_that_are_none_are_refused(strict: Running, chunks: bytes) -> None:
    with wire(strict.port) as sock:
        sock.sendall(request("POST", "/v1/completions", b"", "Transfer-Encoding: chunked"))
        sock.sendall(chunks)
        answer = rest(sock)
    assert status(answer) == 400
    assert code(answer) == "invalid_http"
    assert answer.count(b"HTTP/1.1 ") == 1
    wait_until(lambda: strict.models.leased == 0)


def test_a_body_with_two_lengths_is_refused(server: Running) -> None:
    """Another server may have read the other one (RFC 9112, 6.3)."""
    body = b"0\r\n\r\n" + request("GET", "/v1/models")
    with wire(server.port) as sock:
        sock.sendall(
            request("POST", "/v1/completions", b"", "Transfer-Encoding: chunked", length=len(body))
        )
        sock.sendall(body)
        answer = rest(sock)
    assert status(answer) == 400
    assert code(answer) == "invalid_http"
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("target", "host", "expected"),
    [
        ("http://127.0.0.1:{port}/v1/models", "127.0.0.1:{port}", 200),
        ("HTTP://localhost/v1/models?a=1", "localhost", 200),
        ("http://localhost/v1/%6dodels", "evil.example", 200),
        ("http://evil.example/v1/models", "localhost", 421),
        ("http://localhost@evil.example/v1/models", "localhost", 421),
        ("http://evil.example", "localhost", 421),
        ("http:///v1/models", "localhost", 421),
        ("http://localhost", "localhost", 404),
    ],
)
def test_a_target_may_be_a_whole_address(
    server: Running, target: str, host: str, expected: int
) -> None:
    """Its authority is what is checked, whatever the Host says (RFC 9112, 3.2.2)."""
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    with wire(server.port) as sock:
        sock.sendall(head.format(port=server.port).encode())
        assert status(until(sock, b"}")) == expected


def test_what_follows_the_last_request_is_nothing(server: Running) -> None:
    with wire(server.port) as sock:
        sock.sendall(post("/v1/completions", LONG | {"max_tokens": 300}, "Connection: close"))
        sock.sendall(b"\r\n")
        got = until(sock, b"data: {")
        sock.sendall(request("GET", "/v1/models"))
        got += rest(sock)
    assert status(got) == 200
    assert b"[DONE]" in got
    assert got.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX A: 1\r\n\r\n",
        b"POST /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
        b"Content-Length: 2\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_in_the_form_of_errors(server: Running, sent: bytes) -> None:
    with wire(server.port) as sock:
        sock.sendall(sent)
        answer = until(sock, b"}}")
    assert status(answer) in (400, 421)
    assert code(answer)


def test_a_folded_header_is_one(server: Running) -> None:
    """An obsolete continuation hides no token and no second header."""
    with wire(server.port) as sock:
        sock.sendall(
            b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n"
            b" Authorization: Bearer x\r\n\r\n"
        )
        assert status(until(sock, b"}}")) in (400, 401)


def test_pipelined_requests_are_answered_in_order(server: Running) -> None:
    with wire(server.port) as sock:
        sock.sendall(
            post("/v1/completions", ASKED)
            + request("GET", "/nowhere")
            + post("/v1/completions", {**ASKED, "stream": True})
            + request("GET", "/v1/models", b"", "Connection: close")
        )
        got = rest(sock)
    assert [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200, 200]


def test_an_old_client_without_a_host_is_refused(server: Running) -> None:
    with wire(server.port) as sock:
        sock.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert status(rest(sock)) == 421
    with wire(server.port) as sock:
        sock.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert status(rest(sock)) == 200


def test_a_compressed_body_is_refused(server: Running) -> None:
    with wire(server.port) as sock:
        sock.sendall(request("POST", "/v1/completions", b"\x1f\x8b", "Content-Encoding: gzip"))
        assert status(until(sock, b"}}")) == 415


def test_a_websocket_is_no_way_past(server: Running) -> None:
    with wire(server.port) as sock:
        more = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: eA==")
        sock.sendall(request("GET", "/v1/completions", b"", *more))
        assert status(until(sock, b"}}")) == 405


def test_the_token_is_looked_at_before_the_body(server: Running) -> None:
    with wire(server.port) as sock:
        sock.sendall(
            b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert status(until(sock, b"}}")) == 401


@pytest.mark.parametrize("stream", [True, False])
def test_a_generation_ends_with_its_client(
    server: Running, engine: BareEngine, stream: bool
) -> None:
    counted = len(server.models.counted)
    with wire(server.port) as sock:
        sock.sendall(post("/v1/completions", {**LONG, "stream": stream}))
        if stream:
            until(sock, b"data: {")
        else:
            wait_until(lambda: engine.busy() == 1)
    wait_until(lambda: len(server.models.counted) > counted)
    wait_until(lambda: engine.busy() == 0)
    assert server.models.counted[-1]["failed"] is False
    assert server.models.counted[-1]["tokens"] < 4000
    assert server.models.leased == 0


def test_a_client_that_does_not_read_is_not_waited_for(strict: Running, engine: BareEngine) -> None:
    counted = len(strict.models.counted)
    with wire(strict.port, buffer=2048) as sock:
        sock.sendall(post("/v1/completions", LONG))
        wait_until(lambda: len(strict.models.counted) > counted)
        wait_until(lambda: engine.busy() == 0)
    assert strict.models.counted[-1]["tokens"] < MOST_UNREAD
    assert strict.models.leased == 0


def test_clients_that_do_not_read_leave_room_for_others(engine: BareEngine, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        started = running(OneModel([engine]), tmp_path, limits=Limits(stalled_s=0.4))
        server = stack.enter_context(started)
        for _ in range(SLOTS):
            sock = stack.enter_context(wire(server.port, buffer=2048))
            sock.sendall(post("/v1/completions", LONG))
        wait_until(lambda: server.models.leased == SLOTS)
        with server.client() as client:
            assert client.post("/v1/completions", json=ASKED).status_code == 200
        wait_until(lambda: len(server.models.counted) == SLOTS + 1)
        assert max(one["tokens"] for one in server.models.counted) < MOST_UNREAD


def test_a_client_that_reads_slowly_is_waited_for(engine: BareEngine, tmp_path: Path) -> None:
    """An answer that takes longer than ``stalled_s`` comes whole, as long as it is read."""
    limits, size = Limits(stalled_s=1.0), 8_000_000
    models = OneModel([engine], ServerState(phase="serving", said="x" * size))
    with (
        running(models, tmp_path, limits=limits) as server,
        wire(server.port, buffer=8192) as sock,
        server.client() as other,
    ):
        sock.sendall(request("GET", "/admin/status", b"", "Connection: close"))
        got, began = 0, time.monotonic()
        while time.monotonic() < began + 1.5 * limits.stalled_s:
            got += len(sock.recv(1024))
            assert other.get("/health").status_code == 200
        assert got < size
        assert got + len(rest(sock)) > size


def test_more_requests_than_there_is_room_for_are_asked_to_come_back(strict: Running) -> None:
    with wire(strict.port) as one, wire(strict.port) as two, wire(strict.port) as three:
        for sock in (one, two):
            sock.sendall(post("/v1/completions", LONG))
            until(sock, b"data: {")
        three.sendall(post("/v1/completions", ASKED))
        answer = until(three, b"}}")
        # The owner and a watcher are answered all the same.
        three.sendall(request("GET", "/health"))
        assert status(until(three, b"}")) == 200
    assert status(answer) == 503
    assert b"retry-after" in answer.lower()
    assert code(answer) == "server_busy"
    wait_until(lambda: strict.models.leased == 0)


def test_more_connections_than_there_may_be_are_refused(strict: Running) -> None:
    open_ones = []
    try:
        for _ in range(SHORT.connections + 4):
            sock = socket.create_connection(("127.0.0.1", strict.port), 60)
            open_ones.append(sock)
        answer = rest(open_ones[-1])
        assert status(answer) == 503
        assert code(answer) == "server_busy"
    finally:
        for sock in open_ones:
            sock.close()


def test_a_server_that_ends_lets_requests_end(engine: BareEngine, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        started = running(OneModel([engine]), tmp_path, limits=Limits(shutdown_s=60))
        with started as server:
            sock = stack.enter_context(wire(server.port))
            sock.sendall(post("/v1/completions", {**LONG, "max_tokens": 300}))
            until(sock, b"data: {")
        assert b"[DONE]" in rest(sock)


def test_but_not_for_ever(engine: BareEngine, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        with running(OneModel([engine]), tmp_path, limits=SHORT) as server:
            sock = stack.enter_context(wire(server.port, buffer=2048))
            sock.sendall(post("/v1/completions", LONG))
            until(sock, b"data: {")
        assert b"[DONE]" not in rest(sock)
    wait_until(lambda: engine.busy() == 0)
