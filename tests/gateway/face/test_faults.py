"""Engines that die, refuse, or are not there, and what a client is told."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from engine.errors import EngineAway
from tests.gateway.face.serving import (
    SLOTS,
    TOKEN,
    BareEngine,
    OneModel,
    Running,
    running,
    wait_until,
)
from tests.gateway.face.wire import code, post, rest, status, until, wire
from tests.support.tiny_gguf import write_model

_CALL = {"function": {"name": "look_up", "arguments": "{}"}}
LONG: dict[str, Any] = {"prompt": "x", "max_tokens": 4000, "ignore_eos": True}


@contextlib.contextmanager
def _engines(gguf: Path, *names: str) -> Iterator[list[BareEngine]]:
    started = [BareEngine(gguf, name) for name in names]
    try:
        yield list(started)
    finally:
        for engine in started:
            engine.kill()


def _stopped(server: Running, engine: BareEngine, stream: bool) -> bytes:
    """Return what a client gets whose request is with an engine that is killed before it answers.

    The engine is paused first, so that it has surely not begun to answer.
    """
    engine.pause()
    with wire(server.port) as sock:
        sock.sendall(post("/v1/completions", {"prompt": "x", "max_tokens": 3, "stream": stream}))
        wait_until(lambda: server.models.taken == [engine.model.id])
        engine.kill()
        return until(sock, b"[DONE]" if stream else b"}}")


@pytest.mark.parametrize("stream", [True, False])
def test_a_request_without_an_answer_is_asked_again(
    gguf: Path, tmp_path: Path, stream: bool
) -> None:
    with _engines(gguf, "first", "second") as engines, running(OneModel(engines), tmp_path) as s:
        answer = _stopped(s, engines[0], stream)
        assert status(answer) == 200
        assert b'"model":"second"' in answer
        assert b'"first"' not in answer
        wait_until(lambda: bool(s.models.counted))
        assert s.models.counted[-1] == {"failed": False, "prompt": 1, "tokens": 3}


@pytest.mark.parametrize("stream", [True, False])
def test_and_where_there_is_no_other_engine_it_may_be_sent_again(
    gguf: Path, tmp_path: Path, stream: bool
) -> None:
    with _engines(gguf, "only") as engines, running(OneModel(engines), tmp_path) as server:
        engine = engines[0]
        engine.pause()
        with wire(server.port) as sock:
            sock.sendall(post("/v1/completions", {"prompt": "x", "stream": stream}))
            wait_until(lambda: server.models.taken == ["only"])
            engine.kill()
            answer = until(sock, b"}}")
    assert status(answer) == 503
    assert code(answer) == EngineAway.code
    assert b"retry-after: " in answer.lower()


def test_it_is_asked_twice_and_no_more(gguf: Path, tmp_path: Path) -> None:
    """A request that ends engines does not end all of them."""
    with _engines(gguf, "one", "two", "three") as engines:
        one, two, _ = engines
        with running(OneModel(engines), tmp_path) as server, wire(server.port) as sock:
            for engine in (one, two):
                engine.pause()
            sock.sendall(post("/v1/completions", {"prompt": "x"}))
            wait_until(lambda: server.models.taken == ["one"])
            one.kill()
            wait_until(lambda: server.models.taken == ["one", "two"])
            two.kill()
            answer = until(sock, b"}}")
            assert [engine.model.id for engine in server.models.engines] == ["two", "three"]
    assert status(answer) == 502
    assert code(answer) == "worker-died"
    wait_until(lambda: bool(server.models.counted))
    assert server.models.counted[-1]["failed"] is True


def test_a_stream_that_breaks_off_ends_with_an_error(gguf: Path, tmp_path: Path) -> None:
    with _engines(gguf, "one", "two") as engines, running(OneModel(engines), tmp_path) as server:
        with wire(server.port) as sock:
            asked = {**LONG, "stream": True}
            sock.sendall(post("/v1/completions", asked, "Connection: close"))
            got = until(sock, b"data: {")
            engines[0].kill()
            got += rest(sock)
        [*_, last] = [line for line in got.splitlines() if line.startswith(b"data: ")]
        error = json.loads(last[6:])["error"]
        assert error["code"] == "worker-died"
        assert error["type"] == "server_error"
        assert b"[DONE]" not in got
        assert b'"model":"two"' not in got
        assert got.endswith(b"0\r\n\r\n")
        wait_until(lambda: bool(server.models.counted))
        assert server.models.counted[-1]["failed"] is True
        assert server.models.counted[-1]["tokens"] > 0


def test_openais_client_raises_what_breaks_off(gguf: Path, tmp_path: Path) -> None:
    with _engines(gguf, "one") as engines, running(OneModel(engines), tmp_path) as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0)
        asked = {**LONG, "model": "x"}
        more = {"ignore_eos": asked.pop("ignore_eos")}
        with client:
            stream = client.completions.create(**asked, stream=True, extra_body=more)
            next(stream)
            engines[0].kill()
            with pytest.raises(openai.APIError) as caught:
                list(stream)
    assert caught.value.code == "worker-died"


def test_without_an_engine_a_client_is_asked_to_come_back(tmp_path: Path) -> None:
    with running(OneModel([]), tmp_path) as server, server.client() as client:
        for stream in (False, True):
            answer = client.post("/v1/completions", json={"prompt": "x", "stream": stream})
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert answer.json()["error"]["code"] == EngineAway.code
        assert client.get("/v1/models").json() == {"object": "list", "data": []}


def test_an_engine_that_keeps_silent_is_not_waited_for(gguf: Path, tmp_path: Path) -> None:
    from engine.gateway.face.limits import Limits

    limits = Limits(answer_s=0.3)
    with _engines(gguf, "one") as engines, running(OneModel(engines), tmp_path, limits=limits) as s:
        engines[0].pause()
        with s.client() as client:
            answer = client.post("/v1/completions", json={"prompt": "x"})
        engines[0].go_on()
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "worker-timeout"


def test_what_an_engine_would_leave_out_is_refused_by_name(
    engine: BareEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "name", "transformers")
    asked: list[dict[str, Any]] = [
        {"logprobs": 1},
        {"logit_bias": {"5": 1}},
        {"presence_penalty": -0.5},
        {"frequency_penalty": 1},
        {"ignore_eos": True},
    ]
    neutral = {"presence_penalty": 0, "frequency_penalty": 0.0, "ignore_eos": False}
    with running(OneModel([engine]), tmp_path) as server, server.client() as client:
        for more in asked:
            for stream in (True, False):
                body = {"prompt": "x", "max_tokens": 1, "stream": stream, **more}
                answer = client.post("/v1/completions", json=body)
                assert answer.status_code == 400
                error = answer.json()["error"]
                assert error["code"] == "unsupported_by_engine"
                assert [error["param"]] == list(more)
        calling = {"role": "assistant", "content": "", "tool_calls": [_CALL]}
        said = client.post("/v1/chat/completions", json={"messages": [calling]}).json()
        assert said["error"]["code"] == "unsupported_by_engine"
        assert said["error"]["param"] == "messages[0].tool_calls"
        plain = {"prompt": "x", "max_tokens": 1, "logit_bias": {}, **neutral}
        assert client.post("/v1/completions", json=plain).is_success


def test_tools_that_the_models_template_leaves_out_are_refused(tmp_path: Path) -> None:
    """The embedded base's template has no word of tools, nor of an answer that called one."""
    engine = BareEngine(write_model(tmp_path / "plain.gguf"), "plain:f16")
    function = {"name": "look_up", "parameters": {"type": "object", "properties": {}}}
    tools = {"tools": [{"type": "function", "function": function}]}
    user = {"role": "user", "content": "hello"}
    calling = {"role": "assistant", "content": "", "tool_calls": [_CALL]}
    asked: list[tuple[dict[str, Any], str]] = [
        ({"messages": [user], **tools}, "tools"),
        ({"messages": [user], **tools, "tool_choice": "required", "stream": True}, "tools"),
        ({"messages": [user, calling, user]}, "messages[1].tool_calls"),
    ]
    try:
        with running(OneModel([engine]), tmp_path) as server, server.client() as client:
            for body, param in asked:
                answer = client.post("/v1/chat/completions", json={"max_tokens": 1, **body})
                assert answer.status_code == 400
                error = answer.json()["error"]
                assert (error["code"], error["param"]) == ("unsupported_by_model", param)
            for body in ({**tools, "tool_choice": "none"}, {}):
                plain = {"messages": [user], "max_tokens": 1, **body}
                assert client.post("/v1/chat/completions", json=plain).status_code == 200
    finally:
        engine.kill()


@pytest.mark.parametrize("stream", [True, False])
def test_an_engine_is_asked_no_more_at_once_than_it_computes(
    gguf: Path, tmp_path: Path, stream: bool
) -> None:
    body = {"prompt": [f"{number} and" for number in range(9)], "max_tokens": 3, "stream": stream}
    with _engines(gguf, "one") as engines, running(OneModel(engines), tmp_path) as s:
        with wire(s.port) as first, wire(s.port) as second:
            for sock in (first, second):
                sock.sendall(post("/v1/completions", body))
            answers = [until(sock, b"[DONE]" if stream else b'"usage"') for sock in (first, second)]
        assert [status(answer) for answer in answers] == [200, 200]
        assert [transport.most for transport in engines[0].counted] == [SLOTS]
