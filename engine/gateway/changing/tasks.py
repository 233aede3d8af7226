"""The tasks of a switch: those that watch its engines, and at most one change in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Tasks:
    """Keeps tasks until they are done; nobody else needs to."""

    def __init__(self) -> None:
        self._all: set[asyncio.Task[Any]] = set()
        self._background: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether something is done in the background."""
        return self._background is not None and not self._background.done()

    def keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something, whoever goes away meanwhile."""
        task = asyncio.create_task(work)
        self._all.add(task)
        task.add_done_callback(self._all.discard)
        return task

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background, where nothing is being done."""
        assert not self.busy
        self._background = self.keep(work)
        return self._background

    def give_up_background(self) -> None:
        """Give up what is done in the background."""
        if self._background is not None:
            self._background.cancel()

    async def end_background(self) -> None:
        """Give up what is done in the background, and wait until it has ended."""
        self.give_up_background()
        if self._background is not None:
            await asyncio.gather(self._background, return_exceptions=True)
            self._background = None

    async def end(self) -> None:
        """Give up everything, and wait until it has ended."""
        tasks = [*self._all]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
