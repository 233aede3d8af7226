"""Whether an engine that runs still lives: one that hangs never ends by itself.

An engine answers ``/health`` beside what it computes: llama.cpp's server on threads of its own, a
model in a child on its event loop. That alone is no proof either way. An engine with more
connections than it has threads lets the question wait too; and llama.cpp's server has been seen
to answer it while its requests waited for each other, all of its threads asleep.

So what counts is processor time, which a long prompt, a busy machine and a slow disk all take.
An engine with requests hangs where it has had none for a while in which it did not answer, or
next to none for three times as long although it did: a client that reads nothing keeps an engine
waiting too, but is cut off before that.
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
_ASLEEP = 3
"""How many times the limit an engine that answers may have requests and compute nothing."""
_ASLEEP_S = 0.05
"""Processor time, in seconds, that answering the questions of that while takes at most."""


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
            f"the engine of {leased.engine.model.id} hung: it {hanging.result()}",
            hint="it is started again; send the request again",
        )
    finally:
        for task in (ending, hanging):
            task.cancel()


async def _hangs(leased: Leased, limit_s: Callable[[], float]) -> str:
    """Wait until an engine hangs, and return in words what it did not do.

    It is looked at only while it has requests.
    """
    silent, before = 0, -1.0
    still, since = -1.0, 0.0  # what it had spent when it was last seen to compute, and when
    while True:
        limit = limit_s()
        began = time.monotonic()
        if not leased.leases:
            silent, before, still = 0, -1.0, -1.0
        else:
            answers = await _answers(leased, limit / _LOOKS)
            spent = await asyncio.to_thread(_processor_s, leased.engine.pid)
            silent = silent + 1 if not answers and spent == before else 0
            before = spent
            if silent >= _LOOKS:
                return f"answered nothing and computed nothing for {limit:g} s"
            if still < 0 or spent - still > _ASLEEP_S:
                still, since = spent, began
            elif began - since >= _ASLEEP * limit:
                return f"had requests and computed nothing for {_ASLEEP * limit:g} s"
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
