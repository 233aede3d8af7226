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
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

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
    """What the process holds: the switch of engines, both addresses, and the state that is said."""

    def __init__(self, job: Job, directory: Path, token: str, sock: socket.socket) -> None:
        self._job, self._sock = job, sock
        self._token = token
        self._spec = spec = ServeSpec.read(directory)
        self._writer = StateWriter(directory)
        models_dir = load_settings().export.models_dir
        self._rules = Rules(idle_s=spec.idle_s)
        self._switch = Switch(
            Resolver(spec, Path(models_dir).expanduser() if models_dir else None),
            partial(_kind_of, spec),
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
        from engine.gateway.face.limits import Limits
        from engine.gateway.face.listen import listen

        limits = Limits(shutdown_s=self._rules.stop_s)
        with owner_socket() as (own, path):
            self._switch.base = replace(self._switch.base, socket=str(path))
            self._say()
            public = make_app(self._switch, self._spec, self._token, limits)
            owners = make_owner_app(self._switch, self._spec, limits)
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


def _kind_of(spec: ServeSpec, served: Served) -> EngineKind:
    return choose(spec.engine, served)


if __name__ == "__main__":
    sys.exit(run_job(main, sys.argv[1:]))
