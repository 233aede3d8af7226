"""Noticing a step that does not end, from the thread that gives signs of life."""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from engine.runs.child import Job
from engine.runs.hung import (
    FIRST_S,
    HUNG,
    RECENT_STEPS,
    hung_after,
    hung_words,
    usual_s,
)

AGAIN = 5
"""A step that hangs still is named again each time that it has taken this many times as long."""


class StepWatch:
    """Warns of a step that does not end, and writes into the log where it hangs.

    Args:
        job: The run's job.
        clock: Seconds, rising.
        first_s: See :data:`engine.runs.hung.FIRST_S`.
    """

    def __init__(
        self,
        job: Job,
        *,
        clock: Callable[[], float] = time.monotonic,
        first_s: float = FIRST_S,
    ) -> None:
        self._job = job
        self._clock = clock
        self._first_s = first_s
        self._lock = threading.Lock()
        self._recent: deque[float] = deque(maxlen=RECENT_STEPS)
        self._began: float | None = None
        self._limit = 0.0

    def begin(self) -> None:
        """A step begins."""
        with self._lock:
            self._began = self._clock()
            self._limit = hung_after(usual_s(self._recent), first_s=self._first_s)

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
            message = hung_words(taken, usual_s(self._recent))
        self._job.warn(
            message,
            code=HUNG,
            hint="stdout.log says where it hangs; if it stays, kill the run and resume it",
        )
        print(f"{message}; this is where it is:", file=sys.stderr, flush=True)
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
