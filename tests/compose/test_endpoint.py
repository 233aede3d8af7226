from __future__ import annotations

import gzip
import json
import logging
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from engine.compose.address import key_for, parse
from engine.compose.endpoint import MAX_BYTES, Endpoint
from engine.errors import (
    ComposeError,
    EndpointAnswerInvalid,
    EndpointBusy,
    EndpointElsewhere,
    EndpointInvalid,
    EndpointRefused,
    EndpointTimeout,
    EndpointUnreachable,
    FinetuiError,
    PromptTooLong,
)
from engine.models import Turn
from tests.compose.server import Reply, completion, failure, in_turn, serving

SECRET = "sk-test-0123456789abcdef"
HELLO = [Turn("system", "Be brief."), Turn("user", "Grüße, țară!")]


class Waits(list[float]):
    """Stands for the clock: notes how long was waited, and does not wait."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def ask(url: str, **how: Any) -> str:
    waits = how.pop("sleep", Waits())
    with Endpoint(url, "tiny", sleep=waits, **how) as endpoint:
        return endpoint.write(HELLO, max_tokens=50, temperature=0.5, seed=7)


def test_asks_as_openai_does() -> None:
    with serving(in_turn("Salut!")) as server:
        assert ask(server.url, key=SECRET) == "Salut!"
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.body == {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Grüße, țară!"},
        ],
        "stream": False,
        "temperature": 0.5,
        "seed": 7,
        "max_tokens": 50,
    }


@pytest.mark.parametrize("written", ["", "/", "/chat/completions", "/chat/completions/"])
def test_an_address_may_be_written_in_several_ways(written: str) -> None:
    with serving(in_turn("yes")) as server:
        assert ask(server.url + written) == "yes"
        bare = server.url.removesuffix("/v1")
        assert ask(bare) == "yes"
    assert {request.path for request in server.requests} == {"/v1/chat/completions"}


def test_content_in_parts_and_content_that_is_none() -> None:
    parts = completion([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    with serving(in_turn(Reply(parts), Reply(completion(None)))) as server:
        assert ask(server.url) == "ab"
        assert ask(server.url) == ""


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_is_busy_is_asked_again_after_longer_and_longer(status: int) -> None:
    waits = Waits()
    busy = failure(status, "try later")
    with serving(in_turn(busy, busy, busy, "at last")) as server:
        assert ask(server.url, sleep=waits) == "at last"
    assert len(server.requests) == 4
    assert len(waits) == 3
    assert 0.3 < waits[0] < 0.7 < waits[1] < 1.3 < waits[2] < 2.6


def test_retry_after_is_honoured_in_both_forms() -> None:
    waits = Waits()
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    replies = [
        Reply("", 429, {"Retry-After": "17"}),
        Reply("", 503, {"Retry-After": at}),
        Reply("", 503, {"Retry-After": "0"}),
        Reply("", 503, {"Retry-After": "soon"}),
    ]
    with serving(in_turn(*replies, "yes")) as server:
        assert ask(server.url, sleep=waits) == "yes"
    assert waits[0] == 17
    assert 60 < waits[1] <= 90
    assert waits[2] == 0
    assert 2 < waits[3] < 6


@pytest.mark.parametrize("asked", ["3600", "inf", "nan", "1e300"])
def test_a_wait_that_is_too_long_is_not_made(asked: str) -> None:
    waits = Waits()
    with (
        serving(in_turn(Reply("", 429, {"Retry-After": asked}))) as server,
        pytest.raises(EndpointBusy, match="asks to wait"),
    ):
        ask(server.url, sleep=waits)
    assert waits == []
    assert len(server.requests) == 1


def test_what_stays_busy_is_given_up() -> None:
    with (
        serving(in_turn(failure(503, "loading model"))) as server,
        pytest.raises(EndpointBusy, match="after 3 tries: loading model"),
    ):
        ask(server.url, attempts=3)
    assert len(server.requests) == 3


def test_an_empty_account_is_not_asked_again() -> None:
    empty = failure(429, "You exceeded your quota", code="insufficient_quota")
    with serving(in_turn(empty)) as server, pytest.raises(EndpointRefused, match="quota"):
        ask(server.url)
    assert len(server.requests) == 1


def test_a_connection_that_breaks_is_tried_again_and_a_wrong_address_is_not() -> None:
    waits = Waits()
    with serving(in_turn(Reply(behaviour="break"), "whole")) as server:
        assert ask(server.url, sleep=waits) == "whole"
    assert len(waits) == 1
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{held.getsockname()[1]}/v1"
        with pytest.raises(EndpointUnreachable, match="can't be reached"):
            ask(nobody, sleep=waits)
    assert len(waits) == 1


@pytest.mark.parametrize("behaviour", ["silent", "drip"])
def test_an_answer_that_does_not_come_in_time(behaviour: str) -> None:
    with (
        serving(in_turn(Reply(behaviour=behaviour))) as server,
        pytest.raises(EndpointTimeout) as caught,
    ):
        ask(server.url, timeout_s=0.3)
    assert "--timeout" in caught.value.hint
    assert len(server.requests) == 1


def test_an_endless_answer_is_cut() -> None:
    with (
        serving(in_turn(Reply(behaviour="endless"))) as server,
        pytest.raises(EndpointAnswerInvalid, match="larger than 4 MB"),
    ):
        ask(server.url)


def test_a_compressed_answer_is_refused_before_it_unfolds() -> None:
    bomb = gzip.compress(b" " * (MAX_BYTES * 20))
    with (
        serving(in_turn(Reply(bomb, headers={"Content-Encoding": "gzip"}))) as server,
        pytest.raises(EndpointAnswerInvalid, match="compressed"),
    ):
        ask(server.url)
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "body",
    [
        "<html>Welcome</html>",
        "",
        "[]",
        "null",
        '{"choices": []}',
        '{"choices": [{"text": "a completion, not a chat"}]}',
        "[" * 200_000,
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_chat_completion_is_named(body: str | bytes) -> None:
    with (
        serving(in_turn(Reply(body))) as server,
        pytest.raises(EndpointAnswerInvalid, match="no chat completion"),
    ):
        ask(server.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_other_host_gets_texts_or_key(status: int) -> None:
    with serving(in_turn("stolen")) as other:
        elsewhere = Reply("", status, {"Location": other.url + "/chat/completions"})
        with serving(in_turn(elsewhere)) as server, pytest.raises(EndpointElsewhere):
            ask(server.url, key=SECRET)
    assert other.requests == []


def test_a_redirect_within_the_host_is_followed_but_not_for_ever() -> None:
    moved = Reply("", 307, {"Location": "/api/v1/chat/completions"})
    with serving(in_turn(moved, "found")) as server:
        assert ask(server.url) == "found"
    assert [r.path for r in server.requests] == ["/v1/chat/completions", "/api/v1/chat/completions"]
    with serving(in_turn(moved)) as server, pytest.raises(EndpointElsewhere, match="circle"):
        ask(server.url)
    for target in ("", "http://[", "ftp://127.0.0.1/", "//other.example/v1"):
        reply = Reply("", 308, {"Location": target})
        with serving(in_turn(reply)) as server, pytest.raises(EndpointElsewhere):
            ask(server.url)


def test_models_with_other_parameters_are_asked_in_their_way() -> None:
    def answer(request: Any) -> Reply | str:
        body = request.body
        if "max_tokens" in body:
            message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return failure(400, message, param="max_tokens")
        if "temperature" in body:
            return failure(400, "Only the default (1) value is supported.", param="temperature")
        if "seed" in body:
            return failure(422, "Extra inputs are not permitted: seed")
        return f"within {body['max_completion_tokens']}"

    with serving(answer) as server, Endpoint(server.url, "tiny") as endpoint:
        for _ in range(2):
            text = endpoint.write(HELLO, max_tokens=50, temperature=0.5, seed=7)
            assert text == "within 50"
    # What was learnt holds for the second question.
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (failure(400, "too many tokens", code="context_length_exceeded"), PromptTooLong, "tiny"),
        (failure(400, "This model's maximum context length is 512"), PromptTooLong, "maximum"),
        (failure(404, "model 'tiny' not found"), EndpointRefused, "not found"),
        (failure(403, "region"), EndpointRefused, "another key"),
        (Reply("Not Found", 404), EndpointRefused, "Not Found"),
        (Reply({"error": "plain words"}, 418), EndpointRefused, "plain words"),
        (Reply({"detail": 1}, 400), EndpointRefused, "400"),
        (Reply("[1]", 400), EndpointRefused, "400"),
    ],
)
def test_refusals_are_named_in_the_endpoints_words(
    reply: Reply, error: type[FinetuiError], said: str
) -> None:
    with serving(in_turn(reply)) as server, pytest.raises(error, match=said):
        ask(server.url)
    assert len(server.requests) == 1


def test_the_key_is_nowhere_to_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    repeats = failure(401, f"Incorrect API key provided: {SECRET}.")
    with serving(in_turn(repeats)) as server:
        endpoint = Endpoint(server.url, "tiny", key=SECRET)
        with pytest.raises(EndpointRefused) as caught:
            endpoint.write(HELLO, max_tokens=5, temperature=0, seed=0)
        endpoint.close()
    shown = f"{endpoint!r} {endpoint} {endpoint.place} {caught.value} {caught.value.as_dict()}"
    assert SECRET not in shown
    assert "•••" in shown
    assert SECRET not in caplog.text
    with pytest.raises(EndpointInvalid) as refused:
        Endpoint("http://127.0.0.1:1/v1", "tiny", key="sk-with a\nspace")
    assert "sk-with" not in str(refused.value.as_dict())


LOCAL = "http://localhost:11434/v1"


@pytest.mark.parametrize(
    ("url", "environment", "key"),
    [
        (LOCAL, {}, ""),
        (LOCAL, {"FINETUI_API_KEY": "own", "OPENAI_API_KEY": "theirs"}, "own"),
        (LOCAL, {"OPENAI_API_KEY": "theirs"}, "theirs"),
        ("https://api.openai.com/v1", {"OPENAI_API_KEY": "theirs"}, "theirs"),
        ("https://llm.example/v1", {"OPENAI_API_KEY": "theirs"}, ""),
        ("https://notopenai.com/v1", {"OPENAI_API_KEY": "theirs"}, ""),
        ("https://llm.example/v1", {"FINETUI_API_KEY": "own"}, "own"),
        ("http://llm.example/v1", {"FINETUI_API_KEY": "own"}, ""),
        (
            "https://llm.example/v1",
            {"OPENAI_API_KEY": "theirs", "OPENAI_BASE_URL": "https://llm.example/v1/"},
            "theirs",
        ),
        (
            "https://llm.example/v1",
            {"OPENAI_API_KEY": "theirs", "OPENAI_BASE_URL": "https://other.example/v1"},
            "",
        ),
    ],
)
def test_a_key_goes_only_where_it_belongs(url: str, environment: dict[str, str], key: str) -> None:
    assert key_for(parse(url), environment) == key


def test_the_environments_key_is_sent_and_a_server_without_one_gets_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving(in_turn("yes")) as server:
        ask(server.url)
        monkeypatch.setenv("FINETUI_API_KEY", SECRET)
        ask(server.url)
    assert "authorization" not in server.requests[0].headers
    assert server.requests[1].headers["authorization"] == f"Bearer {SECRET}"


def test_a_key_is_not_sent_over_a_network_in_the_clear() -> None:
    with pytest.raises(EndpointInvalid, match="in the clear"):
        Endpoint("http://192.0.2.7:8000/v1", "tiny", key=SECRET)
    Endpoint("https://192.0.2.7:8000/v1", "tiny", key=SECRET).close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11434",
        "ftp://localhost/v1",
        "http://",
        "http:///v1",
        "http://user:hunter2@localhost/v1",
        "http://localhost/v1?api_key=hunter2",
        "http://localhost/v1#hunter2",
        "http://local host/v1",
        "http://localhost\\@evil.example/v1",
        "http://localhost:99999/v1",
        "http://localhost:0/v1",
        "http://[::1/v1",
        "file:///etc/passwd",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(EndpointInvalid) as caught:
        Endpoint(url, "tiny")
    assert "hunter2" not in str(caught.value.as_dict())


def test_a_model_must_be_named() -> None:
    with pytest.raises(EndpointInvalid, match="no model"):
        Endpoint(LOCAL, " ")


def test_every_failure_is_one_of_composing() -> None:
    assert issubclass(EndpointBusy, ComposeError)
    assert json.loads(json.dumps(EndpointBusy("a", hint="b").as_dict()))["code"] == "endpoint-busy"
