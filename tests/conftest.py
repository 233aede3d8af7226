"""Isolation for every test, and what many tests share."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from engine.workspace import Workspace, init_workspace, open_workspace

REPOSITORY = Path(__file__).resolve().parent.parent

# A busy machine is no fault of the code: nothing here fails for being slow.
settings.register_profile("finetui", deadline=None)
settings.load_profile("finetui")


@pytest.fixture(autouse=True)
def isolated_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test, and the children it starts, a home folder of their own."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("FINETUI_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    for variable, folder in (
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_STATE_HOME", ".local/state"),
    ):
        monkeypatch.setenv(variable, str(home / folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(home / "hf"))
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.delenv("NO_COLOR", raising=False)
    # Children run `python -m engine…` from anywhere; a checkout is not installed.
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return home


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if host not in {"127.0.0.1", "::1", "localhost"}:
                raise PermissionError(f"a test tried to reach {host}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Return an open, empty workspace."""
    with open_workspace(init_workspace(tmp_path / "workspace")) as opened:
        yield opened


@pytest.fixture(scope="session")
def demo_data() -> Path:
    """Return the folder of the bundled demo sources."""
    return REPOSITORY / "engine" / "demo" / "data"


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a real two-layer Llama with a tokenizer and a ChatML template, as a model folder."""
    from tests.support.tiny_model import make_tiny_model

    folder = tmp_path_factory.mktemp("tiny") / "model"
    make_tiny_model(folder)
    return folder


@pytest.fixture(scope="session")
def finished_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace whose one run, on a tiny model, was exported at f16.

    Made once, since merging and converting take some seconds each; tests only read it.
    """
    from tests.support.tiny_export import make_exported_workspace

    return make_exported_workspace(tmp_path_factory.mktemp("exported"))
