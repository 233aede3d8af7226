"""The workspace's server: looked at in a thread, started, stopped, given another model."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message
from textual.message_pump import MessagePump

from tui.bridge.threads import Poller
from tui.messages import PartFailed

if TYPE_CHECKING:
    from engine.gateway.control import Reloaded
    from engine.gateway.spec import ServeSpec
    from engine.gateway.state import ServerState
    from engine.serve.engines.base import EngineName
    from engine.workspace import Workspace

PANEL_SECONDS = 0.5
"""Between two looks for the panel, while it is in front."""

_NEAR = 50
_LAST_PORT = 65535
_ABOUT: Mapping[str, str] = {
    "native": "requests side by side",
    "llama-cpp-python": "one request at a time",
    "transformers": "one request at a time, not quantised",
    "vllm": "many requests, on GPUs, not quantised",
}


@dataclass(frozen=True, slots=True)
class Model:
    """A run's export that can be served.

    Attributes:
        run_id: The run.
        called: The person's name for it, else its id.
        quant: The quantisation.
        base: Its base.
        size: The file's size, in bytes.
        at: When the export ended, in seconds since the epoch.
    """

    run_id: str
    called: str
    quant: str
    base: str
    size: int
    at: float

    @property
    def name(self) -> str:
        """What the panel calls it: ``brief at q4_k_m``."""
        return f"{self.called} at {self.quant}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A workspace's server at one moment.

    Attributes:
        running: Whether it runs, here or elsewhere.
        stopping: Whether it was asked to end, and answers what it has begun.
        host: The other machine that it runs on; empty for this one.
        state: What it last said; None where it never ran.
        minutes: How long it has been running, in whole minutes, so that it is drawn anew once a
            minute.
        error: Why it ended, where that was a failure.
        hint: What to do about it.
        process: Which process it is; another start is another one.
    """

    running: bool = False
    stopping: bool = False
    host: str = ""
    state: ServerState | None = None
    minutes: int = 0
    error: str = ""
    hint: str = ""
    process: str = ""

    @property
    def model(self) -> str:
        """What it serves; empty where it does not run, or has no model yet."""
        return self.state.model if self.running and self.state is not None else ""

    @property
    def active(self) -> int:
        """How many requests are being answered or wait."""
        if self.state is None or not self.running:
            return 0
        return self.state.active + self.state.waiting


@dataclass(frozen=True, slots=True)
class Wish:
    """How a person wants a server to be started.

    Attributes:
        model: What it serves first.
        engine: The engine; None takes the best that is installed.
        port: The port.
    """

    model: Model
    engine: EngineName | None = None
    port: int = 8080


@dataclass(frozen=True, slots=True)
class EngineSeen:
    """An engine, and whether it can serve a model.

    Attributes:
        name: Its name.
        problem: Why it can't; empty where it can.
        fix: What to do about that.
    """

    name: EngineName
    problem: str = ""
    fix: str = ""

    @property
    def about(self) -> str:
        """What it does, or that it can't serve the model."""
        return "can't serve this" if self.problem else _ABOUT.get(self.name, "")


@dataclass(frozen=True, slots=True)
class Token:
    """The token of a server that was started here. It never leaves this process but by copying.

    Attributes:
        value: The token; it is in no representation.
        made: Whether it was made for this start, and is not the person's own.
        process: Whose it is.
    """

    value: str = field(repr=False)
    made: bool
    process: str


class ServerLooked(Message):
    """The server is not as it was at the last look."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.seen = seen

    def can_replace(self, message: Message) -> bool:
        """Only the newest state is of interest."""
        return isinstance(message, ServerLooked)


class ServerDesk:
    """What the panel asks of a workspace's server. Its calls block: call them off the loop.

    It lives as long as the Chat stage, and so does the token that was made for a server.

    Args:
        workspace: Whose server it is.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._token: Token | None = None

    def look(self) -> Seen:
        """Return the server as it is now; quick, and without asking it."""
        from engine.gateway.start import status
        from engine.runs import look, stop_requested

        told = status(self._workspace)
        life = look(told.directory)
        state = replace(told.state, at=0.0) if told.state is not None else None
        up = time.time() - state.started if state is not None and state.started else 0.0
        return Seen(
            running=told.running,
            stopping=told.running and stop_requested(told.directory),
            host=life.host if told.running and life.where == "elsewhere" else "",
            state=state,
            minutes=int(max(0.0, up) // 60) if told.running else 0,
            error=told.error,
            hint=told.hint,
            process=_process(told.directory),
        )

    def models(self) -> list[Model]:
        """Return every export that can be served, the newest first."""
        from engine.export.artifacts import artifacts
        from engine.runs import runs

        found = [
            Model(run.id, run.called, export.quant, run.base, export.tuned_bytes, export.at)
            for run in runs(self._workspace)
            for export in artifacts(self._workspace, run.id)
        ]
        return sorted(found, key=lambda model: model.at, reverse=True)

    @property
    def port(self) -> int:
        """The port that is offered first."""
        return self._workspace.settings.serve.port

    def reach(self) -> str:
        """Return who reaches a server that is started here."""
        from engine.gateway.address import is_loopback

        host = self._workspace.settings.serve.host
        return f"on {host}" + ("" if is_loopback(host) else ": other machines reach it")

    @property
    def engine(self) -> str:
        """The engine that is offered first; empty takes the best that is installed."""
        engine = self._workspace.settings.serve.engine
        return "" if engine == "auto" else engine

    def token_note(self) -> str:
        """Return where the token of a server comes from that is started here."""
        from engine.gateway.bearer import VARIABLE
        from engine.paths import shorten

        if os.environ.get(VARIABLE):
            return f"requests will need the token in {VARIABLE}"
        if self._token_file is not None:
            return f"requests will need the token in {shorten(self._token_file, 60)}"
        return "requests will need a token, which is made now and shown once"

    def free_port(self, taken: int) -> int:
        """Return the next port on which nothing listens; 0, which takes any, where none is near."""
        return next((port for port in range(taken + 1, taken + _NEAR) if _is_free(port)), 0)

    def engines(self, model: Model) -> list[EngineSeen]:
        """Return the engines, the best first, each with whether it can serve a model."""
        from engine.serve.engines.base import ENGINES

        return [self._engine(name, model) for name in ENGINES]

    def best_engine(self, model: Model) -> str:
        """Return the engine that is taken where none is named; empty where none can be."""
        from engine.errors import FinetuiError
        from engine.gateway.resolve import of_run
        from engine.serve.engines.choice import choose

        try:
            served = of_run(self._workspace, model.run_id, model.quant)
            return choose(None, served).name
        except FinetuiError:
            return ""

    def _engine(self, name: EngineName, model: Model) -> EngineSeen:
        from engine.errors import FinetuiError
        from engine.gateway.resolve import of_run
        from engine.serve.engines.choice import choose

        try:
            served = of_run(self._workspace, model.run_id, _quant_for(name, model), name)
            choose(name, served)
        except FinetuiError as error:
            return EngineSeen(name, error.message, error.hint)
        return EngineSeen(name)

    def start(self, wish: Wish) -> Token:
        """Start the server, and return the token that requests need.

        Raises:
            FinetuiError: It can't be started.
        """
        from engine.gateway.spec import server_dir
        from engine.gateway.start import serve, status, token_of
        from engine.runs import wait_until_gone

        if not status(self._workspace).running:
            wait_until_gone(server_dir(self._workspace.root))  # one that is ending now
        spec = self.spec(wish)
        value, made = token_of(spec, self._token_file)
        directory = serve(self._workspace, spec, value)
        token = Token(value, made, _process(directory))
        self.remember(token)
        return token

    def spec(self, wish: Wish) -> ServeSpec:
        """Return how a server is started here: by what is wished for, else by settings.

        Raises:
            UsageError: ``serve.idle`` is no time.
        """
        from engine.gateway.spec import ServeSpec, Wanted
        from engine.gateway.words import seconds_of

        settings = self._workspace.settings.serve
        return ServeSpec(
            workspace=self._workspace.root,
            model=Wanted(run=wish.model.run_id, quant=_quant_for(wish.engine, wish.model)),
            host=settings.host,
            port=wish.port,
            engine=wish.engine,
            context=settings.context,
            slots=settings.slots,
            idle_s=seconds_of(settings.idle),
            folders=tuple(Path(one).expanduser().absolute() for one in settings.folders),
            remote_admin=settings.remote_admin,
            hosts=settings.hosts,
            origins=settings.origins,
            lend=settings.lend,
            instruct=settings.instruct,
        )

    def remember(self, token: Token) -> None:
        """Keep the token of a server that was started here, in memory alone."""
        self._token = token

    @property
    def _token_file(self) -> Path | None:
        named = self._workspace.settings.serve.token_file
        return Path(named) if named else None

    def key(self, seen: Seen) -> str:
        """Return how a shell gets a server's token: as itself where it was made here."""
        from engine.gateway.bearer import shell_key

        return self.token_of(seen) or shell_key(self._token_file)

    def token_of(self, seen: Seen) -> str:
        """Return the token that was made here for a server; empty where there is none."""
        token = self._token
        if token is None or not token.made or not seen.running:
            return ""
        return token.value if token.process == seen.process else ""

    def stop(self) -> bool:
        """Ask the server to answer what it has begun and end; return whether there was one."""
        from engine.gateway.start import stop

        return stop(self._workspace)

    def reload(self, model: Model) -> Reloaded:
        """Put another model behind the server's address, and wait until it answers.

        Raises:
            FinetuiError: It can't be loaded; the one before goes on.
        """
        from engine.gateway.control import reload
        from engine.gateway.spec import ServeSpec, Wanted, server_dir

        engine: EngineName | None = None
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            engine = ServeSpec.read(server_dir(self._workspace.root)).engine
        return reload(self._workspace, Wanted(run=model.run_id, quant=_quant_for(engine, model)))


def _quant_for(engine: EngineName | None, model: Model) -> str:
    """Return which quantisation an engine is asked for; none where it loads the run's folder."""
    from engine.gateway.resolve import FOLDER_ENGINES

    return "" if engine in FOLDER_ENGINES else model.quant


def _is_free(port: int) -> bool:
    import socket

    if port > _LAST_PORT:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _process(directory: Path) -> str:
    from engine.runs.process import read_process

    info = read_process(directory)
    # Start times are kept to a hundredth of a second, and differ by who wrote them.
    return f"{info.pid}/{info.boot_id}" if info is not None else ""


class _Changes:
    """Looks again and again, and tells what changed. Called in the poller's thread."""

    def __init__(self, look: Callable[[], Seen], last: Seen | None) -> None:
        self._look = look
        self._last = last

    def __call__(self) -> Message | None:
        seen = self._look()
        if seen == self._last:
            return None
        self._last = seen
        return ServerLooked(seen)


def watch_panel(target: MessagePump, desk: ServerDesk, last: Seen | None) -> Poller:
    """Return a poller, not started yet, that posts :class:`ServerLooked` to the panel.

    Args:
        target: The panel.
        desk: What is looked at.
        last: What the panel shows already.
    """
    changes = _Changes(desk.look, last)
    return Poller(target, changes, interval=PANEL_SECONDS, failed=PartFailed)
