"""Threads that serve the event loop: results, errors, progress, polling."""

from __future__ import annotations

import asyncio
import threading

import pytest
from textual.app import App
from textual.message import Message

from tests.tui.support import wait_until
from tui.bridge.threads import Cancel, Poller, off_loop, only_long, progress_to
from tui.messages import Progressed


async def test_a_result_comes_back_from_another_thread() -> None:
    here = threading.get_ident()
    assert await off_loop(threading.get_ident) != here
    assert await off_loop(sorted, "ba", reverse=False) == ["a", "b"]


@pytest.mark.parametrize("error", [ValueError("no"), StopIteration("no"), KeyboardInterrupt()])
async def test_an_error_comes_back_too(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises((ValueError, RuntimeError, KeyboardInterrupt)):
        await off_loop(fail)


async def test_whoever_waits_can_be_cancelled_and_the_call_told() -> None:
    cancel, begun, ended = Cancel(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        while not cancel():
            ended.wait(0.001)
        ended.set()

    task = asyncio.create_task(off_loop(work))
    assert await off_loop(begun.wait, 10.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    cancel.set()
    assert await off_loop(ended.wait, 10.0)


def test_the_loop_may_be_gone_when_a_call_ends() -> None:
    release, threads = threading.Event(), threading.active_count()

    async def leave() -> None:
        task = asyncio.create_task(off_loop(release.wait))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("engine"):
            thread.join(10.0)
    assert threading.active_count() <= threads + 1


class Host(App[None]):
    """Collects what is posted to it."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Message] = []

    def on_progressed(self, event: Progressed) -> None:
        self.got.append(event)


async def test_progress_is_thinned_out_and_its_end_always_told() -> None:
    app = Host()
    now = 0.0
    async with app.run_test() as pilot:
        made: list[tuple[int, int]] = []

        def message(done: int, total: int) -> Progressed:
            made.append((done, total))
            return Progressed("scanning", done, total)

        progress = progress_to(app, message, interval=1.0, clock=lambda: now)
        for done in range(10):
            now = done * 0.25
            progress(done, 10)
        progress(10, 10)
        assert made == [(0, 10), (4, 10), (8, 10), (10, 10)]
        await wait_until(pilot, lambda: bool(app.got))


def test_short_work_says_nothing() -> None:
    now, said = 0.0, []
    patient = only_long(lambda done, total: said.append(done), after=0.5, clock=lambda: now)
    patient(1, 10)
    now = 1.0
    patient(5, 10)
    patient(10, 10)
    assert said == [5]


async def test_a_poller_posts_what_changed_and_each_error_once() -> None:
    app = Host()
    looks = 0

    def look() -> Message | None:
        nonlocal looks
        looks += 1
        if looks < 4:
            raise OSError("the disk is away")
        return Progressed("seen", looks, 0) if looks == 5 else None

    async with app.run_test() as pilot:
        poller = Poller(
            app, look, interval=0.001, failed=lambda error: Progressed(str(error), 0, 0)
        )
        poller.start()
        poller.start()
        await wait_until(pilot, lambda: looks > 20)
        poller.stop()
        whats = [event.what for event in app.got if isinstance(event, Progressed)]
        assert whats == ["the disk is away", "seen"]


async def test_a_poller_can_be_hurried() -> None:
    app = Host()
    looks: list[int] = []

    def look() -> None:
        looks.append(1)

    async with app.run_test() as pilot:
        poller = Poller(app, look, interval=3600)
        poller.start()
        await wait_until(pilot, lambda: len(looks) == 1)
        poller.hurry()
        await wait_until(pilot, lambda: len(looks) == 2)
        poller.stop()
