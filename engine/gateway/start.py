"""Starting, finding and stopping a workspace's server: what the verb and the screen call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.gateway.spec import ServeSpec
from engine.gateway.state import ServerState
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Status:
    """A workspace's server.

    Attributes:
        directory: Its job's folder.
        running: Whether it runs, here or elsewhere.
        state: What it last said; None where it never ran.
        error: Why it ended, where that was a failure.
        hint: What to do about it.
    """

    directory: Path
    running: bool
    state: ServerState | None
    error: str = ""
    hint: str = ""


def token_of(spec: ServeSpec, token_file: Path | None = None) -> tuple[str, bool]:
    """Return the token that requests will need, and whether it was made just now.

    It is taken from ``FINETUI_SERVE_TOKEN``, else from the file, else made; a made one is shown
    once by whoever called this and kept nowhere.

    Raises:
        ServerTokenInvalid: It is too short or has characters that a header can't carry, or the
            file can't be read or is readable by others.
        ServerOpen: No token is wanted and the address is not a loopback one.
    """
    raise NotImplementedError


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
        RunMissing, RunUnfinished, QuantUnknown: There is no such export.
        GgufDamaged, EngineUnfit: The model can't be loaded.
        DependencyMissing: The engine is not installed.
    """
    raise NotImplementedError


def status(workspace: Workspace) -> Status:
    """Return what a workspace's server does; quick, and without asking it."""
    raise NotImplementedError


def stop(workspace: Workspace) -> bool:
    """Ask a workspace's server to answer what it has begun and end.

    Returns:
        Whether there was one.
    """
    raise NotImplementedError
