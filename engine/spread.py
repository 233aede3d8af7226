"""Pure computation spread over as many processes as there are cores."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_MOST = 8
_AHEAD = 3
_WATCH_SECONDS = 1.0
_GRACE_SECONDS = 1.0


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def in_flight() -> int:
    """Return how many tasks :func:`spread` has handed out at most that it has not yielded."""
    return min(cores(), _MOST) * _AHEAD


def can_spread() -> bool:
    """Return whether work can be handed to copies of this process.

    A copy of a process with threads may hang.
    """
    alone = threading.active_count() == 1
    return sys.platform == "linux" and cores() > 1 and alone and _has_semaphores()


def _has_semaphores() -> bool:
    """Return whether processes can share a lock.

    That needs a writable ``/dev/shm``, which hardened containers, proot and Termux lack.
    """
    try:
        multiprocessing.get_context("fork").Lock()
    except (OSError, ImportError):
        return False
    return True


def spread(
    function: Callable[..., Result],
    tasks: Iterable[Task],
    *arguments: Any,
    prepare: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Yield ``function(task, *arguments)`` of each task in order, computed by other processes.

    A few tasks are taken ahead, so that no process is idle and little is held in memory.

    Args:
        function: A function of a module.
        tasks: What is computed from; each goes to a process whole.
        arguments: What goes with every task.
        prepare: Called once in each process, before its first task.

    Raises:
        BrokenProcessPool: A process was killed, or none can be started here; what was
            yielded so far counts.
    """
    workers = min(cores(), _MOST)
    most = in_flight()
    pool = _pool(workers, prepare)
    rest = iter(tasks)
    waiting: deque[Future[Result]] = deque()

    def hand_out() -> None:
        while len(waiting) < most:
            try:
                waiting.append(pool.submit(function, next(rest), *arguments))
            except StopIteration:
                break

    try:
        hand_out()
        with _no_endless_wait(pool):
            while waiting:
                yield waiting.popleft().result()
                hand_out()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _no_endless_wait(pool: ProcessPoolExecutor) -> Iterator[None]:
    """See that the pool breaks when one of its processes dies.

    One that is killed while it writes a result leaves half of it, and the lock that the others
    write under. The pool's thread would wait for the other half for ever, since they and this
    process hold the pipe open.
    """
    processes = list((pool._processes or {}).values())
    over, end = multiprocessing.Pipe(duplex=False)

    def watch() -> None:
        if over in wait([over, *(process.sentinel for process in processes)]):
            return
        # Of most deaths the pool's own thread knows at once, and all end when it is shut down.
        if wait([over], _GRACE_SECONDS):
            return
        for process in processes:
            process.kill()
        pool._result_queue._writer.close()  # type: ignore[attr-defined]

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        pool.shutdown(cancel_futures=True)
        end.close()
        thread.join()
        over.close()


def _pool(workers: int, prepare: Callable[[], None] | None) -> ProcessPoolExecutor:
    try:
        return ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("fork"),
            initializer=_begin,
            initargs=(os.getpid(), prepare),
        )
    except (OSError, ImportError, NotImplementedError) as error:
        raise BrokenProcessPool(f"processes cannot share a queue here: {error}") from error


def _begin(parent: int, prepare: Callable[[], None] | None) -> None:
    """Let a process that computes along end with the one that it computes for."""
    faulthandler.disable()  # what ends a process is told by the one that waits for it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if prepare is not None:
        prepare()
