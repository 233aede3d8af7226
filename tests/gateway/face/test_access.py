"""The line that each request leaves in the log: nothing secret, and nothing of a stranger's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from engine.gateway.face.access import ACCESS, keep_access_log
from tests.gateway.face.serving import TOKEN, BareEngine, Running, wait_until

ASKED = {"prompt": "x", "max_tokens": 1}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Give the file of the log, written as the server's process writes it."""
    umask, before = os.umask(0o077), list(ACCESS.handlers)
    keep_access_log(tmp_path)
    yield tmp_path / "access.log"
    for handler in set(ACCESS.handlers) - set(before):
        ACCESS.removeHandler(handler)
        handler.close()
    ACCESS.propagate = True
    os.umask(umask)


def test_the_log_has_no_token_no_query_and_no_body(server: Running, log: Path) -> None:
    with server.client() as client:
        client.post("/v1/completions?secret=1", json={**ASKED, "prompt": "hidden words"})
        client.get("/x%1b[31m" + "y" * 500)
    wait_until(lambda: "/x%1b" in log.read_text())
    text = log.read_text()
    assert "127.0.0.1 POST /v1/completions 200" in text
    assert "tiny:f16 " in text
    for secret in (TOKEN, "secret", "hidden", "\x1b", "y" * 100):
        assert secret not in text
    assert log.stat().st_mode & 0o077 == 0


def test_nobody_writes_a_line_of_their_own_into_the_log(
    server: Running, engine: BareEngine, monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    """A path is logged as it was sent (RFC 3986, 2.1), and a model's name on the same line."""
    monkeypatch.setattr(engine, "model", replace(engine.model, id="a\nb\tc"))
    httpx.get(
        f"{server.url}/%0A2026-01-01%2000:00:00%20127.0.0.1%20GET%20/v1%20200%0D%09",
        trust_env=False,
    )
    with server.client() as client:
        client.post("/v1/completions", json=ASKED)
    wait_until(lambda: "/v1/completions" in log.read_text())
    lines = log.read_text().splitlines()
    assert len(lines) == 2
    assert " GET /%0A2026-01-01%2000:00:00%20127.0.0.1%20GET%20/v1%20200%0D%09 401 " in lines[0]
    assert " POST /v1/completions 200 " in lines[1]
