"""What else uses the processor, so that a worker takes no more threads than are free.

llama.cpp's threads meet at a barrier many times a token and spin there. One of them that has
no core for itself holds up all others, so that two threads on two cores that are busy with
something else are slower by a factor of ten than one.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from engine.runs.seats import PROCESSOR, seated
from engine.serve.protocol import Threads

Watched = Literal["runs", "load"]
WATCHED: tuple[Watched, ...] = get_args(Watched)
"""What makes a worker take fewer threads: training runs on the processor, and any other load."""

PERIOD_S = 1.0
CALM = 3
"""Looks in a row that must find more cores free before more threads are taken."""

TOLERANCE = 0.25
"""The part of a core that may be in use and still count as free."""

OTHERS = "other programs"
_WORKER = "engine.serve.worker"


def cores() -> int:
    """Return how many cores this process may use, those of hyper-threading not counted twice."""
    import psutil

    return max(1, min(len(_allowed()), psutil.cpu_count(logical=False) or len(_allowed())))


class Policy:
    """How many threads are taken, from one look at the processor to the next.

    Fewer are taken at once, more only after some looks that agree.

    Args:
        cores: How many cores there are.
    """

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._free = cores
        self._calm = 0

    @property
    def free(self) -> int:
        """How many threads may be taken; at least 1."""
        return max(1, self._free)

    @property
    def busy(self) -> bool:
        """Whether less than all cores are free."""
        return self._free < self._cores

    def see(self, others: float) -> None:
        """Take in a look.

        Args:
            others: How many cores others use, such as 1.3.
        """
        free = min(self._cores, math.floor(self._cores - others + TOLERANCE))
        if free <= self._free:
            self._free, self._calm = free, 0
            return
        self._calm += 1
        if self._calm >= CALM:
            self._free, self._calm = free, 0


@dataclass(frozen=True, slots=True)
class _Look:
    """Seconds of computing up to a time: of all cores, of this process, and of its kin by id."""

    at: float
    all: float
    own: float
    kin: Mapping[int, float] | None


class Beside:
    """Looks once a second, in a thread of its own, at what else uses the processor.

    The process that asks, and the other workers of it, do not count as something else.

    Args:
        most: How many threads an answer takes at most.
        parent: The process that started this one.
        watch: What is looked at.
    """

    def __init__(self, most: int, *, parent: int, watch: Collection[Watched] = WATCHED) -> None:
        self._most = most
        self._cores = cores()
        self._parent = parent
        self._watch = frozenset(watch)
        self._policy = Policy(self._cores)
        self._run = ""
        self._last: _Look | None = None

    def start(self) -> None:
        """Begin to look."""
        if self._watch:
            threading.Thread(target=self._go_on, name="beside", daemon=True).start()

    def threads(self, most: int = 0) -> Threads:
        """Return how many threads an answer takes now.

        Args:
            most: How many it may take; 0 for all.
        """
        most = min(most or self._most, self._most)
        if self._run:
            return Threads(1, most, f"run {self._run}")
        if not self._policy.busy:
            return Threads(most, most)
        # Two workers that answer at once share what is free as they share all cores.
        return Threads(max(1, most * self._policy.free // self._cores), most, OTHERS)

    def _go_on(self) -> None:
        while True:
            self.look()
            time.sleep(PERIOD_S)

    def look(self) -> None:
        """Look once."""
        if "runs" in self._watch:
            self._run = next((run.name for run in seated(PROCESSOR)), "")
        if "load" in self._watch and (others := self._others()) is not None:
            self._policy.see(others)

    def _others(self) -> float | None:
        """Return how many cores others used since the last look; None while it can't be told."""
        before = self._last
        now = self._last = _Look(time.monotonic(), _computing(), sum(os.times()[:2]), None)
        if before is None or now.at - before.at < PERIOD_S / 10:
            return None
        span = now.at - before.at
        used = (now.all - before.all - (now.own - before.own)) / span
        if used <= TOLERANCE:
            return used
        # Only now, since looking through all processes takes some milliseconds.
        kin = self._kin()
        self._last = _Look(now.at, now.all, now.own, kin)
        if before.kin is None or not kin.keys() <= before.kin.keys():
            return None
        return used - sum(kin[pid] - before.kin[pid] for pid in kin) / span

    def _kin(self) -> dict[int, float]:
        """Return the seconds of computing of the parent and of its other workers."""
        import psutil

        found: dict[int, float] = {}
        try:
            parent = psutil.Process(self._parent)
            workers = [one for one in parent.children() if one.pid != os.getpid()]
        except psutil.Error:
            return found
        for process in (parent, *workers):
            try:
                if process is parent or _WORKER in process.cmdline():
                    times = process.cpu_times()
                    found[process.pid] = times.user + times.system
            except psutil.Error:
                continue
        return found


def _computing() -> float:
    """Return the seconds that the cores that this process may use have computed."""
    import psutil

    mine = _allowed()
    kinds = ("user", "nice", "system", "irq", "softirq", "steal")
    return sum(
        getattr(core, kind, 0.0)
        for number, core in enumerate(psutil.cpu_times(percpu=True))
        if number in mine
        for kind in kinds
    )


def _allowed() -> set[int]:
    """Return the numbers of the cores that this process may use."""
    try:
        return set(os.sched_getaffinity(0))
    except AttributeError:  # Not on macOS.
        return set(range(os.cpu_count() or 1))
