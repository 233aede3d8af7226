"""Noticing a step that does not end, from the thread that gives signs of life."""

from __future__ import annotations

import faulthandler
import statistics
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from engine.runs.child import Job

SLOW_STEPS = 20
"""How many times as long as the others a step takes before it counts as slow."""

SLOW_S = 120.0
"""A step shorter than this is never called slow, in seconds."""

FIRST_S = 900.0
"""The same for the first steps, which load and compile."""

AGAIN = 5
"""A step that is slow still is named again each time that it has taken this many times as long."""

_WINDOW = 20
_FIRST_STEPS = 3


class StepWatch:
    """Warns of a step that does not end, and writes into the log where it hangs.

    Args:
        job: The run's job.
        clock: Seconds, rising.
        slow_s: See :data:`SLOW_S`.
        first_s: See :data:`FIRST_S`.
    """

    def __init__(
        self,
        job: Job,
        *,
        clock: Callable[[], float] = time.monotonic,
        slow_s: float = SLOW_S,
        first_s: float = FIRST_S,
    ) -> None:
        self._job = job
        self._clock = clock
        self._slow_s = slow_s
        self._first_s = first_s
        self._lock = threading.Lock()
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._step = 0
        self._began: float | None = None
        self._limit = 0.0

    def begin(self, step: int) -> None:
        """A step begins."""
        with self._lock:
            self._step, self._began = step, self._clock()
            known = len(self._recent) >= _FIRST_STEPS
            usual = statistics.median(self._recent) if known else 0.0
            self._limit = max(self._slow_s, SLOW_STEPS * usual) if known else self._first_s

    def end(self) -> None:
        """The step has ended, or was left."""
        with self._lock:
            if self._began is not None:
                self._recent.append(self._clock() - self._began)
            self._began = None

    def look(self) -> None:
        """Warn where the step that is going on takes too long; called with each sign of life."""
        with self._lock:
            if self._began is None:
                return
            taken = self._clock() - self._began
            if taken < self._limit:
                return
            self._limit = AGAIN * taken
            step, usual = self._step, statistics.median(self._recent) if self._recent else None
        before = "" if usual is None else f"; the steps before took {usual:.1f} s"
        message = f"step {step} has not ended for {taken:.0f} s{before}"
        self._job.warn(
            message,
            code="step-slow",
            hint="stdout.log says where it hangs; if it stays, kill the run and resume it",
        )
        print(f"{message}; this is where it is:", file=sys.stderr, flush=True)
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
