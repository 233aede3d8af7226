"""Who may ask: tokens, names, web pages, and the owner's socket."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.errors import EngineAway, GgufDamaged, ModelOutside, ReloadBusy, ServerOpen
from engine.gateway.face.app import make_app
from engine.gateway.spec import ServeSpec, Wanted
from engine.gateway.state import ServerState
from tests.gateway.face.serving import TOKEN, BareEngine, OneModel, Running, running

ASKED = {"prompt": "x", "max_tokens": 1}


def _code(answer: httpx.Response) -> str:
    """Return an error's code, having seen that it has OpenAI's form and tells no secrets."""
    body = answer.json()["error"]
    assert {"message", "type", "param", "code"} <= body.keys()
    assert TOKEN not in answer.text
    return str(body["code"])


@pytest.fixture
def bare(server: Running) -> Iterator[httpx.Client]:
    """Return a client that sends no token."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN}, Bearer {TOKEN}",
    ],
)
@pytest.mark.parametrize("path", ["/v1/models", "/openapi.json", "/admin/status", "/nowhere"])
def test_without_the_token_nothing_is_said(bare: httpx.Client, path: str, header: str) -> None:
    answer = bare.get(path, headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert _code(answer) == "invalid_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_two_tokens_are_none(bare: httpx.Client) -> None:
    twice = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")]
    assert bare.get("/v1/models", headers=twice).status_code == 401


def test_a_token_of_other_letters_is_no_failure(bare: httpx.Client) -> None:
    answer = bare.get("/v1/models", headers={b"Authorization": "Bearer žlutý".encode()})
    assert answer.status_code == 401


def test_the_schemes_name_is_written_in_any_case(bare: httpx.Client) -> None:
    for scheme in ("bearer", "BEARER", "Bearer"):
        answer = bare.get("/v1/models", headers={"Authorization": f"{scheme} {TOKEN}"})
        assert answer.status_code == 200


def test_a_token_in_the_address_is_none(bare: httpx.Client) -> None:
    assert bare.get(f"/v1/models?token={TOKEN}&api_key={TOKEN}").status_code == 401


def test_health_says_ok_to_anybody_and_nothing_else(bare: httpx.Client) -> None:
    answer = bare.get("/health")
    assert answer.json() == {"status": "ok"}
    assert "server" not in answer.headers


def test_health_says_that_it_starts(engine: BareEngine, tmp_path: Path) -> None:
    for models in (OneModel([]), OneModel([engine], ServerState(phase="starting"))):
        with running(models, tmp_path) as started, started.client() as client:
            answer = client.get("/health", headers={})
            assert (answer.status_code, answer.json()) == (503, {"status": "starting"})


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("localhost.:80", True),
        ("[::1]:8080", True),
        ("127.0.0.2", True),
        ("box.example", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("192.168.1.5", False),
        ("0.0.0.0", False),
        ("localhost@evil.example", False),
        ("localhost/evil", False),
        ("", False),
        ("2130706433", False),
    ],
)
def test_the_host_is_one_of_ours(
    engine: BareEngine, tmp_path: Path, host: str, allowed: bool
) -> None:
    app = make_app(OneModel([engine]), ServeSpec(tmp_path, Wanted(), hosts=("Box.example",)), TOKEN)
    status = _asked(app, "GET", "/v1/models", {"host": host})[0]
    assert status == (200 if allowed else 421)


def test_on_every_address_any_address_is_a_host_and_no_name(
    engine: BareEngine, tmp_path: Path
) -> None:
    app = make_app(OneModel([engine]), ServeSpec(tmp_path, Wanted(), host="0.0.0.0"), TOKEN)
    assert _asked(app, "GET", "/v1/models", {"host": "192.168.1.5:80"})[0] == 200
    assert _asked(app, "GET", "/v1/models", {"host": "evil.example"})[0] == 421


@pytest.mark.parametrize(
    "written", ["fd00::1", "FD00::1", "fd00:0:0:0:0:0:0:1", "fd00::0.0.0.1", "fd00::1%eth0"]
)
def test_an_address_is_ours_however_it_is_written(
    engine: BareEngine, tmp_path: Path, written: str
) -> None:
    """All are texts of one address (RFC 4291, 2.2); a zone is known by its own machine alone."""
    for named in ({"host": written}, {"hosts": (written,)}, {"hosts": (f"[{written}]",)}):
        app = make_app(OneModel([engine]), replace(ServeSpec(tmp_path, Wanted()), **named), TOKEN)
        for host, expected in (
            ("[fd00::1]:8080", 200),
            ("[FD00:0::1]", 200),
            ("[fd00:0000:0000:0000:0000:0000:0000:0001]:8080", 200),
            ("[fd00::2]:8080", 421),
            ("fd00::1", 421),  # without brackets it is no Host (RFC 3986, 3.2.2)
        ):
            status = _asked(app, "GET", "/v1/models", {"host": host})[0]
            assert status == expected, (named, host)


def test_no_web_page_may_ask(server: Running) -> None:
    with server.client() as client:
        for origin in ("https://evil.example", "null", server.url, "http://localhost"):
            for answer in (
                client.post("/v1/completions", json=ASKED, headers={"Origin": origin}),
                client.options("/v1/completions", headers={"Origin": origin}),
                client.get("/health", headers={"Origin": origin}),
            ):
                assert answer.status_code == 403
                assert _code(answer) == "origin_not_allowed"
                assert "access-control-allow-origin" not in answer.headers


def test_a_page_that_was_allowed_may(engine: BareEngine, tmp_path: Path) -> None:
    page = "https://page.example"
    with running(OneModel([engine]), tmp_path, origins=(page,)) as started:
        with started.client() as client:
            answer = client.post("/v1/completions", json=ASKED, headers={"Origin": page})
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == page
            other = client.get("/v1/models", headers={"Origin": page + ".evil.example"})
            assert other.status_code == 403
        with httpx.Client(base_url=started.url, trust_env=False) as client:
            asks = {"Origin": page, "Access-Control-Request-Headers": "authorization,x-a"}
            before = client.options("/v1/chat/completions", headers=asks)
            assert before.status_code == 204
            assert before.headers["access-control-allow-headers"] == "authorization,x-a"
            assert client.get("/v1/models", headers={"Origin": page}).status_code == 401


def test_models_are_changed_from_this_machine_alone(engine: BareEngine, tmp_path: Path) -> None:
    spec = ServeSpec(tmp_path, Wanted(), host="0.0.0.0")
    models = OneModel([engine])
    asked = ("POST", "/admin/reload-model", {"host": "10.0.0.1"})
    body = b'{"run": "x"}'
    for peer, allowed in (
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.9", False),
        ("::ffff:10.0.0.9", False),
        ("fe80::1%eth0", False),
    ):
        status, said = _asked(make_app(models, spec, TOKEN), *asked, body=body, peer=peer)
        assert status == (200 if allowed else 403), peer
        if not allowed:
            assert json.loads(said)["error"]["code"] == "reload-refused"
    more = make_app(models, replace(spec, remote_admin=True), TOKEN)
    assert _asked(more, *asked, body=body, peer="10.0.0.9")[0] == 200


def test_strangers_are_told_of_no_folder(engine: BareEngine, tmp_path: Path) -> None:
    state = ServerState(phase="serving", socket="/run/u/o.sock", said="no /home/me/a b.gguf is")
    models = OneModel([engine], state, refuse=GgufDamaged("/home/me/x.gguf is bad", hint="~/log/a"))
    app = make_app(models, ServeSpec(tmp_path, Wanted(), remote_admin=True), TOKEN)
    status, said = _asked(app, "GET", "/admin/status", {}, peer="10.0.0.9")
    assert status == 200
    assert b"/" not in said.replace(b"application/json", b"")
    status, said = _asked(
        app, "POST", "/admin/reload-model", {}, body=b'{"run": "x"}', peer="10.0.0.9"
    )
    assert status == 422
    assert b"/" not in said
    assert b"x.gguf is bad" in said


def test_a_server_without_a_token_is_of_this_machine(engine: BareEngine, tmp_path: Path) -> None:
    spec = ServeSpec(tmp_path, Wanted(), open=True)
    app = make_app(OneModel([engine]), spec, "")
    assert _asked(app, "GET", "/v1/models", {}, token="")[0] == 200
    assert _asked(app, "GET", "/v1/models", {}, token="", peer="10.0.0.9")[0] == 403
    with pytest.raises(ServerOpen):
        make_app(OneModel([engine]), replace(spec, host="0.0.0.0"), "")


def test_the_owner_needs_no_token_on_the_socket(server: Running) -> None:
    transport = httpx.HTTPTransport(uds=str(server.socket))
    with httpx.Client(transport=transport, base_url="http://localhost") as owner:
        assert owner.get("/admin/status").json()["phase"] == "serving"
        answer = owner.post("/admin/reload-model", json={"run": "brief", "quant": "q8_0"})
    assert answer.json() == {
        "status": "success",
        "model": "new:q8_0",
        "before": "tiny:f16",
        "seconds": 1.5,
        "waited": False,
        "answer": "Hello.",
    }
    assert server.models.reloads[-1] == Wanted(run="brief", quant="q8_0")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ReloadBusy("it is", hint="wait"), 409),
        (ModelOutside("/x is outside", hint="allow /x"), 403),
        (GgufDamaged("/home/a.gguf is bad", hint="export it"), 422),
        (EngineAway("none", hint="wait"), 503),
    ],
)
def test_the_owner_is_told_what_failed_and_where(
    engine: BareEngine, tmp_path: Path, error: Any, status: int
) -> None:
    models = OneModel([engine], refuse=error)
    with running(models, tmp_path) as started, started.client() as client:
        answer = client.post("/admin/reload-model", json={"path": "/x"})
    assert answer.status_code == status
    body = answer.json()
    assert body["status"] == "error"
    assert _code(answer) == error.code
    assert body["error"]["message"] == error.message
    assert body["error"]["hint"] == error.hint


@pytest.mark.parametrize(
    "body",
    [{}, {"path": ""}, {"path": "x", "run": "y"}, {"path": 5}, {"path": "a\0b"}, {"url": "x"}],
)
def test_a_change_of_models_names_one(server: Running, body: dict[str, Any]) -> None:
    before = len(server.models.reloads)
    with server.client() as client:
        answer = client.post("/admin/reload-model", json=body)
    assert answer.status_code == 400
    assert _code(answer)
    assert len(server.models.reloads) == before


def _asked(
    app: Any,
    method: str,
    path: str,
    headers: dict[str, str],
    *,
    body: bytes = b"",
    peer: str = "127.0.0.1",
    token: str = TOKEN,
) -> tuple[int, bytes]:
    """Ask an application as a machine elsewhere would, which no test can be."""
    given = {"host": "127.0.0.1", "authorization": f"Bearer {token}", **headers}

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            request = client.build_request(method, path, content=body)
            request.headers = httpx.Headers({**given, "content-length": str(len(body))})
            return await client.send(request)

    import asyncio

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        answer = loop.run_until_complete(ask())
    return answer.status_code, answer.content
