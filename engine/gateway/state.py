"""What a server says of itself, in a file that a verb and the screen read twice a second.

The server alone writes it, at once when something happens and else at most once a second, and
only where something has changed, so that an idle server touches no disk.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

from engine.errors import DiskFull, PathUnusable
from engine.paths import shorten
from engine.plain import open_own, read_plain
from engine.text import inert

STATE_FILE = "state.json"
SPARE_FILE = ".state.json.spare"
_SPARE = 8 << 10
"""Bytes; a state has about 700, and what it says last may be longer."""
_LARGEST = 1 << 20

Phase = Literal["starting", "serving", "switching", "restarting", "idle", "lent", "failed", "ended"]
"""``idle``: unloaded until the next request; ``lent``: unloaded while a run has the device;
``restarting``: the engine ended by itself and comes back."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server's state; counts are since it started.

    Attributes:
        phase: What it is doing.
        url: Its address, such as ``http://127.0.0.1:8080``; empty until it listens.
        socket: The owner's private socket, for reloads without a token.
        model: The name of the model that answers; empty for none.
        run: That model's run; empty for a file of one's own.
        quant: Its quantisation.
        engine: The engine.
        next: The model that is being loaded; empty for none.
        requests: Requests answered, with whatever result.
        failed: Requests that ended in an error of the server's own.
        active: Requests that are being answered.
        waiting: Requests that wait for their turn or for an engine.
        prompt_tokens: Tokens read.
        tokens: Tokens written.
        tokens_per_s: Tokens written in the last ten seconds, a second.
        memory: Resident bytes of the engine and the server.
        swaps: Changes of model that succeeded.
        restarts: Times an engine came back after it had ended by itself.
        said: The last thing that a person should know, such as why a reload failed.
        open: Whether it asks for no token.
        started: When it started, seconds since the epoch.
        at: When this was written.
    """

    phase: Phase = "starting"
    url: str = ""
    socket: str = ""
    model: str = ""
    run: str = ""
    quant: str = ""
    engine: str = ""
    next: str = ""
    requests: int = 0
    failed: int = 0
    active: int = 0
    waiting: int = 0
    prompt_tokens: int = 0
    tokens: int = 0
    tokens_per_s: float = 0.0
    memory: int = 0
    swaps: int = 0
    restarts: int = 0
    said: str = ""
    open: bool = False
    started: float = 0.0
    at: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


def read_state(directory: Path) -> ServerState | None:
    """Return what a server last said; None where there is nothing to read.

    Its texts are made harmless and of one line each, whoever wrote them.

    It does not say whether the server still runs: :func:`engine.gateway.start.status` does.
    """
    try:
        value = json.loads(read_plain(directory / STATE_FILE, _LARGEST))
        known = [field for field in fields(ServerState) if field.name in value]
        return ServerState(
            **{field.name: _of_kind(value[field.name], field.default) for field in known}
        )
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _of_kind(value: object, default: object) -> Any:
    """Return a field's value; the file lies in a workspace, which may come from anybody.

    Raises:
        TypeError: It is of another kind than the field, or no finite number.
    """
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default) or (isinstance(value, float) and not math.isfinite(value)):
        raise TypeError(f"{value!r} is no {type(default).__name__}")
    return value if not isinstance(value, str) else " ".join(inert(value).split())


class StateWriter:
    """Writes a server's state, readable by its owner alone.

    A spare file of a state's size is kept beside it: where the disk is full the next state is
    written into the spare's room, and that of the state before becomes the next spare.

    Args:
        directory: The server's folder.
        every_s: The least time between two writes that nothing hurries, in seconds.
    """

    def __init__(self, directory: Path, every_s: float = 1.0) -> None:
        self._path = directory / STATE_FILE
        self._every_s = every_s
        self._written: ServerState | None = None
        self._at = 0.0

    def begin(self, state: ServerState) -> None:
        """Write the first state.

        Raises:
            DiskFull: There is no room for a state and a spare.
            PathUnusable: A link or something else has the name.
            OSError: It can't be written.
        """
        try:
            self._write(replace(state, at=0.0))
            self._keep_spare()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise DiskFull(
                f"no room on the disk to write {shorten(self._path)}",
                hint="free some space and start it again",
            ) from error

    def write(self, state: ServerState, *, at_once: bool = False) -> bool:
        """Write a state that differs from the one that was written.

        Args:
            state: The state; its ``at`` is set here.
            at_once: Whether it is written also where the last one was written just now.

        Returns:
            Whether it was written. A full disk is no reason to stop serving.
        """
        state = replace(state, at=0.0)
        if state == self._written or not (at_once or time.monotonic() - self._at >= self._every_s):
            return False
        try:
            self._write(state)
        except (OSError, PathUnusable):
            return False
        with contextlib.suppress(OSError, PathUnusable):
            self._keep_spare()
        return True

    def end(self) -> None:
        """Remove the spare file."""
        with contextlib.suppress(OSError):
            self._path.with_name(SPARE_FILE).unlink(missing_ok=True)

    def _write(self, state: ServerState) -> None:
        # Not made durable: after the machine's restart there is no server that it would be of.
        now = replace(state, at=round(time.time(), 3))
        data = json.dumps(now.as_dict()).encode() + b"\n"
        with self._open_spare() as file:
            file.write(data)
            file.truncate()
        self._path.with_name(SPARE_FILE).replace(self._path)
        self._written, self._at = state, time.monotonic()

    def _keep_spare(self) -> None:
        with self._open_spare() as file:
            file.write(bytes(_SPARE))

    def _open_spare(self) -> BinaryIO:
        """Open the spare file at its beginning, with the room that it has."""
        handle = open_own(self._path.parent, SPARE_FILE, os.O_WRONLY | os.O_CREAT, 0o600)
        return os.fdopen(handle, "wb")
