"""The end of a server: whoever waits is answered at once, and what is cut off gets an error."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from engine.errors import GgufDamaged
from engine.gateway.address import bind
from engine.gateway.changing.rules import Rules
from engine.gateway.job import Server, without_late_results
from engine.gateway.spec import ServeSpec, Wanted, server_dir
from engine.gateway.state import read_state
from engine.runs.child import Job
from engine.runs.control import request_stop
from engine.serve.engines.running import socket_client
from engine.workspace import Workspace
from tests.gateway.switch.held import Held
from tests.support.two_models import PROMPT

LIMIT_S = 60
TOKEN = "a-token-of-the-tests-0123456789"
BODY = {"prompt": PROMPT, "max_tokens": 2000, "temperature": 0, "ignore_eos": True}


class Running:
    """A server's process, as far as this one can be it.

    Attributes:
        folder: Its folder.
        kind: What loads its models.
        serving: Ends as the server does.
        client: Asks it.
        owner: Asks its owner's socket.
    """

    def __init__(self, folder: Path, kind: Held, serving: asyncio.Task[None], port: int) -> None:
        self.folder, self.kind, self.serving = folder, kind, serving
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=LIMIT_S, trust_env=False,
        )  # fmt: skip

    def owner(self) -> httpx.AsyncClient:
        state = read_state(self.folder)
        assert state is not None
        transport = httpx.AsyncHTTPTransport(uds=state.socket)
        return httpx.AsyncClient(base_url="http://localhost", transport=transport, timeout=LIMIT_S)

    async def until_waiting(self) -> None:
        """Wait until a request waits for its turn or for an engine."""
        while (await self.client.get("/admin/status")).json()["waiting"] != 1:
            pass

    def stop(self) -> None:
        request_stop(self.folder)


@asynccontextmanager
async def running(
    workspace: Workspace, models: Path, first: str, *held: str, queue: int = 16
) -> AsyncIterator[Running]:
    """Run a server whose first load may be held, and end it where the test has not."""
    folder = server_dir(workspace.root)
    folder.mkdir()
    path = str(models / "gguf" / f"{first}.gguf")
    spec = ServeSpec(
        workspace.root, Wanted(path=path), port=0, context=2048, slots=1, threads=1, queue=queue
    )
    spec.write(folder)
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    kind = Held(*held)
    with Job(folder, figures=False) as job:
        server = Server(
            job, folder, TOKEN, sock, kind_of=lambda model: kind, rules=Rules(stop_s=1.0)
        )
        started = Running(folder, kind, asyncio.create_task(server.run()), port)
        try:
            async with asyncio.timeout(LIMIT_S), started.client:
                yield started
        finally:
            started.serving.cancel()
            with suppress(asyncio.CancelledError, GgufDamaged):
                await started.serving


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    said = answer.json()["error"]
    return answer.status_code, said["code"], said["message"]


async def test_a_stop_answers_whoever_waits_for_the_first_load(
    workspace: Workspace, models: Path
) -> None:
    async with running(workspace, models, "one", "one", queue=1) as server:
        asked = asyncio.create_task(server.client.post("/v1/completions", json=BODY))
        await server.until_waiting()
        # Both addresses have the same places.
        async with server.owner() as owner:
            status, code, _ = error_of(await owner.post("/v1/completions", json=BODY))
            assert (status, code) == (503, "server_busy")
        server.stop()
        status, code, message = error_of(await asked)
        assert (status, code) == (503, "engine-away")
        assert "the server is ending" in message
        await server.serving
        state = read_state(server.folder)
        assert state is not None
        assert state.phase == "ended"


async def test_a_first_load_that_fails_answers_whoever_waits(
    workspace: Workspace, models: Path
) -> None:
    async with running(workspace, models, "liar", "liar") as server:
        asked = asyncio.create_task(server.client.post("/v1/completions", json=BODY))
        await server.until_waiting()
        server.kind.go.set()
        status, code, message = error_of(await asked)
        assert (status, code) == (503, "engine-away")
        assert "its model can't be loaded" in message
        with pytest.raises(GgufDamaged):
            await server.serving


async def test_what_is_cut_off_at_the_end_is_told_so(workspace: Workspace, models: Path) -> None:
    async with running(workspace, models, "one") as server:
        async with server.client.stream(
            "POST", "/v1/completions", json={**BODY, "stream": True}
        ) as stream:
            assert stream.status_code == 200
            lines = stream.aiter_lines()
            assert (await anext(lines)).startswith("data: ")
            whole = asyncio.create_task(server.client.post("/v1/completions", json=BODY))
            await server.until_waiting()
            for engine in psutil.Process().children():
                with suppress(psutil.NoSuchProcess):
                    engine.suspend()
            server.stop()
            status, code, message = error_of(await whole)
            assert (status, code) == (503, "engine-away")
            assert "waits no longer" in message
            said = [line async for line in lines if line]
        assert json.loads(said[-1].removeprefix("data: "))["error"]["code"] == "engine-away"
        await server.serving


async def test_a_result_for_whoever_went_away_is_no_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        listener.setblocking(False)

        async def leave() -> None:
            """Go away in the moment in which there is something to read."""
            async with socket_client(tmp_path / "s", "key") as client:
                asking = asyncio.create_task(client.get("/"))
                peer, _ = await loop.sock_accept(listener)
                with peer:
                    await loop.sock_recv(peer, 65536)
                    for _ in range(20):  # by then it reads
                        await asyncio.sleep(0)
                    peer.send(b"H")
                    loop.call_soon(asking.cancel)
                    await asyncio.gather(asking, return_exceptions=True)

        with caplog.at_level(logging.ERROR, logger="asyncio"):
            await leave()
            assert "InvalidStateError" in caplog.text
            caplog.clear()
            loop.set_exception_handler(without_late_results)
            try:
                await leave()
                assert not caplog.records
                loop.call_soon(int, "no number")
                await asyncio.sleep(0)
                assert "no number" in caplog.text
            finally:
                loop.set_exception_handler(None)
