"""The Serve panel in a real terminal: typed ahead, silent, and outlived by its server."""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from engine.gateway.spec import server_dir
from engine.gateway.start import status, stop
from engine.runs import wait_until_gone
from engine.runs.process import read_process
from engine.workspace import Workspace, open_workspace
from tests.support.pty_app import Terminal, finetui
from tests.support.trusting import trusted
from tests.tui.exports import make_exported_run
from tests.tui.server_job import running_job

SETTINGS = """
[training]
base = "of-ones-own"
[check]
automatic = false
[serve]
port = 0
context = 256
slots = 2
"""

ESCAPE = "\x1b[27u"
"""As terminals write it that tell it from the beginning of a sequence."""

HEAVY = {"torch", "transformers", "llama_cpp", "xllamacpp", "starlette", "uvicorn", "vllm"}


def test_keys_reach_the_dialog_they_are_meant_for_and_an_idle_panel_sends_nothing(
    workspace: Workspace,
) -> None:
    (workspace.root / "finetui.toml").write_text(SETTINGS, "utf-8")
    with running_job(workspace, active=2) as process, finetui(workspace.root) as terminal:
        terminal.until("Sources")
        terminal.type("5S")
        terminal.until("2 active")
        quiet = 0
        while quiet < 5:  # until nothing has come for a while
            before = len(terminal.output)
            terminal.read(0.2)
            quiet = quiet + 1 if len(terminal.output) == before else 0
        terminal.output.clear()
        for _ in range(10):
            terminal.read(0.2)
        assert bytes(terminal.output) == b""
        # The question takes n; a second one would stop the server if y fell through.
        terminal.type("xny")
        terminal.until("y does nothing here")
        terminal.type(f"x{ESCAPE}y")
        terminal.until("y does nothing here")
        assert process.is_running()
        terminal.type("xy")
        terminal.until("the server has stopped")
        assert wait_until_gone(server_dir(workspace.root))
        terminal.type("\x11")
        assert terminal.ended() == 0


@pytest.fixture
def exported(workspace: Workspace, models: Path) -> Path:
    """Return the folder of a workspace with two exports that can really be loaded."""
    for quant in ("f16", "q8_0"):
        make_exported_run(workspace, models, quant=quant)
    (workspace.root / "finetui.toml").write_text(SETTINGS, "utf-8")
    workspace.close()
    return trusted(workspace.root)


def test_a_server_is_started_by_keys_and_outlives_the_terminal(
    exported: Path, tmp_path: Path
) -> None:
    told = tmp_path / "modules.json"
    program = tmp_path / "program.py"
    program.write_text(
        "import atexit, json, pathlib, runpy, sys\n"
        f"told = pathlib.Path({str(told)!r})\n"
        "atexit.register(lambda: told.write_text(json.dumps(sorted(sys.modules))))\n"
        f"sys.argv[1:] = ['--workspace', {str(exported)!r}]\n"
        "runpy.run_module('tui', run_name='__main__')\n",
        "utf-8",
    )
    terminal = Terminal(sys.executable, str(program))
    try:
        url, token = started_by_keys(terminal, exported)
        # The list stands on what is not served yet; enter waits for it.
        terminal.type("r\r")
        terminal.until("f16 answers now, after", 120)
        assert ask(url, token) == 200
        terminal.type("\x11")
        terminal.until("goes on at")
        assert terminal.ended() == 0
        loaded = {name.partition(".")[0] for name in json.loads(told.read_text("utf-8"))}
        assert loaded & HEAVY == set()
        assert ask(url, token) == 200
    finally:
        terminal.close()
        with open_workspace(exported) as opened:
            stop(opened)
        assert wait_until_gone(server_dir(exported))


def started_by_keys(terminal: Terminal, root: Path) -> tuple[str, str]:
    """Start a server, look where its token is, and return its address and token."""
    terminal.until("Sources")
    terminal.type("5")
    terminal.until("both loaded", 120)
    terminal.type("Ss\r")
    terminal.until("answers · it goes on when finetui is left", 120)
    painted = terminal.text
    (token,) = set(re.findall(r"\b[0-9a-f]{48}\b", painted))
    assert "kept nowhere" in painted
    with open_workspace(root) as opened:
        found = status(opened)
    assert found.state is not None
    assert found.state.quant == "q8_0"  # the newest
    assert ask(found.state.url, token) == 200
    assert ask(found.state.url, "x" * 48) == 401
    info = read_process(server_dir(root))
    assert info is not None
    assert token not in " ".join(psutil.Process(info.pid).cmdline())
    for file in server_dir(root).rglob("*"):
        assert not file.is_file() or token.encode() not in file.read_bytes()
    return found.state.url, token


def ask(url: str, token: str) -> int:
    """Ask which models there are, and return the answer's status."""
    request = urllib.request.Request(
        f"{url}/v1/models", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
