"""A worker computes with as many threads as other work leaves it, and says so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.runs.seats import PROCESSOR, take_seat
from engine.serve.beside import CALM, Beside, Policy, cores
from engine.serve.pool import Worker
from engine.serve.protocol import Threads
from tests.support.waiting import wait_until

IDS = [1, 4093, 198, 1780, 314, 260, 3575, 282]
MOST = 2
RUN = "20260101-000000-3f2a"


def threads(worker: Worker) -> dict[str, Any]:
    """Return with how many threads a worker would answer now."""
    headers = {"Authorization": f"Bearer {worker.bearer}"}
    told: dict[str, Any] = httpx.get(worker.url + "/health", headers=headers).json()["threads"]
    return told


async def answered_with(worker: Worker, most: int = 0) -> tuple[list[Threads], Threads]:
    """Return what a worker says of its threads before its answer, and at its end."""
    chunks = [
        chunk
        async for chunk in worker.stream(IDS, temperature=0.0, max_tokens=3, seed=1, threads=most)
    ]
    timing = chunks[-1].timing
    assert timing is not None
    assert timing.threads is not None
    before = [chunk.threads for chunk in chunks if not chunk.text and chunk.threads is not None]
    return before, timing.threads


def test_fewer_threads_at_once_and_more_only_when_it_stays_calm() -> None:
    policy = Policy(8)
    assert (policy.free, policy.busy) == (8, False)
    policy.see(0.2)  # a fifth of one core is nothing
    assert (policy.free, policy.busy) == (8, False)
    policy.see(2.6)
    assert (policy.free, policy.busy) == (5, True)
    policy.see(9.0)  # more than there are: steal, or a clock that was read a little late
    assert (policy.free, policy.busy) == (1, True)
    for _ in range(CALM - 1):
        policy.see(0.0)
    assert policy.free == 1
    policy.see(7.0)  # busy again: the count begins anew
    for _ in range(CALM - 1):
        policy.see(0.0)
    assert policy.free == 1
    policy.see(0.0)
    assert (policy.free, policy.busy) == (8, False)


def test_on_two_cores_anything_else_leaves_one() -> None:
    policy = Policy(2)
    policy.see(0.5)
    assert (policy.free, policy.busy) == (1, True)


@pytest.mark.slow
async def test_a_training_run_on_the_processor_leaves_one_thread_until_it_ends(
    model_file: Path, tmp_path: Path
) -> None:
    with Worker.start(model_file, context=256, threads=MOST, watch=["runs"]) as worker:
        assert await answered_with(worker) == ([], Threads(MOST, MOST))
        assert await answered_with(worker, 1) == ([], Threads(1, 1))
        seat = take_seat(PROCESSOR, tmp_path / RUN)
        try:
            wait_until(lambda: threads(worker)["now"] == 1, what="one thread")
            taken = Threads(1, MOST, f"run {RUN}")
            assert await answered_with(worker) == ([taken], taken)
        finally:
            os.close(seat)
        wait_until(lambda: threads(worker)["now"] == MOST, what="all threads")
        # The context of llama.cpp that had one thread has all of them again.
        assert await answered_with(worker) == ([], Threads(MOST, MOST))


@pytest.fixture
def busy() -> Iterator[None]:
    """Keep every core busy with something that is no worker and no run."""
    spinning = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores())
    ]
    yield
    for process in spinning:
        process.kill()
        process.wait()


@pytest.mark.slow
async def test_a_busy_processor_leaves_one_thread(model_file: Path, busy: None) -> None:
    with Worker.start(model_file, context=256, threads=MOST, watch=["load"]) as worker:
        wait_until(lambda: threads(worker)["beside"] == "other programs", what="the load")
        taken = Threads(1, MOST, "other programs")
        assert await answered_with(worker) == ([taken], taken)


@pytest.mark.slow
def test_only_the_one_who_asks_and_its_workers_are_not_something_else(model_file: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with Worker.start(model_file, context=256, threads=1) as worker:
            kin = Beside(MOST, parent=os.getpid(), watch=["load"])._kin()
            assert {os.getpid(), worker.pid} <= kin.keys()
            assert other.pid not in kin
    finally:
        other.communicate()
