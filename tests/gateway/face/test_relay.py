"""Several answers to one request, when one fails and the client goes away at the same time."""

from __future__ import annotations

import asyncio

import pytest

from engine.gateway.face.relay import Broken, _each


async def test_a_request_that_was_given_up_stays_given_up() -> None:
    """As with any await (asyncio's documentation, "Task Cancellation"): the caller asks no more."""
    failed, closing = asyncio.Event(), asyncio.Event()
    asked = []

    async def follow(index: int) -> None:
        if index == 0:
            failed.set()
            raise Broken
        try:
            await asyncio.Event().wait()
        finally:
            closing.set()
            await asyncio.sleep(0)  # a connection is closed
            await asyncio.sleep(0)

    async def answer() -> None:
        for attempt in range(2):
            asked.append(attempt)
            with pytest.raises(Broken):
                await _each(2, follow)

    task = asyncio.create_task(answer())
    await failed.wait()
    await closing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asked == [0]


async def test_the_first_failure_is_the_requests() -> None:
    async def follow(index: int) -> None:
        if index:
            raise Broken(str(index))
        await asyncio.Event().wait()

    with pytest.raises(Broken, match="1"):
        await _each(2, follow)
