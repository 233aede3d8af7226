"""What a hub answers, as its documentation has it, and what a person is told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.bases.download import _size
from engine.bases.hub_errors import asking_for
from engine.errors import BaseGated, BaseMissing, FinetuiError, HubUnreachable

MODEL = "someone/model"


class Hub(ThreadingHTTPServer):
    """A hub that gives one answer for every model, and finds a list of ids by a search."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 404
        self.headers: dict[str, str] = {}
        self.found: list[str] = []
        self.searches: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/api/models":
            self.server.searches += parse_qs(address.query)["search"]
            self._send(200, {}, [{"id": model} for model in self.server.found])
        else:
            self._send(self.server.status, self.server.headers, {"error": "as the headers say"})

    def _send(self, status: int, headers: dict[str, str], body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    Thread(target=server.serve_forever, daemon=True).start()
    _point_to(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


def _point_to(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    # The client reads its variables once, when it is imported.
    import huggingface_hub.constants as constants
    from huggingface_hub import hf_api

    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hf_api.constants, "ENDPOINT", endpoint)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _told(hub_id: str = MODEL) -> FinetuiError:
    with pytest.raises(FinetuiError) as caught:
        asking_for(hub_id, lambda: _size(hub_id))
    return caught.value


GATED = {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to model is restricted."}
NOT_FOUND = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
BAD_TOKEN = {"X-Error-Message": "Invalid credentials in Authorization header"}
DISABLED = {"X-Error-Message": "Access to this resource is disabled."}
NO_BRANCH = {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id: main"}


@pytest.mark.parametrize(
    ("token", "status", "headers", "kind", "said"),
    [
        ("", 401, GATED, BaseGated, ["gated", "/someone/model", "hf auth login", "HF_TOKEN"]),
        ("hf_x", 403, GATED, BaseGated, ["gated", "/someone/model", "(HF_TOKEN)", "access"]),
        ("", 401, NOT_FOUND, BaseMissing, ["no model someone/model", "private", "HF_TOKEN"]),
        ("", 401, {}, BaseMissing, ["no model someone/model", "private", "HF_TOKEN"]),
        ("hf_x", 404, NOT_FOUND, BaseMissing, ["no model someone/model", "private to others"]),
        ("hf_x", 401, BAD_TOKEN, HubUnreachable, ["token", "HF_TOKEN", "/settings/tokens"]),
        ("hf_x", 403, {}, BaseGated, ["token", "may not read", "/settings/tokens"]),
        ("", 404, NO_BRANCH, BaseMissing, ["branch main", "/someone/model"]),
        ("", 403, DISABLED, BaseMissing, ["disabled", "/someone/model"]),
        ("", 429, {}, HubUnreachable, ["429", "wait", "HF_TOKEN"]),
        ("", 503, {}, HubUnreachable, ["503", "try again", "bases add /path"]),
    ],
)
def test_each_answer_of_the_hub_has_words_of_its_own(
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    status: int,
    headers: dict[str, str],
    kind: type[FinetuiError],
    said: list[str],
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    hub.status, hub.headers = status, headers
    error = _told()
    assert type(error) is kind
    whole = f"{error.message}\n{error.hint}"
    assert [word for word in said if word not in whole] == []
    assert "hf_x" not in whole


@pytest.mark.parametrize(
    ("wrong", "found", "right"),
    [
        ("Qwen/Qwen2.5-7B-Instuct", [], "Qwen/Qwen2.5-7B-Instruct"),
        ("someone/my-nodel", ["someone/my-model", "other/thing"], "someone/my-model"),
        ("someone/zzz", ["other/thing"], ""),
    ],
)
def test_a_model_that_is_not_there_has_near_names(
    hub: Hub, wrong: str, found: list[str], right: str
) -> None:
    hub.headers, hub.found = NOT_FOUND, found
    error = _told(wrong)
    assert (f"did you mean {right}" in error.hint) == bool(right)
    assert right or "spelling" in error.hint
    assert hub.searches == [wrong.rpartition("/")[2]]


def test_no_way_to_the_hub_is_told_by_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        _point_to(monkeypatch, endpoint)
        error = _told()
    assert type(error) is HubUnreachable
    assert "refused" in error.message
    assert endpoint in error.hint
    assert "bases add /path" in error.hint


def test_offline_by_choice_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    error = _told()
    assert type(error) is HubUnreachable
    assert "HF_HUB_OFFLINE is set" in error.message
    assert "unset" in error.hint
