"""What comes over the wire: slow, large, malformed, pipelined, and clients that go away."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.gateway.limits import Limits
from tests.gateway.face.serving import BareEngine, OneModel, Running, running, wait_until
from tests.gateway.face.wire import code, post, request, rest, status, until, wire

ASKED = {"prompt": "x", "max_tokens": 2}
LONG = {"prompt": "x", "max_tokens": 4000, "ignore_eos": True, "stream": True}
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
    assert strict.models.counted[-1]["tokens"] < 4000
    assert strict.models.leased == 0


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
