"""What Ollama's client does with servers that do not come to an end, or answer nonsense."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from engine import errors
from engine.export.ollama.address import address
from engine.export.ollama.client import MOST_STATUSES, Ollama
from engine.export.ollama.deadline import Deadline
from tests.support.fake_ollama import Fake, Handler, serving
from tests.support.go_templates import GoTemplates

OK = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PAUSE_S = 0.01

Call = Callable[[Ollama], object]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    """Serve what needs no template."""
    with serving(tmp_path / "blobs", cast(GoTemplates, None)) as server:
        yield server


def version(ollama: Ollama) -> object:
    return ollama.version()


def create(ollama: Ollama) -> object:
    return list(ollama.create({}))


def chat(ollama: Ollama) -> object:
    return list(ollama.chat({}))


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


@pytest.mark.parametrize(
    ("what", "call", "begins", "each"),
    [
        ("GET /api/version", version, OK, b" "),
        ("GET /api/version", version, b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        ("GET /api/version", version, b"HTTP/1.1 ", b"2"),
        ("GET /api/version", version, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("GET /api/version", version, CHUNKED, b"1\r\n \r\n"),
        ("GET /api/version", version, CHUNKED + b"1;", b"x"),
        ("GET /api/version", version, OK + b'{"version": "1"}', b" "),
        ("GET /api/version", version, b"HTTP/1.1 500 No\r\n\r\n", b" "),
        ("GET /api/tags", lambda ollama: ollama.models(), OK, b" "),
        ("POST /api/generate", lambda ollama: ollama.unload("m"), OK, b" "),
        ("POST /api/create", create, OK, b" "),
        ("POST /api/create", create, OK, b"\n"),
        ("POST /api/create", create, OK, lines({"status": "working"})),
        ("POST /api/create", create, OK, lines({"status": "a"}, {"status": "b"}, {"status": 1})),
        ("POST /api/create", create, b"HTTP/1.1 400 No\r\n\r\n", b" "),
        ("POST /api/chat", chat, OK, lines({"message": {"content": ""}, "done": False})),
        ("POST /api/chat", chat, OK, lines({"done": "yes"}, {"message": None})),
    ],
)  # fmt: skip
def test_a_server_that_drips_is_not_waited_for(
    fake: Fake, what: str, call: Call, begins: bytes, each: bytes
) -> None:
    over = threading.Event()
    fake.wrong[what] = lambda to: to.drip(begins, each, lambda: over.wait(PAUSE_S))
    # A pause is shorter than the time that is left between two bytes.
    with Ollama(address(fake.url), answer_s=10 * PAUSE_S, work_s=10 * PAUSE_S) as ollama:
        try:
            with pytest.raises(errors.OllamaTimeout, match="did not answer within"):
                call(ollama)
        finally:
            over.set()


def test_a_server_that_drips_tls_is_not_waited_for(fake: Fake) -> None:
    """It begins a handshake record of 16 kB, and sends it byte by byte."""
    import socket

    over = threading.Event()

    def drip(listening: socket.socket) -> None:
        other, _ = listening.accept()
        try:
            other.sendall(b"\x16\x03\x03\x40\x00")
            while not over.wait(PAUSE_S):
                other.sendall(b"\x02")
        except OSError:
            pass
        finally:
            other.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        where = address(f"https://127.0.0.1:{listening.getsockname()[1]}")
        try:
            with (
                Ollama(where, answer_s=10 * PAUSE_S) as ollama,
                pytest.raises(errors.OllamaTimeout),
            ):
                ollama.version()
        finally:
            over.set()
            thread.join()


def test_new_statuses_give_it_more_time(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed: list[None] = []
    monkeypatch.setattr(Deadline, "renew", lambda self: renewed.append(None))
    told = ("a", "a", "b", "a", 5, "b", "success")
    fake.wrong["POST /api/create"] = lambda to: to.lines(*({"status": one} for one in told))
    with Ollama(address(fake.url)) as ollama:
        assert create(ollama) == ["a", "b", "success"]
    assert len(renewed) == 3


def test_statuses_without_end_are_an_error(fake: Fake) -> None:
    told = itertools.count()

    def flood(to: Handler) -> None:
        to.close_connection = True
        try:
            to.wfile.write(OK)
            while True:
                to.wfile.write(lines(*({"status": f"step {next(told)}"} for _ in range(500))))
        except OSError:
            pass

    fake.wrong["POST /api/create"] = flood
    said: list[str] = []
    with (
        Ollama(address(fake.url)) as ollama,
        pytest.raises(errors.OllamaAnswerInvalid, match="did not end") as caught,
    ):
        said.extend(ollama.create({}))
    assert f"more than {MOST_STATUSES:,} different things" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "each",
    [
        lines({"status": "working"}),
        b"\n",
        lines({"status": "working", "more": "x" * 100_000}),
        b" " * 1000,
    ],
)
def test_lines_without_end_are_an_error(fake: Fake, each: bytes) -> None:
    many = each * (2_000_000 // len(each))
    fake.wrong["POST /api/create"] = lambda to: to.drip(OK, many, lambda: False)
    said: list[str] = []
    with Ollama(address(fake.url)) as ollama, pytest.raises(errors.OllamaAnswerInvalid):
        said.extend(ollama.create({}))
    assert len(said) <= 1


def test_what_follows_success_is_not_waited_for(fake: Fake) -> None:
    over = threading.Event()
    done = OK + lines({"status": "writing"}, {"status": "success"})
    fake.wrong["POST /api/create"] = lambda to: to.drip(done, b"\n", lambda: over.wait(PAUSE_S))
    with Ollama(address(fake.url)) as ollama:
        assert create(ollama) == ["writing", "success"]
    over.set()


@pytest.mark.parametrize(
    "answer",
    [
        {"models": [1, None, {"name": 5}]},
        {"models": [{"model": "a:latest"}]},
        {"models": [["a:latest"]]},
        {"models": {"name": "a"}},
        {"models": False},
        {},
        [],
    ],
)
def test_a_list_of_models_that_is_none_is_not_read_as_empty(fake: Fake, answer: Any) -> None:
    fake.wrong["GET /api/tags"] = lambda to: to.reply(200, answer)
    with (
        Ollama(address(fake.url)) as ollama,
        pytest.raises(errors.OllamaAnswerInvalid, match="is not Ollama"),
    ):
        ollama.models()
    for empty in (b'{"models": []}', b'{"models": null}'):
        fake.wrong["GET /api/tags"] = partial(Handler.raw, status=200, data=empty)
        with Ollama(address(fake.url)) as ollama:
            assert ollama.models() == []
