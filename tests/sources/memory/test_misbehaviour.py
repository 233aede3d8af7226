"""Everything that an app can do wrong: a named error each, and the token in none of them."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.errors import (
    AppAnswerInvalid,
    AppAnswerTooLarge,
    AppElsewhere,
    AppFailed,
    AppTimeout,
    AppUnreachable,
    AppUntrusted,
    FinetuiError,
    SourceEmpty,
    SourceError,
    TokenMissing,
    TokenRefused,
)
from engine.sources.memory import token
from engine.sources.memory.export import LIMITS, Limits
from engine.sources.memory.token import Token
from tests.sources.memory.app import TOKEN, Answer, Asked, Wire, app, row
from tests.sources.memory.reading import ask, read
from tests.support.trusting import trusted

ROW = json.dumps(row("dinner?", "at eight"))
HURRY = Limits(connect_s=5, silence_s=0.3)
SMALL = Limits(bytes=200_000)
pytestmark = pytest.mark.usefixtures("with_token")


def sends(body: Any = b"", status: int = 200, **headers: str) -> Answer:
    """Return an app that answers everything alike."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, wire: wire.send(body, status, named)


def refused(answer: Answer, limits: Limits = LIMITS, **options: str) -> FinetuiError:
    """Return the error of an export from an app that answers so; it gives nothing away."""
    with app(answer) as running, pytest.raises(SourceError) as caught:
        ask(running.address, limits=limits, **options)
    assert_no_secret(caught.value)
    assert caught.value.hint
    return caught.value


def assert_no_secret(error: BaseException) -> None:
    """Fail where the token can be got from an error, its causes or its frames' variables."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    text = "".join(told.format()) + repr(error) + str(error) + repr(vars(error))
    own, _, _ = TOKEN.partition(".")
    assert own not in text
    # An error of the HTTP library holds the request, and so the header.
    assert error.__cause__ is None
    assert error.__context__ is None


@contextmanager
def raw(answer: bytes) -> Iterator[str]:
    """Listen on a port and answer a connection with bytes, whatever was asked."""
    import threading

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, AppFailed, "does not understand"),
        (401, TokenRefused, "does not accept the token"),
        (403, TokenRefused, "may not export"),
        (404, AppFailed, "no export at"),
        (405, AppFailed, "no export at"),
        (409, AppFailed, "status 409"),
        (422, AppFailed, "does not understand"),
        (429, AppFailed, "too much to do"),
        (500, AppFailed, "failed (500)"),
        (502, AppFailed, "failed (502)"),
        (503, AppFailed, "too much to do"),
        (304, AppFailed, "status 304"),
    ],
)
def test_a_status_is_named(status: int, kind: type[FinetuiError], words: str) -> None:
    # An app that repeats what it got is not believed to be discreet.
    error = refused(lambda asked, wire: wire.send({"detail": asked.token}, status))
    assert type(error) is kind
    assert words in error.message


def test_when_to_come_back() -> None:
    assert refused(sends(status=429, Retry_After="30")).hint == "try again in 30 s"
    assert refused(sends(status=503, Retry_After="soon")).hint == "try again later"


def test_a_refused_token_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(token.VARIABLE)
    with app(sends(status=401)) as running:
        token.offer(running.address, TOKEN)
        with pytest.raises(TokenRefused):
            ask(running.address)
        with pytest.raises(TokenMissing):
            ask(running.address)
        assert len(running.asked) == 1


def test_no_token_no_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(token.VARIABLE, "  ")
    with app(sends(ROW)) as running, pytest.raises(TokenMissing) as caught:
        ask(running.address)
    assert running.asked == []
    assert token.VARIABLE in caught.value.hint


@pytest.mark.parametrize("held", ["two words", "line\r\nX-Evil: 1", "né", "nul\x00"])
def test_a_token_that_no_header_can_carry(held: str) -> None:
    with pytest.raises(TokenRefused) as caught:
        Token(held)
    assert held not in str(caught.value) + repr(caught.value)
    assert caught.value.__context__ is None


# Time


def test_an_app_that_says_nothing() -> None:
    error = refused(lambda _, wire: wire.drip(b""), HURRY)
    assert isinstance(error, AppTimeout)
    assert "silent for 0.3 s" in error.message


def test_an_answer_that_never_ends() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.begin(headers={"Content-Type": "application/json"})
        wire.drip(b" ")

    error = refused(answer, timeout="1")
    assert isinstance(error, AppTimeout)
    assert "not done after 1 s" in error.message


def test_headers_that_never_end() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.wfile.write(b"HTTP/1.1 200 OK\r\n")
        wire.drip(b"X: y\r\n")

    assert isinstance(refused(answer, timeout="1"), AppTimeout)


def test_a_connection_that_is_never_taken() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        host, port = listener.getsockname()
        # With the queue full, the system answers no further connection.
        waiting = [socket.socket() for _ in range(3)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex((host, port))
            with pytest.raises(AppTimeout) as caught:
                ask(f"http://{host}:{port}", limits=Limits(connect_s=0.3))
        finally:
            for one in waiting:
                one.close()
    assert "did not take the connection" in str(caught.value)
    assert_no_secret(caught.value)


# Size


def test_a_size_that_is_too_large_is_not_even_read() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.begin(headers={"Content-Length": str(10**12)})

    error = refused(answer)
    assert isinstance(error, AppAnswerTooLarge)
    assert "more than 500 MB" in error.message


def test_a_body_that_goes_on_and_on() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.begin(headers={"Transfer-Encoding": "chunked"})
        line = (ROW + "\n").encode() * 100
        while not wire.server.closing.is_set():
            wire.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")

    assert isinstance(refused(answer, SMALL), AppAnswerTooLarge)


def test_a_gzip_bomb() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(150)) + packer.flush()
    assert len(bomb) < SMALL.bytes
    error = refused(sends(bomb, Content_Encoding="gzip"), SMALL)
    assert isinstance(error, AppAnswerTooLarge)


def test_gzip_members_without_end_and_without_content() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.begin(headers={"Content-Encoding": "gzip", "Connection": "close"})
        nothing = gzip.compress(b"") * 1000
        while not wire.server.closing.is_set():
            wire.wfile.write(nothing)

    assert isinstance(refused(answer, SMALL), AppAnswerTooLarge)


# Broken answers


def test_a_length_that_is_longer_than_the_body() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.begin(headers={"Content-Length": "5000"})
        wire.wfile.write(ROW.encode())
        wire.close_connection = True

    error = refused(answer)
    assert isinstance(error, AppUnreachable)
    assert f"broke off after {len(ROW):,} bytes" in error.message


def test_a_length_that_is_shorter_than_the_body() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.begin(headers={"Content-Length": str(len(ROW) + 10)})
        wire.wfile.write(f"{ROW}\n{ROW}".encode())
        wire.close_connection = True

    with app(answer) as running:
        documents, skipped = read(running.address)
    # What was declared was read; that the last row is cut is said with its line.
    assert len(documents) == 1
    assert [(skip.line, skip.code) for skip in skipped] == [(2, "malformed-json")]


def test_a_connection_that_is_cut_between_chunks() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.begin(headers={"Transfer-Encoding": "chunked"})
        wire.wfile.write(f"{len(ROW):x}\r\n{ROW}\r\n".encode())
        wire.close_connection = True

    error = refused(answer)
    assert isinstance(error, AppUnreachable)
    assert "broke off" in error.message


def test_a_connection_that_is_closed_without_an_answer() -> None:
    def answer(_: Asked, wire: Wire) -> None:
        wire.close_connection = True

    assert isinstance(refused(answer), AppUnreachable)


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00\x01\x02\xff" * 50, b""])
def test_what_is_no_http(said: bytes) -> None:
    with raw(said) as address, pytest.raises(AppUnreachable) as caught:
        ask(address)
    assert "does not speak HTTP" in str(caught.value)
    assert_no_secret(caught.value)


def test_gzip_that_is_damaged_cut_or_not_asked_for() -> None:
    packed = gzip.compress(ROW.encode() * 50)
    damaged = packed[:20] + b"\xff" * 20 + packed[40:]
    assert isinstance(refused(sends(damaged, Content_Encoding="gzip")), AppAnswerInvalid)
    cut = refused(sends(packed[:-9], Content_Encoding="gzip"))
    assert isinstance(cut, AppUnreachable)
    assert isinstance(refused(sends(b"\x0b\x02", Content_Encoding="br")), AppAnswerInvalid)
    twice = gzip.compress(packed)
    assert isinstance(refused(sends(twice, Content_Encoding="gzip, gzip")), AppAnswerInvalid)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ("<!doctype html><title>Log in</title>", AppAnswerInvalid, "web page"),
        ("\n  <html>", AppAnswerInvalid, "web page"),
        ("Export started", AppAnswerInvalid, "not JSON"),
        ("{'messages': []}", AppAnswerInvalid, "not JSON"),
        (b"PK\x03\x04\x00\x00", AppAnswerInvalid, "not JSON"),
        ("", SourceEmpty, "with nothing"),
        ("[]", SourceEmpty, "exported nothing"),
        ({"success": True, "data": []}, SourceEmpty, "exported nothing"),
        ({"job": "7", "state": "queued"}, AppAnswerInvalid, "its fields: job, state"),
        ({"stats": {"total": {"seen": 3}}}, AppAnswerInvalid, "its fields: stats"),
        ({"success": False, "error": "no memories yet"}, AppFailed, "no memories yet"),
        ({"success": False}, AppFailed, "it does not say why"),
        ({"error": f"bad token {TOKEN.split('.')[0]}"}, AppFailed, "it does not say why"),
        ({"status": "error", "message": "\x1b[2Jno"}, AppFailed, "\\x1b[2Jno"),
    ],
)
def test_an_answer_that_is_no_export(body: Any, kind: type[FinetuiError], words: str) -> None:
    error = refused(sends(body))
    assert type(error) is kind
    assert words in error.message


def test_a_link_that_leads_to_another_link() -> None:
    error = refused(sends({"download_url": "/again"}))
    assert isinstance(error, AppAnswerInvalid)
    assert "yet another link" in error.message


@pytest.mark.parametrize(
    "link", ["https://127.0.0.1/x", "ftp://127.0.0.1/x", "http://[", "http://user:pw@127.0.0.1/"]
)
def test_a_link_to_elsewhere(link: str) -> None:
    assert isinstance(refused(sends({"download_url": link})), AppElsewhere)
    assert isinstance(refused(sends(status=307, Location=link)), AppElsewhere)


def test_redirects_in_a_circle_and_to_nowhere() -> None:
    error = refused(sends(status=307, Location="/api/finetune/export"))
    assert isinstance(error, AppFailed)
    assert "without end" in error.message
    assert "without saying where" in refused(sends(status=302)).message


# The way there


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(AppUnreachable) as caught:
        ask(address)
    assert "nothing answers at" in str(caught.value)
    assert_no_secret(caught.value)


def test_a_host_that_is_not_known() -> None:
    with pytest.raises(AppUnreachable) as caught:
        ask("https://app.invalid")
    assert_no_secret(caught.value)


def test_a_certificate_that_nobody_vouches_for() -> None:
    with app(sends(ROW), secure=True) as running, pytest.raises(AppUntrusted) as caught:
        ask(running.address)
    assert running.asked == []
    assert "can't be trusted" in str(caught.value)
    assert_no_secret(caught.value)


def test_https_to_an_app_without_it() -> None:
    with app(sends(ROW)) as running, pytest.raises(AppUntrusted) as caught:
        ask(running.address.replace("http:", "https:"))
    assert "speaks https" in caught.value.hint
    assert_no_secret(caught.value)


# The secret


def test_an_answer_that_repeats_the_token_is_not_kept() -> None:
    body = json.dumps(row("what did I send?", "x" * 300_000 + TOKEN))
    assert isinstance(refused(sends(body)), AppAnswerInvalid)
    # Also where it is split between two pieces.

    def answer(_: Asked, wire: Wire) -> None:
        text = json.dumps(row("q", TOKEN)).encode()
        at = text.index(TOKEN.encode()) + 5
        wire.begin(headers={"Content-Length": str(len(text))})
        for piece in (text[:at], text[at:]):
            wire.wfile.write(piece)
            wire.wfile.flush()

    assert isinstance(refused(answer), AppAnswerInvalid)


def test_a_token_shows_itself_nowhere() -> None:
    import pickle

    held = Token(f"Bearer {TOKEN}")
    assert held.reveal() == TOKEN
    assert TOKEN not in f"{held} {held!r} {[held]} {held.__class__.__dict__}"
    with pytest.raises(TypeError):
        pickle.dumps(held)
    with pytest.raises(AttributeError):
        held.__dict__  # noqa: B018


def test_neither_log_nor_output_nor_store_has_the_token(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from engine.extract.scan import scan
    from engine.sources import KINDS
    from engine.workspace import init_workspace, open_workspace
    from tests.sources.memory.reading import READER

    monkeypatch.setitem(KINDS, "memory", READER)
    caplog.set_level(logging.DEBUG)
    with open_workspace(init_workspace(tmp_path / "w")) as space:
        for answer in (sends(ROW), sends(status=401), sends({"path": "x"}), sends("<html>")):
            with app(answer) as running:
                source = space.store.add_source("memory", running.address)
                trusted(space.root)
                try:
                    scan(space.store, source)
                except SourceError as error:
                    print(error, error.hint, error.as_dict())
    out, err = capfd.readouterr()
    own, _, _ = TOKEN.partition(".")
    assert "HTTP Request" in caplog.text
    assert own not in caplog.text + out + err
    stored = [path.read_bytes() for path in (tmp_path / "w").rglob("*") if path.is_file()]
    assert any(b"at eight" in data for data in stored)
    assert not any(own.encode() in data for data in stored)
