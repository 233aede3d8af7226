"""Writes that keys ask for: one after the other, in one thread, each awaited by who asked.

A decision waits where another process holds the workspace. It waits here, so that the event
loop goes on; what was asked later waits behind it, so that the journal has the order of the keys.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from engine.store import Store
from engine.store.holder import holder
from tui.bridge.threads import off_loop

T = TypeVar("T")

SLOW_SECONDS = 0.5
"""After this long a person is told that something waits."""


class Withdrawn(Exception):
    """A write that was given up, or that stood behind one that failed; nothing of it is stored."""


class Write(Generic[T]):
    """One call that writes.

    Attributes:
        words: What is written, in a few words: ``approve 3f2a``.
        blocked: Whether another process was in its way.
        holder: Which one, if that is known.
    """

    def __init__(
        self, call: Callable[[], T], words: str, batch: int, failed: Callable[[int], None]
    ) -> None:
        self.words = words
        self.blocked = False
        self.holder = ""
        self._call = call
        self._batch = batch
        self._failed = failed
        self._given_up = threading.Event()
        self._stored = False
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[T] = self._loop.create_future()
        # One that nobody awaits any more, for a screen that is gone, raises nowhere.
        self._done.add_done_callback(lambda done: done.cancelled() or done.exception())

    @property
    def batch(self) -> int:
        """Which of the stretches between two failures it belongs to."""
        return self._batch

    @property
    def stored(self) -> bool:
        """Whether the call was made and returned; true before its result is awaited."""
        return self._stored

    def withdraw(self) -> None:
        """Give it up, if nothing was written yet; it then ends with :class:`Withdrawn`."""
        self._given_up.set()

    @property
    def waits_for(self) -> str:
        """What it waits for, in words."""
        if not self.blocked:
            return "waiting for the disk"
        return f"waiting for another process{self.holder and f' ({self.holder})'}"

    async def result(self, slow: Callable[[], None] | None = None) -> T:
        """Return what the call returned.

        Args:
            slow: Called when that takes longer than :data:`SLOW_SECONDS`.

        Raises:
            Withdrawn: It was given up, or one before it failed.
            Exception: What the call raised.
        """
        done, _ = await asyncio.wait({self._done}, timeout=SLOW_SECONDS)
        if not done and slow is not None:
            slow()
        return await asyncio.shield(self._done)

    def run(self, store: Store) -> BaseException | None:
        """Make the call, in the writer's thread; return what it raised."""
        result: T | None = None
        failure: BaseException | None = None
        try:
            self._may_go_on()
            with store.waiting(partial(self._told, store)):
                result = self._call()
            self._stored = True
        except BaseException as error:
            failure = error
        self._settle(result, failure)
        return failure

    def drop(self) -> None:
        """End it without making the call."""
        self._settle(None, Withdrawn())

    def _told(self, store: Store, waited: float) -> None:
        if waited > SLOW_SECONDS / 2 and not self.blocked:
            self.blocked, self.holder = True, holder(store.path)
        self._may_go_on()

    def _may_go_on(self) -> None:
        if self._given_up.is_set():
            raise Withdrawn

    def _settle(self, result: T | None, failure: BaseException | None) -> None:
        def settle() -> None:
            if self._done.done():
                return
            if failure is not None:
                self._failed(self._batch)
                self._done.set_exception(failure)
            else:
                self._done.set_result(result)  # type: ignore[arg-type]

        with contextlib.suppress(RuntimeError):  # the loop is closed: the app was left
            self._loop.call_soon_threadsafe(settle)


class Writer:
    """Makes writes in the order in which they were asked for.

    When one fails, those that were asked for before that was known are dropped: they were
    meant for what would have followed it.

    Args:
        store: The workspace's store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._todo: queue.SimpleQueue[Write[Any] | None] = queue.SimpleQueue()
        self._open: list[Write[Any]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._batch = 0
        self._failed_batch = -1

    @property
    def busy(self) -> bool:
        """Whether something is not yet stored."""
        return bool(self._open)

    def submit(self, call: Callable[[], T], words: str) -> Write[T]:
        """Have a call made; called on the event loop.

        Args:
            call: Writes by the store. It must not touch a widget.
            words: What it writes, in a few words.
        """
        write = Write(call, words, self._batch, self._take_again)
        with self._changed:
            self._open.append(write)
        self._todo.put(write)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
            self._thread.start()
        return write

    async def write(
        self, call: Callable[[], T], words: str, slow: Callable[[], None] | None = None
    ) -> T:
        """Have a call made and return what it returned; see :meth:`Write.result`."""
        return await self.submit(call, words).result(slow)

    def withdraw(self) -> None:
        """Give up all that is not written yet."""
        with self._changed:
            for write in self._open:
                write.withdraw()

    async def finish(self, seconds: float) -> list[str]:
        """Let what was asked for be written, for a while, and give up the rest.

        Args:
            seconds: How long.

        Returns:
            What was not stored, in the words of each.
        """
        return await off_loop(self._finish, seconds)

    def _finish(self, seconds: float) -> list[str]:
        until = time.monotonic() + seconds
        with self._changed:
            self._changed.wait_for(lambda: not self._open, seconds)
            left = list(self._open)
        for write in left:
            write.withdraw()
        # What has begun to write ends by itself; what waits sees at once that it is given up.
        with self._changed:
            self._changed.wait_for(lambda: not self._open, max(1.0, until - time.monotonic()))
        return [write.words for write in left if not write.stored]

    def close(self) -> None:
        """Let the thread end when it is done; it is not waited for."""
        self._todo.put(None)

    def _take_again(self, failed: int) -> None:
        """Take new writes after a failure, on the event loop: it is known there now."""
        self._batch = max(self._batch, failed + 1)

    def _run(self) -> None:
        while (write := self._todo.get()) is not None:
            if write.batch <= self._failed_batch:
                write.drop()
            elif write.run(self._store) is not None:
                self._failed_batch = write.batch
            with self._changed:
                self._open.remove(write)
                self._changed.notify_all()
