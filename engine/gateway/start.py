"""Starting, finding and stopping a workspace's server: what the verb and the screen call."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import FinetuiError, RunActive, ServerActive, ServerOpen, UsageError
from engine.gateway.address import bind, is_loopback, remove_socket
from engine.gateway.bearer import find_token
from engine.gateway.spec import ServeSpec, server_dir
from engine.gateway.state import STATE_FILE, ServerState, read_state
from engine.plain import not_plain
from engine.runs import launch, request_stop, stop_requested, wait_until_gone
from engine.runs import state as job_state
from engine.runs.events import EVENTS_FILE, LOG_FILE
from engine.runs.process import read_process
from engine.text import inert
from engine.trust import require_plain
from engine.workspace import Workspace

MODULE = "engine.gateway.job"
_LONGEST_LOG = 1 << 20
_HOST_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_ORIGIN = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(?::[0-9]{1,5})?/?"
)
_ENDING_S = 10.0  # after it was asked to stop


@dataclass(frozen=True, slots=True)
class Status:
    """A workspace's server.

    Attributes:
        directory: Its job's folder.
        running: Whether it runs, here or elsewhere.
        state: What it last said; None where it never ran.
        error: Why it ended, where that was a failure.
        hint: What to do about it.
        code: That failure's code.
    """

    directory: Path
    running: bool
    state: ServerState | None
    error: str = ""
    hint: str = ""
    code: str = ""


def token_of(spec: ServeSpec, token_file: Path | None = None) -> tuple[str, bool]:
    """Return the token that requests will need, and whether it was made just now.

    It is taken from ``FINETUI_SERVE_TOKEN``, else from the file, else made; a made one is shown
    once by whoever called this and kept nowhere.

    Raises:
        ServerTokenInvalid: It is too short or has characters that a header can't carry, or the
            file can't be read or is readable by others.
        ServerOpen: No token is wanted and the address is not a loopback one.
    """
    _check_open(spec)
    return ("", False) if spec.open else find_token(token_file)


def serve(workspace: Workspace, spec: ServeSpec, token: str) -> Path:
    """Check what a server needs and start it as a detached job.

    Args:
        workspace: Whose server it is; a workspace has one.
        spec: How it is started.
        token: What requests will need; it is handed to the child through a pipe alone.

    Returns:
        The job's folder; :func:`status` says when it serves.

    Raises:
        ServerActive: This workspace's server runs.
        PortTaken: Another program listens there.
        ServerOpen: The address is not a loopback one and no token is wanted.
        UsageError: What may ask is no host's name or no origin.
        RunMissing, RunUnfinished, QuantUnknown, ModelMissing: There is no such model.
        GgufDamaged, EngineUnfit: The model can't be loaded.
        DependencyMissing: The engine is not installed.
        WorkspaceUntrusted: The workspace came from somebody else and would load what nobody
            agreed to, or write through a link.
        PathUnusable: A link or a pipe is in the place of a file that it writes.
    """
    from engine.gateway.resolve import Resolver
    from engine.serve.engines.choice import choose

    directory = server_dir(workspace.root)
    _check_free(workspace)
    _check_open(spec)
    _check_names(spec)
    require_plain(workspace.root, directory)
    _check_own(directory)
    served = Resolver(spec)(spec.model)
    choose(spec.engine, served).require(served)
    sock = bind(spec.host, spec.port)
    reading, writing = os.pipe()
    try:
        os.write(writing, token.encode("ascii"))  # far less than a pipe holds
        os.close(writing)
        launch(
            directory,
            MODULE,
            [str(reading), str(sock.fileno())],
            keep=(reading, sock.fileno()),
            before=lambda: _prepare(directory, spec),
        )
    except RunActive as error:  # another one was quicker
        _check_free(workspace)
        raise _active(None) from error
    finally:
        os.close(reading)
        sock.close()
    return directory


def _check_own(directory: Path) -> None:
    """Refuse a link in the server's folder also where it stays in the workspace: none is of use."""
    links = [path for path in sorted(directory.glob("*")) if path.is_symlink()]
    if links:
        raise not_plain(links[0])


def _prepare(directory: Path, spec: ServeSpec) -> None:
    """Clear away what the last server left, and write how the next one is started."""
    directory.chmod(0o700)  # also in a workspace that a group shares
    left = read_state(directory)
    if left is not None and left.socket:
        remove_socket(Path(left.socket))
    (directory / STATE_FILE).unlink(missing_ok=True)
    for name in (EVENTS_FILE, LOG_FILE):
        log = directory / name
        with contextlib.suppress(OSError):
            if log.stat().st_size > _LONGEST_LOG:
                log.replace(log.with_name(f"{name}.old"))
    spec.write(directory)
    (directory / "server.json").chmod(0o600)


def _check_open(spec: ServeSpec) -> None:
    if spec.open and not is_loopback(spec.host):
        raise ServerOpen(
            f"without a token anybody who reaches {spec.host} could ask the model",
            hint="leave out --open, or listen on 127.0.0.1",
        )


def _check_names(spec: ServeSpec) -> None:
    """Refuse names of hosts and origins that no request has (RFC 9110, 7.2; RFC 6454, 7.1)."""
    for name in spec.hosts:
        if not (_HOST_NAME.fullmatch(name) or _is_address(name.strip("[]"))):
            raise UsageError(
                f"{inert(name)} is no name of a host",
                hint="as in ai.example.com, without scheme, port and path",
            )
    for origin in spec.origins:
        if not _ORIGIN.fullmatch(origin):
            raise UsageError(
                f"{inert(origin)} is no origin of a web page",
                hint="as in https://ai.example.com or http://localhost:3000, without a path",
            )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_free(workspace: Workspace) -> None:
    found = status(workspace)
    if found.running and stop_requested(found.directory):
        wait_until_gone(found.directory, _ENDING_S)
        found = status(workspace)
    if found.running:
        raise _active(found.state)


def _active(state: ServerState | None) -> ServerActive:
    where = f" at {state.url}" if state is not None and state.url else ""
    what = f" with {state.model}" if state is not None and state.model else ""
    return ServerActive(
        f"this workspace's server runs already{where}{what}",
        hint="give it another model with: finetui reload RUN, or end it with: finetui serve --stop",
    )


def status(workspace: Workspace) -> Status:
    """Return what a workspace's server does; quick, and without asking it."""
    directory = server_dir(workspace.root)
    view, told = job_state(directory), read_state(directory)
    if view.active and (view.started or read_process(directory) is not None):
        return Status(directory, running=True, state=told)
    failed = view.status in ("failed", "died", "killed")
    if told is not None:
        told = replace(
            told,
            phase="failed" if failed else "ended",
            next="",
            active=0,
            waiting=0,
            tokens_per_s=0.0,
            memory=0,
        )
    if not failed:
        return Status(directory, running=False, state=told)
    why = view.message or "it ended without a word"
    # What died says nothing itself, and the protocol's hint for it is that of a run.
    hint = view.hint if view.status == "failed" else "start it again with: finetui serve"
    return Status(directory, False, told, why, hint, view.code)


def failure_of(found: Status) -> FinetuiError:
    """Return why a server ended, as the error that it was there."""
    from engine.gateway.control import error_of

    return error_of(found.code or "run-failed", found.error or "the server ended", found.hint)


def stop(workspace: Workspace) -> bool:
    """Ask a workspace's server to answer what it has begun and end.

    Returns:
        Whether there was one.
    """
    directory = server_dir(workspace.root)
    return directory.is_dir() and request_stop(directory)
