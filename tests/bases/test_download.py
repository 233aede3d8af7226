"""Downloads against a hub of our own on the loopback, which speaks what the client asks."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

from engine.bases import add, download, installed, resolve
from engine.errors import BaseInvalid, BaseMissing, DiskFull
from engine.paths import bases_dir
from tests.support.tiny_base import make_tiny_base

MODEL = "someone/tiny-model"
GATED = "someone/gated"
COMMIT = "a" * 40


class Hub(ThreadingHTTPServer):
    """A hub with one model, whose files are those of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.served: list[str] = []
        self.broken: set[str] = set()


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path.startswith(f"/api/models/{GATED}"):
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        elif path.startswith(f"/api/models/{MODEL}/tree/"):
            self._send(200, json.dumps(self._tree()).encode())
        elif path in (f"/api/models/{MODEL}", f"/api/models/{MODEL}/revision/main"):
            self._send(200, json.dumps(self._info()).encode())
        elif path.startswith(f"/{MODEL}/resolve/"):
            self._file(path.split("/", 5)[-1])
        else:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _names(self) -> list[str]:
        return sorted(path.name for path in self.server.folder.iterdir())

    def _info(self) -> dict[str, object]:
        siblings = [
            {"rfilename": name, "size": (self.server.folder / name).stat().st_size}
            for name in self._names()
        ]
        return {"id": MODEL, "_id": "0", "sha": COMMIT, "siblings": siblings, "tags": []}

    def _tree(self) -> list[dict[str, object]]:
        return [
            {
                "type": "file",
                "path": name,
                "size": (self.server.folder / name).stat().st_size,
                "oid": _etag(self.server.folder / name),
            }
            for name in self._names()
        ]

    def _file(self, name: str) -> None:
        path = self.server.folder / name
        if name in self.server.broken and self.command == "GET":
            self._send(500, b"")
            return
        if self.command == "GET":
            self.server.served.append(name)
        headers = {"ETag": f'"{_etag(path)}"', "X-Repo-Commit": COMMIT}
        self._send(200, path.read_bytes(), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _etag(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    folder = make_tiny_base(tmp_path / "hub")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "README.md").write_text("hello")
    server = Hub(folder)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.shutdown()
    server.server_close()


def test_a_hub_id_is_downloaded_once_and_only_what_is_needed(hub: Hub) -> None:
    seen: list[tuple[int, int]] = []
    base = add(MODEL, progress=lambda *at: seen.append(at))
    assert (base.name, base.hub_id, base.parameters) == ("someone--tiny-model", MODEL, 32)
    assert base.directory == bases_dir() / base.name / "hf"
    assert sorted(path.name for path in base.directory.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert seen[-1][0] == seen[-1][1] > 0
    assert resolve(MODEL) == resolve(base.name) == base
    served = len(hub.served)
    assert add(MODEL) == base
    assert len(hub.served) == served


def test_a_download_that_broke_off_goes_on_where_it_was(hub: Hub) -> None:
    hub.broken = {"model.safetensors"}
    with pytest.raises(BaseMissing, match="refused"):
        add(MODEL)
    assert installed() == []
    assert not (bases_dir() / "someone--tiny-model" / "hf").exists()
    first = list(hub.served)
    assert "tokenizer.json" in first
    hub.broken = set()
    hub.served.clear()
    assert add(MODEL).parameters == 32
    assert "tokenizer.json" not in hub.served


def test_what_the_hub_has_not_is_named(hub: Hub) -> None:
    with pytest.raises(BaseMissing, match="the hub has no model someone/else"):
        add("someone/else")
    with pytest.raises(BaseMissing, match="gated") as caught:
        add(GATED)
    assert "HF_TOKEN" in caught.value.hint


def test_a_model_without_safetensors_is_refused_before_the_download(hub: Hub) -> None:
    (hub.folder / "model.safetensors").unlink()
    with pytest.raises(BaseInvalid, match="no weights as safetensors"):
        add(MODEL)
    assert hub.served == []


def test_a_model_that_is_damaged_does_not_get_a_place(hub: Hub) -> None:
    (hub.folder / "config.json").write_text("[]")
    with pytest.raises(BaseInvalid, match=r"config\.json"):
        add(MODEL)
    assert not (bases_dir() / "someone--tiny-model" / "hf").exists()


def test_without_a_way_to_the_hub_the_hint_is_a_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for offline in ("1", "0"):
        monkeypatch.setenv("HF_HUB_OFFLINE", offline)
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        with pytest.raises(BaseMissing, match="can't be reached") as caught:
            add("gemma-2b")
        assert "finetui bases add /path" in caught.value.hint


def test_a_full_disk_is_noticed_before_the_download(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_size", lambda _: 10**9)
    usage = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DiskFull, match=MODEL):
        download.main([MODEL, str(tmp_path / "folder")])
    assert hub.served == []
