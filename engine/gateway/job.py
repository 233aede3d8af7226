"""The server's process: ``python -m engine.gateway.job DIRECTORY TOKEN SOCKET``.

TOKEN is an open pipe that holds the token, SOCKET the listening socket; both are inherited, so
that the token stands in no argument and no file, and the port can't be lost in between. Everything
heavy runs in the engines, which end with this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.gateway.address import owner_socket, url_of
from engine.gateway.changing.lend import taker
from engine.gateway.changing.rules import Rules
from engine.gateway.changing.switch import Switch
from engine.gateway.resolve import Resolver
from engine.gateway.spec import ServeSpec
from engine.gateway.state import ServerState, StateWriter
from engine.runs.child import Job, run_job
from engine.serve.engines.base import EngineKind, EngineOptions, Served
from engine.serve.engines.choice import choose
from engine.settings import load_settings

LOOK_S = 0.25
MEMORY_EVERY_S = 2.0
_MIB = 1 << 20


def main(arguments: Sequence[str]) -> int:
    """Serve until somebody asks to stop."""
    os.umask(0o077)
    directory = Path(arguments[0])
    token = _read(int(arguments[1]))
    sock = socket.socket(fileno=int(arguments[2]))
    sock.set_inheritable(False)
    with Job(directory, figures=False) as job:
        from engine.gateway.face.access import keep_access_log  # with it all that serves HTTP

        keep_access_log(directory)
        asyncio.run(Server(job, directory, token, sock).run())
    return job.exit_status


def _read(handle: int) -> str:
    with os.fdopen(handle, "rb") as pipe:
        return pipe.read().decode("ascii")


class Server:
    """What the process holds: the switch of engines, both addresses, and the state that is said.

    Args:
        job: The process as a job.
        directory: The job's folder, with its :class:`ServeSpec`.
        token: What requests need.
        sock: The listening socket.
        kind_of: The kind of engine that loads a model; None follows the spec.
        rules: How engines are changed; None follows the spec.
    """

    def __init__(
        self,
        job: Job,
        directory: Path,
        token: str,
        sock: socket.socket,
        *,
        kind_of: Callable[[Served], EngineKind] | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._job, self._sock = job, sock
        self._token = token
        self._spec = spec = ServeSpec.read(directory)
        self._writer = StateWriter(directory)
        models_dir = load_settings().export.models_dir
        self._rules = rules or Rules(idle_s=spec.idle_s)
        self._switch = Switch(
            Resolver(spec, Path(models_dir).expanduser() if models_dir else None),
            kind_of or partial(_kind_of, spec),
            EngineOptions(context=spec.context, slots=spec.slots, threads=spec.threads),
            self._rules,
            taker=taker(spec.workspace / "runs", spec.lend),
            tell=self._tell,
        )
        self._switch.base = ServerState(
            url=url_of(sock, spec.host), open=spec.open, started=round(time.time(), 3)
        )

    async def run(self) -> None:
        """Serve until the job is asked to stop.

        Raises:
            FinetuiError: The first model can't be loaded.
        """
        from engine.gateway.face.app import make_app, make_owner_app
        from engine.gateway.face.desk import Desk
        from engine.gateway.face.limits import Limits
        from engine.gateway.face.listen import listen

        limits = Limits(shutdown_s=self._rules.stop_s)
        desk = Desk.of(self._switch, self._spec, limits)
        asyncio.get_running_loop().set_exception_handler(without_late_results)
        with owner_socket() as (own, path):
            self._switch.base = replace(self._switch.base, socket=str(path))
            # Nobody would find a server that can't say what it is.
            self._writer.begin(self._switch.state)
            public = make_app(self._switch, self._spec, self._token, limits, desk)
            owners = make_owner_app(self._switch, self._spec, limits, desk)
            stop = asyncio.Event()
            # They listen from now on; what is asked while the first model loads waits for it.
            listening = [
                asyncio.create_task(listen(app, sock=sock, stop=stop, limits=limits))
                for app, sock in ((public, self._sock), (owners, own))
            ]
            opening = asyncio.create_task(self._switch.open(self._spec.model))
            minding = [
                asyncio.create_task(self._switch.look_after()),
                asyncio.create_task(self._measure()),
            ]
            try:
                while not self._job.should_stop:
                    self._say(at_once=await self._switch.news(LOOK_S))
                    for task in (*listening, *minding, opening):
                        if task.done() and (error := task.exception()) is not None:
                            raise error
            finally:
                # Whoever waits for an engine is answered, and so holds up no end.
                failed = opening.done() and not opening.cancelled() and opening.exception()
                self._switch.begin_end("its model can't be loaded" if failed else "")
                stop.set()
                await self._end(listening, [opening, *minding])

    async def _end(
        self, listening: Sequence[asyncio.Task[None]], others: Sequence[asyncio.Task[None]]
    ) -> None:
        """Take no more requests, answer those that were begun, and end the engines."""
        while any(not task.done() for task in listening):
            self._say(at_once=await self._switch.news(LOOK_S))
        for task in others:
            task.cancel()
        await asyncio.gather(*listening, *others, return_exceptions=True)
        await self._switch.close()
        self._say(at_once=True)
        self._writer.end()

    async def _measure(self) -> None:
        import psutil

        own = psutil.Process()
        while True:
            found = await self._switch.memory() + own.memory_info().rss
            # Whole MiB, so that an idle server has nothing to say.
            self._switch.base = replace(self._switch.base, memory=found // _MIB * _MIB)
            await asyncio.sleep(MEMORY_EVERY_S)

    def _say(self, *, at_once: bool = False) -> None:
        self._writer.write(self._switch.state, at_once=at_once)

    def _tell(self, type: str, **fields: object) -> None:
        # A full disk is no reason to stop serving.
        with contextlib.suppress(OSError):
            self._job.write(type, **fields)


def without_late_results(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what no task of a loop has: log it, unless it is a result that comes too late.

    anyio's Unix sockets have the loop set the result of a future when they can be read, also where
    whoever waited has just been cancelled (``UNIXSocketStream._wait_until_readable``). That harms
    nothing, and a line for each client that goes away would fill the disk in time.
    """
    late = isinstance(context.get("exception"), asyncio.InvalidStateError)
    if not (late and "set_result" in context.get("message", "")):
        loop.default_exception_handler(context)


def _kind_of(spec: ServeSpec, served: Served) -> EngineKind:
    return choose(spec.engine, served)


if __name__ == "__main__":
    sys.exit(run_job(main, sys.argv[1:]))
