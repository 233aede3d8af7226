"""Run a blocking engine call off the event loop and await its result."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from textual.message import Message
from textual.message_pump import MessagePump

P = ParamSpec("P")
T = TypeVar("T")


async def off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in a daemon thread of its own and return its result.

    Not ``asyncio.to_thread``: its executor has few threads, which a long scan would
    hold, and leaving the app would wait for each of them. If the awaiting worker
    is cancelled the thread goes on unseen; long calls take a :class:`Cancel` as well.

    Args:
        function: An engine call. It must not touch a widget.
        *args: Its positional arguments.
        **kwargs: Its named arguments.

    Returns:
        What the function returned.

    Raises:
        Exception: What the function raised.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():  # the awaiting worker was cancelled
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def body() -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = function(*args, **kwargs)
        except StopIteration as error:  # a future can't carry it
            failure = RuntimeError(f"StopIteration from {function!r}: {error}")
        except BaseException as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: the app was left
            loop.call_soon_threadsafe(settle, result, failure)

    name = getattr(function, "__name__", "call")
    threading.Thread(target=body, name=f"engine {name}", daemon=True).start()
    return await future


class Cancel:
    """A flag that a long engine call asks: ``cancelled=cancel``."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask the call to stop at its next safe point."""
        self._event.set()

    def __call__(self) -> bool:
        """Return whether stopping was asked for."""
        return self._event.is_set()


def progress_to(
    target: MessagePump,
    message: Callable[[int, int], Message],
    *,
    interval: float = 0.25,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[int, int], None]:
    """Return a ``progress(done, total)`` for an engine call that posts messages.

    At most one message an interval, and always the last (``done >= total > 0``), so
    that a fast scan does not fill the queue or the wire.

    Args:
        target: The widget, screen or app that the messages go to.
        message: Makes the message from ``done`` and ``total``.
        interval: Seconds between two messages.
        clock: A monotonic clock.
    """
    last = float("-inf")

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = clock()
        if now - last < interval and not done >= total > 0:
            return
        last = now
        post(target, message(done, total))

    return progress


def only_long(
    progress: Callable[[int, int], None],
    *,
    after: float = 0.5,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[int, int], None]:
    """Return a progress that speaks only once the work has taken a while, and not at its end.

    For work that is mostly done before an eye has moved: saying so would only flicker.

    Args:
        progress: What is called then.
        after: Seconds of silence.
        clock: A monotonic clock.
    """
    begun = clock()

    def patient(done: int, total: int) -> None:
        if clock() - begun >= after and done < total:
            progress(done, total)

    return patient


def post(target: MessagePump, message: Message) -> None:
    """Post a message from any thread; one that comes too late is dropped."""
    with contextlib.suppress(RuntimeError):  # the loop is closed: the app was left
        target.post_message(message)


class Poller:
    """Look at something at an interval, in one daemon thread, and post what changed.

    Args:
        target: Where messages go.
        look: Called in the thread; returns a message to post, or None for no change.
            An exception is posted as what ``failed`` makes of it, once until it changes.
        interval: Seconds between the end of one look and the start of the next.
        failed: Makes the message for an exception; without it exceptions pass in silence.
    """

    def __init__(
        self,
        target: MessagePump,
        look: Callable[[], Message | None],
        *,
        interval: float,
        failed: Callable[[Exception], Message] | None = None,
    ) -> None:
        self._target = target
        self._look = look
        self._interval = interval
        self._failed = failed
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="poller", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it is not waited for."""
        self._stop.set()
        self._hurry.set()

    def hurry(self) -> None:
        """Look again now, for example because a run was just started."""
        self._hurry.set()

    def _run(self) -> None:
        said = ""
        while not self._stop.is_set():
            try:
                message = self._look()
                said = ""
            except Exception as error:
                message = None
                if self._failed is not None and repr(error) != said:
                    said = repr(error)
                    message = self._failed(error)
            if message is not None:
                post(self._target, message)
            self._hurry.wait(self._interval)
            self._hurry.clear()
