"""A workspace's server as its person has it: verbs, a detached process, and how both end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from engine.cli.export import print_next
from engine.cli.main import main
from engine.cli.serve import _stop as end_server
from engine.errors import (
    GgufDamaged,
    ModelMissing,
    PortTaken,
    ServerActive,
    ServerMissing,
    ServerOpen,
    UsageError,
)
from engine.gateway.address import is_private
from engine.gateway.control import reload
from engine.gateway.spec import ServeSpec, Wanted, server_dir
from engine.gateway.start import failure_of, serve, status, stop
from engine.gateway.state import STATE_FILE, ServerState, StateWriter, read_state
from engine.runs import kill, wait_until_gone
from engine.runs.hold import take
from engine.runs.process import identify, read_process, write_process
from engine.workspace import Workspace, init_workspace, open_workspace
from tests.support.two_models import ANSWERS, PROMPT, TOKENS
from tests.support.waiting import wait_until

TOKEN = "a-token-of-the-tests-0123456789"


def spec_of(workspace: Workspace, file: Path, **changes: Any) -> ServeSpec:
    spec = ServeSpec(
        workspace.root, Wanted(path=str(file)), port=0, engine="native", context=2048, slots=2,
        threads=1,
    )  # fmt: skip
    return replace(spec, **changes)


def serving(workspace: Workspace) -> ServerState:
    """Wait until the server serves, and return what it says."""

    def look() -> ServerState | None:
        found = status(workspace)
        assert found.running, (found.error, found.hint)
        return found.state if found.state and found.state.phase == "serving" else None

    state = wait_until(look, timeout=120, what="the server")
    assert state is not None
    return state


def ask(state: ServerState, token: str = TOKEN) -> tuple[str, str]:
    """Return which model answers, and what."""
    answer = httpx.post(
        f"{state.url}/v1/completions",
        json={"prompt": PROMPT, "max_tokens": TOKENS, "temperature": 0},
        headers={"Authorization": f"Bearer {token}"},
        timeout=120,
    )
    body = answer.raise_for_status().json()
    return body["model"], body["choices"][0]["text"]


def engines_of(workspace: Workspace) -> list[psutil.Process]:
    """Return the processes that the server has started."""
    info = read_process(status(workspace).directory)
    assert info is not None
    return psutil.Process(info.pid).children(recursive=True)


def end(workspace: Workspace) -> None:
    """End the server at once, if there is one."""
    directory = status(workspace).directory
    if directory.is_dir():
        kill(directory)
        wait_until_gone(directory)


@pytest.fixture(scope="module")
def running(
    models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, ServerState]]:
    """Return a workspace and its server, which no test ends."""
    folder = tmp_path_factory.mktemp("served")
    mask = os.umask(0o077)  # as the front ends have it
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONFIG", "STATE", "CACHE", "DATA"):
            patch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
        with open_workspace(init_workspace(folder / "workspace")) as workspace:
            serve(workspace, spec_of(workspace, models / "gguf" / "one.gguf"), TOKEN)
            try:
                yield workspace, serving(workspace)
            finally:
                end(workspace)
                os.umask(mask)


def verb(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run a verb, and return its status and what it printed."""
    capsys.readouterr()
    code = main([*words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_reload_by_the_verb(
    running: tuple[Workspace, ServerState], models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, state = running
    here = ["--workspace", str(workspace.root)]
    for name in ("two", "one"):
        path = str(models / "gguf" / f"{name}.gguf")
        code, out, _ = verb(capsys, "reload", path, *here, "--json")
        assert (code, json.loads(out)["model"]) == (0, name)
        assert ask(state) == (name, ANSWERS[name])
    code, out, err = verb(capsys, "reload", str(models / "gguf" / "cut.gguf"), *here, "--json")
    assert (code, json.loads(out)["error"]["code"]) == (1, "gguf-damaged")
    code, _, err = verb(capsys, "reload", "--quant", "q8_0", *here)
    assert (code, "a file is served, and no run" in err) == (2, True)
    code, _, err = verb(capsys, "reload", path, "--quant", "q8_0", *here)
    assert (code, "a file has the quantisation it has" in err) == (2, True)
    code, _, err = verb(capsys, "reload", *here)
    assert (code, "no model is named" in err) == (2, True)
    code, out, err = verb(capsys, "reload", "/etc/passwd.gguf", *here)
    assert code == 1
    assert "[model-outside]" in err
    assert "--allow-dir" in err
    assert ask(state) == ("one", ANSWERS["one"])


def test_the_status_by_the_verb(
    running: tuple[Workspace, ServerState], capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, state = running
    here = ["--workspace", str(workspace.root)]
    ask(state)
    counted = wait_until(lambda: (now := read_state(status(workspace).directory)) and now.requests)
    code, out, _ = verb(capsys, "serve", "--status", *here, "--json")
    told = json.loads(out)
    assert (code, told["phase"], told["url"]) == (0, "serving", state.url)
    assert told["requests"] >= counted
    assert told["tokens"] >= TOKENS
    assert told["memory"] > 0
    code, out, _ = verb(capsys, "serve", "--status", *here)
    assert code == 0
    assert state.url in out


def test_a_finished_export_says_how_the_server_gets_it(
    running: tuple[Workspace, ServerState], workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    served, state = running
    job_dir = served.runs_dir / "20260101-000000-abcd" / "exports" / "f16"
    print_next(served, job_dir)
    out = capsys.readouterr().out
    assert "finetui reload 20260101-000000-abcd" in out
    assert state.url in out
    print_next(workspace, job_dir)  # no server, nothing to say
    assert capsys.readouterr().out == ""


def test_a_workspace_has_one_server(
    running: tuple[Workspace, ServerState], models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, state = running
    file = models / "gguf" / "one.gguf"
    with pytest.raises(ServerActive) as active:
        serve(workspace, spec_of(workspace, file), TOKEN)
    assert state.url in active.value.message
    assert "finetui reload" in active.value.hint
    assert "finetui serve --stop" in active.value.hint


def test_a_port_has_one_server(
    running: tuple[Workspace, ServerState], models: Path, workspace: Workspace
) -> None:
    _, state = running
    port = int(state.url.rpartition(":")[2])
    with pytest.raises(PortTaken, match=str(port)):
        serve(workspace, spec_of(workspace, models / "gguf" / "one.gguf", port=port), TOKEN)
    assert not status(workspace).running


def test_the_token_stands_nowhere(running: tuple[Workspace, ServerState]) -> None:
    workspace, state = running
    ask(state)
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        ask(state, "another-token-0123456789")
    directory = status(workspace).directory
    info = read_process(directory)
    assert info is not None
    job = psutil.Process(info.pid)
    said = [" ".join(one.cmdline()) for one in (job, *job.children(recursive=True))]
    said += [str(one.environ()) for one in (job, *job.children(recursive=True))]
    files = [path for path in directory.rglob("*") if path.is_file()]
    said += [path.read_text("utf-8", "replace") for path in files]
    assert len(said) > 6
    assert not any(TOKEN in text for text in said)
    assert directory.stat().st_mode & 0o077 == 0
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path
    assert is_private(Path(state.socket))


def test_the_log_says_what_happened_and_no_prompt(running: tuple[Workspace, ServerState]) -> None:
    workspace, state = running
    ask(state)
    lines = (status(workspace).directory / "events.jsonl").read_text()
    # It has no signs of life: a server that runs for months would fill the disk.
    assert '"type":"gpu"' not in lines
    assert PROMPT not in lines


def test_a_server_that_is_killed_leaves_nothing_and_starts_again(
    models: Path, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    file = models / "gguf" / "one.gguf"
    serve(workspace, spec_of(workspace, file), TOKEN)
    try:
        state = serving(workspace)
        engines = engines_of(workspace)
        assert engines
        info = read_process(status(workspace).directory)
        assert info is not None
        os.kill(info.pid, signal.SIGKILL)
        psutil.wait_procs(engines, timeout=60)
        assert not [one for one in engines if one.is_running()]
        wait_until_gone(status(workspace).directory)
        found = status(workspace)
        assert not found.running
        assert found.error
        assert found.state is not None
        assert (found.state.phase, found.state.active) == ("failed", 0)
        code, _, err = verb(capsys, "serve", "--status", "--workspace", str(workspace.root))
        assert (code, "[server-missing]" in err) == (1, True)
        assert "finetui serve" in err
        assert "runs start" not in err
        with pytest.raises(ServerMissing):
            reload(workspace, Wanted(path=str(file)))
        # The next one takes its place, and clears away the socket that it left.
        serve(workspace, spec_of(workspace, file), TOKEN)
        assert ask(serving(workspace)) == ("one", ANSWERS["one"])
        assert not Path(state.socket).parent.exists()
        # One that was asked to stop is waited for.
        assert stop(workspace)
        serve(workspace, spec_of(workspace, file), TOKEN)
    finally:
        end(workspace)


def test_a_stop_that_nobody_hears_is_named(workspace: Workspace) -> None:
    """A folder from somebody else names a process that is no server, and is held by another one."""
    directory = server_dir(workspace.root)
    directory.mkdir(parents=True)
    info = identify(os.getpid())
    assert info is not None
    with closing(take(directory)) as hold:
        write_process(directory, replace(info, lock=hold.kind))
        assert status(workspace).running
        with pytest.raises(ServerActive, match="has not within 0 s"):
            end_server(workspace, quiet=True, patience_s=0.01)


def test_what_a_foreign_folder_says_is_shown_inert(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = server_dir(workspace.root)
    directory.mkdir(parents=True)
    evil = "\x1b[31m\r\nforged: line"
    said = {name: f"{name}{evil}" for name in ("model", "url", "engine", "said")}
    (directory / STATE_FILE).write_text(json.dumps({**said, "phase": f"odd{evil}"}))
    info = identify(os.getpid())
    assert info is not None
    with closing(take(directory)) as hold:
        write_process(directory, replace(info, lock=hold.kind))
        code, out, _ = verb(capsys, "serve", "--status", "--workspace", str(workspace.root))
    assert code == 0
    assert not any(line.startswith("forged") for line in out.splitlines())
    assert "\x1b" not in out
    for name in (*said, "odd"):
        assert f"{name}\\x1b[31m" in out


def test_a_folder_to_load_from_has_to_be_there(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--workspace", str(workspace.root), "--allow-dir", "/nope"]
    code, _, err = verb(capsys, "serve", *where)
    assert (code, "/nope" in err) == (2, True)
    assert not server_dir(workspace.root).exists()


def test_the_owner_is_told_the_whole_state(running: tuple[Workspace, ServerState]) -> None:
    _, state = running
    with httpx.Client(transport=httpx.HTTPTransport(uds=state.socket)) as client:
        told = client.get("http://localhost/admin/status").raise_for_status().json()
    assert (told["url"], told["socket"]) == (state.url, state.socket)
    assert told["started"] == state.started > 0
    assert told["memory"] > 0
    assert told["at"] >= state.at


def test_a_stop_answers_what_was_begun(models: Path, workspace: Workspace) -> None:
    serve(workspace, spec_of(workspace, models / "gguf" / "one.gguf"), TOKEN)
    try:
        state = serving(workspace)
        engines = engines_of(workspace)
        begun = threading.Event()
        pieces: list[str] = []

        def stream() -> None:
            body = {"prompt": PROMPT, "max_tokens": 1000, "temperature": 0, "stream": True}
            headers = {"Authorization": f"Bearer {TOKEN}"}
            url = f"{state.url}/v1/completions"
            with httpx.stream("POST", url, json=body, headers=headers, timeout=120) as answer:
                for line in answer.iter_lines():
                    pieces.append(line)
                    begun.set()

        client = threading.Thread(target=stream)
        client.start()
        assert begun.wait(120)
        assert stop(workspace)
        client.join(120)
        assert "data: [DONE]" in pieces
        assert wait_until_gone(status(workspace).directory)
        psutil.wait_procs(engines, timeout=60)
        assert not [one for one in engines if one.is_running()]
        found = status(workspace)
        assert (found.running, found.error) == (False, "")
        assert found.state is not None
        assert found.state.phase == "ended"
        assert not Path(state.socket).parent.exists()
        assert not stop(workspace)
    finally:
        end(workspace)


def test_a_model_that_can_not_be_loaded_ends_the_server_with_its_words(
    models: Path, workspace: Workspace
) -> None:
    # A header that is damaged is seen before anything is started.
    with pytest.raises(GgufDamaged):
        serve(workspace, spec_of(workspace, models / "gguf" / "cut.gguf"), TOKEN)
    serve(workspace, spec_of(workspace, models / "gguf" / "liar.gguf"), TOKEN)
    wait_until(lambda: not status(workspace).running, timeout=120)
    failure = failure_of(status(workspace))
    assert isinstance(failure, GgufDamaged)
    assert "tokenizer" in failure.message


def test_without_a_token_only_on_this_machine(models: Path, workspace: Workspace) -> None:
    spec = spec_of(workspace, models / "gguf" / "one.gguf", host="0.0.0.0", open=True)
    with pytest.raises(ServerOpen):
        serve(workspace, spec, "")


@pytest.mark.parametrize(
    ("hosts", "origins", "said"),
    [
        (("http://ai.example",), (), "http://ai.example is no name of a host"),
        (("a b",), (), "a b is no name"),
        (("a.b:443",), (), "a.b:443 is no name"),
        ((), ("ai.example",), "ai.example is no origin"),
        ((), ("http://ai.example/page",), "no origin"),
        (("ai.example", "[FD00::1]", "10.0.0.1"), ("https://ai.example:8443", "http://[::1]"), ""),
    ],
)
def test_what_no_request_has_is_refused_as_a_host_or_an_origin(
    models: Path, workspace: Workspace, hosts: tuple[str, ...], origins: tuple[str, ...], said: str
) -> None:
    """A Host is a name or an address (RFC 9110), an origin scheme, host and port (RFC 6454)."""
    spec = spec_of(workspace, models / "none.gguf", hosts=hosts, origins=origins)
    with pytest.raises(UsageError if said else ModelMissing, match=re.escape(said) or None):
        serve(workspace, spec, "a-token-of-some-length")


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, signal.SIGHUP, pytest.param(signal.SIGINT, marks=pytest.mark.nightly)],
)
def test_ctrl_c_ends_the_server_and_a_closed_terminal_does_not(
    models: Path, workspace: Workspace, number: signal.Signals
) -> None:
    words = ["serve", str(models / "gguf" / "one.gguf"), "--workspace", str(workspace.root)]
    options = ["--port", "0", "--threads", "1", "--engine", "native", "--context", "512"]
    command = [sys.executable, "-c", "import sys; from engine.cli.main import main; main()"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    front = subprocess.Popen(
        [*command, *words, *options], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert front.stdout is not None
        lines = []
        for line in front.stdout:
            lines.append(line.rstrip())
            if line.startswith("Ctrl-C"):
                break
        state = serving(workspace)
        token = next(line for line in lines if line.startswith("token")).rpartition(" ")[2]
        assert f"export OPENAI_BASE_URL={state.url}/v1" in lines
        assert f"export OPENAI_API_KEY={token}" in lines
        assert any(line.startswith(f"curl {state.url}/v1/chat/completions") for line in lines)
        assert ask(state, token) == ("one", ANSWERS["one"])
        front.send_signal(number)
        front.wait(120)
        assert status(workspace).running is (number == signal.SIGHUP)
    finally:
        with suppress(ProcessLookupError):
            front.kill()
        front.wait()
        end(workspace)


def test_nothing_is_written_where_nothing_has_changed(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    writer = StateWriter(folder, every_s=3600)
    first = ServerState(phase="serving", model="one")
    assert writer.write(first)
    assert not writer.write(first, at_once=True)
    assert not writer.write(replace(first, requests=1))  # soon enough later
    assert writer.write(replace(first, requests=1, phase="idle"), at_once=True)
    found = read_state(folder)
    assert found is not None
    assert (found.phase, found.requests) == ("idle", 1)
    assert found.at > 0
    assert (folder / STATE_FILE).stat().st_mode & 0o777 == 0o600
    writer.end()
    assert [path.name for path in folder.iterdir()] == [STATE_FILE]


_FULL = """
import errno, sys
from dataclasses import replace
from pathlib import Path
from engine.errors import DiskFull
from engine.gateway.state import ServerState, StateWriter, read_state

def fill(disk, name):
    try:
        with (disk / name).open("wb", buffering=0) as file:
            while True:
                file.write(bytes(512))
    except OSError as error:
        assert error.errno == errno.ENOSPC

disk = Path(sys.argv[1])
folder = disk / "server"
folder.mkdir()
writer = StateWriter(folder)
state = ServerState(phase="serving", model="one")
writer.begin(state)
fill(disk, "fill")
for number in range(20):
    assert writer.write(replace(state, requests=number + 1, said="x" * number * 9), at_once=True)
    assert read_state(folder).requests == number + 1
    fill(disk, f"fill{number}")
writer.end()
(folder / "state.json").unlink()
fill(disk, "more")
try:
    StateWriter(folder).begin(state)
except DiskFull as error:
    print(error.code)
"""


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0,
    reason="this system lets nobody mount a disk of their own",
)
def test_a_full_disk_is_named_at_the_start_and_later_leaves_the_state_true(tmp_path: Path) -> None:
    mounted = f'mount -t tmpfs -o size=128k none "{tmp_path}" && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", mounted, "sh", sys.executable, "-c", _FULL]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["disk-full"]), done.stderr
