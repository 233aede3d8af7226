"""Whether an engine that runs still lives: one that hangs never ends by itself.

An engine answers ``/health`` beside what it computes: llama.cpp's server on threads of its own, a
model in a child on its event loop. That alone is no proof, since an engine with more connections
than it has threads lets the question wait too. It hangs where it has not answered for a while and
its processes have had no processor time in that while: it is stopped, or each thread of it waits
for another. A long prompt, a busy machine and a slow disk all take some.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import httpx

from engine.errors import FinetuiError, WorkerDied
from engine.gateway.changing.fleet import Leased

_LOOKS = 4
"""Questions that go unanswered before an engine hangs: this process may have been stopped too."""


async def ended(leased: Leased, limit_s: Callable[[], float]) -> FinetuiError:
    """Wait until an engine has ended or hangs, and return how or that it does.

    Args:
        leased: The engine.
        limit_s: Says how long it may keep silent and idle, in seconds.
    """
    ending = asyncio.create_task(leased.engine.ended())
    hanging = asyncio.create_task(_hangs(leased, limit_s))
    try:
        await asyncio.wait((ending, hanging), return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            return ending.result()
        return WorkerDied(
            f"the engine of {leased.engine.model.id} hung: it answered nothing and computed "
            f"nothing for {hanging.result():g} s",
            hint="it is started again; send the request again",
        )
    finally:
        for task in (ending, hanging):
            task.cancel()


async def _hangs(leased: Leased, limit_s: Callable[[], float]) -> float:
    """Wait until an engine hangs, and return the limit; it is asked only while it has requests."""
    silent, spent = 0, -1.0
    while True:
        limit = limit_s()
        began = time.monotonic()
        if not leased.leases or await _answers(leased, limit / _LOOKS):
            silent, spent = 0, -1.0
        else:
            now = await asyncio.to_thread(_processor_s, leased.engine.pid)
            silent, spent = (silent + 1, spent) if now == spent else (0, now)
            if silent >= _LOOKS:
                return limit
        await asyncio.sleep(max(0.0, limit / _LOOKS - (time.monotonic() - began)))


async def _answers(leased: Leased, limit_s: float) -> bool:
    """Return whether an engine says anything to a question about its health."""
    try:
        async with asyncio.timeout(limit_s):
            await leased.engine.client.get("/health")
    except (TimeoutError, httpx.HTTPError, RuntimeError):
        # It ends or is closed, which is seen first; or so many wait that it takes no connection.
        return False
    return True


def _processor_s(pid: int) -> float:
    """Return the processor time that a process and its children have had, in seconds."""
    import psutil

    total = 0.0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                total += times.user + times.system
    return total
