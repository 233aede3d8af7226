"""Starting a program that is not finetui's: its process kept, its answer to ``/health`` awaited."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence

import httpx

from engine.errors import EngineFailed
from engine.serve.engines.base import EngineName, Served
from engine.serve.engines.launch import launch
from engine.serve.engines.running import Running
from engine.serve.logs import new_log

_LOOK_S = 0.1


async def start_kept(
    name: EngineName,
    model: Served,
    command: Sequence[str],
    *,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
) -> Running:
    """Start a program through :mod:`engine.serve.engines.keeper`, and wait until it is healthy.

    Args:
        name: Which engine it is.
        model: What it loads.
        command: The program and its arguments; ``{socket}`` stands for the path of the socket
            that it is to listen on, ``{key_file}`` for that of a file with the key it is to ask
            for.
        timeout_s: How long loading may take, in seconds.
        environment: Variables; ``{key}`` in their values stands for the key.
        without: Beginnings of the names of variables that it must not have.

    Raises:
        GgufDamaged: It ended on the file.
        EngineFailed: It ended for another reason, or kept silent.
    """
    log = new_log("engines", model.id)
    given = {
        "command": list(command),
        "environment": dict(environment or {}),
        "without": list(without),
    }
    with log.open("ab") as output:
        launched = launch("engine.serve.engines.keeper", [name], given, log=output)
    engine = Running(name, model, launched, log, family=True)
    try:
        await _healthy(engine, timeout_s)
    except BaseException:
        await asyncio.shield(engine.close())
        raise
    return engine


async def _healthy(engine: Running, timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while True:
        if not engine.alive:
            raise await engine.refusal()
        with contextlib.suppress(httpx.TransportError):  # before it listens
            answer = await engine.client.get("/health", timeout=_LOOK_S * 50)
            if answer.status_code == httpx.codes.OK:
                return
        if time.monotonic() > end:
            raise EngineFailed(
                f"the engine did not load {engine.model.id} within {timeout_s:.0f} s",
                hint="a smaller model loads faster",
            )
        await asyncio.sleep(_LOOK_S)
