"""The private socket by which a server's owner reaches it, and what is said once it is gone."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ServerMissing, ServerUnreachable
from engine.gateway.address import is_private, owner_socket
from engine.gateway.control import reload
from engine.gateway.spec import Wanted, server_dir
from engine.gateway.state import ServerState, StateWriter
from engine.runs import EventLog
from engine.runs.process import identify, write_process
from engine.workspace import Workspace


@pytest.fixture
def short() -> Iterator[Path]:
    """Return a folder whose path is short enough for a socket's address."""
    folder = Path(tempfile.mkdtemp(prefix="ft-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        return True


def test_it_outlives_the_sessions_folder(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # XDG Base Directory Specification, of XDG_RUNTIME_DIR: its lifetime is bound to the user being
    # logged in; when the last session ends, it is removed.
    runtime = short / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    for state in (short / "state", Path("/proc/nowhere")):
        monkeypatch.setenv("XDG_STATE_HOME", str(state))
        with owner_socket() as (_, path):
            assert not path.is_relative_to(runtime)
            assert path.is_relative_to(state) is (state.parent == short)
            assert is_private(path)
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert answers(path)
        assert not path.parent.exists()


def running(workspace: Workspace, path: Path) -> EventLog:
    """Have this process pass for the workspace's server, with a socket at ``path``."""
    folder = server_dir(workspace.root)
    folder.mkdir()
    me = identify(os.getpid())
    assert me is not None
    write_process(folder, me)
    log = EventLog(folder)
    log.write("run_started", pid=me.pid, pid_start=me.start_time)
    StateWriter(folder).write(ServerState(phase="serving", socket=str(path)), at_once=True)
    return log


@pytest.mark.parametrize("kind", ["gone", "silent", "no socket"])
def test_a_server_whose_socket_is_gone_is_said_to_run(
    workspace: Workspace, short: Path, kind: str
) -> None:
    path = short / "owner.sock"
    if kind == "silent":  # it was bound, and nobody listens any more
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
    elif kind == "no socket":
        path.write_bytes(b"")
    log = running(workspace, path)
    with pytest.raises(ServerUnreachable, match=r"owner\.sock") as said:
        reload(workspace, Wanted(run="last"))
    assert "runs" in said.value.message
    assert "/admin/reload-model" in said.value.hint
    assert "serve --stop" in said.value.hint
    log.write("run_finished", status="stopped")
    log.close()
    with pytest.raises(ServerMissing):
        reload(workspace, Wanted(run="last"))
