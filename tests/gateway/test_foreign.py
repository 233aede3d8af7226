"""A server in a workspace that somebody else made writes to no file but its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.errors import ServerMissing
from engine.gateway.face.access import ACCESS, keep_access_log
from engine.gateway.spec import server_dir
from engine.gateway.start import status
from engine.gateway.state import SPARE_FILE, STATE_FILE, ServerState, StateWriter, read_state
from engine.trust import links_out
from engine.workspace import Workspace
from tests.support.precious import precious_file

WRITTEN = [
    "access.log",
    "access.log.1",
    "control",
    "control/reserve",
    "control/stop",
    "events.jsonl",
    "process.json",
    "run.lock",
    "server.json",
    "state.json",
    "stdout.log",
    ".state.json.spare",
]
"""What a server leaves in its folder, and the temporary name of one of them."""


@pytest.fixture
def precious(tmp_path: Path) -> Iterator[Path]:
    """Return a file of the person's own, which has to stay as it is."""
    yield from precious_file(tmp_path / "home")


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    found = server_dir(workspace.root)
    found.mkdir()
    return found


@pytest.mark.parametrize("name", WRITTEN)
def test_no_server_starts_where_a_link_leads_out(
    workspace: Workspace,
    folder: Path,
    precious: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(precious.parent if name == "control" else precious)
    (workspace.root / "x.gguf").write_bytes(b"GGUF")
    words = ["serve", str(workspace.root / "x.gguf"), "--workspace", str(workspace.root)]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "workspace-untrusted" in said
    assert f"server/{name}" in said
    assert list(precious.parent.iterdir()) == [precious]


def test_no_server_starts_where_a_link_stays_in_the_workspace(
    workspace: Workspace, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "access.log").symlink_to("../finetui.db")
    before = (workspace.root / "finetui.db").read_bytes()
    words = ["serve", str(workspace.root / "x.gguf"), "--workspace", str(workspace.root)]
    assert main(words) == 1
    assert "access.log is a link" in capsys.readouterr().err
    assert (workspace.root / "finetui.db").read_bytes() == before


@pytest.mark.parametrize("name", ["access.log", "state.json", "control/stop"])
def test_no_server_starts_where_a_pipe_is(
    workspace: Workspace, folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    os.mkfifo(folder / name)
    here = ["--workspace", str(workspace.root)]
    assert main(["serve", str(workspace.root / "x.gguf"), *here]) == 1
    assert f"{name} is a pipe" in capsys.readouterr().err
    assert main(["serve", "--status", *here]) == 1
    assert ServerMissing.code in capsys.readouterr().err


def test_the_state_is_read_from_a_file_alone(workspace: Workspace, folder: Path) -> None:
    makers: list[Callable[[Path], None]] = [
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.mkdir(),
    ]
    for make in makers:
        make(folder / STATE_FILE)
        assert read_state(folder) is None
        assert status(workspace).state is None
        path = folder / STATE_FILE
        path.rmdir() if path.is_dir() else path.unlink()
    with (folder / STATE_FILE).open("wb") as large:
        large.truncate(1 << 40)  # a file with a hole, which takes no room
    assert read_state(folder) is None
    (folder / STATE_FILE).write_bytes(b"[" * 100_000)
    assert read_state(folder) is None


def test_the_state_is_written_through_no_link(folder: Path, precious: Path) -> None:
    (folder / SPARE_FILE).symlink_to(precious)
    assert StateWriter(folder).write(ServerState(url="http://127.0.0.1:1"), at_once=True) is False
    (folder / SPARE_FILE).unlink()
    (folder / STATE_FILE).symlink_to(precious)  # the name itself is replaced
    assert StateWriter(folder).write(ServerState(url="http://127.0.0.1:1"), at_once=True)
    found = read_state(folder)
    assert found is not None
    assert found.url == "http://127.0.0.1:1"


@pytest.fixture
def _without_handlers() -> Iterator[None]:
    before = list(ACCESS.handlers)
    yield
    for handler in ACCESS.handlers[:]:
        if handler not in before:
            handler.close()
            ACCESS.removeHandler(handler)


@pytest.mark.usefixtures("_without_handlers")
def test_the_access_log_follows_no_link_and_waits_for_no_pipe(folder: Path, precious: Path) -> None:
    log = folder / "access.log"
    for is_link in (True, False):
        log.symlink_to(precious) if is_link else os.mkfifo(log)
        keep_access_log(folder)  # a server goes on without it
        ACCESS.info("GET /evil")
        log.unlink()
    keep_access_log(folder)
    ACCESS.info("GET /v1/models")
    assert "GET /v1/models" in log.read_text()
    # Once it is full it is opened anew, and a link may have come there meanwhile.
    [handler] = [one for one in ACCESS.handlers if isinstance(one, logging.FileHandler)]
    handler.maxBytes = 1  # type: ignore[attr-defined]
    log.unlink()
    (folder / "access.log.1").symlink_to(precious)
    log.symlink_to(precious)
    ACCESS.info("GET /later")


def test_a_servers_folder_that_leads_out_can_be_agreed_to(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "big").mkdir()
    server_dir(workspace.root).symlink_to(tmp_path / "big")
    assert [item.name for item in links_out(workspace.root)] == ["link server"]
    words = ["serve", str(workspace.root / "x.gguf"), "--workspace", str(workspace.root)]
    assert main(words) == 1
    assert "workspace-untrusted" in capsys.readouterr().err
    assert main(["trust", str(workspace.root)]) == 0
    capsys.readouterr()
    assert main(words) == 1
    assert "model-missing" in capsys.readouterr().err
