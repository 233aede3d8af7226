"""A server on loopback over a real engine, for tests that ask it as a client does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import httpx
import psutil

from engine.errors import EngineAway, FinetuiError, WorkerDied
from engine.gateway.address import bind, owner_socket
from engine.gateway.control import Reloaded
from engine.gateway.face.app import make_app, make_owner_app
from engine.gateway.face.limits import Limits
from engine.gateway.face.listen import listen
from engine.gateway.spec import ServeSpec, Wanted
from engine.gateway.state import ServerState
from engine.serve.engines.base import Engine, EngineName, Served
from engine.serve.engines.native import left_out

TOKEN = "a-token-of-the-tests-0123456789"
CONTEXT = 4096
SLOTS = 2


class Counted(httpx.AsyncHTTPTransport):
    """Counts the requests that are with an engine at once."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.now = self.most = self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            response = await super().handle_async_request(request)
        except BaseException:
            self.now -= 1
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Until(response.stream, self),
            extensions=response.extensions,
        )


class _Until(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, counted: Counted) -> None:
        self._stream, self._counted = stream, counted

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._counted.now -= 1


class BareEngine:
    """llama.cpp's own server, started by the test itself."""

    name: EngineName = "native"

    def __init__(self, gguf: Path, alias: str, *, vectors: bool = False) -> None:
        self.model = Served(alias, gguf)
        self.context, self.slots, self.gives_vectors = CONTEXT, SLOTS, vectors
        self._folder = tempfile.TemporaryDirectory(prefix="face-")
        path = Path(self._folder.name) / "e.sock"
        key = secrets.token_urlsafe(16)
        child = Path(__file__).with_name("child.py")
        told = [str(gguf), str(path), str(CONTEXT), str(SLOTS), alias]
        told += ["vectors"] if vectors else []
        self._process = subprocess.Popen(
            [sys.executable, str(child), *told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{key}\n".encode())
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"ready\n"
        self.pid = self._process.pid
        self._how: dict[str, Any] = {
            "base_url": "http://engine",
            "headers": {"Authorization": f"Bearer {key}"},
            "timeout": 60,
            "trust_env": False,
        }
        self._socket = str(path)
        self.leaves_out = left_out(self.ask("/props"))
        self._clients: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}
        self.counted: list[Counted] = []

    @property
    def client(self) -> httpx.AsyncClient:
        """A client of the running loop's, since several servers share an engine."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            transport = Counted(uds=self._socket, limits=httpx.Limits(max_connections=None))
            self.counted.append(transport)
            self._clients[loop] = httpx.AsyncClient(transport=transport, **self._how)
        return self._clients[loop]

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def memory(self) -> int:
        return 0

    async def ended(self) -> FinetuiError:
        await asyncio.to_thread(self._process.wait)
        return WorkerDied("it ended")

    async def close(self) -> None:
        self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self._folder.cleanup()

    def pause(self) -> None:
        """Stop it computing; connections to it are still taken by the system."""
        psutil.Process(self.pid).suspend()

    def go_on(self) -> None:
        """Let it compute again."""
        psutil.Process(self.pid).resume()

    def ask(self, path: str) -> Any:
        """Ask the engine itself, past the server."""
        with httpx.Client(transport=httpx.HTTPTransport(uds=self._socket), **self._how) as client:
            return client.get(path).json()

    def post(self, path: str, body: Any) -> Any:
        """Ask the engine itself with a body."""
        with httpx.Client(transport=httpx.HTTPTransport(uds=self._socket), **self._how) as client:
            return client.post(path, json=body).json()

    def busy(self) -> int:
        """Return how many of its slots compute."""
        return sum(slot["is_processing"] for slot in self.ask("/slots"))


@dataclass
class OneModel:
    """Leases one engine after another, as a test puts them in a row."""

    engines: list[BareEngine]
    state: ServerState = field(default_factory=lambda: ServerState(phase="serving"))
    counted: list[dict[str, Any]] = field(default_factory=list)
    rate: int = 0
    leased: int = 0
    taken: list[str] = field(default_factory=list)
    reloads: list[Wanted] = field(default_factory=list)
    refuse: FinetuiError | None = None

    @property
    def model(self) -> Served | None:
        return self.engines[0].model if self.engines else None

    @contextlib.asynccontextmanager
    async def lease(self) -> AsyncIterator[Engine]:
        while self.engines and not self.engines[0].alive:
            self.engines.pop(0)
        if not self.engines:
            raise EngineAway("no engine answers", hint="wait")
        self.leased += 1
        self.taken.append(self.engines[0].model.id)
        try:
            yield cast(Engine, self.engines[0])
        finally:
            self.leased -= 1

    def count(self, *, failed: bool, prompt_tokens: int, tokens: int) -> None:
        self.counted.append({"failed": failed, "prompt": prompt_tokens, "tokens": tokens})

    def wrote(self, tokens: int) -> None:
        self.rate += tokens

    async def reload(self, wanted: Wanted) -> Reloaded:
        self.reloads.append(wanted)
        if self.refuse is not None:
            raise self.refuse
        return Reloaded("new:q8_0", "tiny:f16", 1.5, False, "Hello.")


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


@dataclass
class Running:
    """A server that runs in a thread.

    Attributes:
        url: Its address.
        port: The port of it.
        socket: The owner's socket.
        models: What it leases.
        call: Runs a function in the server's own loop.
    """

    url: str
    port: int
    socket: Path
    models: OneModel
    call: Callable[..., Any]

    def client(self, **more: Any) -> httpx.Client:
        """Return a client with the token, unless other headers are given."""
        how = {"headers": {"Authorization": f"Bearer {TOKEN}"}, "timeout": 60, "trust_env": False}
        return httpx.Client(base_url=self.url, **{**how, **more})


@contextlib.contextmanager
def running(
    models: OneModel, folder: Path, *, limits: Limits | None = None, **spec: Any
) -> Iterator[Running]:
    """Serve on loopback for as long as the context lasts."""
    told = ServeSpec(workspace=folder, model=Wanted(), port=0)
    told = replace(told, **spec)
    sock = bind(told.host, 0)
    port = sock.getsockname()[1]
    with owner_socket() as (owner, private), _serving(models, told, sock, owner, limits) as call:
        host = f"[{told.host}]" if ":" in told.host else told.host
        yield Running(f"http://{host}:{port}", port, private, models, call)


@contextlib.contextmanager
def _serving(
    models: OneModel,
    told: ServeSpec,
    sock: socket.socket,
    owner: socket.socket,
    limits: Limits | None,
) -> Iterator[Callable[..., Any]]:
    loop = asyncio.new_event_loop()
    stop, up = asyncio.Event(), threading.Event()

    async def serve() -> None:
        ready = asyncio.Event()
        both = [
            listen(make_app(models, told, TOKEN, limits), sock=sock, stop=stop, limits=limits),
            listen(make_owner_app(models, told), sock=owner, stop=stop, ready=ready),
        ]
        tasks = [asyncio.ensure_future(one) for one in both]
        await ready.wait()
        up.set()
        await asyncio.gather(*tasks)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert up.wait(20)
    try:
        yield loop.call_soon_threadsafe
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
