"""Requests that a proxy has passed on: what they are known by, and what is closed to them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.gateway.face.serving import TOKEN, BareEngine, OneModel, Running, running
from tests.gateway.face.wire import code, rest, status, wire

FORWARDED = [
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "Via",
    "CF-Connecting-IP",
    "True-Client-IP",
    "X-Client-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Cluster-Client-IP",
    "X-Envoy-External-Address",
    "X_Forwarded_For",
    "CDN-Loop",  # RFC 8586
    "Fly-Client-IP",
    "Fly-Region",
    "Fastly-FF",
    "EO-Connecting-IP",
    "DO-Connecting-IP",
    "Ali-CDN-Real-IP",
    "Incap-Client-IP",
    "Akamai-Origin-Hop",
    "X-Azure-SocketIP",
    "X-FD-HealthProbe",
    "X-AppEngine-User-IP",
    "AppEngine-User-IP",
    "X-Cloud-Trace-Context",
    "X-Amzn-Trace-Id",
    "X-Amz-Cf-Id",
    "CloudFront-Viewer-Address",
    "X-NF-Client-Connection-IP",
    "X-Vercel-Forwarded-For",
    "X-Request-Start",
    "WL-Proxy-Client-IP",
    "Oxygen-Buyer-IP",
    "Tailscale-User-Login",
]


@pytest.mark.parametrize("name", FORWARDED)
def test_models_are_not_changed_through_a_proxy(server: Running, name: str) -> None:
    before = len(server.models.reloads)
    with server.client() as client:
        for path in ("/admin/reload-model", "/admin//reload-model", "/ADMIN/reload-model"):
            answer = client.post(path, json={"run": "x"}, headers={name: "127.0.0.1"})
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "reload-refused"
        assert client.get("/admin/status", headers={name: ""}).status_code == 403
        # Requests for text may well come through one.
        assert client.get("/v1/models", headers={name: "127.0.0.1"}).status_code == 200
    assert len(server.models.reloads) == before


def _relayed(path: str, *more: str) -> bytes:
    """Return a request as nginx's plain ``proxy_pass`` writes it, by its documentation.

    Of ``proxy_http_version`` and ``proxy_set_header`` nothing is set, so that it is HTTP/1.0
    from this machine, and its Host is the address that nginx was given.
    """
    head = [f"GET {path} HTTP/1.0", "Host: 127.0.0.1:8080", "Connection: close", *more]
    return "\r\n".join([*head, "", ""]).encode()


def test_a_proxy_that_adds_no_header_is_known_by_its_version(
    server: Running, engine: BareEngine, tmp_path: Path
) -> None:
    bearer = f"Authorization: Bearer {TOKEN}"
    answers = {}
    with running(OneModel([engine]), tmp_path, open=True) as opened:
        for started, path, more in (
            (server, "/admin/status", [bearer]),
            (server, "/v1/models", [bearer]),
            (opened, "/v1/models", []),
            (opened, "/admin/status", []),
        ):
            with wire(started.port) as sock:
                sock.sendall(_relayed(path, *more))
                answers[started.port, path] = rest(sock)
        assert httpx.get(f"{opened.url}/v1/models", trust_env=False).status_code == 200
    admin, models = answers[server.port, "/admin/status"], answers[server.port, "/v1/models"]
    assert (status(admin), code(admin)) == (403, "reload-refused")
    assert status(models) == 200  # who has the token may ask from anywhere
    for path in ("/v1/models", "/admin/status"):
        answer = answers[opened.port, path]
        assert (status(answer), code(answer)) == (403, "local_only")


def test_what_clients_send_themselves_is_no_proxys(server: Running) -> None:
    sent = {
        "X-Request-ID": "1",
        "X-Stainless-Lang": "python",
        "OpenAI-Organization": "x",
        "X-Client-Name": "x",
        "Traceparent": "00-1-1-00",
        "Idempotency-Key": "1",
    }
    with server.client() as client:
        assert client.get("/admin/status", headers=sent).status_code == 200
